"""Several accounts in one browser: kept, chosen, switched between, left one by one."""

import re
from collections.abc import AsyncIterator
from html import unescape

import httpx
import pytest

from app.protocol.events import Event
from app.protocol.token_format import Credential, Prefix, format_credential, parse_credential
from app.routers.pages.cookies import MOST_OTHERS
from app.store import trail
from app.store.hot_connection import counting_trips
from app.store.trail import Place, Selection
from tests.support.service import (
    Service,
    answer_of,
    authorize_url,
    decide,
    fields_of,
    follow,
    sign_in,
)
from tests.support.service import service as run_service

SESSION, ACCOUNTS = "__Host-assent_session", "__Host-assent_accounts"
_CHOICE = re.compile(r'<button class="choice" name="account" value="([^"]+)">.*?<bdi>([^<]+)</bdi>(.*?)</button>')


@pytest.fixture
async def both(browser: httpx.AsyncClient) -> httpx.AsyncClient:
    """A browser on which robin has signed in, and then sam, who is the present one."""
    await sign_in(browser, "robin")
    await sign_in_besides(browser, "sam")
    return browser


async def sign_in_besides(browser: httpx.AsyncClient, username: str) -> httpx.Response:
    """Sign in as somebody else by the chooser's link."""
    answer = await sign_in(browser, username, await browser.get("/login?account=another"))
    assert answer.status_code == 303, answer.text
    return answer


def choices_of(page: httpx.Response) -> dict[str, str]:
    """Return the value of each account's button by its name, in the order of the page."""
    assert page.status_code == 200, page.text
    return {unescape(name): value for value, name, _ in _CHOICE.findall(page.text)}


async def choose(browser: httpx.AsyncClient, page: httpx.Response, name: str) -> httpx.Response:
    """Press the button of an account."""
    return await browser.post("/select-account", data={**fields_of(page), "account": choices_of(page)[name]})


async def username_on(browser: httpx.AsyncClient) -> str:
    """Return who the present person is."""
    answer = await browser.get("/api/v1/session", headers={"Sec-Fetch-Site": "same-origin"})
    return str(answer.json().get("username", "nobody"))


async def chooser(browser: httpx.AsyncClient, **changes: str) -> httpx.Response:
    """Begin a request that demands the choice of an account, and return its page."""
    return await follow(browser, await browser.get(authorize_url("web", prompt="select_account", **changes)))


async def test_signing_in_as_somebody_else_keeps_the_session_before(both: httpx.AsyncClient) -> None:
    assert await username_on(both) == "sam"
    assert list(choices_of(await both.get("/select-account"))) == ["sam", "robin"]


@pytest.mark.spec("standards", "SE-1")
async def test_the_cookie_of_the_other_accounts_is_no_scripts_and_no_subdomains(browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "robin")
    answer = await sign_in_besides(browser, "sam")
    [set_cookie] = [one for one in answer.headers.get_list("set-cookie") if one.startswith(f"{ACCOUNTS}=")]
    described = {part.strip().lower() for part in set_cookie.split(";")[1:]}
    assert described == {"httponly", "secure", "samesite=lax", "path=/"}


async def test_choosing_an_account_makes_it_the_present_one_and_keeps_the_other(both: httpx.AsyncClient) -> None:
    for name in ("robin", "sam", "sam", "robin"):
        answer = await choose(both, await both.get("/select-account"), name)
        assert (answer.status_code, answer.headers["location"]) == (303, "/account")
        assert await username_on(both) == name
        assert sorted(choices_of(await both.get("/select-account"))) == ["robin", "sam"]


