"""Races against a running server: many connections, evenly over its workers, do the same thing at the same moment."""

import asyncio
import os
import secrets
import signal
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx

from app.crypto.hashing import digest
from app.crypto.secrets import new_id, random_bytes
from app.protocol.facts import Authentication, ClientFact
from app.protocol.token_format import Credential, Prefix, format_credential
from app.store import users
from app.store.database import Database
from app.store.orders import AuditEntry, AuthorizationSettlement, NewCode
from app.store.users import SignInAccount
from tests.support.database import FreshDatabase
from tests.support.facts import CHALLENGE
from tests.support.processes import children, command_of
from tests.support.server import Server, directory_for_server, running_server
from tests.support.service import PASSWORD, REDIRECT_URI, SECRET

CONNECTIONS = 20
WORKERS = 2
SCOPES = tuple(f"area{number:02}:read" for number in range(50))
CLIENT_ID, USERNAME = "web", "robin"
_DATA: dict[str, list[dict[str, Any]]] = {
    "users": [{"username": USERNAME, "password": PASSWORD}],
    "applications": [
        {
            "client_id": CLIENT_ID,
            "client_secret": SECRET,
            "client_name": "Deploy Diary",
            "redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "client_secret_basic",
        }
    ],
}


@dataclass(frozen=True, slots=True)
class RacedServer:
    """A server with its workers, the test's own way into its database, and the two that authorizations are between."""

    server: Server
    fresh: FreshDatabase
    database: Database
    client: ClientFact
    user: SignInAccount

    async def new_code(self, *scopes: str) -> str:
        """Return a fresh code, as the consent page would issue it."""
        now = datetime.now(UTC)
        client = await self.database.hot.gather_client(self.client.client_id)
        assert client is not None
        credential = Credential(new_id(now), random_bytes())
        code = NewCode(
            id=credential.id,
            digest=digest(credential.secret),
            scopes=scopes,
            resources=(),
            authentication=Authentication(auth_time=now, amr=("pwd",)),
            redirect_uri=REDIRECT_URI,
            code_challenge=CHALLENGE,
            nonce=None,
            offline=True,
            expires_at=now + timedelta(seconds=60),
        )
        order = AuthorizationSettlement(
            interaction_id=None,
            now=now,
            application_id=client.id,
            user_id=self.user.id,
            user_epoch=self.user.epoch,
            application_epoch=client.epoch,
            pairs=scopes,
            new_record_id=new_id(now),
            code=code,
            audit=self._entry(now),
        )
        assert await self.database.hot.settle_authorization(order)
        return format_credential(Prefix.AUTHORIZATION_CODE, credential)

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Ask the database behind the server's back."""
        connection = await asyncpg.connect(self.fresh.superuser_url)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(query, *arguments)
            return rows
        finally:
            await connection.close()

    def browser(self) -> httpx.AsyncClient:
        """Return a browser of its own: keeps cookies, does not follow redirects."""
        return httpx.AsyncClient(base_url=self.server.issuer, timeout=60)

    @asynccontextmanager
    async def rivals(
        self, count: int = CONNECTIONS, *, browser: httpx.AsyncClient | None = None
    ) -> AsyncIterator[list[httpx.AsyncClient]]:
        """Open `count` connections, half of them to either worker, and yield the client of each.

        While a worker's connections are opened the others sleep, for a listening socket is first come, first served.
        With `browser`, all of them are that person's.
        """
        workers = [pid for pid in children(self.server.process.pid) if "app.cli.worker" in command_of(pid)]
        assert len(workers) == WORKERS
        share = count // len(workers)
        limits = httpx.Limits(max_connections=share, max_keepalive_connections=share)
        clients: list[httpx.AsyncClient] = []
        async with AsyncExitStack() as stack:
            for worker in workers:
                cookies = browser.cookies if browser else None
                client = httpx.AsyncClient(base_url=self.server.issuer, limits=limits, cookies=cookies, timeout=60)
                clients.append(await stack.enter_async_context(client))
                with asleep(pid for pid in workers if pid != worker):
                    await asyncio.gather(*(client.get("/health/live") for _ in range(share)))
            yield clients * share

    def _entry(self, now: datetime) -> AuditEntry:
        return AuditEntry(
            id=new_id(now),
            at=now,
            event="authorization.granted",
            request_id="race",
            actor_kind="user",
            actor_id=str(self.user.id),
            user_id=self.user.id,
            application_id=self.client.id,
            subject_id=self.client.client_id,
            address="127.0.0.1",
            data={},
        )


@asynccontextmanager
async def raced_server(
    database: Database,
    fresh: FreshDatabase,
    *,
    refresh_grace: int = 30,
    further: Iterable[str] = (),
    tables: str = "",
    applications: Iterable[Mapping[str, Any]] = (),
    people: Iterable[str] = (),
) -> AsyncIterator[RacedServer]:
    """Run a server with two workers on a database of the tests' clusters.

    `further` are scopes besides `SCOPES`, `tables` further ones of the settings file, `applications` those besides web,
    `people` those besides robin, with `PASSWORD`.
    """
    with directory_for_server() as directory:
        lines = [f"[lifetimes]\nrefresh_grace = {refresh_grace}"]
        lines += [f'[scopes."{scope}"]\ndescription = "See {scope}"' for scope in (*SCOPES, *further)]
        (directory / "assent.toml").write_text("\n".join([*lines, tables]))
        accounts = [*_DATA["users"], *({"username": name, "password": PASSWORD} for name in people)]
        data = {"users": accounts, "applications": [*_DATA["applications"], *applications]}
        settings = {
            "DATABASE_URL": fresh.runtime_url,
            "DATABASE_OWNER_URL": fresh.owner_url,
            "SECRET_KEY": secrets.token_urlsafe(48),
        }
        with running_server(directory, workers=WORKERS, data=data, settings=settings) as server:
            client = await database.hot.gather_client(CLIENT_ID)
            user = await users.find_for_sign_in(database, USERNAME)
            assert client is not None
            assert user is not None
            yield RacedServer(server, fresh, database, client, user)


@contextmanager
def asleep(processes: Iterable[int]) -> Iterator[None]:
    """Let processes sleep for the length of the block."""
    sleeping: list[int] = []
    try:
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
            sleeping.append(pid)
        yield
    finally:
        for pid in sleeping:
            os.kill(pid, signal.SIGCONT)


def errors_of(answers: Iterable[httpx.Response]) -> set[tuple[int, Any]]:
    """Return the different ways in which requests were refused: status and error code."""
    return {(answer.status_code, answer.json()["error"]) for answer in answers if answer.status_code != 200}


async def refresh(client: httpx.AsyncClient, token: str) -> httpx.Response:
    """Refresh as the application."""
    data = {"grant_type": "refresh_token", "refresh_token": token}
    return await client.post("/oauth/token", data=data, auth=(CLIENT_ID, SECRET))


async def active(client: httpx.AsyncClient, token: str) -> bool:
    """Introspect as the application."""
    answer = await client.post("/oauth/introspect", data={"token": token}, auth=(CLIENT_ID, SECRET))
    return bool(answer.json()["active"])
