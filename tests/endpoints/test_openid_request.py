"""OpenID Connect requests at the wire: who is asked, and for whom the answer is."""

import json
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.crypto import jose
from app.protocol.authorize.interaction import Asked, Prompt
from app.protocol.errors import ErrorCode, OAuthError
from app.routers.pages.prompts import page_for
from app.store.database import Database
from app.store.hot_connection import counting_trips
from tests.support.facts import session
from tests.support.openid_request import ES256, ask, tokens
from tests.support.service import (
    PASSWORD,
    Service,
    answer_of,
    decide,
    fields_of,
    follow,
    redeem,
    service,
    sign_in,
)
from tests.support.signing import keep_keys


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server with keys; `diary` signs robin and sam in, `club` knows them by subjects of its own."""
    async with service(database) as running:
        await keep_keys(running.server)
        await running.user("robin")
        await running.user("sam")
        await running.application("diary", openid=ES256)
        await running.application("club", openid={**ES256, "sector": "client.example"})
        await running.application("web")
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without cookies."""
    async with site.browser() as fresh:
        yield fresh


async def sub_of(browser: httpx.AsyncClient, answer: httpx.Response, client_id: str = "diary") -> str:
    """Return whom a code is for."""
    bought = await redeem(browser, client_id, answer_of(answer)["code"])
    sub: str = jose.peek(bought.json()["id_token"]).claims["sub"]
    return sub


async def sign_in_beside(browser: httpx.AsyncClient, username: str) -> None:
    """Sign in as another person while somebody is signed in."""
    page = await browser.get("/login?account=another")
    answer = await sign_in(browser, username, page)
    assert answer.status_code == 303, answer.text


def place_of(response: httpx.Response) -> tuple[str, dict[str, list[str]]]:
    """Return the path that an answer leads to, and its query."""
    assert response.status_code == 303, response.text
    parts = urlsplit(response.headers["location"])
    return parts.path, parse_qs(parts.query)


@pytest.mark.spec("standards", "OC-12")
async def test_an_id_token_says_who_is_meant_also_after_its_end(site: Service, browser: httpx.AsyncClient) -> None:
    hint = (await tokens(browser))["id_token"]
    sub = jose.peek(hint).claims["sub"]
    site.clock.forward(2 * 3600)
    answer = await browser.get(ask(prompt="none", id_token_hint=hint))
    assert await sub_of(browser, answer) == sub
    async with site.browser() as nobody:
        assert answer_of(await nobody.get(ask(prompt="none", id_token_hint=hint)))["error"] == "login_required"
        await sign_in(nobody, "sam")
        assert answer_of(await nobody.get(ask(prompt="none", id_token_hint=hint)))["error"] == "login_required"


@pytest.mark.spec("standards", "OC-12")
async def test_whoever_signs_in_as_somebody_else_is_not_answered_for(site: Service, browser: httpx.AsyncClient) -> None:
    hint = (await tokens(browser))["id_token"]
    async with site.browser() as sams:
        await sign_in(sams, "sam")
        path, query = place_of(await sams.get(ask(id_token_hint=hint, login_hint="robin")))
        assert (path, query["account"]) == ("/login", ["another"])
        page = await sams.get(ask(id_token_hint=hint, login_hint="robin"), follow_redirects=True)
        assert 'value="robin"' in page.text
        refused = await follow(sams, await sign_in(sams, "sam", page))
        assert answer_of(refused)["error"] == "login_required"
        page = await sams.get(ask(id_token_hint=hint), follow_redirects=True)
        answer = await follow(sams, await sign_in(sams, "robin", page))
        assert await sub_of(sams, answer) == jose.peek(hint).claims["sub"]


@pytest.mark.spec("standards", "OC-12")
async def test_what_this_server_did_not_sign_for_this_application_is_no_hint(
    site: Service, browser: httpx.AsyncClient
) -> None:
    bought = await tokens(browser)
    hint = bought["id_token"]
    head, body, signature = hint.split(".")
    forged = f"{head}.{body}.{signature[::-1]}"
    other = (await tokens(browser, "club"))["id_token"]
    for text in (forged, f"{head}.{body}.", "no token", bought["access_token"], other, "x" * 20_000):
        answer = answer_of(await browser.get(ask(prompt="none", id_token_hint=text)))
        assert answer["error"] == "invalid_request", text
        assert "id_token_hint" in answer["error_description"]
    sealed = answer_of(await browser.get(ask(prompt="none", id_token_hint=f"{hint}.x.y")))
    assert "send the signed one that is inside it" in sealed["error_description"]
    posted = await browser.post("/oauth/authorize", data=dict(parse_qs_flat(ask(id_token_hint=forged))))
    assert answer_of(posted)["error"] == "invalid_request"
    assert "code" in answer_of(await browser.get(ask(prompt="none", id_token_hint=hint)))


