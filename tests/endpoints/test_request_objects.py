"""Request objects at the authorization endpoint (RFC 9101, OpenID Connect Core §6)."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.store.database import Database
from app.store.hot_connection import counting_trips
from tests.support.assertions import key_of, unsigned
from tests.support.front_channel import walk
from tests.support.request_objects import (
    address,
    claims_of,
    query_of,
    register_signing,
    request_object,
)
from tests.support.service import ISSUER, REDIRECT_URI, Service, authorize_url, follow, redeem, service, sign_in
from tests.support.signing import keep_keys

BESIDE = {"redirect_uri": REDIRECT_URI, "state": "outside"}
OPENID = {"response_type": "code", "scope": "openid"}


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server with an application that may sign its requests, one that has to, and one with two addresses."""
    async with service(database) as running:
        await keep_keys(running.server)
        await running.user("robin")
        await register_signing(running, "signer")
        await register_signing(running, "demanding", require_signed_request_object=True)
        two = [REDIRECT_URI, "https://client.example/other"]
        await register_signing(running, "two", redirect_uris=two)
        await running.application("plain")
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with site.browser() as fresh:
        yield fresh


@pytest.mark.spec("standards", "RO-3")
@pytest.mark.spec("standards", "A1-1")
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_whole_request_in_an_object_leads_to_a_code(
    site: Service, browser: httpx.AsyncClient, method: str
) -> None:
    text = request_object(site)
    if method == "GET":
        answer = query_of(await walk(browser, address(request=text, state="outside", scope="nope")))
    else:
        saved = await browser.post("/oauth/authorize", data={"client_id": "signer", "request": text})
        answer = query_of(await walk(browser, saved.headers["location"]))
    assert (answer["state"], answer["iss"]) == ("xyz", ISSUER)
    tokens = (await redeem(browser, "signer", answer["code"])).json()
    assert tokens["scope"] == "project:read"


@pytest.mark.spec("standards", "RO-10")
async def test_that_it_was_signed_is_known_after_every_page(site: Service, browser: httpx.AsyncClient) -> None:
    consent = await follow(browser, await browser.get(address("demanding", request=request_object(site, "demanding"))))
    assert 'id="login-submit"' in consent.text
    site.clock.forward(400)  # the object has expired by now, and the request that came in it has not
    answered = await follow(browser, await sign_in(browser, "robin", consent))
    assert 'id="consent-approve"' in answered.text


@pytest.mark.spec("standards", "RO-10")
async def test_where_it_has_to_be_signed_it_is_refused_unsigned(browser: httpx.AsyncClient) -> None:
    answer = query_of(await browser.get(authorize_url("demanding")))
    assert (answer["error"], answer["state"]) == ("invalid_request", "xyz")
    assert "has to sign its requests" in answer["error_description"]


@pytest.mark.spec("standards", "RO-3")
async def test_an_openid_request_may_have_parameters_beside_its_object(
    site: Service, browser: httpx.AsyncClient
) -> None:
    says_little: dict[str, Any] = dict.fromkeys(("iss", "aud", "exp", "nbf", "iat", "jti", "state"))
    text = request_object(site, "signer", header={"typ": None}, scope="openid project:read", **says_little)
    beside = {**OPENID, "state": "outside", "nonce": "outside", "redirect_uri": "https://mallory.example/"}
    answer = query_of(await walk(browser, address(request=text, **beside)))
    assert answer["state"] == "outside"
    tokens = (await redeem(browser, "signer", answer["code"])).json()
    assert tokens["scope"] == "openid project:read"


@pytest.mark.spec("standards", "RO-11")
async def test_max_age_and_claims_keep_their_types(site: Service, browser: httpx.AsyncClient) -> None:
    query_of(await walk(browser, address(request=request_object(site))))
    site.clock.forward(5)
    fresh = await browser.get(address(request=request_object(site, max_age=1000, prompt="none")))
    assert "code" in query_of(fresh)
    stale = await browser.get(address(request=request_object(site, max_age=1, prompt="none")))
    assert query_of(stale)["error"] == "login_required"
    claims = {"id_token": {"acr": {"essential": True, "value": "urn:nobody:has:this"}}}
    asked = request_object(site, claims=claims, scope="openid", prompt="none")
    assert query_of(await browser.get(address(request=asked)))["error"] == "unmet_authentication_requirements"


@pytest.mark.spec("standards", "A1.2 (2)")
@pytest.mark.spec("standards", "RO-4")
@pytest.mark.parametrize("beside", [BESIDE, {"state": "outside"}], ids=["named", "the only one"])
async def test_a_bad_object_is_told_to_the_address_beside_it_and_never_to_one_inside(
    site: Service, browser: httpx.AsyncClient, beside: dict[str, str]
) -> None:
    text = request_object(site, key=key_of("mallory"), redirect_uri="https://mallory.example/", state="inside")
    for method in ("GET", "POST"):
        asked = {"client_id": "signer", "request": text, **beside}
        answer = query_of(await browser.request(method, "/oauth/authorize", **_sent(method, asked)))
        assert answer.keys() == {"error", "error_description", "state", "iss"}
        assert (answer["error"], answer["state"]) == ("invalid_request_object", "outside")


def _sent(method: str, asked: dict[str, str]) -> dict[str, Any]:
    return {"params": asked} if method == "GET" else {"data": asked}


