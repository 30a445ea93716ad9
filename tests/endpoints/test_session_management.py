"""What pages of applications get to notice that a login changed: a member of each answer, a cookie, and a frame."""

from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import sha256
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from app.protocol.session_state import session_state
from app.store.database import Database
from tests.support.service import (
    REDIRECT_URI,
    Service,
    answer_of,
    authorize_url,
    decide,
    fields_of,
    follow,
    service,
    sign_in,
)
from tests.support.signing import keep_keys

STATE = "__Host-assent_state"


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server with session management on, an application and two people."""
    async with service(database, features={"session_management": True}) as running:
        await keep_keys(running.server)
        for username in ("robin", "sam"):
            await running.user(username)
        await running.application("diary")
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which robin is signed in."""
    async with site.browser() as robins:
        assert (await sign_in(robins, "robin")).status_code == 303
        yield robins


async def answered(browser: httpx.AsyncClient, **changes: str) -> dict[str, str]:
    """Return the answer to an authorization request, agreed to where the person is asked."""
    shown = await follow(browser, await browser.get(authorize_url("diary", **{"scope": "openid", **changes})))
    if shown.status_code == 200:
        shown = await decide(browser, shown)
    return answer_of(shown)


def fits(told: str, state: str) -> bool:
    """Tell whether what an answer told fits a state of the browser, as the frame does."""
    return told == session_state("diary", REDIRECT_URI, state, told.partition(".")[2])


@pytest.mark.spec("standards", "SR-6")
@pytest.mark.spec("standards", "LS-1")
async def test_an_answer_tells_what_fits_the_cookie_of_its_browser(browser: httpx.AsyncClient) -> None:
    first, second = [(await answered(browser))["session_state"] for _ in range(2)]
    assert first != second
    assert " " not in first
    assert fits(first, browser.cookies[STATE])
    assert fits(second, browser.cookies[STATE])


@pytest.mark.spec("standards", "LS-1")
@pytest.mark.spec("standards", "LS-3")
async def test_so_does_an_error_and_each_differs(site: Service, browser: httpx.AsyncClient) -> None:
    refused = await answered(browser, prompt="none", scope="openid project:read event:read")
    assert refused["error"] == "consent_required"
    assert fits(refused["session_state"], browser.cookies[STATE])
    async with site.browser() as nobody:
        failed = [await answered(nobody, prompt="none") for _ in range(2)]
        assert {one["error"] for one in failed} == {"login_required"}
        assert all(fits(one["session_state"], "") for one in failed)
        assert failed[0]["session_state"] != failed[1]["session_state"]
        assert STATE not in nobody.cookies


async def test_plain_oauth_is_told_nothing(browser: httpx.AsyncClient) -> None:
    assert "session_state" not in await answered(browser, scope="project:read")
    assert "session_state" not in await answered(browser, scope="nonsense")


@pytest.mark.spec("standards", "LS-2")
@pytest.mark.spec("standards", "SE-1")
async def test_the_cookie_is_for_scripts_in_frames_and_tells_nothing(site: Service) -> None:
    async with site.browser() as browser:
        answer = await sign_in(browser, "robin")
        [cookie] = [one for one in answer.headers.get_list("set-cookie") if one.startswith(f"{STATE}=")]
        value, *attributes = cookie.split("; ")
        assert sorted(attributes) == ["Path=/", "SameSite=none", "Secure"]
        session = browser.cookies["__Host-assent_session"]
        assert value.partition("=")[2] not in session
        assert len(value.partition("=")[2]) == 32


@pytest.mark.spec("standards", "LS-3")
async def test_it_changes_when_somebody_signs_in_or_out_and_only_then(browser: httpx.AsyncClient) -> None:
    robins = browser.cookies[STATE]
    for path in ("/account", "/logout", "/login", authorize_url("diary", scope="openid")):
        answer = await browser.get(path)
        assert not [one for one in answer.headers.get_list("set-cookie") if one.startswith(STATE)], path
    assert (await sign_in(browser, "sam", await browser.get("/logout"))).status_code == 303
    sams = browser.cookies[STATE]
    assert sams != robins
    await browser.post("/logout", data=fields_of(await browser.get("/logout")))
    assert STATE not in browser.cookies or browser.cookies[STATE] != sams


@pytest.mark.spec("standards", "LS-3")
async def test_a_session_that_ran_out_is_told_with_the_next_answer(site: Service, browser: httpx.AsyncClient) -> None:
    assert STATE in browser.cookies
    site.clock.forward(13 * 3600)
    assert (await answered(browser, prompt="none"))["error"] == "login_required"
    assert STATE not in browser.cookies


@pytest.mark.spec("standards", "LS-3")
async def test_a_request_without_the_session_cookie_changes_nothing(site: Service, browser: httpx.AsyncClient) -> None:
    async with site.browser() as framed:  # browsers send a Lax cookie neither in frames of others nor with their forms
        framed.cookies.set(STATE, browser.cookies[STATE], domain="id.example")
        assert (await answered(framed, prompt="none"))["error"] == "login_required"
        asked = dict(parse_qsl(urlsplit(authorize_url("diary", scope="openid", code_challenge=None)).query))
        posted = await framed.post("/oauth/authorize", data=asked)
        assert answer_of(posted)["error"] == "invalid_request"
        assert framed.cookies[STATE] == browser.cookies[STATE]


@pytest.mark.spec("standards", "LS-2")
@pytest.mark.spec("standards", "SE-10")
@pytest.mark.spec("standards", "HD-4")
async def test_the_frame_may_be_framed_and_runs_its_one_script(site: Service) -> None:
    async with site.browser() as browser:
        frame = await browser.get("/oauth/check-session")
        published = (await browser.get("/.well-known/oauth-authorization-server")).json()
    assert published["check_session_iframe"] == "https://id.example/oauth/check-session"
    script = frame.text.split("<script>")[1].split("</script>")[0]
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert frame.headers["content-security-policy"] == (
        f"default-src 'none'; script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors *"
    )
    assert "x-frame-options" not in frame.headers
    assert "set-cookie" not in frame.headers
    assert frame.headers["strict-transport-security"] == "max-age=31536000"
    assert f'data-cookie="{STATE}"' in frame.text


async def test_without_the_feature_there_is_nothing_of_it(database: Database) -> None:
    async with service(database) as running, running.browser() as browser:
        await sign_in(browser, "robin")
        assert STATE not in browser.cookies
        assert "session_state" not in await answered(browser)
        assert (await browser.get("/oauth/check-session")).status_code == 404
