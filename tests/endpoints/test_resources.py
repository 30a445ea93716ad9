"""Tokens for resources at the wire: RFC 8707, RFC 9068, and the pairs that the record remembers (standards B7.3)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from joserfc import jwt as other_library
from joserfc.jwk import KeySet
from sqlalchemy import text

from app.protocol.facts import TokenFact
from app.store import records
from app.store.database import Database
from app.store.hot_connection import counting_trips
from tests.store.scene import entry
from tests.support.service import (
    ISSUER,
    SECRET,
    Service,
    answer_of,
    authorize_url,
    decide,
    follow,
    obtain_code,
    redeem,
    service,
    sign_in,
)
from tests.support.signing import keep_keys

FILES, MAIL, LEDGER = "https://files.example", "https://mail.example/v1", "https://ledger.example"
OURS = f"{ISSUER}/api/v1"
RESOURCES: dict[str, Any] = {
    OURS: {"name": "This server", "scopes": ["project:read"]},
    FILES: {"name": "Files", "scopes": ["project:read", "team:read"], "introspection_clients": ["files-server"]},
    MAIL: {"scopes": ["project:read", "event:read"], "introspection_clients": ["mail-server"]},
    LEDGER: {"token_format": "jwt", "name": "Ledger", "introspection_clients": ["ledger-server"]},
}
MACHINE: dict[str, Any] = {
    "kind": "machine",
    "redirect_uris": (),
    "response_types": (),
    "grant_types": ("client_credentials",),
}


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server with three resources, each with a server of its own that introspects."""
    async with service(database, resources=RESOURCES) as running:
        await keep_keys(running.server)
        await running.user("robin")
        await running.application("web")
        await running.application("sweeper", **MACHINE)
        for name in ("files-server", "mail-server", "ledger-server"):
            await running.application(name, **{**MACHINE, "grant_types": ()})
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with site.browser() as fresh:
        yield fresh


async def bought(browser: httpx.AsyncClient, scope: str, *resource: str, **changes: Any) -> httpx.Response:
    """Walk through authorization for resources and redeem the code."""
    code = await obtain_code(browser, "web", "robin", scope=scope, resource=list(resource))
    return await redeem(browser, "web", code, **changes)


