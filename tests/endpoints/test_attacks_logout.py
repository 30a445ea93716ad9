"""Attacks on signing out and on what is to outlive it: by addresses, by long values, by permissions taken back."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.models import Application
from app.store.database import Database
from tests.support.credentials import change
from tests.support.openid_request import ES256, ask, tokens
from tests.support.service import SECRET, Service, sign_in
from tests.support.signing_out import BYE, LOGOUT, confirm, is_signed_in, refused, signing_out
from tests.support.signing_out import ask as ask_to_sign_out
from tests.support.userinfo import id_of, take_away


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    async with signing_out(database) as running:
        own = await running.application("own", openid=ES256)
        await change(running, Application, own, self_registered=True)
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which robin is signed in."""
    async with site.browser() as robins:
        assert (await sign_in(robins, "robin")).status_code == 303
        yield robins


@pytest.mark.spec("standards", "LO-4")
@pytest.mark.parametrize("way", ["link", "form"])
@pytest.mark.parametrize(
    "state", ["x" * 4096, "€" * 1000, "\"><script>\r\n&amp;'" * 50], ids=["long", "wide", "markup"]
)
async def test_no_state_keeps_anybody_from_signing_out(browser: httpx.AsyncClient, state: str, way: str) -> None:
    asked = {"client_id": "diary", "post_logout_redirect_uri": BYE, "state": state, "logout_hint": "é" * 4096}
    if way == "link":
        page = await ask_to_sign_out(browser, **asked)
    else:
        page = await browser.get((await browser.post(LOGOUT, data=asked)).headers["location"])
    assert "<script>" not in page.text
    gone = await confirm(browser, page)
    assert gone.headers["location"].startswith(f"{BYE}?state=")
    assert parse_qs(urlsplit(gone.headers["location"]).query)["state"] == [state]
    assert not await is_signed_in(browser)


@pytest.mark.spec("standards", "LO-6")
async def test_a_state_that_no_address_could_carry_is_refused_before_anybody_is_asked(
    browser: httpx.AsyncClient,
) -> None:
    answer = await ask_to_sign_out(browser, client_id="diary", post_logout_redirect_uri=BYE, state="€" * 4096)
    assert refused(answer)
    assert await is_signed_in(browser)


@pytest.mark.spec("standards", "OC-4")
@pytest.mark.parametrize("prompt", ["none", " none", "none ", "none none"])
async def test_no_page_is_shown_however_none_is_spelled(site: Service, prompt: str) -> None:
    async with site.browser() as nobodys:
        answer = await nobodys.get(ask("own", prompt=prompt))
    assert answer.status_code == 303
    assert "error=login_required" in answer.headers["location"]


async def refreshed(browser: httpx.AsyncClient, got: dict[str, Any]) -> int:
    """Refresh; `got` holds the new tokens afterwards."""
    data = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
    answer = await browser.post("/oauth/token", data=data, auth=("diary", SECRET))
    got |= answer.json()
    return answer.status_code


@pytest.mark.spec("standards", "LB-5")
@pytest.mark.parametrize("order", ["signs_out_first", "takes_back_first"])
async def test_what_may_no_longer_work_offline_ends_with_the_session(
    site: Service, browser: httpx.AsyncClient, order: str
) -> None:
    got = await tokens(browser, "diary", scope="openid offline_access")
    robin = await id_of(site, "robin")
    if order == "signs_out_first":
        await confirm(browser, await browser.get("/logout"))
        assert await refreshed(browser, got) == 200, "that is what was allowed"
        await take_away(site, robin, "offline_access")
    else:
        await take_away(site, robin, "offline_access")
        assert await refreshed(browser, got) == 200, "the person is still here"
        await confirm(browser, await browser.get("/logout"))
    assert await refreshed(browser, got) == 400
