"""Attacks that once worked, or came close: each test is the attack."""

import json
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlsplit

import asyncpg
import httpx
import pytest

from app.protocol.authorize.request import LONGER, MAX_LENGTH, PARAMETERS
from app.store.database import Database
from tests.support.database import FreshDatabase
from tests.support.service import (
    ISSUER,
    REDIRECT_URI,
    Service,
    answer_of,
    authorize_url,
    fields_of,
    follow,
    service,
    sign_in,
)

BROWSER, SESSION = "__Host-assent_browser", "__Host-assent_session"


@pytest.fixture
async def victim(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """The browser of robin, who has signed in."""
    async with site.browser() as browser:
        assert (await sign_in(browser, "robin")).status_code == 303
        yield browser


def session_cookie(browser: httpx.AsyncClient) -> str:
    """Return the session credential that a browser holds."""
    return next(cookie.value for cookie in browser.cookies.jar if cookie.name == SESSION and cookie.value)


async def account_page(site: Service, cookie_header: bytes) -> httpx.Response:
    """Open /account with exactly these cookie bytes."""
    async with site.browser() as bare:
        return await bare.get("/account", headers=[(b"cookie", cookie_header)])


@pytest.mark.spec("standards", "SE-1")
@pytest.mark.parametrize("disguise", [b"\xa0%s", b"%s\xa0", b"\x85%s", b"\x1f%s", b"\x0b%s"])
async def test_a_cookie_that_only_looks_like_a_host_cookie_signs_nobody_in(
    site: Service, victim: httpx.AsyncClient, disguise: bytes
) -> None:
    credential = session_cookie(victim).encode()
    honest = await account_page(site, SESSION.encode() + b"=" + credential)
    planted = await account_page(site, disguise % SESSION.encode() + b"=" + credential)
    assert honest.status_code == 200
    assert planted.headers["location"] == "/login"


async def test_a_planted_second_session_cookie_takes_nobody_into_the_attackers_account(
    site: Service, victim: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await sign_in(browser, "sam")
    mine, planted = session_cookie(victim), session_cookie(browser)
    for first, second in ((mine, planted), (planted, mine)):
        page = await account_page(site, f"{SESSION}={first}; {SESSION}={second}".encode())
        assert page.headers["location"] == "/login"


async def test_a_planted_browser_cookie_does_not_lend_its_owner_a_form_token(site: Service) -> None:
    async with site.browser() as attacker, site.browser() as victim:
        token = fields_of(await attacker.get("/login"))["csrf"]
        planted = next(cookie.value for cookie in attacker.cookies.jar if cookie.name == BROWSER)
        answer = await victim.post(
            "/login",
            data={"csrf": token, "username": "sam", "password": "a long enough password"},
            headers=[(b"cookie", b"\xa0" + f"{BROWSER}={planted}".encode())],
        )
    assert answer.status_code == 403
    assert SESSION not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_nobody_can_fill_the_database_with_parameters_that_mean_nothing(
    site: Service, browser: httpx.AsyncClient, fresh_database: FreshDatabase, method: str
) -> None:
    url = authorize_url("web", junk="j" * 50_000, state="kept")
    if method == "GET":
        response = await browser.get(url)
    else:
        response = await browser.post("/oauth/authorize", data=dict(parse_qsl(urlsplit(url).query)))
        assert "request_uri" in response.headers["location"]
    assert response.status_code == 303
    connection = await asyncpg.connect(fresh_database.superuser_url)
    saved = await connection.fetchval("select params::text from interaction order by id desc limit 1")
    await connection.close()
    kept = dict(json.loads(saved))
    assert kept["state"] == "kept"
    assert "junk" not in kept


@pytest.mark.parametrize("name", sorted(set(PARAMETERS) - {"client_id", "redirect_uri", "resource", "response_mode"}))
async def test_nothing_of_a_request_is_kept_that_is_longer_than_it_may_be(
    browser: httpx.AsyncClient, name: str
) -> None:
    longest = LONGER.get(name, MAX_LENGTH)
    answer = answer_of(await browser.get(authorize_url("web", **{name: "n" * (longest + 1)})))
    assert (answer["error"], answer["error_description"]) == (
        "invalid_request",
        f"{name} is longer than {longest} characters",
    )


async def test_an_endless_state_does_not_come_back_as_an_endless_header(browser: httpx.AsyncClient) -> None:
    request = dict(parse_qsl(urlsplit(authorize_url("web", state="s" * 500_000)).query))
    answer = await browser.post("/oauth/authorize", data=request)
    assert answer_of(answer)["error_description"] == f"state is longer than {MAX_LENGTH} characters"
    assert len(answer.headers["location"]) < MAX_LENGTH


@pytest.mark.spec("standards", "A1-4")
async def test_the_browser_cookie_alone_is_no_way_into_somebody_elses_request(
    site: Service, victim: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    """Two people share nothing but the reference of a request: neither page nor button of it works elsewhere."""
    mine = await follow(browser, await browser.get(authorize_url("other", redirect_uri="https://other.example/cb")))
    reference = fields_of(mine)["interaction"]
    own = fields_of(await follow(victim, await victim.get(authorize_url("web"))))
    for path in ("/login", "/consent", "/oauth/authorize/resume"):
        assert (await victim.get(path, params={"interaction": reference})).status_code == 400
    answer = await victim.post("/consent", data={**own, "interaction": reference, "decision": "approve"})
    assert answer.status_code == 400
    swapped = await victim.get(
        "/oauth/authorize",
        params={"client_id": "other", "request_uri": f"urn:assent:authorization-request:{reference}"},
    )
    assert swapped.status_code == 400


@pytest.mark.spec("standards", "AR-17 (f)")
async def test_another_persons_question_cannot_be_answered_after_a_change_of_account(
    site: Service, victim: httpx.AsyncClient
) -> None:
    shown = fields_of(await follow(victim, await victim.get(authorize_url("web", scope="org:read"))))
    await victim.post("/logout", data=fields_of(await victim.get("/logout")))
    assert (await sign_in(victim, "sam")).status_code == 303
    answer = await victim.post("/consent", data={**shown, "decision": "approve"})
    assert answer.headers["location"].startswith("/consent?")


@pytest.mark.spec("standards", "A1-4")
@pytest.mark.parametrize(
    "header",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"{ISSUER}.evil.example"},
        {"Origin": ISSUER.replace("https", "http")},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": ISSUER},
    ],
)
@pytest.mark.parametrize("path", ["/login", "/consent", "/logout", "/setup"])
async def test_no_form_is_taken_from_elsewhere(victim: httpx.AsyncClient, path: str, header: dict[str, str]) -> None:
    token = fields_of(await victim.get("/logout"))["csrf"]
    assert (await victim.post(path, data={"csrf": token}, headers=header)).status_code == 403


@pytest.mark.spec("standards", "NS-1")
async def test_proxy_headers_from_just_anybody_give_no_new_tries(database: Database) -> None:
    async with service(database, limits={"address_failures": 10}) as running, running.browser() as browser:
        fields = fields_of(await browser.get("/login"))
        statuses = []
        for number in range(12):
            answer = await browser.post(
                "/login",
                data={**fields, "username": f"nobody{number}", "password": "wrong"},
                headers={"X-Forwarded-For": f"198.51.100.{number}", "X-Real-IP": f"198.51.100.{number}"},
            )
            statuses.append(answer.status_code)
    assert statuses == [422] * 10 + [429] * 2


@pytest.mark.spec("standards", "NS-1")
@pytest.mark.spec("standards", "G1")
async def test_the_host_header_reaches_no_address_that_we_give_out(victim: httpx.AsyncClient) -> None:
    hostile = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    for path in ("/", "/login", "/account", "/docs", "/openapi.json", "/.well-known/oauth-authorization-server"):
        answer = await victim.get(path, headers=hostile)
        assert "evil.example" not in answer.text + str(answer.headers)
    assert answer_of(await victim.get(authorize_url("web", prompt="none"), headers=hostile))["iss"] == ISSUER


@pytest.mark.spec("standards", "A1.2 (3)")
@pytest.mark.spec("standards", "BC-9")
@pytest.mark.parametrize(
    "uri",
    [
        "https://client.example@evil.example/callback",
        "https://client.example\\@evil.example/callback",
        "https://client.example/callback/../evil",
        "https://client.example/callback%0d%0aX:y",
        "https://client.example:443/callback",
        "https://CLIENT.example/callback",
        "https://client.example./callback",
        "https://client.example/callback#",
        "https://client.example/callback?",
        "//client.example/callback",
        f"{REDIRECT_URI} ",
        f"{REDIRECT_URI}\n",
        "https://cl\u0456ent.example/callback",
    ],
)
async def test_no_answer_goes_to_an_address_that_only_resembles_a_registered_one(
    browser: httpx.AsyncClient, uri: str
) -> None:
    answer = await browser.get(authorize_url("web", redirect_uri=uri))
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.spec("standards", "A1.3 state")
async def test_a_line_break_in_the_state_stays_a_part_of_the_state(victim: httpx.AsyncClient) -> None:
    state = "x\r\nSet-Cookie: planted=1\r\n\r\n<script>"
    answer = await victim.get(authorize_url("web", prompt="none", state=state))
    assert answer_of(answer)["state"] == state
    assert "\n" not in answer.headers["location"]
    assert "planted" not in answer.headers.get("set-cookie", "")


@pytest.mark.spec("standards", "BR-2")
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/introspect", "/oauth/revoke", "/api/v1/me"])
async def test_a_second_authorization_header_is_refused(site: Service, path: str) -> None:
    async with site.browser() as browser:
        headers = [("Authorization", "Basic eDp5"), ("Authorization", "Bearer x")]
        if path == "/api/v1/me":
            answer = await browser.get(path, headers=headers)
            told, word = answer.json()["type"].rpartition("#problem-")[2], "invalid-request"
        else:
            answer = await browser.post(path, data={"token": "x"}, headers=headers)
            told, word = answer.json()["error"], "invalid_request"
    assert (answer.status_code, told) == (400, word)
