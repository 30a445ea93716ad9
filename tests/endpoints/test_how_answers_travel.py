"""Headers of every protocol endpoint and page: what may be stored, who may read it, in which form it comes."""

from collections.abc import AsyncIterator, Mapping

import httpx
import pytest

from app.protocol.features import Feature
from app.routers.endpoints import ANY, ENDPOINTS, PAGES
from app.store.database import Database
from tests.support.service import REDIRECT_URI, Service, authorize_url, follow, service, sign_in

WEBSITE = "https://inspector.example"
EVERYTHING = {feature.key: True for feature in Feature}

CORS: Mapping[str, str | None] = {
    "/oauth/token": "POST",
    "/oauth/device_authorization": "POST",
    "/oauth/bc-authorize": None,
    "/oauth/par": "POST",
    "/oauth/userinfo": "GET, POST",
    "/oauth/register": "POST",
    "/oauth/register/*": "GET, PUT, DELETE",
    "/oauth/introspect": None,
    "/oauth/revoke": "POST",
    "/oauth/global-token-revocation": None,
    "/oauth/grants": None,
    "/.well-known/oauth-authorization-server": "GET",
    "/.well-known/openid-configuration": "GET",
    "/.well-known/oauth-protected-resource": "GET",
    "/.well-known": "GET",
    "/oauth/jwks": "GET",
    "/api/v1/": "GET, HEAD",
    "/api/v1/me": "GET, HEAD",
}
"""What scripts of other websites may send where; None: nothing."""


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server with all its features, on which everybody may register."""
    async with service(database, features=EVERYTHING, registration={"mode": "open"}) as running:
        await running.user("robin")
        await running.application("web")
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with site.browser() as fresh:
        yield fresh


def test_the_matrix_has_every_endpoint() -> None:
    assert {mounted.path for mounted in ENDPOINTS} == CORS.keys()


@pytest.mark.spec("standards", "CO-1")
@pytest.mark.spec("standards", "CO-2")
@pytest.mark.spec("standards", "CO-3")
@pytest.mark.spec("standards", "MB-1")
@pytest.mark.spec("standards", "BB-4")
@pytest.mark.parametrize("path", CORS, ids=lambda path: path)
async def test_scripts_of_other_websites_reach_what_browser_clients_use_and_nothing_else(
    browser: httpx.AsyncClient, path: str
) -> None:
    methods, url = CORS[path], path.replace(ANY, "nothing")
    asked = {
        "Origin": WEBSITE,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization, content-type, mcp-protocol-version",
    }
    preflight = await browser.options(url, headers=asked)
    refused = await browser.request("PATCH", url, headers={"Origin": WEBSITE})
    for answer in (preflight, refused):
        assert "access-control-allow-credentials" not in answer.headers
    if methods is None:
        assert preflight.status_code == 405
        assert "access-control-allow-origin" not in refused.headers
        return
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert preflight.headers["access-control-allow-methods"] == f"{methods}, OPTIONS"
    assert int(preflight.headers["access-control-max-age"]) > 0
    if not path.startswith("/api/"):  # there an answer is for the website that its credential is for
        assert refused.headers["access-control-allow-origin"] == "*"
    if path.startswith(("/.well-known", "/oauth/register")):
        assert "MCP-Protocol-Version" in preflight.headers["access-control-allow-headers"]


@pytest.mark.spec("standards", "CO-3")
async def test_no_page_may_be_read_by_scripts_of_other_websites(browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "robin")
    for path in ("/oauth/authorize", "/login", "/consent", "/device", "/account", "/oauth/logout", "/select-account"):
        for answer in (await browser.get(path, headers={"Origin": WEBSITE}), await browser.options(path)):
            assert not [name for name in answer.headers if name.startswith("access-control-")], path
    assert PAGES


@pytest.mark.spec("standards", "HD-1")
@pytest.mark.parametrize("path", [path for path in CORS if path.startswith("/oauth/") and path != "/oauth/jwks"])
async def test_nothing_that_a_protocol_endpoint_answers_is_stored(browser: httpx.AsyncClient, path: str) -> None:
    [mounted] = [one for one in ENDPOINTS if one.path == path]
    for method in mounted.endpoint.methods:
        answer = await browser.request(method, path.replace(ANY, "nothing"))
        assert answer.status_code in (400, 401, 404, 415), (method, answer.text)
        assert "no-store" in answer.headers["cache-control"], method


@pytest.mark.spec("standards", "HD-1")
@pytest.mark.spec("standards", "HD-3")
@pytest.mark.spec("standards", "HD-4")
async def test_pages_that_ask_and_the_redirect_after_them_are_stored_nowhere_and_tell_nobody_whence(
    browser: httpx.AsyncClient,
) -> None:
    login = await follow(browser, await browser.get(authorize_url("web")))
    consent = await follow(browser, await sign_in(browser, "robin", login))
    for page in (login, consent):
        assert page.status_code == 200
        assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-store", "same-origin")
        policy = page.headers["content-security-policy"]
        for rule in ("default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
            assert rule in policy
        assert "script-src" not in policy
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["strict-transport-security"] == "max-age=31536000"
    refused = await browser.get(authorize_url("web", scope="fly:high"))
    assert refused.status_code == 303
    assert refused.headers["location"].startswith(REDIRECT_URI)
    assert (refused.headers["cache-control"], refused.headers["referrer-policy"]) == ("no-store", "no-referrer")


@pytest.mark.spec("standards", "HD-5")
async def test_programs_get_json_and_browsers_pages_whatever_they_accept(browser: httpx.AsyncClient) -> None:
    for path in ("/oauth/authorize", "/consent", "/nothing"):
        answer = await browser.get(path, headers={"Accept": "application/json"})
        assert answer.headers["content-type"].startswith("text/html"), path
    for path in ("/oauth/token", "/oauth/par", "/oauth/introspect", "/oauth/revoke", "/oauth/register"):
        answer = await browser.post(path, headers={"Accept": "text/html"})
        assert answer.headers["content-type"] == "application/json", path
    for path in ("/.well-known/nothing", "/api/v1/nothing"):
        answer = await browser.get(path, headers={"Accept": "text/html"})
        assert answer.headers["content-type"].partition("+")[0] in ("application/json", "application/problem"), path