@pytest.mark.spec("standards", "A1.2 (2)")
@pytest.mark.spec("standards", "A1.2 (3)")
@pytest.mark.parametrize(
    ("client_id", "beside"),
    [
        ("two", {}),
        ("signer", {"redirect_uri": "https://mallory.example/"}),
        ("signer", {"scope": "openid"}),
        ("signer", {"response_mode": "unknown"}),
    ],
    ids=["no address", "an address of somebody else", "an OpenID request without one", "an unknown mode"],
)
async def test_a_bad_object_without_an_address_beside_it_is_a_page(
    site: Service, browser: httpx.AsyncClient, client_id: str, beside: dict[str, str]
) -> None:
    text = request_object(site, client_id, key=key_of("mallory"))
    page = await browser.get(address(client_id, request=text, **beside))
    assert page.status_code == 400
    assert "location" not in page.headers
    assert "invalid_request_object: the request object is refused" in page.text
    assert "mallory" not in page.text


@pytest.mark.spec("standards", "A1.2 (3)")
async def test_an_address_inside_a_good_object_has_to_be_registered_too(
    site: Service, browser: httpx.AsyncClient
) -> None:
    page = await browser.get(address(request=request_object(site, redirect_uri="https://mallory.example/"), **BESIDE))
    assert page.status_code == 400
    assert "location" not in page.headers


@pytest.mark.spec("standards", "RO-1")
@pytest.mark.spec("standards", "RO-2")
@pytest.mark.spec("standards", "RO-9")
@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"request": "a.b.c", "request_uri": "https://client.example/r"}, "invalid_request"),
        ({"request_uri": "https://client.example/r"}, "request_uri_not_supported"),
        ({"request": "a.b.c"}, "invalid_request_object"),
        ({"request": "a.b.c.d.e"}, "invalid_request_object"),
    ],
    ids=["both", "by reference", "no JWT", "encrypted"],
)
async def test_what_cannot_be_is_told_to_the_application(
    browser: httpx.AsyncClient, asked: dict[str, str], error: str
) -> None:
    assert query_of(await browser.get(authorize_url("signer", **asked)))["error"] == error


@pytest.mark.spec("standards", "RO-1")
async def test_an_object_that_comes_twice_is_refused(site: Service, browser: httpx.AsyncClient) -> None:
    answer = query_of(await browser.get(authorize_url("signer", request=[request_object(site)] * 2)))
    assert (answer["error"], answer["error_description"]) == (
        "invalid_request",
        "request was sent more than once; send it once",
    )


@pytest.mark.spec("standards", "RO-4")
async def test_an_unsigned_object_never_counts(site: Service, browser: httpx.AsyncClient) -> None:
    text = unsigned(claims_of("signer", site.clock()))
    for beside in ({}, OPENID):
        answer = query_of(await browser.get(address(request=text, redirect_uri=REDIRECT_URI, **beside)))
        assert answer["error"] == "invalid_request_object"


async def test_an_application_without_keys_is_told_so(site: Service, browser: httpx.AsyncClient) -> None:
    answer = query_of(await browser.get(address("plain", request=request_object(site, "plain"), **BESIDE)))
    assert "has registered no keys" in answer["error_description"]


async def test_an_object_may_be_loaded_again_until_it_expires(site: Service, browser: httpx.AsyncClient) -> None:
    text = request_object(site)
    for _ in range(2):
        assert "code" in query_of(await walk(browser, address(request=text)))
    site.clock.forward(361)
    answer = query_of(await browser.get(address(request=text, **BESIDE)))
    assert "has expired" in answer["error_description"]


async def test_a_large_object_is_bounded_like_any_request(site: Service, browser: httpx.AsyncClient) -> None:
    long = request_object(site, nonce="n" * 5000)
    assert query_of(await browser.get(address(request=long)))["error"] == "invalid_request"
    endless = request_object(site, nonce="n" * 17_000)
    answer = query_of(await browser.get(address(request=endless, **BESIDE)))
    assert (answer["error"], "longer than" in answer["error_description"]) == ("invalid_request_object", True)


async def test_an_object_costs_no_round_trip(site: Service, browser: httpx.AsyncClient) -> None:
    with counting_trips() as asked:
        await browser.get(address(request=request_object(site)))
    assert asked == ["gather_authorize", "save_interaction"]


@pytest.mark.spec("standards", "RO-2")
async def test_a_server_without_request_objects_says_so(database: Database) -> None:
    async with service(database, features={"request_objects": False}) as reduced, reduced.browser() as browser:
        answer = query_of(await browser.get(authorize_url("signer", request=request_object(reduced))))
        assert answer["error"] == "request_not_supported"


@pytest.mark.spec("standards", "RO-10")
async def test_a_server_may_demand_signed_requests_of_everybody(database: Database) -> None:
    async with service(database, require_signed_requests=True) as strict, strict.browser() as browser:
        answer = query_of(await browser.get(authorize_url("signer")))
        assert answer["error"] == "invalid_request"
        metadata = (await browser.get("/.well-known/oauth-authorization-server")).json()
        assert metadata["require_signed_request_object"] is True
        page = await follow(browser, await browser.get(address(request=request_object(strict))))
        assert 'id="login-submit"' in page.text
