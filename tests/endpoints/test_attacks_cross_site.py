"""What other websites can make a signed-in browser send: nothing of it changes anything, at any route."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import asyncpg
import httpx
import pytest

from app.store.database import Database
from tests.support.database import FreshDatabase
from tests.support.isolation import FEATURES, Route, by_owner, every_route
from tests.support.service import PASSWORD, Service, fields_of, service, sign_in
from tests.support.worlds import Visit, World, a_world, browser_headers, every_row, visit

EVIL = "https://evil.example"
FORM = "application/x-www-form-urlencoded"
GLOBAL_REVOCATION = "/oauth/global-token-revocation"
PROTOCOL = (
    *("/oauth/token", "/oauth/introspect", "/oauth/revoke", "/oauth/authorize", "/oauth/device_authorization"),
    GLOBAL_REVOCATION,
    *("/oauth/par", "/oauth/bc-authorize", "/oauth/logout", "/oauth/userinfo", "/oauth/grants", "/oauth/grants/*"),
)
"""No cookie counts there: applications, and people on their way from them."""

CHANGES = [route for route in every_route() if route.method != "GET" and route.path not in PROTOCOL]

OURS = {"Origin": "https://id.example", "Sec-Fetch-Site": "same-origin"}
FORGED: dict[str, tuple[str, dict[str, str]]] = {
    "without a token": ("none", OURS),
    "with the token of another browser": ("another", OURS),
    "from another site": ("right", OURS | {"Sec-Fetch-Site": "cross-site"}),
    "from a subdomain": ("right", {"Sec-Fetch-Site": "same-site"}),
    "by the address bar": ("none", {"Sec-Fetch-Site": "none"}),
    "of another origin": ("right", {"Origin": EVIL}),
    "of no origin": ("right", {"Origin": "null"}),
    "of an origin that begins like ours": ("right", {"Origin": "https://id.example.evil.example"}),
    "as text, which needs no preflight": ("right", {"Origin": EVIL, "Content-Type": "text/plain"}),
}
"""Which token a forged request has, and what the browser says of it."""


@dataclass(frozen=True, slots=True)
class Victim:
    """A signed-in operator who owns one of everything, the token of another browser, and the database behind both."""

    world: World
    visit: Visit
    other_token: str
    rows: asyncpg.Connection


@pytest.fixture(scope="module")
async def victim(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[Victim]:
    """Somebody who has just signed in, in whose browser other websites are open."""
    rows = await asyncpg.connect(fresh_database.superuser_url)
    async with service(database, features=FEATURES) as site, site.browser() as client, site.browser() as other:
        world = await a_world(site, "Quillwort", operator=True)
        visiting = await visit(client, world.secrets["session"])
        yield Victim(world, visiting, fields_of(await other.get("/login"))["csrf"], rows)
    await rows.close()


@pytest.mark.parametrize("route", CHANGES, ids=lambda route: route.name)
async def test_no_other_site_changes_anything(victim: Victim, route: Route) -> None:
    before = await every_row(victim.rows)
    sent = by_owner(route, victim.world)
    tokens = {"none": "", "another": victim.other_token, "right": victim.visit.csrf}
    cookies = browser_headers("", victim.visit.session)["Cookie"]
    for how, (which, told) in FORGED.items():
        token = tokens[which]
        body = {**(sent.body or {}), "csrf": token} if route.is_form else sent.body
        content = b"" if body is None else (urlencode(body) if route.is_form else json.dumps(body)).encode()
        media_type = {"Content-Type": FORM if route.is_form else "application/json"}
        headers = {"Cookie": cookies, "X-CSRF-Token": token} | media_type | told
        victim.visit.client.cookies.clear()
        answer = await victim.visit.client.request(sent.method, sent.url, content=content, headers=headers)
        assert answer.status_code in (403, 415), (how, answer.status_code, answer.text[:300])
        assert "access-control-allow-origin" not in answer.headers, how
        assert "__Host-assent_session" not in answer.headers.get("set-cookie", ""), how
    assert await every_row(victim.rows) == before


async def test_the_session_of_an_operator_ends_nobodys_tokens_from_elsewhere_or_from_here(victim: Victim) -> None:
    before = await every_row(victim.rows)
    cookies = browser_headers("", victim.visit.session)["Cookie"]
    for told in ({"Origin": EVIL}, OURS, {}):
        headers = {"Cookie": cookies, "X-CSRF-Token": victim.visit.csrf, "Content-Type": "application/json"} | told
        content = json.dumps({"sub_id": {"format": "email", "email": "robin@example.com"}}).encode()
        answer = await victim.visit.client.post(GLOBAL_REVOCATION, content=content, headers=headers)
        assert answer.status_code == 401
        assert "access-control-allow-origin" not in answer.headers
    assert await every_row(victim.rows) == before


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/account",
        "/\\evil.example",
        "/%5Cevil.example",
        "/%2F%2Fevil.example",
        "/%2e%2e//evil.example",
        "/account/applications/%2F%2Fevil.example",
        "/account/applications/%EF%BC%8F%EF%BC%8Fevil.example",
        "/apps/%0d%0aLocation:%20https:%2F%2Fevil.example",
        "/organizations/%09%2F%2Fevil.example",
        "/apps/https:%2F%2Fevil.example",
        "/apps/javascript:alert(1)",
        "/apps/new?owner=//evil.example",
    ],
)
async def test_signing_in_leads_nowhere_but_to_this_server(
    site: Service, browser: httpx.AsyncClient, path: str
) -> None:
    asked = await browser.get(httpx.URL(f"https://id.example{path}"))
    assert asked.status_code in (303, 404)
    location = asked.headers.get("location", "/login")
    assert urlsplit(location).netloc == ""
    to = parse_qs(urlsplit(location).query).get("to", [""])[0]
    page = await browser.get(f"/login?to={to}")
    answer = await browser.post("/login", data={**fields_of(page), "username": "robin", "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    led = answer.headers["location"]
    parts = urlsplit(led)
    assert (parts.scheme, parts.netloc) == ("", "")
    assert led.startswith("/")
    assert led[1:2] not in ("/", "\\")
    assert led.isascii()
    assert led.isprintable()


async def test_a_way_back_cannot_be_told_in_the_address_of_a_page(site: Service, browser: httpx.AsyncClient) -> None:
    """The reference of another browser, a path in clear, and one encoded as references are: all lead to the desk."""
    async with site.browser() as attacker:
        asked = await attacker.get("/account/tokens/new")
        theirs = parse_qs(urlsplit(asked.headers["location"]).query)["to"][0]
    for to in (theirs, "/account/tokens/new", "Ly9ldmlsLmV4YW1wbGU", f"{theirs}&to=x", quote(theirs + "=", safe="")):
        page = await browser.get(f"/login?to={to}")
        answer = await browser.post("/login", data={**fields_of(page), "username": "robin", "password": PASSWORD})
        assert answer.headers["location"] == "/account", to
        await browser.post("/logout", data=fields_of(await browser.get("/logout")))


async def test_confirming_that_it_is_you_begins_a_new_session_and_ends_the_one_before(
    site: Service, browser: httpx.AsyncClient
) -> None:
    """Session fixation: what somebody has seen of the session before is worth nothing afterwards."""
    await sign_in(browser, "robin")
    before = {cookie.name: cookie.value for cookie in browser.cookies.jar}
    page = await browser.get("/login?again=1")
    answer = await browser.post("/login", data={**fields_of(page), "again": "1", "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    after = {cookie.name: cookie.value for cookie in browser.cookies.jar}
    assert after["__Host-assent_session"] != before["__Host-assent_session"]
    async with site.browser() as thief:
        old = "; ".join(f"{name}={value}" for name, value in before.items())
        assert (await thief.get("/account", headers={"Cookie": old})).headers["location"] == "/login"


async def test_in_a_session_that_somebody_planted_nobody_else_confirms(
    site: Service, browser: httpx.AsyncClient
) -> None:
    """Login CSRF: whoever finds himself in a stranger's session cannot make it his own, nor lend it his sign-in."""
    await sign_in(browser, "sam")
    page = await browser.get("/login?again=1")
    answer = await browser.post(
        "/login", data={**fields_of(page), "again": "1", "username": "robin", "password": "robins own password"}
    )
    assert answer.status_code == 422
    assert "set-cookie" not in answer.headers