def parse_qs_flat(url: str) -> list[tuple[str, str]]:
    """Return the parameters of an address."""
    return [(name, values[0]) for name, values in parse_qs(urlsplit(url).query).items()]


@pytest.mark.spec("standards", "OC-12")
@pytest.mark.spec("standards", "OC-13")
async def test_people_are_named_by_what_the_application_calls_them_also_after_it_was_disconnected(
    site: Service, browser: httpx.AsyncClient
) -> None:
    hint = (await tokens(browser, "club"))["id_token"]
    sub = jose.peek(hint).claims["sub"]
    assert sub != jose.peek((await tokens(browser))["id_token"]).claims["sub"]
    named = json.dumps({"id_token": {"sub": {"value": sub}}})
    for how in ({"id_token_hint": hint}, {"claims": named}):
        assert await sub_of(browser, await browser.get(ask("club", prompt="none", **how)), "club") == sub
    listed = await browser.get("/api/v1/authorizations", headers={"Sec-Fetch-Site": "same-origin"})
    record = next(one["id"] for one in listed.json()["items"] if one["application"]["client_id"] == "club")
    page = await browser.get(f"/account/applications/{record}/disconnect")
    await browser.post(f"/account/applications/{record}/disconnect", data=fields_of(page))
    again = await follow(browser, await browser.get(ask("club", id_token_hint=hint)))
    assert await sub_of(browser, await decide(browser, again), "club") == sub


