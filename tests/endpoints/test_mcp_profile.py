"""What every MCP client counts on, with the settings as they come: discovery, one public client's way, step-up (B16).

The SDKs themselves take this way in `tests/journeys`; here each thing that they compare is looked at.
"""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import httpx2
import pytest
from mcp.client.auth import utils as sdk

from app.store.database import Database
from tests.support.facts import VERIFIER
from tests.support.service import (
    ISSUER,
    REDIRECT_URI,
    SECRET,
    Service,
    answer_of,
    authorize_url,
    decide,
    follow,
    service,
    sign_in,
)

MCP = "https://mcp.example.com"
BELOW = "https://h.example/t1"
OAUTH, OPENID = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
RESOURCES: dict[str, Any] = {
    MCP: {"name": "Diary tools", "scopes": ["project:read", "project:write"], "introspection_clients": ["mcp-server"]}
}


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server as it comes, with an MCP server and an agent that was registered by hand."""
    async with service(database, resources=RESOURCES) as running:
        await running.user("robin")
        await running.application("agent", auth_method="none", kind="native")
        await running.application("mcp-server", kind="machine", redirect_uris=(), response_types=(), grant_types=())
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with site.browser() as fresh:
        yield fresh


async def first_found(client: httpx.AsyncClient, addresses: list[str]) -> httpx.Response:
    """Ask at one address after the other, as the SDKs do: 4xx leads to the next one, anything else ends it."""
    for address in addresses:
        answer = await client.get(address, headers={"MCP-Protocol-Version": "2026-07-28"})
        if not 400 <= answer.status_code < 500:
            return answer
    raise AssertionError(f"nothing at {addresses}")


def as_the_sdk(answer: httpx.Response) -> httpx2.Response:
    """Return an answer as the SDK reads it, with its own HTTP library."""
    return httpx2.Response(answer.status_code, headers=answer.headers.multi_items(), content=answer.content)


async def answer_to(browser: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    """Walk from the agent's request to the redirect that answers it, through whatever pages are shown."""
    page = await follow(browser, await browser.get(authorize_url("agent", **{"resource": f"{MCP}/", **changes})))
    if 'id="login-submit"' in page.text:
        page = await follow(browser, await sign_in(browser, "robin", page))
    return await decide(browser, page) if 'id="consent-approve"' in page.text else page


async def tokens_for(browser: httpx.AsyncClient, **form: str) -> httpx.Response:
    """Send a token request as the SDKs do: a form, a client_id, the resource."""
    return await browser.post("/oauth/token", data={"client_id": "agent", "resource": f"{MCP}/", **form})


async def redeemed(browser: httpx.AsyncClient, code: str) -> httpx.Response:
    """Exchange a code."""
    return await tokens_for(
        browser, grant_type="authorization_code", code=code, redirect_uri=REDIRECT_URI, code_verifier=VERIFIER
    )


@pytest.mark.spec("standards", "MC-2")
@pytest.mark.spec("standards", "MC-3")
@pytest.mark.spec("standards", "MC-4")
@pytest.mark.spec("standards", "MC-5")
@pytest.mark.spec("standards", "MB-11")
@pytest.mark.spec("standards", "MD-5")
@pytest.mark.parametrize("issuer", [ISSUER, BELOW], ids=["at the root", "with a path"])
async def test_each_address_that_clients_try_has_what_they_demand(database: Database, issuer: str) -> None:
    """In the order in which they try: inserted for OAuth, inserted for OpenID Connect, appended."""
    path = urlsplit(issuer).path
    async with service(database, issuer=issuer, registration={"mode": "open"}) as running, running.browser() as client:
        for address in (OAUTH + path, OPENID + path, path + OPENID):
            answer = await client.get(address, headers={"MCP-Protocol-Version": "2026-07-28"})
            assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json"), address
            told = answer.json()
            assert told["issuer"] == issuer
            for name in ("authorization_endpoint", "token_endpoint", "registration_endpoint"):
                assert told[name].startswith(f"{issuer}/oauth/"), name
            assert "code" in told["response_types_supported"]
            assert told["code_challenge_methods_supported"] == ["S256"]
            assert told["client_id_metadata_document_supported"] is True
            assert told["authorization_response_iss_parameter_supported"] is True
            assert {"none", "client_secret_basic", "client_secret_post"} <= {
                *told["token_endpoint_auth_methods_supported"]
            }
            assert {"authorization_code", "refresh_token"} <= {*told["grant_types_supported"]}
            assert "offline_access" in told["scopes_supported"]


