"""Who is let in where not everybody may register: initial access tokens and software statements (RFC 7591 §2.3, §3)."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.crypto import jose
from app.models import InitialAccessToken
from app.protocol.token_format import Prefix, parse_credential
from app.store.database import Database
from tests.support.assertions import claims_of, form, key_of, key_set, signed
from tests.support.far_server import FarServer, answer, far_server, trust
from tests.support.registering import (
    ENDPOINT,
    LOOPBACK,
    MCP_CLIENT,
    WEB,
    bearer,
    check,
    deeds,
    permission,
    registered,
    stored,
)
from tests.support.service import ISSUER, REDIRECT_URI, Service, service

VENDOR, FAR_VENDOR = "https://vendor.example", "https://far-vendor.example"
AT_ONCE = 20
MACHINE = {"client_name": "Nightly", "grant_types": ["client_credentials"], "scope": "project:read"}


@pytest.fixture(scope="module")
async def far(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[FarServer, str]]:
    """A server of somebody else, and the authority that vouches for it."""
    trusted = trust(tmp_path_factory.mktemp("far"), "localhost")
    async with far_server(trusted.context) as running:
        yield running, trusted.ca_file


@pytest.fixture(scope="module")
async def site(database: Database, far: tuple[FarServer, str]) -> AsyncIterator[Service]:
    """A server where whoever shows a token may register, and where two vendors' words count."""
    place = f"localhost:{far[0].port}"
    statements = {
        VENDOR: {"jwks": [jose.public_part(key_of("vendor"))]},
        FAR_VENDOR: {"jwks_uri": f"https://{place}/jwks.json"},
    }
    registration = {"mode": "token", "statements": statements}
    outbound = {"allow": [place], "ca_file": far[1]}
    limits = {"registrations": 10_000}
    async with service(database, registration=registration, outbound=outbound, limits=limits) as running:
        yield running
        await running.server.key_sets.close()
        await running.server.key_sets_of_strangers.close()


async def permit(site: Service, **changes: Any) -> str:
    return await permission(site.database, site.clock(), **changes)


async def post(client: httpx.AsyncClient, token: str, members: dict[str, Any] = WEB) -> httpx.Response:
    return await client.post(ENDPOINT, json=members, headers=bearer(token))


async def uses_left(site: Service, token: str) -> int | None:
    found = parse_credential(Prefix.INITIAL_ACCESS, token)
    assert found is not None
    async with site.database.transaction() as transaction:
        row = await transaction.get(InitialAccessToken, found.id)
        assert row is not None
        return row.uses_left


def error_of(answered: httpx.Response) -> tuple[int, str]:
    return answered.status_code, answered.json()["error"]


def statement(issuer: str = VENDOR, key: str = "vendor", **claims: Any) -> str:
    return signed({"iss": issuer, "client_name": "Vendor Diary", **claims}, key_of(key))


@pytest.mark.spec("standards", "DR-2")
async def test_nobody_registers_without_a_token(browser: httpx.AsyncClient) -> None:
    answered = await browser.post(ENDPOINT, json=WEB)
    assert error_of(answered) == (401, "invalid_token")
    assert "an initial access token is needed" in answered.json()["error_description"]
    assert answered.headers["www-authenticate"] == f'Bearer realm="{ISSUER}"'
    assert answered.headers["cache-control"] == "no-store"


@pytest.mark.spec("standards", "DR-2")
@pytest.mark.spec("standards", "BR-4")
async def test_a_token_that_does_not_count_lets_nobody_in(site: Service, browser: httpx.AsyncClient) -> None:
    good = await permit(site)
    tokens = [
        *(await permit(site, uses=0), await permit(site, life=-1), await permit(site, revoked=True)),
        *(good[:-1] + "x", "asia_x", "asra_" + good[5:], "x"),
    ]
    for token in tokens:
        answered = await post(browser, token)
        assert error_of(answered) == (401, "invalid_token")
        assert 'error="invalid_token"' in answered.headers["www-authenticate"]
    assert (await post(browser, good)).status_code == 201


@pytest.mark.spec("standards", "DR-2")
async def test_whoever_was_let_in_registers_what_strangers_may_not(site: Service, browser: httpx.AsyncClient) -> None:
    token = await permit(site, uses=2)
    told = await registered(browser, MACHINE, token)
    assert (told["grant_types"], told["scope"]) == (["client_credentials"], "project:read")
    form = {"grant_type": "client_credentials", "scope": "project:read"}
    auth = (told["client_id"], told["client_secret"])
    # What nobody is asked about is for applications that somebody here answers for.
    assert error_of(await browser.post("/oauth/token", data=form, auth=auth)) == (400, "unauthorized_client")
    await check(site, told["client_id"])
    got = await browser.post("/oauth/token", data=form, auth=auth)
    assert got.status_code == 200, got.text
    assert await uses_left(site, token) == 1
    [deed] = await deeds(site, told["client_id"])
    found = parse_credential(Prefix.INITIAL_ACCESS, token)
    assert found is not None
    assert deed.data["initial_token"] == str(found.id)
    assert token not in str(deed.data)
    # It stays what it may be, when it replaces its registration.
    path = told["registration_client_uri"].removeprefix(ISSUER)
    sent = {**MACHINE, "client_id": told["client_id"], "client_name": "Weekly"}
    replaced = await browser.put(path, json=sent, headers=bearer(told["registration_access_token"]))
    assert replaced.json()["grant_types"] == ["client_credentials"]


