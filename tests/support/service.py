"""The whole application in this process, on a database of the module's own, with a clock that tests can move."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

import httpx
from starlette.types import ASGIApp

from app.crypto.envelope import open_vault
from app.crypto.hashing import digest
from app.crypto.passwords import hash_password
from app.crypto.secrets import new_id
from app.main import assemble, furnish, pages_of
from app.pipeline.server import Server
from app.protocol.tokens.refresh_chain import ServerKeys
from app.settings import Settings
from app.store import applications, users
from app.store.applications import Description
from app.store.database import Database
from app.store.users import NewUser
from tests.support.facts import CHALLENGE, VERIFIER

ISSUER = "https://id.example"
REDIRECT_URI = "https://client.example/callback"
PASSWORD = "a long enough password"
SECRET = "client-secret-of-these-tests"
KEYS = ServerKeys(current=1, by_version={1: b"k" * 32})
VAULT = open_vault(b"root secret of these tests, 32 bytes")
PASSWORD_HASH = hash_password(PASSWORD)


@dataclass(slots=True)
class Clock:
    """A clock that stands until it is moved."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


@dataclass(slots=True)
class Service:
    """The running application and shortcuts for what tests need first."""

    app: ASGIApp
    server: Server
    database: Database
    clock: Clock

    def browser(self) -> httpx.AsyncClient:
        """Return a new browser: cookies of its own, redirects not followed."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=ISSUER)

    async def application(self, client_id: str, **changes: Any) -> UUID:
        """Register an application: confidential, Basic, with `SECRET`, unless changed by keyword."""
        application_id = new_id(self.clock())
        described: dict[str, Any] = {
            "name": "Deploy Diary",
            "kind": "web",
            "owner_user_id": None,
            "owner_name": "Saltbarn",
            "client_uri": "",
            "auth_method": "client_secret_basic",
            "redirect_uris": (REDIRECT_URI,),
            "grant_types": ("authorization_code", "refresh_token"),
            "response_types": ("code",),
            "scopes": None,
            "optional_scopes": (),
            "policy": {},
            "registration": {},
            "unmet": (),
            **changes,
        }
        digests = () if described["auth_method"] == "none" else (digest(SECRET.encode()),)
        async with self.database.transaction() as transaction:
            await applications.insert_application(
                *(transaction, application_id, client_id, Description(**described), digests, self.clock()),
                verified=True,
            )
        return application_id

    async def user(self, username: str, *, operator: bool = False) -> UUID:
        """Register a person with `PASSWORD`."""
        user_id = new_id(self.clock())
        async with self.database.transaction() as transaction:
            await users.insert_user(
                transaction,
                NewUser(
                    id=user_id,
                    username=username,
                    username_key=username.casefold(),
                    email=f"{username}@example.com",
                    email_key=f"{username}@example.com",
                    password_hash=PASSWORD_HASH,
                    created_at=self.clock(),
                    operator=operator,
                ),
            )
        return user_id


@asynccontextmanager
async def service(database: Database, **settings: Any) -> AsyncIterator[Service]:
    """Run the application on an open database."""
    configured = Settings(**{"issuer": ISSUER, **settings}).configuration()
    clock = Clock()
    for table in ("access_token", "audit", "decision_trace"):
        await database.ensure_partition(table, clock())
    pages = pages_of(configured)
    server = furnish(pages, configured, database, KEYS, clock, VAULT)
    app = assemble(configured, pages)
    yield Service(app, server, database, clock)
    await server.traces.flush()


def authorize_url(client_id: str | None, **changes: str | list[str] | None) -> str:
    """Return the address of an authorization request with PKCE, changed by keyword; None leaves a parameter out."""
    params: dict[str, str | list[str] | None] = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": REDIRECT_URI,
        "scope": "project:read",
        "state": "xyz",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    given = {name: value for name, value in params.items() if value is not None}
    return "/oauth/authorize?" + urlencode(given, doseq=True)


def fields_of(page: httpx.Response) -> dict[str, str]:
    """Return the hidden fields of a page's form."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
    return {name: unescape(value) for name, value in found}


def answer_of(response: httpx.Response) -> dict[str, str]:
    """Return the parameters of a redirect to the client."""
    location = response.headers["location"]
    assert response.status_code == 303, response.text
    return dict(parse_qsl(urlsplit(location).query))


async def sign_in(browser: httpx.AsyncClient, username: str, page: httpx.Response | None = None) -> httpx.Response:
    """Fill in the login page, the given one or a plain one; return the answer."""
    shown = page or await browser.get("/login")
    return await browser.post("/login", data={**fields_of(shown), "username": username, "password": PASSWORD})


async def follow(browser: httpx.AsyncClient, response: httpx.Response) -> httpx.Response:
    """Follow redirects as long as they stay on the server."""
    while response.status_code == 303 and not urlsplit(response.headers["location"]).netloc:
        response = await browser.get(response.headers["location"])
    return response


async def decide(
    browser: httpx.AsyncClient, page: httpx.Response, decision: str = "approve", **more: Any
) -> httpx.Response:
    """Press a button of the consent page."""
    return await browser.post("/consent", data={**fields_of(page), "decision": decision, **more})


async def obtain_code(
    browser: httpx.AsyncClient, client_id: str, username: str, **changes: str | list[str] | None
) -> str:
    """Walk from the authorization request to the code, through whatever pages are shown."""
    response = await follow(browser, await browser.get(authorize_url(client_id, **changes)))
    if response.status_code == 200 and 'id="login-submit"' in response.text:
        response = await follow(browser, await sign_in(browser, username, response))
    if response.status_code == 200 and 'id="consent-approve"' in response.text:
        response = await decide(browser, response)
    return answer_of(response)["code"]


async def redeem(browser: httpx.AsyncClient, client_id: str, code: str, **changes: Any) -> httpx.Response:
    """Exchange a code with Basic authentication."""
    data = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
        **changes,
    }
    return await browser.post(
        "/oauth/token", data={k: v for k, v in data.items() if v is not None}, auth=(client_id, SECRET)
    )
