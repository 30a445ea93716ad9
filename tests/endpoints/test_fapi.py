"""An application that is held to FAPI 2.0, at the endpoints: whatever it sends, nothing weaker comes about."""

import json
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from app.crypto import jose
from app.store.database import Database
from tests.support.dpop import Holder
from tests.support.fapi import Bank
from tests.support.pushing import pushed_url
from tests.support.request_objects import query_of
from tests.support.service import ISSUER, Service, authorize_url, service
from tests.support.signing import keep_keys

INTROSPECTED = "application/token-introspection+jwt"


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server whose codes live five minutes, and that signs with RS256 unless somebody asks for more."""
    settings: dict[str, Any] = {
        "lifetimes": {"authorization_code": 300, "pushed_request": 599},
        "signing": {"algorithms": ["RS256", "PS256", "ES256"]},
        "resources": {"https://ledger.example": {"token_format": "jwt"}},
    }
    async with service(database, **settings) as running:
        await keep_keys(running.server)
        await running.user("robin")
        yield running


@pytest.fixture(scope="module")
async def registered(site: Service) -> None:
    async with site.browser() as browser:
        await Bank(site, browser, "bank").register()
        await Bank(site, browser, "notary").register("fapi2-message-signing", authorization_signed_response_alg="PS256")


@pytest.fixture
async def bank(site: Service, browser: httpx.AsyncClient, registered: None) -> Bank:
    return Bank(site, browser, "bank")


@pytest.fixture
async def notary(site: Service, browser: httpx.AsyncClient, registered: None) -> Bank:
    return Bank(site, browser, "notary")


def head_of(text: str) -> dict[str, Any]:
    head: dict[str, Any] = json.loads(urlsafe_b64decode(text.split(".")[0] + "=="))
    return head


def claims_in(text: str) -> dict[str, Any]:
    body = text.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


@pytest.mark.spec("standards", "F-4")
@pytest.mark.spec("standards", "F-5")
@pytest.mark.spec("standards", "F-12")
@pytest.mark.spec("standards", "F-20")
@pytest.mark.spec("standards", "F-21")
@pytest.mark.spec("standards", "F-23")
async def test_a_whole_round_ends_with_tokens_that_are_bound(bank: Bank) -> None:
    state, nonce = "s" * 1000, "n" * 64
    pushed = await bank.push(state=state, nonce=nonce, dpop_jkt=bank.holder.jkt)
    assert (pushed.status_code, pushed.json()["expires_in"] < 600) == (201, True)
    answer = await bank.answered(pushed)
    assert (answer["state"], answer["iss"]) == (state, ISSUER)
    stranger = replace(bank, holder=Holder())
    assert (await stranger.redeem(answer["code"])).json()["error"] == "invalid_grant"
    token = await bank.redeem(answer["code"])
    assert token.status_code == 200, token.text
    assert token.json()["token_type"] == "DPoP"
    identity = claims_in(token.json()["id_token"])
    assert (identity["nonce"], head_of(token.json()["id_token"])["alg"]) == (nonce, "ES256")
    again = await bank.redeem(answer["code"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


@pytest.mark.spec("standards", "F-20")
async def test_a_request_that_was_not_pushed_is_refused(bank: Bank) -> None:
    answer = query_of(await bank.browser.get(authorize_url("bank", scope="openid")))
    assert (answer["error"], answer["iss"]) == ("invalid_request", ISSUER)


@pytest.mark.spec("standards", "F-20")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "code id_token", "nonce": "n"}, "unauthorized_client"),
        ({"response_type": "none"}, "unauthorized_client"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"redirect_uri": None, "scope": "project:read"}, "invalid_request"),
        ({"redirect_uri": "http://client.example/callback"}, "invalid_request"),
    ],
    ids=["hybrid", "none", "no_challenge", "plain_challenge", "no_address", "another_address"],
)
async def test_what_is_weaker_cannot_be_pushed(bank: Bank, changes: dict[str, Any], error: str) -> None:
    answer = await bank.push(**changes)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.spec("standards", "F-6")
@pytest.mark.spec("standards", "F-8")
@pytest.mark.spec("standards", "F-20")
@pytest.mark.parametrize(
    "claims",
    [{"aud": f"{ISSUER}/oauth/token"}, {"aud": [ISSUER]}, {"aud": f"{ISSUER}/oauth/par"}],
    ids=["token_endpoint", "list", "endpoint"],
)
async def test_an_assertion_is_for_the_issuer_alone(bank: Bank, claims: dict[str, Any]) -> None:
    answer = await bank.push(asserted=bank.assertion(**claims))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert f"must be the string {ISSUER}" in answer.json()["error_description"]
    assert (await bank.push(asserted={"client_id": "bank"})).status_code == 401


@pytest.mark.spec("standards", "F-13")
@pytest.mark.spec("standards", "CA-8")
@pytest.mark.parametrize(
    ("seconds", "status"), [(10, 201), (0, 201), (61, 401)], ids=["a_little_ahead", "now", "far_ahead"]
)
async def test_the_clock_of_a_client_may_be_a_little_ahead(bank: Bank, seconds: int, status: int) -> None:
    then = int(bank.site.clock().timestamp()) + seconds
    answer = await bank.push(asserted=bank.assertion(iat=then, nbf=then, exp=then + 60))
    assert answer.status_code == status, answer.text


@pytest.mark.spec("standards", "F-13")
@pytest.mark.parametrize(
    ("seconds", "status"), [(10, 200), (-10, 200), (61, 400)], ids=["a_little_ahead", "a_little_behind", "far_ahead"]
)
async def test_so_may_the_clock_that_a_proof_was_made_by(bank: Bank, seconds: int, status: int) -> None:
    code = (await bank.answered(await bank.push()))["code"]
    then = int(bank.site.clock().timestamp()) + seconds
    token = await bank.redeem(code, proof=bank.proof("/oauth/token", iat=then))
    assert token.status_code == status, token.text


@pytest.mark.spec("standards", "F-11")
async def test_a_code_lives_a_minute_whatever_the_server_allows(bank: Bank) -> None:
    code = (await bank.answered(await bank.push()))["code"]
    bank.site.clock.forward(60)
    answer = await bank.redeem(code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.spec("standards", "F-4")
@pytest.mark.spec("standards", "F-22")
async def test_there_is_no_token_without_a_proof_or_with_a_weak_one(bank: Bank) -> None:
    code = (await bank.answered(await bank.push()))["code"]
    weak = replace(bank, holder=Holder(jose.generate("RS256")))
    for proof in ({}, weak.proof("/oauth/token")):
        answer = await bank.redeem(code, proof=proof)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")
    assert (await bank.redeem(code)).status_code == 200


@pytest.mark.spec("standards", "F-9")
async def test_a_refresh_token_stays_and_works_again(bank: Bank) -> None:
    first = (await bank.redeem((await bank.answered(await bank.push()))["code"])).json()
    for _ in range(2):
        renewed = await bank.token("refresh_token", refresh_token=first["refresh_token"])
        assert renewed.status_code == 200, renewed.text
        assert renewed.json().get("refresh_token", first["refresh_token"]) == first["refresh_token"]


@pytest.mark.spec("standards", "F-2")
@pytest.mark.spec("standards", "F-3")
@pytest.mark.spec("standards", "F-24")
async def test_passwords_and_tokens_in_addresses_are_no_way_in(bank: Bank) -> None:
    answer = await bank.token("password", username="robin", password="x")
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")
    token = (await bank.redeem((await bank.answered(await bank.push()))["code"])).json()["access_token"]
    assert (await bank.browser.get(f"/oauth/userinfo?access_token={token}")).status_code == 400
    stolen = await bank.browser.get("/oauth/userinfo", headers={"authorization": f"Bearer {token}"})
    assert stolen.status_code == 401


@pytest.mark.spec("standards", "F-22")
async def test_a_token_that_an_api_reads_is_signed_strongly(bank: Bank) -> None:
    pushed = await bank.push(resource="https://ledger.example", scope="project:read")
    token = await bank.redeem((await bank.answered(pushed))["code"])
    assert token.status_code == 200, token.text
    assert head_of(token.json()["access_token"])["alg"] == "PS256"
    assert claims_in(token.json()["access_token"])["cnf"] == {"jkt": bank.holder.jkt}


@pytest.mark.spec("standards", "F-7")
@pytest.mark.spec("standards", "F-20")
async def test_answers_go_nowhere_but_where_it_is_registered_and_as_a_get(bank: Bank) -> None:
    pushed = (await bank.push()).json()["request_uri"]
    beside = pushed_url("bank", pushed, redirect_uri="https://evil.example/")
    page = await bank.browser.get(beside)
    assert page.status_code == 303
    assert "evil.example" not in page.headers["location"]
    answer = await bank.answered(await bank.push())
    assert set(answer) == {"code", "state", "iss"}


@pytest.mark.spec("standards", "FM-1")
async def test_message_signing_takes_signed_requests_alone(notary: Bank) -> None:
    plain = await notary.push(response_mode="jwt")
    assert (plain.status_code, plain.json()["error"]) == (400, "invalid_request")
    now = int(notary.site.clock().timestamp())
    for claims in (
        {"nbf": now - 3700},
        {"exp": now + 3700},
        {"aud": "https://elsewhere.example"},
        {"nbf": None},
        {"exp": None},
    ):
        answer = await notary.push_object(response_mode="jwt", **claims)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request_object"), claims
    assert (await notary.push_object(response_mode="jwt")).status_code == 201


@pytest.mark.spec("standards", "FM-1")
@pytest.mark.spec("standards", "F-22")
async def test_a_request_that_is_signed_weakly_is_refused(notary: Bank) -> None:
    answer = await notary.push_object(response_mode="jwt", key=jose.generate("RS256"))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request_object")


@pytest.mark.spec("standards", "FM-2")
@pytest.mark.spec("standards", "FM-4")
async def test_message_signing_answers_in_jwts_alone(notary: Bank) -> None:
    plain = await notary.push_object()
    assert (plain.status_code, plain.json()["error"]) == (400, "invalid_request")
    assert "query.jwt" in plain.json()["error_description"]
    answer = await notary.answered(await notary.push_object(response_mode="jwt"))
    assert set(answer) == {"response"}
    assert head_of(answer["response"])["alg"] == "PS256"
    said = claims_in(answer["response"])
    assert (said["iss"], said["aud"], said["state"]) == (ISSUER, "notary", "xyz")
    token = await notary.redeem(said["code"])
    assert head_of(token.json()["id_token"])["alg"] == "ES256"


@pytest.mark.spec("standards", "FM-3")
@pytest.mark.spec("standards", "F-22")
async def test_message_signing_is_answered_with_jwts_by_introspection_whatever_it_accepts(notary: Bank) -> None:
    said = claims_in((await notary.answered(await notary.push_object(response_mode="jwt")))["response"])
    token = (await notary.redeem(said["code"])).json()["access_token"]
    answer = await notary.browser.post("/oauth/introspect", data={"token": token, **notary.assertion()})
    assert answer.headers["content-type"] == INTROSPECTED
    assert head_of(answer.text)["alg"] == "PS256"
    assert claims_in(answer.text)["token_introspection"]["active"] is True


async def test_others_of_the_profile_get_a_jwt_when_they_ask_for_one(bank: Bank) -> None:
    asked = {"token": "nothing", **bank.assertion()}
    assert (await bank.browser.post("/oauth/introspect", data=asked)).json() == {"active": False}
    signed = {**asked, **bank.assertion()}
    answer = await bank.browser.post("/oauth/introspect", data=signed, headers={"accept": INTROSPECTED})
    assert head_of(answer.text)["alg"] == "PS256"


@pytest.mark.spec("standards", "F-22")
async def test_the_keys_of_the_server_have_names_of_their_own(bank: Bank) -> None:
    keys = (await bank.browser.get("/oauth/jwks")).json()["keys"]
    assert len({key["kid"] for key in keys}) == len(keys)
    assert {key["alg"] for key in keys} == {"RS256", "PS256", "ES256"}
