"""What a sign-out takes along: one of several accounts, and the applications that are told in frames."""

import asyncio
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from sqlalchemy import text

from app.crypto.jose import peek
from app.protocol.frontchannel import MOST_FRAMES
from tests.support.service import ISSUER, Service, sign_in
from tests.support.signing_out import (
    ACCOUNTS,
    APPLICATIONS,
    BYE,
    LOGOUT,
    SESSION,
    ask,
    confirm,
    ended,
    id_token,
    is_signed_in,
)
from tests.support.signing_out import browser as browser
from tests.support.signing_out import site as site


def hold_also(browser: httpx.AsyncClient, other: httpx.AsyncClient) -> None:
    """Have a browser hold the session of another one besides its own."""
    browser.cookies.set(ACCOUNTS, other.cookies[SESSION], domain="id.example")


async def test_of_several_accounts_the_one_that_is_meant_ends_and_the_others_stay(
    site: Service, browser: httpx.AsyncClient
) -> None:
    hint = await id_token(browser)
    async with site.browser() as second:
        await sign_in(second, "sam")
        hold_also(second, browser)
        answer = await ask(second, id_token_hint=hint, post_logout_redirect_uri=BYE)
        assert answer.status_code == 303
        assert ACCOUNTS not in second.cookies
        assert await is_signed_in(second)
        assert not await is_signed_in(browser)


@pytest.mark.spec("standards", "LO-1")
async def test_logout_hint_says_whom_to_ask_about(site: Service, browser: httpx.AsyncClient) -> None:
    async with site.browser() as second:
        await sign_in(second, "sam")
        hold_also(second, browser)
        page = await ask(second, logout_hint="Robin@example.com")
        assert "robin@example.com" in page.text
        after = await confirm(second, page)
        assert "1 other account stays signed in on this browser" in after.text
        assert await is_signed_in(second)
        assert not await is_signed_in(browser)


@pytest.mark.spec("standards", "LF-1")
@pytest.mark.spec("standards", "LF-2")
@pytest.mark.spec("standards", "LO-4")
async def test_applications_are_opened_in_frames_before_the_browser_goes_on(browser: httpx.AsyncClient) -> None:
    sid = claims_of(await id_token(browser, "notes"))["sid"]
    for client_id in ("plain", "strayed"):
        await id_token(browser, client_id)
    answer = await ask(browser, id_token_hint=await id_token(browser), post_logout_redirect_uri=BYE, state="1")
    assert answer.status_code == 200
    assert answer.headers["refresh"] == f"2; url={BYE}?state=1"
    assert f'id="return-link" href="{BYE}?state=1"' in answer.text
    [frame] = [part.partition('"')[0] for part in answer.text.split('<iframe src="')[1:]]
    url = urlsplit(unescape(frame))
    assert (url.netloc, url.path) == ("client.example", "/out")
    assert parse_qsl(url.query) == [("tenant", "1"), ("iss", ISSUER), ("sid", sid)]
    assert answer.headers["content-security-policy"].endswith("; frame-src https://client.example")
    told, untold = answer.text.split("These may keep you signed in")
    assert "Notes" in told
    assert "Strayed" in untold
    assert "Plain" in untold
    assert not await is_signed_in(browser)


@pytest.mark.spec("standards", "LF-1")
async def test_our_own_page_opens_the_frames_too_and_stays(browser: httpx.AsyncClient) -> None:
    await id_token(browser, "notes")
    page = await browser.get("/logout")
    assert "<bdi>Notes</bdi>" in page.text
    answer = await confirm(browser, page)
    assert answer.text.count("<iframe") == 1
    assert "refresh" not in answer.headers
    assert "return-link" not in answer.text


async def test_an_application_of_a_session_before_hears_nothing_of_this_one(browser: httpx.AsyncClient) -> None:
    await id_token(browser, "notes")
    await confirm(browser, await browser.get("/logout"))
    await sign_in(browser, "robin")
    assert "<iframe" not in (await confirm(browser, await browser.get("/logout"))).text


async def test_twenty_at_once_end_the_session_once(site: Service, browser: httpx.AsyncClient) -> None:
    hint, before = await id_token(browser), len(await ended(site))
    header = {"Cookie": "; ".join(f"{name}={browser.cookies[name]}" for name in (SESSION, "__Host-assent_browser"))}
    url = f"{LOGOUT}?{urlencode({'id_token_hint': hint, 'post_logout_redirect_uri': BYE})}"
    async with site.browser() as crowd:
        answers = await asyncio.gather(*(crowd.get(url, headers=header) for _ in range(20)))
    assert {(one.status_code, one.headers["location"]) for one in answers} == {(303, BYE)}
    assert len(await ended(site)) == before + 1


async def test_neither_log_nor_trail_holds_the_id_token(
    site: Service, browser: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    hint = await id_token(browser)
    await ask(browser, id_token_hint=hint, post_logout_redirect_uri=BYE, state="a-state-of-its-own")
    async with site.database.transaction() as transaction:
        trailed = str((await transaction.execute(text("select string_agg(data::text, ' ') from audit"))).scalar())
    said = capsys.readouterr()
    for kept in (trailed, said.out, said.err):
        assert hint.rpartition(".")[2] not in kept
        assert "a-state-of-its-own" not in kept


def claims_of(token: str) -> dict[str, Any]:
    """Return what a token claims."""
    return dict(peek(token).claims)


async def test_of_very_many_applications_the_first_have_frames_and_the_others_are_named(
    site: Service, browser: httpx.AsyncClient
) -> None:
    """The header that allows the frames has an end, or a proxy would refuse the page of somebody who is signed out."""
    await id_token(browser, "notes")
    for number in range(MOST_FRAMES):
        client_id = f"framed-{number:02}"
        await site.application(client_id, name=f"Aa {number:02}", openid=APPLICATIONS["notes"].stored)
        await id_token(browser, client_id)
    answer = await confirm(browser, await browser.get("/logout"))
    assert answer.text.count("<iframe") == MOST_FRAMES
    assert "Notes" in answer.text.split("These may keep you signed in")[1]
