"""Attacks on what demanding applications rely on: pushed and signed requests, signed answers, FAPI 2.0."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from app.crypto import jose
from app.store.database import Database
from tests.support import assertions
from tests.support.assertions import key_of
from tests.support.credentials import bearer
from tests.support.fapi import Bank
from tests.support.front_channel import walk
from tests.support.pushing import push as push_form
from tests.support.pushing import pushed_url, question, request_of
from tests.support.request_objects import ASKED, address, query_of, register_signing, request_object
from tests.support.service import ISSUER, REDIRECT_URI, SECRET, Service, answer_of, authorize_url, decide, service
from tests.support.signing import keep_keys

OWN = "urn:assent:authorization-request:"
STRANGER = jose.generate("ES256")


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server that does not name itself in answers, and whose operator allows much."""
    settings: dict[str, Any] = {
        "signing": {"algorithms": ["RS256", "PS256", "ES256"]},
        "features": {"issuer_identification": False, "request_objects_by_reference": True},
    }
    async with service(database, **settings) as running:
        await keep_keys(running.server)
        await running.user("robin")
        await register_signing(running, "signer")
        await register_signing(running, "always", require_signed_request_object=True)
        async with running.browser() as browser:
            await Bank(running, browser, "bank").register()
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with site.browser() as fresh:
        yield fresh


@pytest.fixture
async def bank(site: Service, browser: httpx.AsyncClient) -> Bank:
    return Bank(site, browser, "bank")


async def push(browser: httpx.AsyncClient, text: str, client_id: str = "signer", **beside: str) -> httpx.Response:
    """Push an object with Basic authentication."""
    return await browser.post("/oauth/par", data={"request": text, **beside}, auth=(client_id, SECRET))


HOSTILE: dict[str, Any] = {
    "exp": [10**400, -1, 1e308, True, "1", [], {}, 253402300799],
    "nbf": [10**400, -62135596800, "x"],
    "iat": [-(10**300), False],
    "aud": [[], [ISSUER, 1], {}, None, [[ISSUER]], ""],
    "iss": [1, "", ["signer"]],
    "sub": [1, [], "signer"],
    "jti": [1, [], "", "x" * 5000],
    "client_id": [1, ["signer"], "", "mallory", "signer "],
    "max_age": [10**4000, -1, 1.5, True, "", [], {}],
    "resource": [[1], {}, [[]], ["a"] * 300, "\r\n"],
    "claims": [[], "{", 1, {"id_token": 1}, {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {}}}}}}}}}],
    "authorization_details": [{}, "[", [1], 1],
    "redirect_uri": [[REDIRECT_URI], "", "javascript:alert(1)", REDIRECT_URI + "\n", "https://mallory.example/"],
    "state": [1, "\r\nSet-Cookie: a=b", "\"'<>\\", "\u2028", "x" * 4097, []],
    "response_mode": ["jwt\n", [], "x"],
    "prompt": [["none"], "none login", "\x7f"],
    "scope": [["openid"], 'a"b', "\\", "openid\u0000", "\u00e9"],
    "nonce": [1, "\n", []],
    "dpop_jkt": ["x", 1],
    "id_token_hint": ["x", "a.b.c", 1],
    "registration": [{}, "{}", 1],
    "request": ["", [], {}, 0],
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_whatever_an_object_says_it_is_an_answer_or_an_error_and_no_fault(
    site: Service, browser: httpx.AsyncClient, name: str
) -> None:
    for value in HOSTILE[name]:
        text = request_object(site, **{name: value})
        pushed = await push(browser, text)
        assert pushed.status_code in (201, 400), (value, pushed.text)
        loose = request_object(site, header={"typ": None}, **{name: value})
        for request in (
            address(request=text, redirect_uri=REDIRECT_URI),
            authorize_url("signer", request=loose, scope="openid"),
        ):
            got = await browser.get(request)
            assert got.status_code in (303, 400), (value, got.text)
            assert got.headers.get("location", REDIRECT_URI).startswith((REDIRECT_URI, "/"))
            assert "mallory.example" not in got.headers.get("location", "")


