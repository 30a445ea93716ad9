"""Attacks with request objects: exchanged, replayed, taken for something else, made by somebody else."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.crypto.jose_text import encoded
from app.store.database import Database
from tests.support import assertions
from tests.support.assertions import key_of, key_set, maced, unsigned
from tests.support.front_channel import walk
from tests.support.pushing import pushed_url
from tests.support.request_objects import TYP, address, claims_of, query_of, register_signing, request_object
from tests.support.service import ISSUER, REDIRECT_URI, SECRET, Service, authorize_url, service
from tests.support.signing import keep_keys

FAPI: dict[str, Any] = {
    "client_secret": None,
    "token_endpoint_auth_method": "private_key_jwt",
    "id_token_signed_response_alg": "ES256",
    "authorization_signed_response_alg": "ES256",
    "profile": "fapi2-message-signing",
}


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    async with service(database) as running:
        await keep_keys(running.server)
        await running.user("robin")
        await register_signing(running, "signer")
        await register_signing(running, "mallory")
        await register_signing(running, "asserting", client_secret=None, token_endpoint_auth_method="private_key_jwt")
        await register_signing(running, "bank", **FAPI)
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with site.browser() as fresh:
        yield fresh


async def push(browser: httpx.AsyncClient, text: str, client_id: str = "signer", **beside: str) -> httpx.Response:
    """Push an object with Basic authentication."""
    return await browser.post("/oauth/par", data={"request": text, **beside}, auth=(client_id, SECRET))


async def push_as_bank(site: Service, browser: httpx.AsyncClient, text: str) -> httpx.Response:
    """Push an object with a client assertion."""
    proof = assertions.signed(assertions.claims_of("bank", ISSUER, site.clock()), key_of("bank"))
    return await browser.post("/oauth/par", data=assertions.form(proof, request=text))


def refused(answered: httpx.Response, error: str = "invalid_request_object") -> str:
    assert (answered.status_code, answered.json()["error"]) == (400, error), answered.text
    description: str = answered.json()["error_description"]
    return description


@pytest.mark.spec("standards", "PAR-6")
async def test_a_pushed_object_leads_to_a_code(site: Service, browser: httpx.AsyncClient) -> None:
    answered = await push(browser, request_object(site))
    assert answered.status_code == 201, answered.text
    url = pushed_url("signer", answered.json()["request_uri"], state="outside")
    assert query_of(await walk(browser, url))["state"] == "xyz"


@pytest.mark.spec("standards", "RO-3")
@pytest.mark.spec("standards", "RO-4")
@pytest.mark.spec("standards", "PAR-6")
async def test_an_object_of_another_application_is_worth_nothing(site: Service, browser: httpx.AsyncClient) -> None:
    hers = request_object(site, "mallory")
    for text in (hers, request_object(site, "mallory", iss=None), request_object(site, key=key_of("mallory"))):
        assert "request object is refused" in refused(await push(browser, text))
        answer = query_of(await browser.get(address(request=text, redirect_uri=REDIRECT_URI)))
        assert answer["error"] == "invalid_request_object"
    for changes, said in (({"iss": "signer"}, "iss of the request object"), ({}, "client_id is not that")):
        text = request_object(site, "mallory", **{"client_id": "signer", **changes})
        assert said in refused(await push(browser, text, "mallory"))


@pytest.mark.spec("standards", "RO-1")
async def test_an_object_beside_the_reference_to_another_request_is_a_mistake(
    site: Service, browser: httpx.AsyncClient
) -> None:
    request_uri = (await push(browser, request_object(site))).json()["request_uri"]
    both = pushed_url("signer", request_uri, request=request_object(site, state="other"), redirect_uri=REDIRECT_URI)
    assert "exclude each other" in query_of(await browser.get(both))["error_description"]
    assert "code" in query_of(await walk(browser, pushed_url("signer", request_uri)))


@pytest.mark.spec("standards", "RO-3")
async def test_a_signed_request_cannot_be_changed_on_its_way_through_the_browser(
    site: Service, browser: httpx.AsyncClient
) -> None:
    changed = {
        "redirect_uri": "https://mallory.example/",
        "scope": "openid",
        "state": "hers",
        "response_mode": "fragment",
    }
    answer = query_of(await walk(browser, address(request=request_object(site), **changed)))
    assert (answer["state"], "code" in answer) == ("xyz", True)


async def test_a_pushed_object_counts_once(site: Service, browser: httpx.AsyncClient) -> None:
    text = request_object(site)
    assert (await push(browser, text)).status_code == 201
    assert "used before" in refused(await push(browser, text))
    again = request_object(site, jti="hers")
    assert (await push(browser, again)).status_code == 201
    assert "used before" in refused(await push(browser, request_object(site, jti="hers", state="other")))
    assert (await push(browser, request_object(site, "mallory", jti="hers"), "mallory")).status_code == 201
    assert "code" in query_of(await walk(browser, address(request=text))), "nothing is pushed here"


async def test_an_object_that_is_refused_uses_nothing_up(site: Service, browser: httpx.AsyncClient) -> None:
    refused(await push(browser, request_object(site, jti="mine", key=key_of("mallory"))))
    refused(await push(browser, request_object(site, jti="mine"), scope="project:read"), "invalid_request")
    assert (await push(browser, request_object(site, jti="mine"))).status_code == 201


@pytest.mark.spec("standards", "RO-7")
async def test_a_client_assertion_is_no_request_object_and_the_other_way_round(
    site: Service, browser: httpx.AsyncClient
) -> None:
    claims = {**assertions.claims_of("asserting", ISSUER, site.clock()), "client_id": "asserting"}
    assertion = assertions.signed(claims, key_of("asserting"))
    proof = assertions.signed(assertions.claims_of("asserting", ISSUER, site.clock()), key_of("asserting"))
    answered = await browser.post("/oauth/par", data=assertions.form(proof, request=assertion))
    assert "its sub is the application itself" in refused(answered)
    answer = query_of(await browser.get(address("asserting", request=assertion, redirect_uri=REDIRECT_URI)))
    assert "its sub is the application itself" in answer["error_description"]
    for changes in ({}, {"header": {"typ": None}}, {"sub": "asserting"}):
        shown = assertions.form(request_object(site, "asserting", **changes), client_id="asserting")
        answered = await browser.post("/oauth/par", data=shown)
        assert (answered.status_code, answered.json()["error"]) == (401, "invalid_client")


@pytest.mark.spec("standards", "RO-4")
@pytest.mark.spec("standards", "JV-1")
async def test_no_algorithm_makes_public_keys_a_secret(site: Service, browser: httpx.AsyncClient) -> None:
    claims = claims_of("signer", site.clock())
    [public] = key_set(key_of("signer"))["keys"]
    secrets = (json.dumps(public).encode(), public["x"].encode(), SECRET.encode() * 3)
    for text in (unsigned(claims), *(maced(claims, secret, typ=TYP, kid=public["kid"]) for secret in secrets)):
        assert "is not accepted here" in refused(await push(browser, text))


@pytest.mark.spec("standards", "RO-6")
@pytest.mark.spec("standards", "PAR-4")
async def test_an_object_inside_an_object_is_never_opened(site: Service, browser: httpx.AsyncClient) -> None:
    inner = request_object(site)
    for changes in ({"request": inner}, {"request_uri": "urn:ietf:params:oauth:request_uri:x"}):
        text = request_object(site, **changes)
        assert "inside; a request object holds no other" in refused(await push(browser, text))
        answer = query_of(await browser.get(address(request=text, redirect_uri=REDIRECT_URI)))
        assert answer["error"] == "invalid_request_object"


@pytest.mark.spec("standards", "RO-5")
@pytest.mark.spec("standards", "CA-8")
@pytest.mark.parametrize(
    ("shift", "said"),
    [
        ({"exp": -60}, "has expired"),
        ({"exp": 3661}, "lives longer"),
        ({"nbf": 61}, "not valid yet"),
        ({"iat": 61}, "lies in the future"),
    ],
)
async def test_an_object_of_another_time_is_refused(
    site: Service, browser: httpx.AsyncClient, shift: dict[str, int], said: str
) -> None:
    now = int(site.clock().timestamp())
    text = request_object(site, **{name: now + seconds for name, seconds in shift.items()})
    assert said in refused(await push(browser, text))


@pytest.mark.spec("standards", "RO-5")
@pytest.mark.parametrize(
    "audience", ["https://other.example", f"{ISSUER}/", f"{ISSUER}/oauth/par", ["https://a.example"]]
)
async def test_an_object_for_another_server_is_refused(
    site: Service, browser: httpx.AsyncClient, audience: object
) -> None:
    assert "for somebody else" in refused(await push(browser, request_object(site, aud=audience)))


@pytest.mark.spec("standards", "JV-5")
async def test_members_that_come_twice_are_refused(site: Service, browser: httpx.AsyncClient) -> None:
    head, body, signature = request_object(site).split(".")
    twice = encoded(b'{"redirect_uri":"https://mallory.example/","redirect_uri":"' + REDIRECT_URI.encode() + b'"}')
    assert body != twice.decode()
    assert "member twice" in refused(await push(browser, f"{head}.{twice.decode()}.{signature}"))


@pytest.mark.spec("standards", "FM-1")
@pytest.mark.spec("standards", "RO-10")
async def test_a_bank_pushes_signed_requests_and_nothing_else(site: Service, browser: httpx.AsyncClient) -> None:
    now = int(site.clock().timestamp())
    jarm = {"response_mode": "jwt"}
    for changes in (
        {},
        {"aud": [ISSUER, "https://other.example"]},
        {"nbf": now + 8},
        {"nbf": now - 3000, "exp": now + 500},
    ):
        answered = await push_as_bank(site, browser, request_object(site, "bank", **jarm, **changes))
        assert answered.status_code == 201, answered.text
    for wrong in ({"aud": None}, {"nbf": None}, {"exp": None}, {"nbf": now - 3700}, {"exp": now + 3700}):
        refused(await push_as_bank(site, browser, request_object(site, "bank", **jarm, **wrong)))
    weak = key_of("bank", "ES384")
    refused(await push_as_bank(site, browser, request_object(site, "bank", **jarm, key=weak)))
    proof = assertions.signed(assertions.claims_of("bank", ISSUER, site.clock()), key_of("bank"))
    plain = {
        "client_id": "bank",
        **{k: v for k, v in claims_of("bank", site.clock(), **jarm).items() if isinstance(v, str)},
    }
    answered = await browser.post("/oauth/par", data=assertions.form(proof, **plain))
    assert "has to sign its requests" in refused(answered, "invalid_request")


@pytest.mark.spec("standards", "RT-9")
@pytest.mark.spec("standards", "FM-2")
@pytest.mark.parametrize("mode", [None, "query", "fragment", "form_post"])
async def test_a_bank_cannot_be_answered_unsigned(site: Service, browser: httpx.AsyncClient, mode: str | None) -> None:
    text = request_object(site, "bank", response_mode=mode)
    assert "response_mode does not fit" in refused(await push_as_bank(site, browser, text), "invalid_request")
    page = await browser.get(authorize_url("bank", response_mode=mode))
    assert page.status_code == 400
    assert "location" not in page.headers
