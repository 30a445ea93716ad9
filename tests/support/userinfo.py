"""Somebody of whom everything is known, and what applications are told of her at userinfo."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import col

from app.models.user import User
from app.store import records
from app.store.database import Database
from tests.store.scene import entry
from tests.support.credentials import bearer, change
from tests.support.service import ISSUER, Service, obtain_code, redeem, service
from tests.support.signing import keep_keys

PATH = "/oauth/userinfo"
HERE = f"{ISSUER}{PATH}"
FILES, LEDGER = "https://files.example", "https://ledger.example"
ADA = {
    "name": "Ada Lovelace",
    "name#ja-Kana-JP": "エイダ",
    "email": "ada@example.com",
    "email_verified": True,
    "address": {"locality": "London"},
    "phone_number": "+44 20 1",
    "employment": {"department": "Looms"},
    "unregistered": "is nobody's to read",
}
CLAIMS = {
    "department": {"scopes": ["project:read"], "path": "employment.department"},
    "organizations": {"source": "organizations", "path": "slug"},
}


@asynccontextmanager
async def telling(database: Database) -> AsyncIterator[Service]:
    """Run a server with ada, of whom everything is known, robin, of whom nothing is, and a few applications."""
    resources = {FILES: {}, LEDGER: {"token_format": "jwt"}, ISSUER: {"token_format": "jwt"}}
    async with service(database, claims=CLAIMS, resources=resources) as running:
        await keep_keys(running.server)
        await running.user("robin")
        await change(running, User, await running.user("ada"), claims=ADA)
        await running.application("web")
        await running.application("spa", auth_method="none", kind="browser")
        await running.application("robot", kind="machine", grant_types=("client_credentials",))
        await running.application("pair", openid={"sector": "client.example"})
        yield running


async def tokens_of(site: Service, username: str = "ada", client_id: str = "web", **asked: Any) -> dict[str, Any]:
    """Sign somebody in and return the token answer."""
    sent = {name: asked.pop(name) for name in ("send",) if name in asked}
    async with site.browser() as browser:
        code = await obtain_code(browser, client_id, username, **{"scope": "openid", **asked})
        answer = await redeem(browser, client_id, code, **sent.get("send", {}))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def token_of(site: Service, username: str = "ada", client_id: str = "web", **asked: Any) -> str:
    return str((await tokens_of(site, username, client_id, **asked))["access_token"])


async def told(browser: httpx.AsyncClient, token: str) -> dict[str, Any]:
    answer = await browser.get(PATH, headers=bearer(token))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def id_of(site: Service, username: str) -> UUID:
    async with site.database.transaction() as transaction:
        return (await transaction.scalars(select(col(User.id)).where(col(User.username) == username))).one()


async def record_of(site: Service, user_id: UUID) -> UUID:
    """Return the id of the one record of a person."""
    [record] = await records.list_for_user(site.database, user_id)
    return record.id


async def take_away(site: Service, user_id: UUID, pair: str) -> None:
    record_id, entered = await record_of(site, user_id), entry("authorization.narrowed")
    assert await records.narrow(site.database, record_id, {pair}, site.clock(), entered)


def refused(answer: httpx.Response, status: int, error: str) -> str:
    """Check a refusal that has its challenge, and return the description."""
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    [challenge] = answer.headers.get_list("www-authenticate")
    assert f'realm="{ISSUER}"' in challenge
    assert f'error="{error}"' in challenge
    assert answer.headers["cache-control"] == "no-store"
    return str(answer.json()["error_description"])


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server with people of whom much and little is known."""
    async with telling(database) as running:
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A script without cookies."""
    async with site.browser() as fresh:
        yield fresh
