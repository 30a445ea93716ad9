"""Forged, disguised and leaked credentials, and headers that promise more than they are worth."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import text

from app.protocol.token_format import Credential, Prefix, format_credential, parse_credential
from app.store.database import Database
from tests.support.api_person import assert_problem
from tests.support.credentials import basic, bearer
from tests.support.facts import VERIFIER
from tests.support.isolation import FEATURES, by_owner, every_route
from tests.support.service import ISSUER, REDIRECT_URI, Service, service
from tests.support.worlds import Visit, World, a_world, sign_in_again, visit

OPENED_BY = {"access_token": Prefix.ACCESS_TOKEN, "personal_token": Prefix.PERSONAL_TOKEN, "key": Prefix.API_KEY}
"""What opens the API, by kind."""

SYSTEM_KEYS = ("9c41f0a7d2e85b36" * 4, "9c41f0a7d2e85b36" * 2, "an-ordinary-root-credential-long-enough")
"""Two that look like credentials of an imported system, and one that looks like nothing."""


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """The application with all its features."""
    async with service(database, features=FEATURES) as running:
        yield running


@pytest.fixture(scope="module")
async def own(site: Service) -> World:
    """The world of an owner."""
    return await a_world(site, "Mallowfen")


@pytest.fixture
async def me(site: Service, own: World, browser: httpx.AsyncClient) -> Visit:
    """The owner, signed in just now."""
    return await visit(browser, await sign_in_again(site, own.user_id))


async def test_an_application_does_nothing_with_what_was_given_to_another_one(
    site: Service, own: World, browser: httpx.AsyncClient
) -> None:
    """Whatever somebody registers for himself may ask about tokens that it was sent, and neither use nor end them."""
    theirs = await a_world(site, "Quillwort")
    mine = (own.ids["client"], own.secrets["client_secret"])
    introspected = await browser.post("/oauth/introspect", data={"token": theirs.secrets["access_token"]}, auth=mine)
    assert introspected.json()["client_id"] == theirs.ids["client"]
    for kind in ("access_token", "personal_token", "key", "code"):
        revoked = await browser.post("/oauth/revoke", data={"token": theirs.secrets[kind]}, auth=mine)
        assert revoked.status_code in (200, 400), kind
    for kind in ("access_token", "personal_token", "key"):
        assert (await browser.get("/api/v1/", headers=bearer(theirs.secrets[kind]))).status_code == 200, kind
    form = {
        "grant_type": "authorization_code",
        "code": theirs.secrets["code"],
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }
    stolen = await browser.post("/oauth/token", data=form, auth=mine)
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    refreshed = await browser.post(
        "/oauth/token", data={"grant_type": "refresh_token", "refresh_token": theirs.secrets["access_token"]}, auth=mine
    )
    assert refreshed.json()["error"] == "invalid_grant"
    genuine = await browser.post(
        "/oauth/token", data=form, auth=(theirs.ids["client"], theirs.secrets["client_secret"])
    )
    assert genuine.status_code == 200, genuine.text


@pytest.mark.parametrize("prefix", Prefix)
@pytest.mark.parametrize(
    "kind", ["access_token", "personal_token", "key", "link", "session", "code", "client_secret", "rotated"]
)
async def test_a_credential_is_nothing_under_the_name_of_another_kind(
    own: World, browser: httpx.AsyncClient, kind: str, prefix: Prefix
) -> None:
    genuine = own.secrets[kind]
    its_own = Prefix(genuine.partition("_")[0])
    parsed = parse_credential(its_own, genuine)
    assert parsed is not None
    disguised = format_credential(prefix, Credential(parsed.id, parsed.secret))
    opens = prefix is its_own and its_own in OPENED_BY.values()
    for headers, may_open in ((bearer(disguised), opens), (basic(disguised), opens and prefix is Prefix.API_KEY)):
        answer = await browser.get("/api/v1/", headers=headers)
        assert answer.status_code == (200 if may_open else 401), (headers, answer.text)
        assert may_open or own.mark not in answer.text
    if prefix is not Prefix.SESSION or its_own is not Prefix.SESSION:
        cookie = {"Cookie": f"__Host-assent_session={disguised}"}
        assert (await browser.get("/account", headers=cookie)).headers["location"].startswith("/login")


@pytest.mark.parametrize("key", SYSTEM_KEYS, ids=["64 digits", "32 digits", "words"])
@pytest.mark.parametrize(
    "header",
    [
        {"X-Forwarded-For": "10.9.0.1"},
        {"X-Forwarded-For": "10.9.0.1, 10.9.0.1"},
        {"X-Real-IP": "10.9.0.1"},
        {"Forwarded": "for=10.9.0.1"},
        {"X-Client-IP": "10.9.0.1", "True-Client-IP": "10.9.0.1", "X-Forwarded-Host": "10.9.0.1"},
        {"Host": "10.9.0.1"},
    ],
    ids=lambda header: next(iter(header)),
)
async def test_no_header_brings_the_system_key_into_its_network(
    database: Database, key: str, header: dict[str, str]
) -> None:
    async with service(database, system_key=key, system_key_networks=["10.9.0.0/16"]) as rooted:
        for address, status in (("203.0.113.9", 401), ("10.9.0.1", 200)):
            transport = httpx.ASGITransport(rooted.app, client=(address, 1))
            async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as client:
                answer = await client.get("/api/v1/", headers=bearer(key) | header)
                assert answer.status_code == status, (address, answer.text)


@pytest.mark.parametrize("tag", ['W/"{}"', "{}", '"{}', "'{}'", '"0{}"', '"{} "', '"+{}"', '""', "", '"*"', '"{}"x'])
async def test_what_is_not_the_very_version_changes_nothing(me: Visit, own: World, tag: str) -> None:
    for path, body in (
        (f"/api/v1/applications/{own.ids['client']}", {"client_name": "Overwritten"}),
        (f"/api/v1/tokens/{own.ids['token']}", {"name": "Overwritten"}),
        (f"/api/v1/organizations/{own.ids['slug']}", {"name": "Overwritten"}),
        (f"/api/v1/organizations/{own.ids['slug']}/members/{own.ids['companion']}", {"role": "member"}),
        (f"/api/v1/organizations/{own.ids['slug']}/api-keys/{own.ids['key']}", {"label": "Overwritten"}),
    ):
        before = (await me.get(path)).json()
        if_match = tag.format(before["version"])
        assert_problem(await me.send("PATCH", path, body, If_Match=if_match), 412, "version-changed")
        if "role" not in body:
            assert_problem(await me.send("DELETE", path, If_Match=if_match), 412, "version-changed")
        assert (await me.get(path)).json() == before


@pytest.mark.parametrize("client_id", ["two words", 'a"b<c>;d', "caf\u00e9 \u20ac", "x\r\nSet-Cookie: a=b", "a?b#c%2e"])
async def test_an_address_of_ours_in_a_header_is_one_whatever_is_in_it(
    site: Service, me: Visit, own: World, client_id: str
) -> None:
    """The ids of imported applications are what they are; ours are 32 digits."""
    made = (await me.send("POST", "/api/v1/applications", {})).json()["client_id"]
    async with site.database.transaction() as transaction:
        statement = text("update application set client_id = :new where client_id = :old")
        await transaction.execute(statement, {"new": client_id, "old": made})
    path = f"/api/v1/applications/{quote(client_id, safe='')}"
    answer = await me.send("POST", f"{path}/secrets")
    assert answer.status_code == 201, answer.text
    location = answer.headers["location"]
    assert location == f"{ISSUER}{path}/secrets/{answer.json()['id']}"
    assert "set-cookie" not in answer.headers
    assert (await me.send("DELETE", location.removeprefix(ISSUER))).status_code == 204


async def test_what_was_told_once_is_told_nowhere_again(site: Service, me: Visit, own: World) -> None:
    """Neither in pages and answers, nor in the trail, nor in the rows behind them."""
    place = f"/api/v1/organizations/{own.ids['slug']}"
    deeds: tuple[tuple[str, str, Any], ...] = (
        ("client_secret", "/api/v1/applications", {}),
        ("client_secret", f"/api/v1/applications/{own.ids['inactive']}/secrets", None),
        ("token", "/api/v1/tokens", {"name": "Once", "scopes": ["event:read"]}),
        ("key", f"{place}/api-keys", {"label": "Once"}),
        ("key", f"{place}/api-keys/{own.ids['key']}/rotate", None),
        ("url", f"{place}/invitations", {"role": "member"}),
    )
    secrets = []
    for number, (member, path, body) in enumerate(deeds):
        answer = await me.send("POST", path, body, Idempotency_Key=f"once-{number}")
        assert answer.status_code in (200, 201), answer.text
        assert answer.headers["cache-control"] == "no-store"
        secrets.append(answer.json()[member].rpartition("/")[2])
        again = await me.send("POST", path, body, Idempotency_Key=f"once-{number}")
        assert_problem(again, 409, "already-done")
        assert secrets[-1][-20:] not in again.text
    pieces = [piece for secret in secrets for piece in (secret[5:30], secret[-20:])]
    for route in every_route():
        if route.method == "GET":
            answer = await me.get(by_owner(route, own).url)
            assert not [piece for piece in pieces if piece in answer.text + str(answer.headers)], route.name
    assert_nowhere(await rows_of(site), pieces)


async def rows_of(site: Service) -> str:
    """Return the rows that tell of these deeds."""
    tables = ("audit", "spent_key", "api_key", "personal_token", "application", "application_secret")
    async with site.database.transaction() as transaction:
        found = [await transaction.scalars(text(f"select t::text from {name} t")) for name in tables]
    return "\n".join(row for rows in found for row in rows)


def assert_nowhere(rows: str, pieces: list[str]) -> None:
    """Check that no piece of a secret is in any row."""
    assert rows
    assert not [piece for piece in pieces if piece in rows]
