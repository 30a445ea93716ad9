"""POST /oauth/register at the wire: who may, what becomes of it, and what it is told (RFC 7591, standards A9.1)."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import schemathesis

from app.store.database import Database
from tests.support.assertions import claims_of, form, key_of, key_set, signed
from tests.support.credentials import api_key, personal_token
from tests.support.facts import VERIFIER
from tests.support.membership import found, join
from tests.support.pushing import request_of
from tests.support.registering import ENDPOINT, LOOPBACK, MCP_CLIENT, WEB, bearer, check, deeds, registered, stored
from tests.support.service import (
    ISSUER,
    REDIRECT_URI,
    Service,
    authorize_url,
    follow,
    obtain_code,
    redeem,
    service,
    sign_in,
)


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server where everybody may register."""
    async with service(database, registration={"mode": "open"}) as running:
        await running.user("robin")
        yield running


def at_address(site: Service, address: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(site.app, client=(address, 1)), base_url=ISSUER)


def error_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


@pytest.mark.spec("standards", "MB-6")
@pytest.mark.spec("standards", "DR-2")
@pytest.mark.spec("standards", "DR-3")
@pytest.mark.spec("standards", "HD-1")
async def test_an_mcp_client_registers_and_gets_tokens(site: Service, browser: httpx.AsyncClient) -> None:
    answer = await browser.post(ENDPOINT, json=MCP_CLIENT, headers={"MCP-Protocol-Version": "2026-07-28"})
    assert (answer.status_code, answer.headers["content-type"]) == (201, "application/json")
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert not {"client_secret", "client_secret_expires_at"} & told.keys()
    assert {name: told[name] for name in MCP_CLIENT if name != "scope"} == {
        name: value for name, value in MCP_CLIENT.items() if name != "scope"
    }
    at = "http://127.0.0.1:51004/callback"
    code = await obtain_code(browser, told["client_id"], "robin", redirect_uri=at, scope="project:read event:read")
    asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": at, "code_verifier": VERIFIER}
    tokens = await browser.post("/oauth/token", data={**asked, "client_id": told["client_id"]})
    assert tokens.json()["scope"] == "project:read event:read"  # more than it named when it registered
    again = {"grant_type": "refresh_token", "refresh_token": tokens.json()["refresh_token"]}
    refreshed = await browser.post("/oauth/token", data={**again, "client_id": told["client_id"]})
    assert refreshed.status_code == 200, refreshed.text


@pytest.mark.spec("standards", "DR-3")
@pytest.mark.spec("standards", "DR-13")
@pytest.mark.spec("standards", "DR-15")
@pytest.mark.spec("standards", "DM-1")
async def test_a_registration_is_stored_as_it_is_told_and_nobody_answers_for_it(
    site: Service, browser: httpx.AsyncClient
) -> None:
    members: dict[str, Any] = {
        **WEB,
        "client_name#de": "Tagebuch",
        "client_uri": "https://client.example",
        "logo_uri": "https://client.example/logo.png",
        "policy_uri": "https://client.example/privacy",
        "tos_uri": "https://client.example/terms",
        "contacts": ["ops@client.example"],
        "software_id": "diary",
        "software_version": "7",
        "default_max_age": 600,
        "require_auth_time": True,
        "post_logout_redirect_uris": ["https://client.example/bye"],
        "initiate_login_uri": "https://client.example/start",
        "backchannel_logout_uri": "https://client.example/ended",
        "dpop_bound_access_tokens": True,
    }
    beyond = {"weather": "fine", "verified": True, "initial_access_token": "an id", "profile": "legacy", "owner": "us"}
    told = await registered(browser, {**members, **beyond})
    assert {name: told.get(name) for name in (*members, *beyond)} == members | dict.fromkeys(beyond)
    assert told["registration_client_uri"] == f"{ISSUER}{ENDPOINT}/{told['client_id']}"
    row = await stored(site, told["client_id"])
    assert (row.self_registered, row.verified, row.owner_name, row.status) == (True, False, "", "active")
    assert row.introduction == {name: members[name] for name in ("logo_uri", "policy_uri", "tos_uri")}
    assert not beyond.keys() & row.registration.keys()
    kept = str(row.model_dump())
    assert told["client_secret"] not in kept
    assert told["registration_access_token"] not in kept
    [deed] = await deeds(site, told["client_id"])
    assert (deed.event, deed.actor_kind, deed.actor_id) == ("application.registered", "application", told["client_id"])
    assert told["client_secret"] not in str(deed.data)
    assert deed.data["after"]["redirect_uris"] == [REDIRECT_URI]