@pytest.mark.spec("standards", "OC-4")
@pytest.mark.spec("standards", "OC-6")
async def test_of_two_accounts_the_person_chooses_once_and_then_the_application_knows(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("choosy", openid=ES256)
    subs = {}
    for username in ("robin", "sam"):
        async with site.browser() as own:
            subs[username] = jose.peek((await tokens(own, "choosy", username))["id_token"]).claims["sub"]
    await sign_in(browser, "robin")
    await sign_in_beside(browser, "sam")
    assert answer_of(await browser.get(ask("choosy", prompt="none")))["error"] == "account_selection_required"
    asked = await browser.get(ask("choosy"))
    assert place_of(asked)[0] == "/select-account"
    page = await follow(browser, asked)
    account = choices(page)["robin"]
    chosen = await browser.post("/select-account", data={**fields_of(page), "account": account})
    assert await sub_of(browser, await follow(browser, chosen), "choosy") == subs["robin"]
    assert await sub_of(browser, await browser.get(ask("choosy", prompt="none")), "choosy") == subs["robin"]
    assert place_of(await browser.get(ask("choosy", prompt="select_account")))[0] == "/select-account"


def choices(page: httpx.Response) -> dict[str, str]:
    """Return the accounts of the chooser: what the form sends, by username."""
    found = {}
    for part in page.text.split("<button")[1:]:
        if 'name="account"' in part:
            value = part.split('value="')[1].split('"')[0]
            found[next(name for name in ("robin", "sam") if f"{name}@example.com" in part)] = value
    return found


@pytest.mark.spec("standards", "OC-12")
async def test_the_account_that_is_named_is_answered_for_without_becoming_the_present_one(
    site: Service, browser: httpx.AsyncClient
) -> None:
    hint = (await tokens(browser))["id_token"]
    sub = jose.peek(hint).claims["sub"]
    await sign_in_beside(browser, "sam")
    for prompt in ("none", None):
        answer = await browser.get(ask(prompt=prompt, id_token_hint=hint))
        assert "assent_session" not in answer.headers.get("set-cookie", "")
        assert await sub_of(browser, answer) == sub
    assert "sam@example.com" in (await browser.get("/account")).text
    asked = await browser.get(ask(id_token_hint=hint, prompt="consent"))
    assert place_of(asked)[0] == "/select-account", "a page is for the present person"


@pytest.mark.spec("standards", "OC-5")
@pytest.mark.spec("standards", "OC-7")
async def test_a_demanded_login_is_made_once_and_cannot_be_stripped(site: Service, browser: httpx.AsyncClient) -> None:
    first = (await tokens(browser))["id_token"]
    site.clock.forward(60)
    asked = await browser.get(ask(prompt="login"))
    path, query = place_of(asked)
    assert path == "/login"
    resumed = await browser.get(f"/oauth/authorize/resume?interaction={query['interaction'][0]}")
    assert place_of(resumed)[0] == "/login", "nothing in the address counts as a login"
    assert answer_of(await browser.get(ask(prompt="none", max_age="0")))["error"] == "login_required"
    page = await follow(browser, asked)
    answer = await follow(browser, await browser.post("/login", data={**fields_of(page), "password": PASSWORD}))
    second = (await redeem(browser, "diary", answer_of(answer)["code"])).json()["id_token"]
    before, after = (jose.peek(text).claims["auth_time"] for text in (first, second))
    assert after == before + 60


@pytest.mark.spec("standards", "OC-14")
async def test_a_login_hint_fills_in_the_name_whether_or_not_anybody_has_it(browser: httpx.AsyncClient) -> None:
    def without(page: httpx.Response, name: str) -> str:
        text = page.text.replace(name, "NAME")
        for value in fields_of(page).values():
            text = text.replace(value, "VALUE") if value else text
        return text

    pages = {}
    for name in ("robin", "nobody-at-all"):
        page = await browser.get(ask(login_hint=name), follow_redirects=True)
        assert f'value="{name}"' in page.text
        pages[name] = without(page, name)
    assert pages["robin"] == pages["nobody-at-all"]


@pytest.mark.spec("standards", "A1.2 (3)")
@pytest.mark.spec("standards", "A1.3 registration")
@pytest.mark.spec("standards", "A1.3 scope")
async def test_openid_requests_are_strict_about_the_way_back_and_kind_about_scopes(browser: httpx.AsyncClient) -> None:
    page = await browser.get(ask(redirect_uri=None))
    assert page.status_code == 400
    assert "redirect_uri is missing" in page.text
    assert answer_of(await browser.get(ask(registration="{}")))["error"] == "registration_not_supported"
    await tokens(browser)
    assert "code" in answer_of(await browser.get(ask(scope="openid https://elsewhere.example/scope", prompt="none")))
    for wish in ({"display": "wap"}, {"ui_locales": "tlh"}, {"claims_locales": "tlh"}, {"acr_values": "9"}):
        assert "code" in answer_of(await browser.get(ask(prompt="none", **wish)))


async def test_hints_cost_no_round_trip_and_further_accounts_one(site: Service, browser: httpx.AsyncClient) -> None:
    hint = (await tokens(browser))["id_token"]
    with counting_trips() as trips:
        await browser.get(ask(prompt="none", id_token_hint=hint, claims="{}"))
    assert trips == ["gather_authorize", "settle_authorization"]
    await sign_in_beside(browser, "sam")
    with counting_trips() as trips:
        await browser.get(ask(prompt="none"))
    assert trips[0] == "gather_authorize"
    assert len(trips) == 2


@pytest.mark.spec("standards", "OC-16")
@pytest.mark.spec("standards", "A1.3 nonce")
async def test_whoever_registers_nothing_gets_what_every_provider_has(browser: httpx.AsyncClient) -> None:
    nonce = "n/+= é" + "0" * 300
    wishes = {"max_age": "600", "display": "popup", "ui_locales": "fr", "claims_locales": "fr", "acr_values": "1"}
    told = jose.peek((await tokens(browser, "web", nonce=nonce, prompt="login", **wishes))["id_token"])
    assert told.header["alg"] == "RS256"
    assert told.claims["nonce"] == nonce
    assert told.claims["auth_time"] == told.claims["iat"]


@pytest.mark.parametrize(
    ("prompt", "confirms", "signed_in", "path"),
    [
        ("create", False, True, "/sign-up?interaction=asin_x"),
        ("select_account", False, True, "/select-account?interaction=asin_x"),
        ("consent", False, True, "/consent?interaction=asin_x"),
        ("login", False, False, "/login?interaction=asin_x"),
        ("login", True, True, "/login?interaction=asin_x"),
        ("login", False, True, "/login?interaction=asin_x&account=another"),
    ],
)
def test_every_prompt_has_its_page(prompt: Prompt, confirms: bool, signed_in: bool, path: str) -> None:
    refused = OAuthError(ErrorCode.LOGIN_REQUIRED, "")
    asked = Asked(prompt, "", refused, confirms=confirms)
    assert page_for(asked, session() if signed_in else None, "asin_x") == path