@pytest.mark.spec("standards", "DR-13")
@pytest.mark.parametrize(
    "changes",
    [{"grant_types": ["authorization_code", "client_credentials"]}, {"scope": "project:read org:admin"}],
    ids=["grants", "scopes"],
)
async def test_what_acts_without_a_person_gets_nothing_that_the_operator_has_not_looked_at(
    site: Service, browser: httpx.AsyncClient, changes: dict[str, Any]
) -> None:
    called = {"client_name": f"Tide Table of {next(iter(changes))}"}  # nobody takes the name of what was checked
    before = {**MACHINE, **called, "redirect_uris": [REDIRECT_URI], "grant_types": ["authorization_code"]}
    if "scope" in changes:
        before["grant_types"] = ["authorization_code", "client_credentials"]
    told = await registered(browser, before, await permit(site))
    await check(site, told["client_id"])
    path, sent = told["registration_client_uri"].removeprefix(ISSUER), {"client_id": told["client_id"]}
    token = bearer(told["registration_access_token"])
    assert (await browser.put(path, json={**before, **sent, "software_version": "2"}, headers=token)).is_success
    assert (await stored(site, told["client_id"])).verified
    assert (await browser.put(path, json={**before, **sent, **changes}, headers=token)).is_success
    form = {"grant_type": "client_credentials", "scope": changes.get("scope", "project:read")}
    asked = await browser.post("/oauth/token", data=form, auth=(told["client_id"], told["client_secret"]))
    assert error_of(asked) == (400, "unauthorized_client")
    assert not (await stored(site, told["client_id"])).verified


@pytest.mark.spec("standards", "DR-2")
async def test_a_refused_registration_costs_no_use(site: Service, browser: httpx.AsyncClient) -> None:
    token = await permit(site)
    assert error_of(await post(browser, token, {"redirect_uris": ["x"]})) == (400, "invalid_redirect_uri")
    assert await uses_left(site, token) == 1
    unlimited = await permit(site, uses=None)
    for _ in range(2):
        assert (await post(browser, unlimited)).status_code == 201
    assert await uses_left(site, unlimited) is None


@pytest.mark.spec("standards", "DR-2")
@pytest.mark.parametrize("uses", [1, 3])
async def test_however_many_come_at_once_a_token_lets_in_as_many_as_it_says(
    site: Service, browser: httpx.AsyncClient, uses: int
) -> None:
    token = await permit(site, uses=uses)
    answers = await asyncio.gather(*(post(browser, token) for _ in range(AT_ONCE)))
    statuses = [one.status_code for one in answers]
    assert (statuses.count(201), statuses.count(401)) == (uses, AT_ONCE - uses)
    assert await uses_left(site, token) == 0


@pytest.mark.spec("standards", "DR-2")
async def test_where_everybody_may_a_token_is_worth_something_and_a_bad_one_is_told(database: Database) -> None:
    async with service(database, registration={"mode": "open"}) as open_site, open_site.browser() as browser:
        machine = await browser.post(ENDPOINT, json=MACHINE)
        assert error_of(machine) == (400, "invalid_client_metadata")
        assert (await post(browser, await permit(open_site), MACHINE)).status_code == 201
        assert error_of(await post(browser, await permit(open_site, uses=0))) == (401, "invalid_token")
        assert error_of(await post(browser, "something")) == (401, "invalid_token")


@pytest.mark.spec("standards", "DR-11")
async def test_the_word_of_a_vendor_stands_above_that_of_the_application(
    site: Service, browser: httpx.AsyncClient
) -> None:
    text = statement(redirect_uris=[LOOPBACK], client_id="mine", software_id="diary")
    told = await registered(browser, {**MCP_CLIENT, "software_statement": text}, await permit(site))
    assert {name: told[name] for name in ("client_name", "software_id", "redirect_uris", "software_statement")} == {
        "client_name": "Vendor Diary",
        "software_id": "diary",
        "redirect_uris": [LOOPBACK],
        "software_statement": text,
    }
    assert told["client_id"] != "mine"
    assert text not in str((await deeds(site, told["client_id"]))[0].data)
    assert (await stored(site, told["client_id"])).name == "Vendor Diary"


