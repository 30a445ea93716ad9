"""Sign-out that an application asks for: when the person is asked, what ends, and where the browser goes."""

from html import unescape
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from sqlalchemy import text

from app.protocol.openid_settings import OpenIdSettings
from app.store.database import Database
from tests.support.service import ISSUER, Service, fields_of, follow, service, sign_in
from tests.support.signing_out import (
    BYE,
    CROSS_SITE,
    LOGOUT,
    SESSION,
    ask,
    confirm,
    ended,
    id_token,
    is_signed_in,
    refused,
)
from tests.support.signing_out import browser as browser
from tests.support.signing_out import site as site

IDLE = 12 * 3600


@pytest.mark.spec("standards", "HD-3")
@pytest.mark.spec("standards", "LO-1")
@pytest.mark.spec("standards", "LO-3")
@pytest.mark.spec("standards", "LO-4")
@pytest.mark.spec("standards", "LO-5")
async def test_the_id_token_of_this_very_session_ends_it_at_once(site: Service, browser: httpx.AsyncClient) -> None:
    hint, session = await id_token(browser), browser.cookies[SESSION]
    answer = await ask(browser, id_token_hint=hint, post_logout_redirect_uri=BYE, state="s 1&", ui_locales="de en")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{BYE}?state=s+1%26")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert SESSION not in browser.cookies
    assert (await ended(site))[0] == {"reason": "signed out", "asked_by": "diary"}
    browser.cookies.set(SESSION, session)
    assert not await is_signed_in(browser)


@pytest.mark.spec("standards", "LO-2")
async def test_an_id_token_counts_after_its_end(site: Service, browser: httpx.AsyncClient) -> None:
    hint = await id_token(browser)
    site.clock.forward(IDLE - 60)
    answer = await ask(browser, id_token_hint=hint, client_id="diary", post_logout_redirect_uri=BYE)
    assert (answer.status_code, answer.headers["location"]) == (303, BYE)
    assert not await is_signed_in(browser)


async def test_signing_in_again_leaves_the_id_token_good(browser: httpx.AsyncClient) -> None:
    hint = await id_token(browser)
    page = await browser.get("/login?again=1")
    assert (await sign_in(browser, "robin", page)).status_code == 303
    assert (await ask(browser, id_token_hint=hint, post_logout_redirect_uri=BYE)).status_code == 303
    assert not await is_signed_in(browser)


@pytest.mark.spec("standards", "LO-3")
@pytest.mark.spec("standards", "LO-4")
@pytest.mark.spec("standards", "SE-6")
async def test_without_a_hint_the_person_is_asked_and_then_sent_on(browser: httpx.AsyncClient) -> None:
    page = await ask(browser, client_id="diary", post_logout_redirect_uri=BYE, state="7")
    assert "<bdi>Diary</bdi> at <b>client.example</b> asks to sign you out" in page.text
    assert BYE not in page.text
    assert await is_signed_in(browser)
    for forged in ({"csrf": ""}, {"csrf": "x"}, fields_of(page) | {"csrf": "x"}):
        assert (await browser.post("/logout", data=forged)).status_code == 403
    assert (await browser.post("/logout", data=fields_of(page), headers=CROSS_SITE)).status_code == 403
    assert await is_signed_in(browser)
    answer = await confirm(browser, page)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{BYE}?state=7")
    assert not await is_signed_in(browser)


async def test_the_page_belongs_to_its_browser_and_its_ten_minutes(site: Service, browser: httpx.AsyncClient) -> None:
    fields = fields_of(await ask(browser, client_id="diary", post_logout_redirect_uri=BYE))
    async with site.browser() as other:
        await sign_in(other, "sam")
        own = fields_of(await other.get("/logout"))
        stolen = await other.post("/logout", data=own | {"request": fields["request"]})
        assert (stolen.status_code, await is_signed_in(other)) == (400, True)
    site.clock.forward(600)
    late = await browser.post("/logout", data=fields)
    assert (late.status_code, await is_signed_in(browser)) == (400, True)
    assert "This page is out of date" in late.text