@pytest.mark.spec("standards", "MD-1")
@pytest.mark.spec("standards", "MD-2")
@pytest.mark.spec("standards", "MB-2")
@pytest.mark.spec("standards", "PR-3")
@pytest.mark.parametrize("issuer", [ISSUER, BELOW], ids=["at the root", "with a path"])
@pytest.mark.parametrize("told", [True, False], ids=["challenged", "by looking"])
async def test_the_sdk_finds_its_way_from_our_own_api_to_the_metadata(
    database: Database, issuer: str, told: bool
) -> None:
    """With the functions of the SDK for Python that name the addresses, and those that judge what stands there."""
    async with service(database, issuer=issuer) as running, running.browser() as client:
        refused = await client.get(f"{issuer}/api/v1/me")
        address = sdk.extract_resource_metadata_from_www_auth(as_the_sdk(refused)) if told else None
        found = await first_found(
            client, sdk.build_protected_resource_metadata_discovery_urls(address, f"{issuer}/api/v1")
        )
        resource = await sdk.handle_protected_resource_response(as_the_sdk(found))
        assert resource is not None
        [server] = resource.authorization_servers
        found = await first_found(
            client, sdk.build_oauth_authorization_server_metadata_discovery_urls(str(server), f"{issuer}/api/v1")
        )
        _, metadata = await sdk.handle_auth_metadata_response(as_the_sdk(found))
        assert metadata is not None
        sdk.validate_metadata_issuer(metadata, str(server))
        assert str(metadata.issuer) == issuer


@pytest.mark.spec("standards", "MB-2")
async def test_behind_one_proxy_the_sdk_finds_the_server_of_an_api_that_publishes_nothing(
    browser: httpx.AsyncClient,
) -> None:
    place = f"{ISSUER}/nowhere/mcp"
    addresses = sdk.build_protected_resource_metadata_discovery_urls(None, place)
    assert [(await browser.get(address)).status_code for address in addresses] == [404, 404]
    found = await first_found(browser, sdk.build_oauth_authorization_server_metadata_discovery_urls(None, place))
    assert found.json()["issuer"] == ISSUER


@pytest.mark.spec("standards", "MC-4")
async def test_registration_is_announced_only_where_somebody_may_register(browser: httpx.AsyncClient) -> None:
    told = (await browser.get(OAUTH)).json()
    assert "registration_endpoint" not in told
    assert told["client_id_metadata_document_supported"] is True
    assert (await browser.post("/oauth/register", json={})).status_code == 404


@pytest.mark.spec("standards", "MC-10")
async def test_the_issuer_is_the_same_whatever_address_the_server_is_asked_at(browser: httpx.AsyncClient) -> None:
    elsewhere = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    for path in (OAUTH, OPENID, "/.well-known/oauth-protected-resource/api/v1"):
        plain, asked = await browser.get(path), await browser.get(path, headers=elsewhere)
        assert plain.content == asked.content
        assert b"evil.example" not in asked.content


@pytest.mark.spec("standards", "MC-1")
@pytest.mark.spec("standards", "MC-5")
@pytest.mark.spec("standards", "MC-7")
@pytest.mark.spec("standards", "MC-8")
@pytest.mark.spec("standards", "MB-9")
@pytest.mark.spec("standards", "MB-10")
@pytest.mark.spec("standards", "MB-11")
async def test_a_public_client_gets_short_tokens_for_the_one_server_and_a_refresh_token_that_turns(
    browser: httpx.AsyncClient,
) -> None:
    back = await answer_to(browser, scope="project:read offline_access", prompt="consent")
    parameters = parse_qsl(urlsplit(back.headers["location"]).query)
    assert sorted(name for name, _ in parameters) == ["code", "iss", "state"]
    assert dict(parameters)["iss"] == (await browser.get(OAUTH)).json()["issuer"]
    first = await redeemed(browser, dict(parameters)["code"])
    assert (first.status_code, first.headers["content-type"]) == (200, "application/json")
    assert "no-store" in first.headers["cache-control"]
    got = first.json()
    assert got["token_type"] == "Bearer"
    assert got["expires_in"] <= 3600
    assert {*got["scope"].split()} == {"project:read", "offline_access"}
    asked = {"token": got["access_token"]}
    seen = (await browser.post("/oauth/introspect", data=asked, auth=("mcp-server", SECRET))).json()
    assert (seen["active"], seen["aud"]) == (True, MCP)
    refused = await browser.get("/api/v1/me", headers={"Authorization": f"Bearer {got['access_token']}"})
    assert refused.status_code == 401
    turned = await tokens_for(browser, grant_type="refresh_token", refresh_token=got["refresh_token"])
    assert turned.json()["refresh_token"] != got["refresh_token"]


@pytest.mark.spec("standards", "MC-5")
@pytest.mark.spec("standards", "MB-9")
async def test_an_error_names_the_issuer_letter_by_letter_too(browser: httpx.AsyncClient) -> None:
    for changes, error in (
        ({"scope": "fly:high"}, "invalid_scope"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    ):
        back = answer_of(await browser.get(authorize_url("agent", **{"resource": MCP, **changes})))
        assert (back["error"], back["iss"], back["state"]) == (error, ISSUER, "xyz")


@pytest.mark.spec("standards", "MC-6")
async def test_an_answer_goes_to_a_registered_address_alone_and_the_person_sees_which(
    browser: httpx.AsyncClient,
) -> None:
    for elsewhere in ("https://evil.example/callback", f"{REDIRECT_URI}/", f"{REDIRECT_URI}?next=https://evil.example"):
        page = await browser.get(authorize_url("agent", redirect_uri=elsewhere, resource=MCP))
        assert page.status_code == 400
        assert "location" not in page.headers
    page = await follow(browser, await browser.get(authorize_url("agent", resource=MCP, prompt="consent")))
    page = await follow(browser, await sign_in(browser, "robin", page))
    assert "client.example" in page.text
    assert 'id="consent-approve"' in page.text
