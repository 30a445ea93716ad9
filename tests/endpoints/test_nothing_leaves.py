"""Addresses of our own network, named by strangers at each endpoint that takes one: refused in words that help, and
nothing leaves (NS-4). Where something is sent, see `tests/jobs`."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from app.protocol import client_auth
from app.store.database import Database
from tests.protocol.test_client_id_addresses import NOT_ACCEPTABLE
from tests.support.assertions import claims_of, form, key_of, signed
from tests.support.far_server import far_server
from tests.support.registering import ENDPOINT, WEB, registered
from tests.support.service import ISSUER, REDIRECT_URI, Service, authorize_url, service

ADDRESSES = {
    "a name": "https://localhost:{port}/a.json",
    "an address": "https://127.0.0.1:{port}/a.json",
    "an address of IPv6": "https://[::1]:{port}/a.json",
    "an address in another": "https://[::ffff:127.0.0.1]:{port}/a.json",
    "a number": "https://2130706433:{port}/a.json",
    "a cloud's": "https://169.254.169.254/latest/meta-data/",
}
CLIENT = {**WEB, "token_endpoint_auth_method": "private_key_jwt"}


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server where everybody may register."""
    limits = {"registrations": 1000}
    features = {"request_objects_by_reference": True}
    async with service(database, registration={"mode": "open"}, features=features, limits=limits) as running:
        yield running


@pytest.fixture(params=ADDRESSES)
async def inside(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The address of a server of our own network, which nobody comes to."""
    async with far_server(None) as server:
        yield ADDRESSES[request.param].format(port=server.port)
        assert server.connections == 0


def is_helpful(text: str) -> bool:
    """Tell whether somebody who reads this knows what to change."""
    return "must " in text and ("host" in text or "address" in text)


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.spec("standards", "CI-8")
@pytest.mark.spec("standards", "CI-14")
async def test_a_client_id_is_refused(site: Service, browser: httpx.AsyncClient, inside: str) -> None:
    page = await browser.get(authorize_url(inside))
    assert (page.status_code, "location" in page.headers) == (400, False), page.text
    assert "invalid_client" in page.text
    assert is_helpful(page.text)
    pushed = await browser.post("/oauth/par", data={"client_id": inside, "response_type": "code"})
    assert (pushed.status_code, pushed.json()["error"]) == (401, "invalid_client")
    assert is_helpful(pushed.json()["error_description"])


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.spec("standards", "JW-6")
async def test_a_jwks_uri_is_refused(
    site: Service, browser: httpx.AsyncClient, inside: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever does not prove himself is told nothing; the operator is."""
    told = await registered(browser, {**CLIENT, "jwks_uri": inside})
    text = signed(claims_of(told["client_id"], ISSUER, site.clock()), key_of("stranger"))
    answer = await browser.post("/oauth/token", data=form(text, grant_type="authorization_code", code="a"))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.json()["error_description"] == client_auth.FAILED
    if "localhost" in inside:
        assert re.search(r"localhost leads to \S+, which is loopback", capsys.readouterr().out)


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.spec("standards", "DR-10")
async def test_a_sector_identifier_uri_is_refused(site: Service, browser: httpx.AsyncClient, inside: str) -> None:
    answer = await browser.post(ENDPOINT, json={**WEB, "subject_type": "pairwise", "sector_identifier_uri": inside})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
    assert "sector_identifier_uri" in answer.json()["error_description"]
    assert is_helpful(answer.json()["error_description"])


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.spec("standards", "RO-9")
async def test_a_request_uri_is_refused(site: Service, browser: httpx.AsyncClient, inside: str) -> None:
    told = await registered(browser, {**CLIENT, "jwks_uri": "https://keys.example/", "request_uris": [inside]})
    page = await browser.get(authorize_url(told["client_id"], request_uri=inside, redirect_uri=REDIRECT_URI))
    said = page.text + page.headers.get("location", "").replace("+", " ").replace("%20", " ")
    assert "invalid_request_uri" in said
    assert is_helpful(said)


@pytest.mark.spec("standards", "CI-1")
@pytest.mark.spec("standards", "CI-14")
async def test_whatever_a_client_id_is_it_is_refused_as_one(site: Service, browser: httpx.AsyncClient) -> None:
    for client_id in NOT_ACCEPTABLE.values():
        page = await browser.get(authorize_url(client_id))
        assert (page.status_code, "location" in page.headers) == (400, False), client_id
        for path in ("/oauth/par", "/oauth/token", "/oauth/revoke"):
            data = {"client_id": client_id, "grant_type": "refresh_token", "refresh_token": "a", "token": "a"}
            answer = await browser.post(path, data=data)
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), (path, client_id)