async def test_only_the_session_that_the_page_was_about_ends(browser: httpx.AsyncClient) -> None:
    page = await ask(browser, client_id="diary", post_logout_redirect_uri=BYE)
    await confirm(browser, await browser.get("/logout"))
    await sign_in(browser, "sam")
    answer = await browser.post("/logout", data=fields_of(page))
    assert (answer.status_code, answer.headers["location"]) == (303, BYE)
    assert await is_signed_in(browser)


@pytest.mark.spec("standards", "LO-2")
@pytest.mark.spec("standards", "LO-3")
async def test_the_id_token_of_another_browser_ends_nothing_unasked(site: Service, browser: httpx.AsyncClient) -> None:
    async with site.browser() as elsewhere:
        await sign_in(elsewhere, "robin")
        hint = await id_token(elsewhere)
        page = await ask(browser, id_token_hint=hint, post_logout_redirect_uri=BYE)
        assert await is_signed_in(browser)
        assert (await confirm(browser, page)).headers["location"] == BYE
        assert await is_signed_in(elsewhere)
        assert not await is_signed_in(browser)


@pytest.mark.spec("standards", "LO-2")
@pytest.mark.spec("standards", "LO-6")
async def test_what_this_server_has_not_issued_as_an_id_token_is_refused(
    site: Service, browser: httpx.AsyncClient
) -> None:
    good = await id_token(browser)
    head, body, signature = good.split(".")
    sign = site.server.keyring.sign
    claims = {"iss": ISSUER, "sub": "x", "aud": "diary", "iat": 1, "exp": 2}
    bad = {
        "changed": f"{head}.{body[:-4]}AAAA.{signature}",
        "unsigned": f"eyJhbGciOiJub25lIn0.{body}.",
        "garbage": "garbage",
        "another issuer": sign(site.clock(), "ES256", "JWT", claims | {"iss": "https://evil.example"}),
        "an access token": sign(site.clock(), "ES256", "at+jwt", claims),
        "a logout token": sign(site.clock(), "ES256", "logout+jwt", claims),
        "for several": sign(site.clock(), "ES256", "JWT", claims | {"aud": ["diary", "notes"]}),
        "for nobody": sign(site.clock(), "ES256", "JWT", claims | {"aud": "nobody"}),
    }
    for name, hint in bad.items():
        answer = await ask(browser, id_token_hint=hint, post_logout_redirect_uri=BYE, state="1")
        assert refused(answer), name
        assert "You are still signed in here." in answer.text
    assert await is_signed_in(browser)


@pytest.mark.spec("standards", "LO-2")
@pytest.mark.spec("standards", "LO-5")
@pytest.mark.spec("standards", "LO-6")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"client_id": "notes"}, "client_id is not the application"),
        ({"post_logout_redirect_uri": f"{BYE}?a=b"}, "post_logout_redirect_uri is not registered"),
        ({"post_logout_redirect_uri": "https://evil.example/"}, "post_logout_redirect_uri is not registered"),
        ({"state": "x" * 5000}, "state is longer than 4096 characters"),
    ],
    ids=["another client", "a query", "another site", "endless"],
)
async def test_a_mistake_shows_a_page_and_ends_nothing(
    browser: httpx.AsyncClient, changes: dict[str, str], said: str
) -> None:
    good = {"id_token_hint": await id_token(browser), "post_logout_redirect_uri": BYE}
    answer = await ask(browser, **good | changes)
    assert refused(answer)
    assert said in unescape(answer.text)
    assert await is_signed_in(browser)


@pytest.mark.spec("standards", "LO-5")
@pytest.mark.spec("standards", "LO-6")
@pytest.mark.parametrize(
    "query",
    [
        f"{urlencode({'post_logout_redirect_uri': BYE})}",
        f"client_id=nobody&{urlencode({'post_logout_redirect_uri': BYE})}",
        "client_id=nobody",
        "state=1&state=2",
        "state=%ff",
        "state=%",
    ],
)
async def test_so_does_one_without_an_application_or_a_meaning(browser: httpx.AsyncClient, query: str) -> None:
    assert refused(await browser.get(f"{LOGOUT}?{query}"))
    assert await is_signed_in(browser)