@pytest.mark.spec("standards", "RO-4")
@pytest.mark.spec("standards", "JV-2")
async def test_nothing_in_its_header_chooses_the_key_of_an_object(site: Service, browser: httpx.AsyncClient) -> None:
    public = jose.public_part(STRANGER)
    for header in (
        {"jwk": public},
        {"jku": "https://mallory.example/jwks", "kid": STRANGER["kid"]},
        {"x5u": "https://mallory.example/x5u", "x5c": ["AAAA"]},
        {"kid": "../../../../dev/null"},
        {"kid": key_of("signer")["kid"], "jwk": public},
        {"kid": ""},
    ):
        answered = await push(browser, request_object(site, key=STRANGER, header=header))
        assert (answered.status_code, answered.json()["error"]) == (400, "invalid_request_object"), header
    for header in ({"crit": ["exp"], "exp": 1}, {"b64": False}, {"alg": "es256"}, {"alg": ["ES256"]}):
        answered = await push(browser, request_object(site, header=header))
        assert (answered.status_code, answered.json()["error"]) == (400, "invalid_request_object"), header


@pytest.mark.spec("standards", "RO-3")
@pytest.mark.spec("standards", "RO-10")
async def test_nobody_turns_a_request_that_has_to_be_signed_into_one_that_is_merged(
    site: Service, browser: httpx.AsyncClient
) -> None:
    bare = request_object(site, "always", header={"typ": None}, scope=None, state=None)
    beside = {**ASKED, "scope": "openid project:read", "state": "smuggled", "nonce": "smuggled"}
    answer = query_of(await walk(browser, address("always", request=bare, **beside)))
    assert ("code" in answer, "state" in answer) == (True, False)
    for request in (
        {"request": ""},
        {"request": request_object(site, "always"), "request_uri": "https://mallory.example/"},
        {"request": request_object(site, "always").rpartition(".")[0] + "."},
    ):
        answer = query_of(await browser.get(address("always", **{**beside, **request})))
        assert answer["error"] in ("invalid_request", "invalid_request_object"), request


@pytest.mark.spec("standards", "RO-3")
async def test_what_comes_twice_beside_an_object_counts_for_nothing(site: Service, browser: httpx.AsyncClient) -> None:
    text = request_object(site)
    twice = [("client_id", "signer"), ("request", text), *([("redirect_uri", "https://mallory.example/")] * 2)]
    assert "code" in query_of(await walk(browser, "/oauth/authorize?" + urlencode(twice)))
    for name in ("request", "client_id"):
        doubled = [*twice[:2], (name, dict(twice)[name]), *((k, v) for k, v in ASKED.items() if k != "scope")]
        answer = await browser.get("/oauth/authorize?" + urlencode(doubled))
        assert "code=" not in answer.headers.get("location", "")
        assert "mallory" not in answer.headers.get("location", "")


@pytest.mark.spec("standards", "PAR-4")
@pytest.mark.spec("standards", "PAR-8")
async def test_references_of_one_kind_are_none_of_another(site: Service, browser: httpx.AsyncClient) -> None:
    pushed = (await push(browser, request_object(site))).json()["request_uri"]
    posted = await browser.post("/oauth/authorize", data=request_of("signer"))
    own = answer_of(posted)["request_uri"]
    credential = {"pushed": pushed.rpartition(":")[2], "own": own.removeprefix(OWN)}
    for request_uri in (
        OWN + credential["pushed"],
        pushed.rpartition(":")[0] + ":" + credential["own"],
        OWN.upper() + credential["own"],
        " " + pushed,
        pushed + "#x",
        pushed.replace("oauth", "OAUTH"),
    ):
        page = await browser.get(pushed_url("signer", request_uri))
        assert page.status_code in (303, 400), request_uri
        assert "/login" not in page.headers.get("location", ""), request_uri
    for request_uri in (own, pushed):
        refused = await push_form(browser, "signer", request_uri=request_uri)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    for place in ("/consent", "/login", "/oauth/authorize/resume"):
        page = await browser.get(place, params={"interaction": credential["own"]})
        assert page.status_code == 400, place
    assert (await browser.get(pushed_url("bank", own))).status_code == 400, "it is another application's"
    assert "/login" in (await browser.get(pushed_url("signer", own))).headers["location"]
    assert (await browser.get(pushed_url("signer", own))).status_code == 400, "it counts once"