@pytest.mark.spec("standards", "DR-11")
@pytest.mark.spec("standards", "DR-12")
async def test_a_statement_that_does_not_count_is_refused(site: Service, browser: httpx.AsyncClient) -> None:
    token = await permit(site)
    for text, error in (
        ("no jwt", "invalid_software_statement"),
        (7, "invalid_software_statement"),
        (statement(key="somebody"), "invalid_software_statement"),
        (statement(exp=1), "invalid_software_statement"),
        (statement("https://nobody.example"), "unapproved_software_statement"),
    ):
        answered = await post(browser, token, {**WEB, "software_statement": text})
        assert error_of(answered) == (400, error), text
    odd = {**WEB, "software_statement": statement(redirect_uris=["javascript:x"])}
    assert error_of(await post(browser, token, odd)) == (400, "invalid_redirect_uri")


@pytest.mark.spec("standards", "DR-11")
async def test_the_keys_of_a_vendor_may_stand_elsewhere(
    site: Service, browser: httpx.AsyncClient, far: tuple[FarServer, str]
) -> None:
    members = {**WEB, "software_statement": statement(FAR_VENDOR, "far vendor")}
    far[0].says = answer(status="503 Service Unavailable")
    assert error_of(await post(browser, await permit(site), members)) == (503, "temporarily_unavailable")
    site.clock.forward(600)
    far[0].says = answer(json.dumps({"keys": [jose.public_part(key_of("far vendor"))]}).encode())
    assert (await post(browser, await permit(site), members)).status_code == 201


@pytest.mark.spec("standards", "DR-11")
async def test_where_a_statement_is_needed_nothing_goes_without(database: Database) -> None:
    statements = {VENDOR: {"jwks": [jose.public_part(key_of("vendor"))]}}
    registration = {"mode": "open", "needs_statement": True, "statements": statements}
    async with service(database, registration=registration) as strict, strict.browser() as browser:
        assert error_of(await browser.post(ENDPOINT, json=WEB)) == (400, "invalid_software_statement")
        told = await registered(browser, {**WEB, "software_statement": statement()})
        path = told["registration_client_uri"].removeprefix(ISSUER)
        sent = {**WEB, "client_id": told["client_id"]}
        token = told["registration_access_token"]
        assert error_of(await browser.put(path, json=sent, headers=bearer(token)))[1] == "invalid_software_statement"
        again = {**sent, "software_statement": statement(software_version="2")}
        replaced = await browser.put(path, json=again, headers=bearer(token))
        assert replaced.json()["software_version"] == "2"


@pytest.mark.spec("standards", "DR-10")
async def test_a_sector_lists_every_address_or_nothing_is_registered(
    site: Service, browser: httpx.AsyncClient, far: tuple[FarServer, str]
) -> None:
    uri = f"https://localhost:{far[0].port}/sector.json"
    members = {**WEB, "subject_type": "pairwise", "sector_identifier_uri": uri}
    token = await permit(site, uses=None)
    far[0].says = answer(json.dumps(["https://other.example/cb"]).encode())
    refused = await post(browser, token, members)
    assert error_of(refused) == (400, "invalid_client_metadata")
    assert REDIRECT_URI in refused.json()["error_description"]
    far[0].says = answer(status="404 Not Found")
    assert error_of(await post(browser, token, members)) == (400, "invalid_client_metadata")
    far[0].says = answer(json.dumps([REDIRECT_URI]).encode())
    told = await registered(browser, members, token)
    assert (await stored(site, told["client_id"])).openid["sector"] == "localhost"
    several = {**WEB, "subject_type": "pairwise", "redirect_uris": [REDIRECT_URI, "https://other.example/cb"]}
    assert error_of(await post(browser, token, several)) == (400, "invalid_client_metadata")
    # Nobody takes the people of a host away with him.
    path = told["registration_client_uri"].removeprefix(ISSUER)
    moved = {**members, "sector_identifier_uri": None, "redirect_uris": ["https://other.example/cb"]}
    sent = {**moved, "client_id": told["client_id"]}
    answered = await browser.put(path, json=sent, headers=bearer(told["registration_access_token"]))
    assert error_of(answered) == (400, "invalid_client_metadata")


@pytest.mark.spec("standards", "DR-9")
@pytest.mark.spec("standards", "JW-6")
async def test_keys_of_strangers_are_fetched_for_them_and_kept_apart(
    site: Service, browser: httpx.AsyncClient, far: tuple[FarServer, str]
) -> None:
    uri = f"https://localhost:{far[0].port}/keys-of-a-stranger.json"
    members = {**WEB, "client_name": "Keys Elsewhere", "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": uri}
    told = await registered(browser, members, await permit(site))
    far[0].says = answer(json.dumps(key_set(key_of("elsewhere"))).encode())

    async def asked() -> httpx.Response:
        assertion = signed(claims_of(told["client_id"], ISSUER, site.clock()), key_of("elsewhere"))
        return await browser.post("/oauth/revoke", data=form(assertion, token="nothing"))

    before = far[0].connections
    assert [(await asked()).status_code for _ in range(2)] == [200, 200]
    assert far[0].connections == before + 1
    await check(site, told["client_id"])
    assert (await asked()).status_code == 200
    assert far[0].connections == before + 2
