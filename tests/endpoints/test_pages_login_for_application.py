"""Signing in for an application that waits: bound to one browser, one request, and one person where he must confirm."""

import httpx

from app.store.database import Database
from tests.support.service import (
    PASSWORD,
    Service,
    answer_of,
    authorize_url,
    decide,
    fields_of,
    follow,
    service,
    sign_in,
)


async def begin(browser: httpx.AsyncClient, *, prompt: str = "consent", **changes: str | None) -> httpx.Response:
    """Begin an authorization request that ends at the consent page, whatever was allowed before."""
    return await follow(browser, await browser.get(authorize_url("web", prompt=prompt, **changes)))


async def login_page(browser: httpx.AsyncClient, *, prompt: str = "consent", **changes: str | None) -> httpx.Response:
    """Begin an authorization request that leads to the sign-in page first."""
    page = await begin(browser, prompt=prompt, **changes)
    assert 'id="login-submit"' in page.text, page.text
    return page


async def test_the_page_names_the_application_and_its_host(browser: httpx.AsyncClient) -> None:
    page = await login_page(browser)
    assert "to continue to" in page.text
    assert "Deploy Diary" in page.text
    assert "client.example" in page.text


async def test_the_name_that_the_client_expects_is_filled_in(browser: httpx.AsyncClient) -> None:
    page = await login_page(browser, login_hint='sam"><b>')
    assert 'name="username" type="text" value="sam&#34;&gt;&lt;b&gt;"' in page.text


async def test_a_hint_changes_nothing_about_who_must_confirm(browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "robin")
    page = await login_page(browser, prompt="login consent", login_hint="sam")
    assert 'value="robin"' in page.text
    assert 'value="sam"' not in page.text


async def test_after_the_login_the_request_goes_on(browser: httpx.AsyncClient) -> None:
    answer = await sign_in(browser, "robin", await login_page(browser))
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/oauth/authorize/resume?interaction=asin_")
    assert 'id="consent-approve"' in (await follow(browser, answer)).text


async def test_a_failed_try_keeps_the_request(browser: httpx.AsyncClient) -> None:
    page = await login_page(browser)
    failed = await browser.post("/login", data={**fields_of(page), "username": "robin", "password": "wrong"})
    assert failed.status_code == 422
    assert fields_of(failed)["interaction"] == fields_of(page)["interaction"]
    assert 'id="consent-approve"' in (await follow(browser, await sign_in(browser, "robin", failed))).text


async def test_another_browser_cannot_use_the_reference(site: Service, browser: httpx.AsyncClient) -> None:
    reference = fields_of(await login_page(browser))["interaction"]
    async with site.browser() as victim:
        own = fields_of(await victim.get("/login"))
        seen = await victim.get("/login", params={"interaction": reference})
        sent = await victim.post(
            "/login", data={**own, "interaction": reference, "username": "robin", "password": PASSWORD}
        )
        for refused in (seen, sent):
            assert refused.status_code == 400
            assert "This page is out of date" in refused.text
        assert not [cookie for cookie in victim.cookies.jar if "session" in cookie.name]


async def test_two_tabs_keep_their_own_requests(browser: httpx.AsyncClient) -> None:
    first = await login_page(browser, state="first")
    second = await login_page(browser, state="second")
    consent = await follow(browser, await sign_in(browser, "robin", second))
    other = await follow(browser, await sign_in(browser, "robin", first))
    assert answer_of(await decide(browser, other))["state"] == "first"
    consent = await follow(browser, await browser.get("/consent", params=_reference(consent)))
    assert answer_of(await decide(browser, consent))["state"] == "second"


async def test_a_login_page_left_open_goes_on_when_another_tab_has_signed_in(browser: httpx.AsyncClient) -> None:
    waiting = await login_page(browser)
    await sign_in(browser, "robin")
    again = await browser.get("/login", params=_reference(waiting))
    assert again.status_code == 303
    assert 'id="consent-approve"' in (await follow(browser, again)).text


async def test_a_fresh_login_confirms_the_same_person_and_no_other(browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "robin")
    page = await login_page(browser, prompt="login consent")
    assert "Confirm that it is you" in page.text
    assert 'value="robin"' in page.text
    typed = {**fields_of(page), "username": "sam", "password": "not the password of robin"}
    assert (await browser.post("/login", data=typed)).status_code == 422
    as_sam = await sign_in(browser, "sam", page)
    assert as_sam.status_code == 303
    desk = await browser.get("/account")
    assert "robin" in desk.text
    assert "sam@" not in desk.text


async def test_a_fresh_login_satisfies_its_request_once_and_does_not_loop(browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "robin")
    page = await login_page(browser, prompt="login consent")
    before = [cookie.value for cookie in browser.cookies.jar if "session" in cookie.name]
    shown = await follow(browser, await sign_in(browser, "robin", page))
    assert 'id="consent-approve"' in shown.text
    assert [cookie.value for cookie in browser.cookies.jar if "session" in cookie.name] != before
    assert 'id="login-submit"' in (await login_page(browser, prompt="login consent")).text


async def test_an_old_login_is_asked_to_be_renewed(site: Service, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "robin")
    assert 'id="consent-approve"' in (await begin(browser, max_age="60")).text
    site.clock.forward(60)
    assert "Confirm that it is you" in (await login_page(browser, max_age="60")).text


async def test_a_request_that_waited_too_long_is_out_of_date(site: Service, browser: httpx.AsyncClient) -> None:
    page = await login_page(browser)
    site.clock.forward(600)
    for answer in (await browser.get("/login", params=_reference(page)), await sign_in(browser, "robin", page)):
        assert answer.status_code == 400
        assert "This page is out of date" in answer.text


def _reference(page: httpx.Response) -> dict[str, str]:
    return {"interaction": fields_of(page)["interaction"]}


async def test_a_page_that_is_out_of_date_says_how_long_decisions_are_kept(database: Database) -> None:
    async with service(database, lifetimes={"interaction": 120}) as brisk, brisk.browser() as browser:
        for path in ("/login", "/consent", "/oauth/authorize/resume"):
            page = await browser.get(path, params={"interaction": "invented"})
            assert (page.status_code, "kept for 2 minutes" in page.text) == (400, True), path
