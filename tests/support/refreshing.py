"""Applications that refresh without a pause, each its own family of tokens: a load that notices every lost answer."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from app.outbound.visitor import Visitor
from app.services.round_trip import STEPS, Cast, Walk
from tests.support.server import Server

CLIENT_ID, CLIENT_SECRET = "load", "load-secret-0123456789-abcdefghij"
REDIRECT_URI = "https://load.invalid/callback"
PASSWORD = "seven-quiet-harbours-at-dawn"
DATA = {
    "users": [{"username": "robin", "password": PASSWORD}],
    "applications": [
        {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "client_secret_basic",
        }
    ],
}
"""What the server must know: apply it at its start."""


@dataclass(slots=True)
class Family:
    """One family: the last refresh token that the server acknowledged, and how many it has acknowledged."""

    refresh_token: str = field(repr=False)
    acknowledged: int = 0
    refusals: list[str] = field(default_factory=list)


def sign_in(server: Server) -> Family:
    """Walk from sign-in to the first tokens."""
    cast = Cast("robin", PASSWORD, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, ("project:read",))

    async def walk_on() -> Family:
        async with Visitor(ca_file=str(server.ca_file) if server.ca_file else None) as visitor:
            walk = Walk(server.issuer, cast, visitor)
            for _title, step in STEPS[:5]:
                await step(walk)
            return Family(walk.tokens["refresh_token"])

    return asyncio.run(walk_on())


def refresh(client: httpx.Client, family: Family) -> bool:
    """Refresh once. False: the fate of the request is unknown, the token in hand is still the acknowledged one."""
    form = {"grant_type": "refresh_token", "refresh_token": family.refresh_token}
    try:
        answer = client.post("/oauth/token", data=form, auth=(CLIENT_ID, CLIENT_SECRET))
    except httpx.HTTPError:
        return False
    if answer.status_code == 200:
        family.refresh_token = answer.json()["refresh_token"]
        family.acknowledged += 1
        return True
    if answer.status_code < 500:
        family.refusals.append(answer.text)
    return False


@contextmanager
def load(server: Server, families: list[Family]) -> Iterator[None]:
    """Let every family refresh in a thread of its own for the length of the block."""
    over = threading.Event()

    def work(family: Family) -> None:
        with server.client() as client:
            while not over.is_set() and not family.refusals:
                if not refresh(client, family):
                    over.wait(0.02)

    threads = [threading.Thread(target=work, args=(family,)) for family in families]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
