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


async def test_me(browser: httpx.AsyncClient) -> None:
    body = (await browser.get("/api/v1/me", headers=await bearer(browser))).json()
    assert (body["username"], body["scopes"]) == ("robin", ["project:read"])


async def test_no_token_is_a_bare_challenge(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/api/v1/me")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == f'Bearer realm="{ISSUER}"'


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


async def test_an_expired_token_is_invalid(site: Service, browser: httpx.AsyncClient) -> None:
    headers = await bearer(browser)
    site.clock.forward(3601)
    assert (await browser.get("/api/v1/me", headers=headers)).status_code == 401


async def test_the_metadata_tells_the_truth(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/.well-known/oauth-authorization-server", headers={"Origin": "https://x.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"].startswith("public, max-age=")
    assert "set-cookie" not in answer.headers
    body = answer.json()
    assert body["issuer"] == ISSUER
    assert body["code_challenge_methods_supported"] == ["S256"]
    assert body["grant_types_supported"] == ["authorization_code", "refresh_token", "client_credentials"]
    assert "none" in body["token_endpoint_auth_methods_supported"]
    assert body["request_uri_parameter_supported"] is False
    for member in ("token_endpoint", "introspection_endpoint", "revocation_endpoint"):
        path = body[member].removeprefix(ISSUER)
        assert (await browser.post(path, data={})).status_code in {400, 401}
    assert (await browser.get(body["authorization_endpoint"])).status_code == 400


async def test_other_well_known_paths_are_404(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/.well-known/webfinger")).status_code == 404


async def test_an_issuer_with_a_path_has_the_inserted_document_and_prefixed_endpoints(database: Database) -> None:
    async with service(database, issuer="https://h.example/t1") as below, below.browser() as browser:
        body = (await browser.get("/.well-known/oauth-authorization-server/t1")).json()
        assert body["issuer"] == "https://h.example/t1"
        assert body["token_endpoint"] == "https://h.example/t1/oauth/token"
        assert (await browser.post("/t1/oauth/token", data={})).status_code == 400


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
