"""The metadata at each of its addresses: one document, kept in memory, for every client and cache (standards A7)."""

import httpx
import pytest

from app.protocol.features import Feature
from app.routers.endpoints import ENDPOINTS, METADATA, OPENID_CONFIGURATION
from app.store.database import Database
from app.store.hot_connection import counting_trips
from tests.endpoints.test_mounting import WITHOUT_OPENID
from tests.support.service import ISSUER, Service, service

BELOW = "https://h.example/t1"
BOTH = pytest.mark.parametrize("path", [METADATA, OPENID_CONFIGURATION])


@pytest.mark.spec("standards", "MD-2")
@pytest.mark.spec("standards", "MD-5")
@pytest.mark.spec("standards", "MD-6")
@pytest.mark.spec("standards", "MD-7")
@pytest.mark.spec("standards", "MD-8")
@pytest.mark.spec("standards", "MC-2")
@pytest.mark.spec("standards", "MC-3")
async def test_both_names_lead_to_the_same_document(browser: httpx.AsyncClient) -> None:
    oauth, openid = [await browser.get(path) for path in (METADATA, OPENID_CONFIGURATION)]
    assert oauth.content == openid.content
    body = openid.json()
    assert body["issuer"] == ISSUER
    assert body["code_challenge_methods_supported"] == ["S256"]
    assert "RS256" in body["id_token_signing_alg_values_supported"]
    assert body["subject_types_supported"] == ["public", "pairwise"]
    assert body["jwks_uri"] == f"{ISSUER}/oauth/jwks"


@pytest.mark.spec("standards", "MD-1")
@pytest.mark.spec("standards", "MD-2")
@pytest.mark.spec("standards", "MD-3")
@pytest.mark.spec("standards", "MD-5")
@pytest.mark.spec("standards", "TV-12")
async def test_an_issuer_with_a_path_has_its_document_inserted_and_appended(database: Database) -> None:
    async with service(database, issuer=BELOW) as below, below.browser() as browser:
        for path in (
            "/.well-known/oauth-authorization-server/t1",
            "/.well-known/openid-configuration/t1",
            "/t1/.well-known/openid-configuration",
        ):
            answer = await browser.get(path)
            assert (answer.status_code, answer.json()["issuer"]) == (200, BELOW), path
        for path in ("/.well-known/openid-configuration/t2", "/t2/.well-known/openid-configuration"):
            assert (await browser.get(path)).status_code == 404, path


@pytest.mark.spec("standards", "MD-2")
@pytest.mark.spec("standards", "TV-12")
async def test_an_issuer_without_a_path_has_them_at_the_root(browser: httpx.AsyncClient) -> None:
    for path in (METADATA, OPENID_CONFIGURATION):
        assert (await browser.get(path)).status_code == 200
        assert (await browser.get(f"{path}/t1")).status_code == 404


@pytest.mark.spec("standards", "MD-3")
@pytest.mark.parametrize(
    ("features", "there"),
    [(WITHOUT_OPENID, [METADATA]), ({"metadata": False}, [])],
    ids=["nobody signs in", "no metadata"],
)
async def test_a_document_that_is_off_is_not_there(
    database: Database, features: dict[str, bool], there: list[str]
) -> None:
    async with service(database, features=features) as reduced, reduced.browser() as browser:
        answers = {path: (await browser.get(path)).status_code for path in (METADATA, OPENID_CONFIGURATION)}
        assert [path for path, status in answers.items() if status == 200] == there
        described = (await browser.get("/openapi.json")).json()["paths"]
        assert [path for path in answers if path in described] == there


@BOTH
@pytest.mark.spec("standards", "HD-2")
@pytest.mark.spec("standards", "MD-4")
async def test_whoever_has_the_document_is_not_sent_it_again(browser: httpx.AsyncClient, path: str) -> None:
    with counting_trips() as trips:
        whole = await browser.get(path)
        tag = whole.headers["etag"]
        answers = [
            await browser.get(path, headers={"If-None-Match": known})
            for known in (tag, f"W/{tag}", f'"another", {tag}', "*", '"another"')
        ]
    assert trips == []
    assert [answer.status_code for answer in answers] == [304, 304, 304, 304, 200]
    assert all(answer.headers["etag"] == tag for answer in answers)
    assert answers[0].content == b""
    for answer in (whole, answers[0]):
        assert answer.headers["cache-control"] == "public, max-age=300"
        assert "vary" not in answer.headers
        assert "set-cookie" not in answer.headers
    assert whole.headers["content-type"] == "application/json"


@BOTH
@pytest.mark.spec("standards", "MB-1")
@pytest.mark.spec("standards", "MD-4")
async def test_every_website_may_read_it_whatever_its_client_sends(browser: httpx.AsyncClient, path: str) -> None:
    origin = {"Origin": "https://inspector.example"}
    asked = {**origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "mcp-protocol-version"}
    preflight = await browser.options(path, headers=asked)
    assert preflight.status_code == 204
    assert "MCP-Protocol-Version" in preflight.headers["access-control-allow-headers"]
    answer = await browser.get(path, headers={**origin, "MCP-Protocol-Version": "2026-07-28"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    refused = await browser.post(path, headers=origin)
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (405, "*")


@pytest.mark.spec("standards", "A7.1")
async def test_what_is_named_is_there(site: Service, browser: httpx.AsyncClient) -> None:
    document = (await browser.get(OPENID_CONFIGURATION)).json()
    named = {name: url for name, url in document.items() if name.endswith(("_endpoint", "_uri", "_iframe"))}
    assert {"userinfo_endpoint", "jwks_uri", "end_session_endpoint", "token_endpoint"} <= named.keys()
    for name, url in named.items():
        assert (await browser.get(url.removeprefix(ISSUER))).status_code not in {404, 500}, name
    mounted = {one.path for one in ENDPOINTS if one.path.startswith("/oauth/") and one.is_on(site.server.features)}
    assert mounted <= {url.removeprefix(ISSUER) for url in named.values()}
    assert Feature.OPENID in site.server.features
