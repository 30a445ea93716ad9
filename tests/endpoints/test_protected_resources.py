"""The metadata of protected resources over HTTP, and the challenges that lead to it (RFC 9728, standards A15)."""

import httpx
import pytest

from app.store.database import Database
from tests.support.service import ISSUER, service

WELL_KNOWN = "/.well-known/oauth-protected-resource"
API = f"{ISSUER}{WELL_KNOWN}/api/v1"
USERINFO = f"{ISSUER}{WELL_KNOWN}/oauth/userinfo"
DIARY = f"{ISSUER}/mcp"


@pytest.mark.spec("standards", "PR-1")
@pytest.mark.spec("standards", "PR-4")
@pytest.mark.spec("standards", "A7.1")
async def test_each_resource_that_the_metadata_names_has_its_document(browser: httpx.AsyncClient) -> None:
    told = (await browser.get("/.well-known/oauth-authorization-server")).json()
    assert told["protected_resources"] == [f"{ISSUER}/api/v1", f"{ISSUER}/oauth/userinfo"]
    for identifier in told["protected_resources"]:
        answer = await browser.get(WELL_KNOWN + identifier.removeprefix(ISSUER))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        assert answer.json()["resource"] == identifier
        assert answer.json()["authorization_servers"] == [told["issuer"]]
        assert {*answer.json()["scopes_supported"]} <= {*told["scopes_supported"]} - {"offline_access"}


@pytest.mark.spec("standards", "HD-2")
@pytest.mark.spec("standards", "MB-1")
async def test_the_document_is_for_every_website_and_every_cache(browser: httpx.AsyncClient) -> None:
    asked = {
        "Origin": "https://inspector.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "mcp-protocol-version",
    }
    preflight = await browser.options(API, headers=asked)
    assert preflight.status_code == 204
    assert "MCP-Protocol-Version" in preflight.headers["access-control-allow-headers"]
    answer = await browser.get(API, headers={"Origin": "https://inspector.example", "MCP-Protocol-Version": "x"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert "set-cookie" not in answer.headers
    again = await browser.get(API, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.spec("standards", "MD-3")
@pytest.mark.spec("standards", "MB-2")
@pytest.mark.parametrize(
    "path",
    [
        WELL_KNOWN,
        f"{WELL_KNOWN}/",
        f"{WELL_KNOWN}/mcp",
        f"{WELL_KNOWN}/api/v1/",
        "/.well-known",
        "/.well-known/anything",
        "/.well-known/oauth-authorization-server/mcp",
        "/.well-known/openid-configuration/a/b",
        "/mcp/.well-known/openid-configuration",
        "/.well-known/" + "a/" * 2000,
    ],
    ids=["root", "slash", "other", "slash behind", "well known", "name", "oauth", "openid", "appended", "deep"],
)
async def test_what_is_not_there_is_404_in_json_that_every_website_can_read(
    browser: httpx.AsyncClient, path: str
) -> None:
    answer = await browser.get(path, headers={"Origin": "https://inspector.example"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")
    assert answer.json()["error"] == "not_found"
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.spec("standards", "PR-3")
@pytest.mark.spec("standards", "HD-6")
async def test_every_refusal_of_our_apis_leads_to_their_document(browser: httpx.AsyncClient) -> None:
    for path, url in (
        *((path, API) for path in ("/api/v1/me", "/api/v1/session", "/api/v1/organizations/saltbarn")),
        ("/oauth/userinfo", USERINFO),
    ):
        for headers in ({}, {"Authorization": "Bearer asat_nothing"}, {"Authorization": "DPoP asat_nothing"}):
            answer = await browser.get(path, headers=headers)
            if answer.status_code == 401:
                [challenge] = answer.headers.get_list("www-authenticate")
                assert challenge.count(f'resource_metadata="{url}"') == 1, (path, challenge)
            else:
                assert (path, answer.status_code) == ("/api/v1/session", 403)


@pytest.mark.spec("standards", "PR-1")
@pytest.mark.spec("standards", "MD-3")
async def test_a_resource_beside_the_server_has_its_document_here_and_one_elsewhere_has_not(
    database: Database,
) -> None:
    there = {
        DIARY: {"name": "Diary tools", "scopes": ["project:read"]},
        ISSUER: {"scopes": ["project:write"]},
        "https://mcp.example.com/far": {},
    }
    async with service(database, resources=there) as running, running.browser() as browser:
        told = (await browser.get(f"{WELL_KNOWN}/mcp")).json()
        assert (told["resource"], told["scopes_supported"]) == (DIARY, ["project:read"])
        assert (await browser.get(WELL_KNOWN)).json()["resource"] == ISSUER
        assert (await browser.get(f"{WELL_KNOWN}/far")).status_code == 404


@pytest.mark.spec("standards", "PR-1")
@pytest.mark.spec("standards", "MD-1")
async def test_an_issuer_with_a_path_has_its_documents_inserted_and_below(database: Database) -> None:
    below = "https://h.example/t1"
    async with service(database, issuer=below) as running, running.browser() as browser:
        for path in (f"{WELL_KNOWN}/t1/api/v1", f"/t1{WELL_KNOWN}/api/v1"):
            told = (await browser.get(path)).json()
            assert (told["resource"], told["authorization_servers"]) == (f"{below}/api/v1", [below])
        for path in (f"{WELL_KNOWN}/api/v1", "/.well-known/oauth-protected-resource", "/t1/.well-known/nothing"):
            answer = await browser.get(path)
            assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
        challenge = (await browser.get("/t1/api/v1/me")).headers["www-authenticate"]
        assert f'resource_metadata="https://h.example{WELL_KNOWN}/t1/api/v1"' in challenge


@pytest.mark.spec("standards", "MD-3")
async def test_without_the_feature_nothing_leads_to_documents_and_none_is_there(database: Database) -> None:
    off = {"protected_resource_metadata": False}
    async with service(database, features=off) as running, running.browser() as browser:
        assert (await browser.get(f"{WELL_KNOWN}/api/v1")).status_code == 404
        assert "resource_metadata" not in (await browser.get("/api/v1/me")).headers["www-authenticate"]
        assert "resource_metadata" not in (await browser.get("/oauth/userinfo")).headers["www-authenticate"]
        told = (await browser.get("/.well-known/oauth-authorization-server")).json()
        assert "protected_resources" not in told
        described = (await browser.get("/openapi.json")).json()["paths"]
        assert not [path for path in described if path.startswith(WELL_KNOWN)]