async def seen(browser: httpx.AsyncClient, token: str, caller: str = "web") -> dict[str, Any]:
    answer = await browser.post("/oauth/introspect", data={"token": token}, auth=(caller, SECRET))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def claims_of(browser: httpx.AsyncClient, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Check a JWT as a resource server does that has only the published keys; return header and claims."""
    keys = KeySet.import_key_set((await browser.get("/oauth/jwks")).json())
    checked = other_library.decode(token, keys, algorithms=["ES256"])
    return checked.header, checked.claims


@pytest.mark.spec("standards", "RI-1")
@pytest.mark.spec("standards", "RI-4")
@pytest.mark.parametrize("resource", ["https://unknown.example", "files", f"{FILES}#part"])
async def test_an_unknown_resource_is_an_invalid_target_at_both_endpoints(
    browser: httpx.AsyncClient, resource: str
) -> None:
    refused = answer_of(await browser.get(authorize_url("web", resource=resource)))
    assert refused["error"] == "invalid_target"
    data = {"grant_type": "client_credentials", "resource": resource}
    asked = await browser.post("/oauth/token", data=data, auth=("sweeper", SECRET))
    assert (asked.status_code, asked.json()["error"]) == (400, "invalid_target")


async def test_a_scope_that_no_resource_of_the_request_understands_is_refused(browser: httpx.AsyncClient) -> None:
    refused = answer_of(await browser.get(authorize_url("web", scope="event:read", resource=FILES)))
    assert refused["error"] == "invalid_scope"
    data = {"grant_type": "client_credentials", "scope": "event:read", "resource": FILES}
    asked = await browser.post("/oauth/token", data=data, auth=("sweeper", SECRET))
    assert asked.json()["error"] == "invalid_scope"


@pytest.mark.spec("standards", "SC-3")
@pytest.mark.spec("standards", "SC-2")
@pytest.mark.spec("standards", "RI-5")
@pytest.mark.spec("standards", "MB-10")
@pytest.mark.spec("standards", "MC-8")
async def test_a_client_of_an_api_asks_in_its_own_spelling_for_all_that_it_found_listed(
    browser: httpx.AsyncClient,
) -> None:
    listed = (await browser.get("/.well-known/oauth-authorization-server")).json()["scopes_supported"]
    asked = " ".join(scope for scope in (*listed, "tools:call") if scope not in {"openid", "offline_access"})
    first = (await bought(browser, asked, f"{FILES}/", resource=FILES.replace("https://f", "HTTPS://F"))).json()
    assert {*first["scope"].split()} == {"project:read", "team:read", "profile", "email", "address", "phone"}
    assert (await seen(browser, first["access_token"]))["aud"] == FILES
    data = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], "resource": f"{FILES}/"}
    again = (await browser.post("/oauth/token", data=data, auth=("web", SECRET))).json()
    there = (await seen(browser, again["access_token"], "files-server"))["scope"].split()
    assert {"project:read", "team:read"} <= {*there}
    assert await seen(browser, again["access_token"], "mail-server") == {"active": False}


@pytest.mark.spec("standards", "RI-2")
@pytest.mark.spec("standards", "RI-3")
@pytest.mark.spec("standards", "IN-6")
@pytest.mark.spec("standards", "AT-1")
async def test_a_grant_for_two_resources_buys_a_token_for_both_and_a_choice_one_for_one(
    browser: httpx.AsyncClient,
) -> None:
    both = (await bought(browser, "project:read team:read event:read", FILES, MAIL)).json()
    assert both["scope"] == "project:read team:read event:read"
    assert (await seen(browser, both["access_token"]))["aud"] == [FILES, MAIL]
    assert (await seen(browser, both["access_token"], "files-server"))["scope"] == "project:read team:read"
    assert (await seen(browser, both["access_token"], "mail-server"))["scope"] == "project:read event:read"
    assert await seen(browser, both["access_token"], "ledger-server") == {"active": False}
    data = {"grant_type": "refresh_token", "refresh_token": both["refresh_token"], "resource": MAIL}
    chosen = (await browser.post("/oauth/token", data=data, auth=("web", SECRET))).json()
    assert chosen["scope"] == "project:read event:read"
    assert await seen(browser, chosen["access_token"], "files-server") == {"active": False}
    data = {"grant_type": "refresh_token", "refresh_token": chosen["refresh_token"]}
    again = (await browser.post("/oauth/token", data=data, auth=("web", SECRET))).json()
    assert (await seen(browser, again["access_token"]))["aud"] == [FILES, MAIL]


@pytest.mark.spec("standards", "RI-2")
async def test_a_token_request_cannot_reach_beyond_the_resources_of_its_grant(browser: httpx.AsyncClient) -> None:
    code = await obtain_code(browser, "web", "robin", resource=FILES)
    refused = await redeem(browser, "web", code, resource=MAIL)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target")
    tokens = (await redeem(browser, "web", code, resource=FILES)).json()  # and the code has survived that
    data = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "resource": LEDGER}
    assert (await browser.post("/oauth/token", data=data, auth=("web", SECRET))).json()["error"] == "invalid_target"
    without = await obtain_code(browser, "web", "robin")
    assert (await redeem(browser, "web", without, resource=FILES)).json()["error"] == "invalid_target"


@pytest.mark.spec("standards", "AR-2")
@pytest.mark.spec("standards", "AR-17 (h)")
async def test_a_scope_allowed_at_one_resource_is_asked_again_at_another(site: Service) -> None:
    async with site.browser() as browser:
        await site.user("ada")
        for scope, resource in (("team:read", FILES), ("event:read", MAIL)):
            await obtain_code(browser, "web", "ada", scope=scope, resource=resource)
        page = await follow(browser, await browser.get(authorize_url("web", scope="team:read", resource=LEDGER)))
        assert 'id="consent-approve"' in page.text
        assert "Ledger" in page.text
        assert "Files" in page.text  # what was allowed before, where it was allowed
        silent = await browser.get(authorize_url("web", scope="team:read", resource=LEDGER, prompt="none"))
        assert answer_of(silent)["error"] == "consent_required"
        assert "code" in answer_of(await browser.get(authorize_url("web", scope="team:read", resource=FILES)))


@pytest.mark.spec("standards", "AT-2")
@pytest.mark.spec("standards", "AT-3")
@pytest.mark.spec("standards", "AT-5")
@pytest.mark.spec("standards", "AT-7")
@pytest.mark.spec("standards", "AT-1")
@pytest.mark.spec("standards", "AT-8")
async def test_a_resource_that_checks_by_itself_gets_a_jwt_that_says_everything(browser: httpx.AsyncClient) -> None:
    tokens = (await bought(browser, "project:read", LEDGER)).json()
    assert tokens["expires_in"] == 900
    header, claims = await claims_of(browser, tokens["access_token"])
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    answer = await seen(browser, tokens["access_token"], "ledger-server")
    expected = {
        "iss": ISSUER, "aud": LEDGER, "client_id": "web", "scope": "project:read", "sub": answer["sub"],
        "jti": answer["jti"], "iat": answer["iat"], "exp": answer["exp"], "auth_time": answer["auth_time"],
        "amr": ["pwd"], "acr": "urn:assent:acr:password",
    }  # fmt: skip
    assert claims == expected
    assert claims["exp"] - claims["iat"] == 900
    data = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    later = (await browser.post("/oauth/token", data=data, auth=("web", SECRET))).json()
    _, refreshed = await claims_of(browser, later["access_token"])
    assert refreshed["auth_time"] == claims["auth_time"]
    assert refreshed["jti"] != claims["jti"]


@pytest.mark.spec("standards", "AT-4")
@pytest.mark.spec("standards", "CC-3")
async def test_an_application_s_own_jwt_names_the_application_as_its_subject(browser: httpx.AsyncClient) -> None:
    data = {"grant_type": "client_credentials", "scope": "project:read", "resource": LEDGER}
    token = (await browser.post("/oauth/token", data=data, auth=("sweeper", SECRET))).json()["access_token"]
    _, claims = await claims_of(browser, token)
    assert (claims["sub"], claims["client_id"], claims["aud"]) == ("sweeper", "sweeper", LEDGER)
    answer = await seen(browser, token, "ledger-server")
    assert (answer["active"], answer["aud"], answer["scope"]) == (True, LEDGER, "project:read")
    assert "sub" not in answer


@pytest.mark.spec("standards", "AT-9")
async def test_a_jwt_is_never_for_two_resources(browser: httpx.AsyncClient) -> None:
    code = await obtain_code(browser, "web", "robin", scope="project:read", resource=[FILES, LEDGER])
    refused = await redeem(browser, "web", code)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target")
    chosen = (await redeem(browser, "web", code, resource=LEDGER)).json()
    _, claims = await claims_of(browser, chosen["access_token"])
    assert claims["aud"] == LEDGER


async def test_the_consent_page_says_how_long_a_resource_may_go_on_by_itself(site: Service) -> None:
    async with site.browser() as browser:
        await site.user("sam")
        page = await follow(browser, await browser.get(authorize_url("web", resource=LEDGER)))
        page = await follow(browser, await sign_in(browser, "sam", page))
        assert "15 minutes" in page.text
        assert answer_of(await decide(browser, page))["code"]
        plain = await follow(browser, await browser.get(authorize_url("web", resource=FILES)))
        assert "15 minutes" not in plain.text


@pytest.mark.spec("standards", "AR-6")
async def test_taking_a_permission_away_at_one_resource_leaves_it_at_the_other(
    site: Service, browser: httpx.AsyncClient
) -> None:
    tokens = (await bought(browser, "project:read", FILES, MAIL)).json()
    _, fact = await site.database.hot.gather_token(None, UUID((await seen(browser, tokens["access_token"]))["jti"]))
    assert isinstance(fact, TokenFact)
    assert fact.origin.record_id is not None
    there = f"project:read {FILES}"
    narrowed = entry("authorization.narrowed")
    assert await records.narrow(site.database, fact.origin.record_id, [there], site.clock(), narrowed)
    assert "scope" not in await seen(browser, tokens["access_token"], "files-server")
    assert (await seen(browser, tokens["access_token"], "mail-server"))["scope"] == "project:read"


@pytest.mark.spec("standards", "BR-4")
@pytest.mark.spec("standards", "BC-19")
@pytest.mark.spec("standards", "BC-5")
@pytest.mark.spec("standards", "BC-15")
async def test_a_token_for_another_api_does_not_open_ours(site: Service, browser: httpx.AsyncClient) -> None:
    person = (await bought(browser, "project:read", FILES)).json()["access_token"]
    data = {"grant_type": "client_credentials", "scope": "project:read", "resource": FILES}
    machine = (await browser.post("/oauth/token", data=data, auth=("sweeper", SECRET))).json()["access_token"]
    async with site.browser() as fresh:
        for token in (person, machine):
            refused = await fresh.get("/api/v1/", headers={"Authorization": f"Bearer {token}"})
            assert refused.status_code == 401
            assert 'error="invalid_token"' in refused.headers["www-authenticate"]
            assert "another API" in refused.text


async def test_a_token_for_ours_opens_it_with_what_is_allowed_there(site: Service, browser: httpx.AsyncClient) -> None:
    tokens = (await bought(browser, "project:read team:read", OURS, FILES)).json()
    data = {"grant_type": "client_credentials", "scope": "project:read", "resource": OURS}
    machine = (await browser.post("/oauth/token", data=data, auth=("sweeper", SECRET))).json()["access_token"]
    async with site.browser() as fresh:
        answer = await fresh.get("/api/v1/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})
        assert answer.status_code == 200
        assert (await fresh.get("/api/v1/", headers={"Authorization": f"Bearer {machine}"})).status_code == 200


async def test_an_application_s_own_jwt_asks_the_database_nothing_and_is_told_in_the_audit_trail(
    site: Service, browser: httpx.AsyncClient
) -> None:
    """RFC 9068 and decision 23; the cache of applications is on where somebody listens, as on every running server."""
    following = asyncio.create_task(site.database.follow_applications())
    try:
        data = {"grant_type": "client_credentials", "scope": "project:read", "resource": LEDGER}
        for _ in range(3000):  # until the listener is heard and the application is kept
            await browser.post("/oauth/token", data=data, auth=("sweeper", SECRET))
            if site.database.applications.get("sweeper") is not None:
                break
            await asyncio.sleep(0.02)
        with counting_trips() as trips:
            answer = await browser.post("/oauth/token", data=data, auth=("sweeper", SECRET))
        assert trips == []
    finally:
        following.cancel()
    _, claims = await claims_of(browser, answer.json()["access_token"])
    await site.server.issued.flush()
    query = text("select event, data from audit where subject_id = :id")
    async with site.database.transaction() as transaction:
        [told] = await transaction.execute(query, {"id": claims["jti"]})
    assert (told.event, told.data["resources"]) == ("token.issued", [LEDGER])