@pytest.mark.spec("standards", "DR-3")
@pytest.mark.spec("standards", "DR-5")
@pytest.mark.spec("standards", "CA-3")
async def test_without_a_word_about_it_a_client_gets_a_secret(site: Service, browser: httpx.AsyncClient) -> None:
    told = await registered(browser, {"redirect_uris": [REDIRECT_URI]})
    assert told["token_endpoint_auth_method"] == "client_secret_basic"
    assert told["grant_types"] == ["authorization_code"]
    assert (told["application_type"], told["client_secret_expires_at"]) == ("web", 0)
    assert len(told["client_secret"]) > 60
    assert told["client_name"]  # people have to call it something
    code = await obtain_code(browser, told["client_id"], "robin")
    assert (await redeem(browser, told["client_id"], code)).status_code == 401
    asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    tokens = await browser.post("/oauth/token", data=asked, auth=(told["client_id"], told["client_secret"]))
    assert tokens.status_code == 200, tokens.text
    assert "refresh_token" not in tokens.json()


@pytest.mark.spec("standards", "DR-9")
async def test_a_client_with_a_key_proves_itself_by_it(site: Service, browser: httpx.AsyncClient) -> None:
    method = {"token_endpoint_auth_method": "private_key_jwt"}
    told = await registered(browser, {**WEB, **method, "jwks": key_set(key_of("registered"))})
    assert "client_secret" not in told
    code = await obtain_code(browser, told["client_id"], "robin")
    asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    assertion = signed(claims_of(told["client_id"], ISSUER, site.clock()), key_of("registered"))
    tokens = await browser.post("/oauth/token", data=form(assertion, **asked))
    assert tokens.status_code == 200, tokens.text
    at_its_address = await registered(browser, {**WEB, **method, "jwks_uri": "https://client.example/jwks.json"})
    assert at_its_address["jwks_uri"] == "https://client.example/jwks.json"


@pytest.mark.spec("standards", "CA-3")
async def test_a_secret_that_makes_macs_is_kept_sealed(site: Service, browser: httpx.AsyncClient) -> None:
    told = await registered(browser, {**WEB, "token_endpoint_auth_method": "client_secret_jwt"})
    row = await stored(site, told["client_id"])
    assert len(row.key_material["sealed_secrets"]) == 1
    assert told["client_secret"] not in str(row.key_material)


