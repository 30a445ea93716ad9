"""Where agents and MCP servers meet: the demo, a second notes server that asks about every token, and a website that
has the metadata document of an agent."""

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from app.cli import demo_notes
from app.crypto import jose
from tests.support.agents import CALLBACK
from tests.support.demo import RunningDemo, free_port, running_demo
from tests.support.far_server import FarServer, answer, far_server, trust
from tests.support.login import Person
from tests.support.server import directory_for_server

PATIENCE = 60.0
PASSWORD = "violet anchor plum taxi"
PEOPLE = ("robin", "sam", "kim", "lee", "kay")
SECRET_AGENT = {
    "client_id": "office-agent",
    "client_secret": "office-agent-keeps-0123/456+789-abcdefghij=to-itself",
    "token_endpoint_auth_method": "client_secret_basic",
}
"""A registered agent that authenticates by HTTP Basic; its secret has characters that have to be quoted there."""

NIGHT_KEY = jose.generate("ES256")
NIGHT_AGENT = {
    "client_id": "night-agent",
    "token_endpoint_auth_method": "private_key_jwt",
    "jwks": {"keys": [jose.public_part(NIGHT_KEY)]},
}
"""An agent without a person, which proves its key."""

_SERVER = {"client_id": "notes-server", "client_secret": "notes-server-keeps-0123456789-abcdefghij-to-itself"}
_CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Place:
    """`checks` is an MCP server that checks tokens by itself, as `make run` starts it; `asks` asks about them.

    `document` is the client ID of an agent that introduces itself by what `website` has there.
    """

    demo: RunningDemo
    checks: str
    asks: str
    document: str
    website: FarServer

    async def take_away(self, client: Mapping[str, Any], token: str) -> None:
        """Revoke an access token, as the application that has it."""
        async with httpx.AsyncClient() as anybody:
            form = {"token": token, "client_id": client["client_id"]}
            answered = await anybody.post(f"{self.demo.issuer}/oauth/revoke", data=form)
        assert answered.status_code == 200, answered.text


def person(name: str) -> Person:
    """Return one of `PEOPLE`."""
    return Person(name, PASSWORD)


@contextlib.asynccontextmanager
async def mcp_place() -> AsyncIterator[Place]:
    """Start everything, and end it whatever happens."""
    with directory_for_server() as directory:
        trusted = trust(directory, "localhost")
        async with far_server(trusted.context) as website:
            where = f"localhost:{website.port}"
            document = f"https://{where}/agents/field.json"
            website.says = answer(json.dumps(_document(document)).encode())
            asks = demo_notes.url_at(free_port())
            settings = {"OUTBOUND__ALLOW": json.dumps([where]), "OUTBOUND__CA_FILE": trusted.ca_file}
            with running_demo(data=_data(asks), settings=settings) as demo:
                async with _notes_server(demo.issuer, asks):
                    yield Place(demo, demo.server.told("MCP server"), asks, document, website)


def _document(client_id: str) -> dict[str, Any]:
    return {
        "client_id": client_id,
        "client_name": "Field agent",
        "redirect_uris": [CALLBACK, "http://localhost/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    }


def _data(asks: str) -> dict[str, Any]:
    return {
        "users": [{"username": name, "password": PASSWORD} for name in PEOPLE],
        "resources": [
            {
                "identifier": asks,
                "name": "Notes that ask",
                "scopes": list(demo_notes.SCOPES),
                "introspection_clients": [_SERVER["client_id"]],
            }
        ],
        "applications": [
            {**_SERVER, "grant_types": ["client_credentials"]},
            {**NIGHT_AGENT, "grant_types": ["client_credentials"], "response_types": []},
            {**SECRET_AGENT, "redirect_uris": [CALLBACK], "grant_types": ["authorization_code", "refresh_token"]},
        ],
    }


@contextlib.asynccontextmanager
async def _notes_server(issuer: str, url: str) -> AsyncIterator[None]:
    """Run the example as its README says, with a secret."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("NOTES_")},
        "NOTES_ISSUER": issuer,
        "NOTES_URL": url,
        "NOTES_CLIENT_ID": _SERVER["client_id"],
        "NOTES_CLIENT_SECRET": _SERVER["client_secret"],
    }
    quiet = asyncio.subprocess.DEVNULL
    command = (sys.executable, "-m", "examples.mcp_server.main")
    notes = await asyncio.create_subprocess_exec(*command, env=environment, cwd=_CHECKOUT, stdout=quiet, stderr=quiet)
    try:
        await _answering(notes, url)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            notes.terminate()
        await notes.wait()


async def _answering(notes: asyncio.subprocess.Process, url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    async with httpx.AsyncClient() as anybody:
        while True:
            with contextlib.suppress(httpx.TransportError):
                assert (await anybody.post(url, json={})).status_code == 401
                return
            assert notes.returncode is None, "the notes server has ended"
            assert time.monotonic() < deadline, "the notes server does not answer"
            await asyncio.sleep(0.02)