@pytest.mark.spec("standards", "LO-6")
async def test_where_nobody_is_signed_in_nothing_is_wrong(site: Service, browser: httpx.AsyncClient) -> None:
    hint = await id_token(browser)
    for _ in range(2):
        answer = await ask(browser, id_token_hint=hint, post_logout_redirect_uri=BYE, state="1")
        assert (answer.status_code, answer.headers["location"]) == (303, f"{BYE}?state=1")
    async with site.browser() as nobody:
        page = await nobody.get(LOGOUT)
        assert (page.status_code, "You are signed out" in page.text) == (200, True)
        page = await ask(nobody, client_id="diary", post_logout_redirect_uri=BYE, state="1")
        assert page.status_code == 200
        assert f'id="return-link" href="{BYE}?state=1"' in page.text
        assert "refresh" not in page.headers


async def test_an_application_that_registered_itself_leads_nobody_away_unasked(
    site: Service, browser: httpx.AsyncClient
) -> None:
    told = OpenIdSettings("ES256", post_logout_redirect_uris=(BYE,))
    await site.application("agent", openid=told.stored)
    async with site.database.transaction() as transaction:
        await transaction.execute(text("update application set self_registered = true where client_id = 'agent'"))
    hint = await id_token(browser, "agent")
    async with site.browser() as nobody:
        page = await ask(nobody, id_token_hint=hint, post_logout_redirect_uri=BYE)
        assert (page.status_code, f'id="return-link" href="{BYE}"' in page.text) == (200, True)
        posted = await nobody.post(LOGOUT, data={"id_token_hint": hint, "post_logout_redirect_uri": BYE})
        assert (await follow(nobody, posted)).status_code == 200
    answer = await ask(browser, id_token_hint=hint, post_logout_redirect_uri=BYE)
    assert (answer.status_code, answer.headers["location"]) == (303, BYE)


@pytest.mark.spec("standards", "LO-1")
async def test_a_form_from_another_site_becomes_a_link_that_tells_nothing(
    site: Service, browser: httpx.AsyncClient
) -> None:
    hint = await id_token(browser)
    sent = {"id_token_hint": hint, "post_logout_redirect_uri": BYE, "state": "1"}
    async with site.browser() as without_cookies:
        answer = await without_cookies.post(LOGOUT, data=sent, headers=CROSS_SITE)
    location = answer.headers["location"]
    assert (answer.status_code, urlsplit(location).path) == (303, "/oauth/logout/resume")
    assert answer.headers["cache-control"] == "no-store"
    assert hint not in location
    assert "client" not in location
    answer = await browser.get(location)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{BYE}?state=1")
    assert not await is_signed_in(browser)


async def test_such_a_link_is_good_for_ten_minutes(site: Service, browser: httpx.AsyncClient) -> None:
    answer = await browser.post(LOGOUT, data={"client_id": "diary"}, headers=CROSS_SITE)
    page = await follow(browser, answer)
    assert 'id="logout-confirm"' in page.text
    site.clock.forward(600)
    late = await browser.get(answer.headers["location"])
    assert (late.status_code, "This page is out of date" in late.text) == (400, True)
    for invented in ("", "x", "é", "A" * 60, "A" * 20_000, answer.headers["location"][-40:]):
        assert (await browser.get(f"{LOGOUT}/resume?{urlencode({'request': invented})}")).status_code == 400


async def test_a_body_that_is_no_form_is_refused(browser: httpx.AsyncClient) -> None:
    assert refused(await browser.post(LOGOUT, json={"client_id": "diary"}))
    large = await browser.post(LOGOUT, data={"state": "x" * 1_000_001})
    assert large.status_code == 413
    assert refused(await browser.post(LOGOUT, data={"client_id": ["a", "b"]}))


async def test_it_is_no_place_for_scripts_of_other_sites(browser: httpx.AsyncClient) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        answer = await browser.request(method, LOGOUT, headers=CROSS_SITE, data={} if method == "POST" else None)
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("switched_off", ["rp_initiated_logout", "frontchannel_logout"])
async def test_what_is_switched_off_is_not_there(database: Database, switched_off: str) -> None:
    async with service(database, features={switched_off: False}) as running, running.browser() as nobody:
        published = (await nobody.get("/.well-known/oauth-authorization-server")).json()
        assert ("end_session_endpoint" in published) is (switched_off != "rp_initiated_logout")
        assert ("frontchannel_logout_supported" in published) is (switched_off != "frontchannel_logout")
        assert (await nobody.get(LOGOUT)).status_code == (404 if switched_off == "rp_initiated_logout" else 200)