@pytest.mark.spec("standards", "DR-7")
@pytest.mark.spec("standards", "DR-8")
@pytest.mark.spec("standards", "DR-9")
@pytest.mark.spec("standards", "DR-12")
@pytest.mark.parametrize(
    ("members", "error"),
    [
        *(
            pytest.param({"redirect_uris": [uri]}, "invalid_redirect_uri", id=f"to {uri.partition(':')[0]}")
            for uri in (
                "javascript:x",
                "data:text/html,x",
                "vbscript:x",
                "file:///x",
                "blob:x",
                "/relative",
                "myapp:/x",
            )
        ),
        pytest.param({"redirect_uris": ["https://a.example/#f"]}, "invalid_redirect_uri", id="fragment"),
        pytest.param({"redirect_uris": ["http://a.example/"]}, "invalid_redirect_uri", id="plain http"),
        pytest.param({"redirect_uris": []}, "invalid_redirect_uri", id="nowhere"),
        pytest.param(
            {"redirect_uris": ["com.example.app:/cb"], "application_type": "web"},
            "invalid_redirect_uri",
            id="private scheme on the web",
        ),
        pytest.param(
            {"jwks": key_set(key_of("a")), "jwks_uri": "https://a.example/j"}, "invalid_client_metadata", id="both keys"
        ),
        pytest.param({"jwks": {"keys": [key_of("a")]}}, "invalid_client_metadata", id="private key"),
        pytest.param({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata", id="no key"),
        pytest.param({"token_endpoint_auth_method": "tls_client_auth"}, "invalid_client_metadata", id="not offered"),
        pytest.param({"logo_uri": "data:image/png,x"}, "invalid_client_metadata", id="logo"),
        pytest.param({"client_name#not a tag": "x"}, "invalid_client_metadata", id="language"),
        pytest.param({"subject_type": "secret"}, "invalid_client_metadata", id="subject type"),
    ],
)
async def test_what_cannot_be_is_refused_and_leaves_nothing(
    browser: httpx.AsyncClient, members: dict[str, Any], error: str
) -> None:
    answer = await browser.post(ENDPOINT, json={**WEB, **members})
    assert error_of(answer) == (400, error)
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json()) == {"error", "error_description"}


@pytest.mark.spec("standards", "DR-1")
@pytest.mark.spec("standards", "G8")
async def test_only_json_by_post_is_a_registration(browser: httpx.AsyncClient) -> None:
    assert error_of(await browser.post(ENDPOINT, data={"client_name": "x"})) == (415, "invalid_client_metadata")
    assert error_of(await browser.post(ENDPOINT, json=[WEB])) == (400, "invalid_client_metadata")
    got = await browser.get(ENDPOINT)
    assert (got.status_code, got.headers["allow"]) == (405, "POST, OPTIONS")
    large = await browser.post(ENDPOINT, json={**WEB, "software_id": "x" * 1_000_001})
    assert large.status_code == 413
    odd = await browser.post(ENDPOINT, json={**WEB, "subject_type": 'a"\\\nä'})
    assert error_of(odd) == (400, "invalid_client_metadata")
    assert not set('"\\\n').intersection(odd.json()["error_description"])


@pytest.mark.spec("standards", "CO-1")
async def test_browsers_on_other_sites_register_and_read_why_they_may_not(browser: httpx.AsyncClient) -> None:
    asked = {
        "Origin": "https://inspector.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, mcp-protocol-version",
    }
    preflight = await browser.options(ENDPOINT, headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "mcp-protocol-version" in preflight.headers["access-control-allow-headers"].lower()
    managing = await browser.options(f"{ENDPOINT}/x", headers=asked)
    assert managing.headers["access-control-allow-methods"] == "GET, PUT, DELETE, OPTIONS"
    origin = {"Origin": "https://inspector.example"}
    for answer in (
        await browser.post(ENDPOINT, json=MCP_CLIENT, headers=origin),
        await browser.post(ENDPOINT, json={}, headers=origin),
        await browser.get(f"{ENDPOINT}/x", headers=origin),
    ):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "WWW-Authenticate" in answer.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.spec("standards", "DR-14")
async def test_nobody_chooses_his_client_id(browser: httpx.AsyncClient) -> None:
    wanted = "https://client.example/metadata.json"
    first = await registered(browser, {**MCP_CLIENT, "client_id": wanted})
    second = await registered(browser, {**MCP_CLIENT, "client_id": first["client_id"]})
    assert len({wanted, first["client_id"], second["client_id"]}) == 3
    assert not first["client_id"].startswith("http")


@pytest.mark.spec("standards", "DR-13")
@pytest.mark.spec("standards", "CA-11")
async def test_a_person_is_asked_each_time_and_sees_that_nobody_has_checked_it(
    site: Service, browser: httpx.AsyncClient
) -> None:
    told = await registered(browser, WEB)
    await sign_in(browser, "robin")
    await obtain_code(browser, told["client_id"], "robin")
    page = await follow(browser, await browser.get(authorize_url(told["client_id"])))
    assert 'id="consent-approve"' in page.text
    assert "has checked it" in page.text


@pytest.mark.spec("standards", "DR-13")
@pytest.mark.spec("standards", "IN-2")
async def test_whoever_registered_learns_nothing_of_tokens_that_are_not_his(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("the shop", name="Shop")
    code = await obtain_code(browser, "the shop", "robin")
    token = (await redeem(browser, "the shop", code)).json()["access_token"]
    person, organization = await site.user("pat"), await found(site.database, "quay", site.clock())
    await join(site.database, organization, person, "member", site.clock())
    _, personal = await personal_token(site, person, "org:read", expires_at=None)
    _, key = await api_key(site, organization, "org:read")
    told = await registered(browser, {**WEB, "client_name": "Looks Around"})
    for checked in (False, True):
        if checked:
            await check(site, told["client_id"])
        for shown in (token, personal, key):
            auth = (told["client_id"], told["client_secret"])
            answer = await browser.post("/oauth/introspect", data={"token": shown}, auth=auth)
            assert answer.json()["active"] is checked


@pytest.mark.spec("standards", "DR-13")
async def test_nobody_registers_under_a_name_that_is_known(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("known", name="Saltbarn Ledger")
    for members in (
        {"client_name": "Saltbarn L\u0435dger"},
        {"client_name": "Mine", "client_name#de": "SALTBARN LEDGER"},
    ):
        answer = await browser.post(ENDPOINT, json={**WEB, **members})
        assert error_of(answer) == (400, "invalid_client_metadata"), members


@pytest.mark.spec("standards", "DR-13")
async def test_where_names_are_marked_they_are_not_refused(database: Database, site: Service) -> None:
    await site.application("also known", name="Saltbarn Mill")
    marks = {"mode": "open", "imitations": "mark"}
    async with service(database, registration=marks) as marking, marking.browser() as browser:
        await registered(browser, {**WEB, "client_name": "Saltbarn Mill"})


@pytest.mark.spec("standards", "DR-2")
async def test_one_address_registers_only_so_many(database: Database) -> None:
    limits = {"registrations": 2}
    async with (
        service(database, registration={"mode": "open"}, limits=limits) as limited,
        at_address(limited, "198.51.100.7") as busy,
        at_address(limited, "198.51.100.8") as other,
    ):
        await registered(busy, MCP_CLIENT)
        assert (await busy.post(ENDPOINT, json={})).status_code == 400
        refused = await busy.post(ENDPOINT, json=MCP_CLIENT)
        assert error_of(refused) == (429, "temporarily_unavailable")
        assert 0 < int(refused.headers["retry-after"]) <= 600
        await registered(other, MCP_CLIENT)
        limited.clock.forward(601)
        await registered(busy, MCP_CLIENT)


@pytest.mark.spec("standards", "DR-13")
async def test_the_operator_says_what_strangers_may_ask_for(database: Database) -> None:
    rules = {"mode": "open", "scopes": ["openid", "project:read"]}
    async with service(database, registration=rules) as narrow, narrow.browser() as browser:
        told = await registered(browser, {**MCP_CLIENT, "scope": "project:read org:admin"})
        assert told["scope"] == "openid project:read"
        await sign_in(browser, "robin")
        url = authorize_url(told["client_id"], redirect_uri=LOOPBACK, scope="org:admin")
        page = await follow(browser, await browser.get(url))
        assert "invalid_scope" in page.text


async def test_a_server_that_is_closed_has_no_such_endpoint(database: Database) -> None:
    async with service(database) as closed, closed.browser() as browser:
        assert (await browser.post(ENDPOINT, json=MCP_CLIENT)).status_code == 404
        assert (await browser.get(f"{ENDPOINT}/x")).status_code == 404
        metadata = (await browser.get("/.well-known/oauth-authorization-server")).json()
        assert "registration_endpoint" not in metadata


@pytest.mark.spec("standards", "A7.1")
@pytest.mark.spec("standards", "MC-4")
async def test_the_endpoint_is_published_and_described(site: Service, browser: httpx.AsyncClient) -> None:
    metadata = (await browser.get("/.well-known/oauth-authorization-server")).json()
    assert metadata["registration_endpoint"] == f"{ISSUER}{ENDPOINT}"
    document = (await browser.get("/openapi.json")).json()
    paths = document["paths"]
    assert set(paths[ENDPOINT]) == {"post"}
    schemathesis.openapi.from_dict(document).validate()
    assert set(paths[f"{ENDPOINT}/{{client_id}}"]) == {"get", "put", "delete"}


@pytest.mark.spec("standards", "DM-1")
async def test_below_an_issuer_with_a_path_everything_stands_there(database: Database) -> None:
    issuer = f"{ISSUER}/auth"
    async with service(database, issuer=issuer, registration={"mode": "open"}) as below, below.browser() as browser:
        answer = await browser.post(f"/auth{ENDPOINT}", json=MCP_CLIENT)
        told = answer.json()
        assert told["registration_client_uri"] == f"{issuer}{ENDPOINT}/{told['client_id']}"
        found = await browser.get(told["registration_client_uri"], headers=bearer(told["registration_access_token"]))
        assert found.json() == told


@pytest.mark.spec("standards", "PAR-1")
async def test_a_secret_that_everybody_gets_makes_no_exception_from_limits(database: Database) -> None:
    limits = {"pushed_requests": 1}
    async with (
        service(database, registration={"mode": "open"}, limits=limits) as narrow,
        at_address(narrow, "198.51.100.9") as browser,
    ):
        told = await registered(browser, {**WEB, "client_name": "Pushes Much"})
        auth = (told["client_id"], told["client_secret"])
        request = request_of(told["client_id"])
        answers = [await browser.post("/oauth/par", data=request, auth=auth) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 429]
        await check(narrow, told["client_id"])
        assert (await browser.post("/oauth/par", data=request, auth=auth)).status_code == 201