async def test_without_any_account_the_chooser_leads_to_the_sign_in_page(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/select-account")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


async def test_signing_in_again_as_one_of_the_others_does_not_double_him(both: httpx.AsyncClient) -> None:
    await sign_in_besides(both, "robin")
    assert list(choices_of(await both.get("/select-account"))) == ["robin", "sam"]


async def test_a_browser_holds_so_many_accounts_and_the_oldest_goes(site: Service, browser: httpx.AsyncClient) -> None:
    names = [f"crowd{number}" for number in range(MOST_OTHERS + 2)]
    for name in names:
        await site.user(name)
        await sign_in_besides(browser, name)
    held = choices_of(await browser.get("/select-account"))
    assert len(held) == MOST_OTHERS + 1
    assert names[0] not in held
    assert len(browser.cookies[ACCOUNTS].split(".")) == MOST_OTHERS


async def test_signing_out_of_one_account_leaves_the_others(both: httpx.AsyncClient) -> None:
    page = await both.get("/logout")
    assert (await both.post("/logout", data=fields_of(page))).status_code == 200
    assert await username_on(both) == "nobody"
    login = await both.get("/login")
    assert 'id="choose-account"' in login.text
    assert list(choices_of(await both.get("/select-account"))) == ["robin"]
    await choose(both, await both.get("/select-account"), "robin")
    assert await username_on(both) == "robin"


async def test_an_account_whose_session_is_over_needs_the_password(site: Service, both: httpx.AsyncClient) -> None:
    await choose(both, await both.get("/select-account"), "robin")
    before = site.clock.now
    for _ in range(2):
        site.clock.forward(11 * 3600)
        await both.get("/account")
    page = await both.get("/select-account")
    assert [bool("Signed out" in rest) for _, _, rest in _CHOICE.findall(page.text)] == [False, True]
    answer = await choose(both, page, "sam")
    assert answer.headers["location"].startswith("/login?account=")
    login = await both.get(answer.headers["location"])
    assert 'name="username" type="text" value="sam"' in login.text
    assert (await sign_in(both, "sam", login)).status_code == 303
    assert await username_on(both) == "sam"
    assert sorted(choices_of(await both.get("/select-account"))) == ["robin", "sam"]
    site.clock.now = before


@pytest.mark.spec("standards", "OC-6")
@pytest.mark.spec("standards", "OC-7")
async def test_a_request_that_demands_a_choice_goes_on_with_the_chosen_account_and_asks_once(
    both: httpx.AsyncClient,
) -> None:
    page = await chooser(both)
    assert list(choices_of(page)) == ["sam", "robin"]
    assert "Deploy Diary" in page.text
    consent = await follow(both, await choose(both, page, "robin"))
    assert 'id="consent-approve"' in consent.text
    assert "robin@example.com" in consent.text
    assert "code" in answer_of(await decide(both, consent))
    assert await username_on(both) == "robin"


async def test_the_choice_is_written_down(site: Service, both: httpx.AsyncClient) -> None:
    page = await chooser(both)
    chosen = choices_of(page)["robin"]
    await choose(both, page, "robin")
    selection = Selection(events=frozenset({Event.SESSION_CHOSEN}))
    [latest, *_] = (await trail.page(site.database, selection, Place(), 50)).entries
    assert latest.subject_id == chosen


async def test_whoever_changes_his_mind_goes_back_and_chooses_again(both: httpx.AsyncClient, site: Service) -> None:
    page = await chooser(both)
    interaction = fields_of(page)["interaction"]
    await choose(both, page, "robin")
    site.clock.forward(1)
    again = await both.get("/select-account", params={"interaction": interaction})
    consent = await follow(both, await choose(both, again, "sam"))
    assert "sam@example.com" in consent.text


async def test_a_page_from_before_another_choice_is_out_of_date_and_a_second_click_is_not(
    both: httpx.AsyncClient, site: Service
) -> None:
    page = await chooser(both)
    for _ in range(2):
        assert (await choose(both, page, "robin")).status_code == 303
        site.clock.forward(1)
    late = await choose(both, page, "sam")
    assert late.status_code == 400
    assert "This page is out of date" in late.text
    assert await username_on(both) == "robin"


async def test_another_account_signs_in_for_the_same_request_and_ends_nobodys_session(
    browser: httpx.AsyncClient,
) -> None:
    await sign_in(browser, "robin")
    page = await chooser(browser)
    [link] = re.findall(r'id="another-account" href="([^"]+)"', page.text)
    login = await browser.get(unescape(link))
    assert "Deploy Diary" in login.text
    consent = await follow(browser, await sign_in(browser, "sam", login))
    assert "sam@example.com" in consent.text
    assert "code" in answer_of(await decide(browser, consent))
    assert list(choices_of(await browser.get("/select-account"))) == ["sam", "robin"]


async def test_whoever_has_to_confirm_that_it_is_he_can_be_somebody_else(browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "robin")
    confirm = await follow(browser, await browser.get(authorize_url("web", prompt="login consent")))
    assert "Confirm that it is you" in confirm.text
    refused = await sign_in(browser, "sam", confirm)
    assert refused.status_code == 303, "the field cannot be changed: robin's password is sam's here"
    assert await username_on(browser) == "robin"
    confirm = await follow(browser, await browser.get(authorize_url("web", prompt="login consent")))
    [link] = re.findall(r'id="another-account" href="([^"]+)"', confirm.text)
    consent = await follow(browser, await sign_in(browser, "sam", await browser.get(unescape(link))))
    assert "sam@example.com" in consent.text


async def test_the_consent_page_offers_to_switch_for_the_same_request(both: httpx.AsyncClient) -> None:
    consent = await follow(both, await choose(both, await chooser(both, scope="org:read"), "sam"))
    [link] = re.findall(r'href="(/select-account\?interaction=[^"]+)"', consent.text)
    switched = await follow(both, await choose(both, await both.get(unescape(link)), "robin"))
    assert "robin@example.com" in switched.text


@pytest.mark.spec("standards", "SE-7")
async def test_a_choice_counts_for_the_browser_of_the_request_alone(site: Service, both: httpx.AsyncClient) -> None:
    page = await chooser(both)
    async with site.browser() as other:
        await sign_in(other, "robin")
        await sign_in_besides(other, "sam")
        own = await other.get("/select-account")
        stolen = {**fields_of(own), "interaction": fields_of(page)["interaction"], "account": choices_of(own)["robin"]}
        assert (await other.post("/select-account", data=stolen)).status_code == 400
    assert (await choose(both, page, "sam")).headers["location"].startswith("/oauth/authorize/resume?")


@pytest.mark.spec("standards", "SE-6")
async def test_no_other_site_chooses(both: httpx.AsyncClient) -> None:
    page = await both.get("/select-account")
    fields = {**fields_of(page), "account": choices_of(page)["robin"]}
    for headers, changes in (({"Sec-Fetch-Site": "cross-site"}, {}), ({}, {"csrf": "x"})):
        answer = await both.post("/select-account", data=fields | changes, headers=headers)
        assert answer.status_code == 403
    assert await username_on(both) == "sam"


@pytest.mark.spec("standards", "SE-9")
async def test_no_link_signs_anybody_in_or_changes_who_is_present(both: httpx.AsyncClient) -> None:
    robin = choices_of(await both.get("/select-account"))["robin"]
    for path in (
        f"/select-account?account={robin}",
        f"/login?account={robin}",
        "/login?account=another&username=robin&password=violet",
    ):
        await follow(both, await both.get(path))
        assert await username_on(both) == "sam"


async def test_an_account_that_the_browser_does_not_hold_cannot_be_chosen(
    site: Service, both: httpx.AsyncClient
) -> None:
    async with site.browser() as other:
        await sign_in(other, "robin")
        [elsewhere] = choices_of(await other.get("/select-account")).values()
    for account in (elsewhere, "", "nonsense", "another"):
        page = await both.get("/select-account")
        answer = await both.post("/select-account", data={**fields_of(page), "account": account})
        assert (answer.status_code, answer.headers["location"]) == (303, "/select-account")
    assert await username_on(both) == "sam"


async def test_a_credential_with_another_secret_is_nobodys_account(both: httpx.AsyncClient) -> None:
    held = parse_credential(Prefix.SESSION, both.cookies[ACCOUNTS])
    assert held is not None
    forged = format_credential(Prefix.SESSION, Credential(held.id, b"f" * 32))
    both.cookies.delete(ACCOUNTS)
    both.cookies.set(ACCOUNTS, f"{forged}.nonsense..{forged}", domain="id.example")
    assert list(choices_of(await both.get("/select-account"))) == ["sam"]


async def test_switching_leads_back_to_the_page_that_was_asked_for(both: httpx.AsyncClient) -> None:
    await both.post("/logout", data=fields_of(await both.get("/logout")))
    login = await both.get((await both.get("/account/tokens")).headers["location"])
    [link] = re.findall(r'id="choose-account" href="([^"]+)"', login.text)
    answer = await choose(both, await both.get(unescape(link)), "robin")
    assert answer.headers["location"] == "/account/tokens"


async def test_other_accounts_cost_one_trip_and_only_where_there_are_any(
    site: Service, browser: httpx.AsyncClient
) -> None:
    async def trips() -> list[str]:
        with counting_trips() as sent:
            assert (await browser.get(authorize_url("web"))).status_code == 303
        return sent

    await sign_in(browser, "robin")
    alone = await trips()
    await sign_in_besides(browser, "sam")
    assert "held_sessions" not in alone
    assert (await trips()).count("held_sessions") == 1


@pytest.fixture(scope="module")
async def open_site(site: Service) -> AsyncIterator[Service]:
    """The same server, on which people may make themselves an account."""
    async with run_service(site.database, features={"sign_up": True}) as running:
        yield running


def typed(username: str, **changes: str) -> dict[str, str]:
    """Return what somebody types to get an account."""
    password = "violet anchor plum taxi"
    fields = {"username": username, "email": f"{username}@new.example", "password": password}
    return {**fields, "password_confirm": password, **changes}


async def test_there_is_no_sign_up_unless_the_operator_wants_it(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/sign-up")).status_code == 404
    assert 'id="sign-up"' not in (await browser.get("/login")).text


async def test_somebody_makes_himself_an_account_and_is_signed_in(open_site: Service) -> None:
    async with open_site.browser() as browser:
        [link] = re.findall(r'id="sign-up" href="([^"]+)"', (await browser.get("/login")).text)
        form = fields_of(await browser.get(unescape(link)))
        answer = await browser.post("/sign-up", data={**form, **typed("newcomer")})
        assert (answer.status_code, answer.headers["location"]) == (303, "/account")
        assert await username_on(browser) == "newcomer"


async def test_signing_up_goes_on_with_the_request_and_keeps_who_was_there(open_site: Service) -> None:
    async with open_site.browser() as browser:
        await sign_in(browser, "robin")
        page = await follow(browser, await browser.get(authorize_url("web", prompt="create")))
        assert "Create an account" in page.text
        assert "Deploy Diary" in page.text
        answer = await browser.post("/sign-up", data={**fields_of(page), **typed("created")})
        consent = await follow(browser, answer)
        assert "created@new.example" in consent.text
        assert "code" in answer_of(await decide(browser, consent))
        assert list(choices_of(await browser.get("/select-account"))) == ["created", "robin"]


async def test_what_is_wrong_is_said_at_its_field_and_passwords_never_come_back(open_site: Service) -> None:
    async with open_site.browser() as browser:
        form = fields_of(await browser.get("/sign-up"))
        for changes, field in (
            ({"username": "robin"}, "username"),
            ({"username": "a@b"}, "username"),
            ({"email": "nowhere"}, "email"),
            ({"password": "short", "password_confirm": "short"}, "password"),
            ({"password": "passwordpassword", "password_confirm": "passwordpassword"}, "password"),
            ({"password_confirm": "violet anchor plum tax"}, "password-confirm"),
        ):
            answer = await browser.post("/sign-up", data={**form, **typed("nobody-yet"), **changes})
            assert answer.status_code == 422, changes
            assert f'id="{field}-error"' in answer.text, changes
            assert "violet" not in answer.text
        assert await username_on(browser) == "nobody"


async def test_an_address_that_signs_up_too_often_waits(site: Service) -> None:
    strict = {"features": {"sign_up": True}, "limits": {"registrations": 1}}
    async with run_service(site.database, **strict) as running, running.browser() as browser:
        running.clock.forward(3600)
        form = fields_of(await browser.get("/sign-up"))
        assert (await browser.post("/sign-up", data={**form, **typed("first-here")})).status_code == 303
        form = fields_of(await browser.get("/sign-up"))
        answer = await browser.post("/sign-up", data={**form, **typed("second-here")})
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "600")
        assert "too many new accounts" in answer.text