@pytest.mark.spec("standards", "F-20")
async def test_a_bank_is_told_who_answers_whatever_the_server_has_switched_off(bank: Bank) -> None:
    assert (await bank.answered(await bank.push()))["iss"] == ISSUER
    refused = answer_of(await bank.browser.get(authorize_url("bank")))
    assert (refused["error"], refused["iss"]) == ("invalid_request", ISSUER)


@pytest.mark.spec("standards", "F-20")
@pytest.mark.spec("standards", "RO-10")
async def test_a_signed_request_is_not_a_pushed_one(site: Service, bank: Bank) -> None:
    for request in (
        address("bank", request=request_object(site, "bank")),
        address("bank", request=request_object(site, "bank"), request_uri="urn:ietf:params:oauth:request_uri:x"),
        address("bank", request_uri=f"{OWN}x", **ASKED),
    ):
        answer = await bank.browser.get(request)
        assert "error=" in answer.headers.get("location", "error="), request
        assert answer.status_code in (303, 400)
    form = {"client_id": "bank", "request": request_object(site, "bank")}
    assert answer_of(await bank.browser.post("/oauth/authorize", data=form))["error"] == "invalid_request"


@pytest.mark.spec("standards", "DP-6")
@pytest.mark.spec("standards", "PAR-15")
async def test_a_proof_for_pushing_pays_for_nothing_else(bank: Bank) -> None:
    asked = {**request_of("bank", scope="openid project:read"), **bank.assertion()}
    proof = bank.proof("/oauth/par")
    pushed = await bank.browser.post("/oauth/par", data=asked, headers=proof)
    code = (await bank.answered(pushed))["code"]
    for wrong in (proof, bank.proof("/oauth/par"), Bank(bank.site, bank.browser, "bank").proof("/oauth/token")):
        answer = await bank.redeem(code, proof=wrong)
        assert answer.json()["error"] in ("invalid_dpop_proof", "invalid_grant"), answer.text
    again = await bank.browser.post("/oauth/par", data={**asked, **bank.assertion()}, headers=proof)
    assert again.json()["error"] == "invalid_dpop_proof"
    assert (await bank.redeem(code)).status_code == 200


@pytest.mark.spec("standards", "RT-8")
@pytest.mark.spec("standards", "JV-3")
async def test_a_signed_answer_is_nothing_but_an_answer(site: Service, browser: httpx.AsyncClient) -> None:
    answered = await walk(browser, authorize_url("signer", response_mode="jwt", state='x","sub":"robin","iat":1'))
    text = query_of(answered)["response"]
    said = jose.peek(text).claims
    assert set(said) == {"code", "state", "iss", "aud", "exp"}
    told = await browser.post("/oauth/introspect", data={"token": text}, auth=("signer", SECRET))
    assert told.json() == {"active": False}
    assert (await browser.get("/oauth/userinfo", headers=bearer(text))).status_code == 401
    hinted = authorize_url("signer", scope="openid project:read", id_token_hint=text)
    assert query_of(await browser.get(hinted))["error"] == "invalid_request"
    assert query_of(await browser.get(address(request=text, **ASKED)))["error"] == "invalid_request_object"
    shown = await browser.post("/oauth/par", data={**request_of("signer"), **assertions.form(text)})
    assert (shown.status_code, shown.json()["error"]) == (401, "invalid_client")


@pytest.mark.spec("standards", "F-24")
async def test_a_token_of_a_bank_counts_in_the_header_alone(bank: Bank) -> None:
    token = (await bank.redeem((await bank.answered(await bank.push()))["code"])).json()["access_token"]
    sent = await bank.browser.post(
        "/oauth/userinfo", data={"access_token": token}, headers=bank.proof("/oauth/userinfo")
    )
    assert (sent.status_code, sent.json()["error"]) == (400, "invalid_request")


@pytest.mark.spec("standards", "PAR-10")
async def test_one_person_who_allows_and_one_who_refuses_at_once_make_one_answer(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.user("sam")
    async with site.browser() as other:
        for _ in range(2):
            pushed = await push(browser, request_object(site, prompt="consent"))
            url = pushed_url("signer", pushed.json()["request_uri"])
            robins, sams = await question(browser, url, "robin"), await question(other, url, "sam")
            answers = await asyncio.gather(decide(browser, robins), decide(other, sams, "deny"))
            assert sorted(answer.status_code for answer in answers) == [303, 400]
            assert (await browser.get(url)).status_code == 400
