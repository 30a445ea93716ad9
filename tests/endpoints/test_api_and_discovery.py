"""The bearer guard, the server's own API, the metadata and the API document."""

import httpx
import pytest
import schemathesis
from schemathesis.core.result import Err

from app.protocol.grant_types import GRANT_TYPES
from app.store.database import Database
from tests.support.service import ISSUER, Service, obtain_code, redeem, service


async def bearer(browser: httpx.AsyncClient) -> dict[str, str]:
    answer = await redeem(browser, "web", await obtain_code(browser, "web", "robin"))
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.mark.spec("standards", "BR-5")
async def test_me(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/api/v1/me", headers=await bearer(browser))
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["username"], body["scopes"]) == ("robin", ["project:read"])


@pytest.mark.spec("standards", "BR-3")
async def test_no_token_is_a_bare_challenge(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/api/v1/me")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == (
        f'Bearer realm="{ISSUER}", resource_metadata="{ISSUER}/.well-known/oauth-protected-resource/api/v1"'
    )


@pytest.mark.spec("standards", "BR-1")
@pytest.mark.spec("standards", "BR-3")
@pytest.mark.spec("standards", "BR-4")
@pytest.mark.parametrize(
    ("header", "status", "error"),
    [
        ("Bearer nonsense", 401, "invalid_token"),
        ("Bearer asat_" + "A" * 70, 401, "invalid_token"),
        ("bearer x", 401, "invalid_token"),
        ("Bearer", 400, "invalid_request"),
        ("Basic eDp5", 401, "invalid_token"),
    ],
)
async def test_a_bad_token_is_challenged_with_its_error(
    browser: httpx.AsyncClient, header: str, status: int, error: str
) -> None:
    for path in ("/api/v1/", "/api/v1/me"):
        answer = await browser.get(path, headers={"Authorization": header})
        assert answer.status_code == status
        assert f'error="{error}"' in answer.headers["www-authenticate"]


@pytest.mark.spec("standards", "BR-4")
async def test_an_expired_token_is_invalid(site: Service, browser: httpx.AsyncClient) -> None:
    headers = await bearer(browser)
    site.clock.forward(3601)
    assert (await browser.get("/api/v1/me", headers=headers)).status_code == 401


@pytest.mark.spec("standards", "G1")
@pytest.mark.spec("standards", "MD-4")
@pytest.mark.spec("standards", "MD-5")
@pytest.mark.spec("standards", "P-8")
@pytest.mark.spec("standards", "BC-8")
async def test_the_metadata_tells_the_truth(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/.well-known/oauth-authorization-server", headers={"Origin": "https://x.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"].startswith("public, max-age=")
    assert "set-cookie" not in answer.headers
    body = answer.json()
    assert body["issuer"] == ISSUER
    assert body["code_challenge_methods_supported"] == ["S256"]
    assert body["grant_types_supported"] == [*GRANT_TYPES, "implicit"]
    assert "none" in body["token_endpoint_auth_methods_supported"]
    assert body["request_uri_parameter_supported"] is False
    for member in ("token_endpoint", "introspection_endpoint", "revocation_endpoint"):
        path = body[member].removeprefix(ISSUER)
        assert (await browser.post(path, data={})).status_code in {400, 401}
    assert (await browser.get(body["authorization_endpoint"])).status_code == 400


@pytest.mark.spec("standards", "BR-1")
@pytest.mark.spec("standards", "BC-11")
@pytest.mark.spec("standards", "O-4")
async def test_a_token_in_the_address_opens_nothing(browser: httpx.AsyncClient) -> None:
    token = (await bearer(browser))["Authorization"].removeprefix("Bearer ")
    browser.cookies.clear()
    for path in ("/api/v1/me", "/api/v1/organizations"):
        answer = await browser.get(path, params={"access_token": token})
        assert answer.status_code == 401
        assert "error=" not in answer.headers["www-authenticate"]
        assert token not in answer.text


@pytest.mark.spec("standards", "MD-3")
@pytest.mark.parametrize(
    "name", ["webfinger", "oauth-authorization-server/other", "oauth-authorization-server/", "change-password"]
)
async def test_other_well_known_paths_are_404(browser: httpx.AsyncClient, name: str) -> None:
    assert (await browser.get(f"/.well-known/{name}")).status_code == 404


@pytest.mark.spec("standards", "MD-1")
@pytest.mark.spec("standards", "MD-5")
@pytest.mark.spec("standards", "TV-12")
async def test_an_issuer_with_a_path_has_the_inserted_document_and_prefixed_endpoints(database: Database) -> None:
    async with service(database, issuer="https://h.example/t1") as below, below.browser() as browser:
        body = (await browser.get("/.well-known/oauth-authorization-server/t1")).json()
        assert body["issuer"] == "https://h.example/t1"
        assert body["token_endpoint"] == "https://h.example/t1/oauth/token"
        assert (await browser.post("/t1/oauth/token", data={})).status_code == 400
        for name, url in body.items():
            if isinstance(url, str):
                assert url.startswith("https://h.example/t1"), name
        for elsewhere in ("oauth-authorization-server/t1/", "oauth-authorization-server/t2", "openid-configuration/t2"):
            assert (await browser.get(f"/.well-known/{elsewhere}")).status_code == 404, elsewhere


@pytest.mark.spec("standards", "MD-4")
@pytest.mark.spec("standards", "CO-2")
async def test_the_metadata_can_be_asked_for_by_whoever_and_however(browser: httpx.AsyncClient) -> None:
    path = "/.well-known/oauth-authorization-server"
    whole, head = await browser.get(path), await browser.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert {**head.headers, "x-request-id": ""} == {**whole.headers, "x-request-id": ""}
    assert whole.headers["content-type"] == "application/json"
    asked = {
        "Origin": "https://inspector.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "MCP-Protocol-Version",
    }
    preflight = await browser.options(path, headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "MCP-Protocol-Version" in preflight.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in preflight.headers
    assert not [name for name, value in whole.json().items() if value in ([], {}, "", None)]
    refused = await browser.post(path)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


async def test_a_switched_off_feature_is_neither_served_nor_published(database: Database) -> None:
    async with service(database, features={"introspection": False}) as reduced, reduced.browser() as browser:
        assert (await browser.post("/oauth/introspect", data={"token": "x"})).status_code == 404
        assert "introspection_endpoint" not in (await browser.get("/.well-known/oauth-authorization-server")).json()
        assert "/oauth/introspect" not in (await browser.get("/openapi.json")).json()["paths"]


async def test_the_api_document_is_valid_and_has_every_grant_with_its_parameters(browser: httpx.AsyncClient) -> None:
    described = (await browser.get("/openapi.json")).json()
    operations = list(schemathesis.openapi.from_dict(described).get_all_operations())
    assert len(operations) == sum(len(item) for item in described["paths"].values())
    assert not [operation.err() for operation in operations if isinstance(operation, Err)]
    variants = described["paths"]["/oauth/token"]["post"]["requestBody"]["content"][
        "application/x-www-form-urlencoded"
    ]["schema"]["oneOf"]
    assert [variant["title"] for variant in variants] == list(GRANT_TYPES)
    for variant, grant in zip(variants, GRANT_TYPES.values(), strict=True):
        assert set(grant.Params.model_fields) <= set(variant["properties"])
