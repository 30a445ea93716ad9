"""Signing out at a server in this process: its applications, their links, and what a browser holds before and after."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from app.protocol.events import Event
from app.protocol.openid_settings import OpenIdSettings
from app.store import trail
from app.store.database import Database
from app.store.trail import Place, Selection
from tests.support.service import Service, fields_of, obtain_code, redeem, service, sign_in
from tests.support.signing import keep_keys

BYE = "https://client.example/bye"
LOGOUT = "/oauth/logout"
CROSS_SITE = {"Origin": "https://client.example", "Sec-Fetch-Site": "cross-site"}
SESSION, ACCOUNTS = "__Host-assent_session", "__Host-assent_accounts"

APPLICATIONS = {
    "diary": OpenIdSettings("ES256", post_logout_redirect_uris=(BYE,)),
    "notes": OpenIdSettings(
        "ES256",
        post_logout_redirect_uris=(BYE,),
        frontchannel_logout_uri="https://client.example/out?tenant=1",
        frontchannel_logout_session_required=True,
    ),
    "plain": OpenIdSettings("ES256"),
    "strayed": OpenIdSettings("ES256", frontchannel_logout_uri="https://elsewhere.example/out"),
}
"""What they registered: addresses to return to, a page for a frame, nothing, and a page that is not its own."""


@asynccontextmanager
async def signing_out(database: Database, **settings: Any) -> AsyncIterator[Service]:
    """Run a server with `APPLICATIONS`, and with robin and sam."""
    async with service(database, **settings) as running:
        await keep_keys(running.server)
        for username in ("robin", "sam"):
            await running.user(username)
        for client_id, told in APPLICATIONS.items():
            await running.application(client_id, name=client_id.capitalize(), openid=told.stored)
        yield running


async def id_token(browser: httpx.AsyncClient, client_id: str = "diary") -> str:
    """Have the person who is signed in sign in to an application, and return what that gets."""
    answer = await redeem(browser, client_id, await obtain_code(browser, client_id, "", scope="openid"))
    assert answer.status_code == 200, answer.text
    told: str = answer.json()["id_token"]
    return told


async def ask(browser: httpx.AsyncClient, **params: str) -> httpx.Response:
    """Follow an application's link to sign out."""
    return await browser.get(f"{LOGOUT}?{urlencode(params)}")


async def confirm(browser: httpx.AsyncClient, page: httpx.Response) -> httpx.Response:
    """Press the button of the page that asks."""
    assert page.status_code == 200, page.text
    assert 'id="logout-confirm"' in page.text
    return await browser.post("/logout", data=fields_of(page))


async def is_signed_in(browser: httpx.AsyncClient) -> bool:
    """Tell whether the browser's present session is alive."""
    return (await browser.get("/account")).status_code == 200


def refused(answer: httpx.Response) -> bool:
    """Tell whether it is the page that nobody is sent on from, with the offer to sign out here."""
    sent_on = {"location", "refresh"} & answer.headers.keys()
    return answer.status_code in (400, 413) and not sent_on and 'href="/logout"' in answer.text


async def ended(site: Service) -> list[dict[str, Any]]:
    """Return what the trail says about sessions that ended, the latest first."""
    page = await trail.page(site.database, Selection(events=frozenset({Event.SESSION_ENDED})), Place(), 50)
    return [dict(entry.data) for entry in page.entries]


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server with applications that sign people out, and a few people."""
    async with signing_out(database) as running:
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which robin is signed in."""
    async with site.browser() as robins:
        assert (await sign_in(robins, "robin")).status_code == 303
        yield robins
