"""Modules of FAPI 2.0 about proofs: client assertions, DPoP proofs, and tokens that nobody proves."""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest

from app.crypto import jose
from tests.conformance.fintech import API, PAR, TOKEN, Answered, Fintech, certified, refused
from tests.support.assertions import form, unsigned
from tests.support.dpop import Holder
from tests.support.facts import VERIFIER
from tests.support.service import ISSUER, REDIRECT_URI

ENDED = 5 * 60
WITHOUT: tuple[dict[str, Any], ...] = ({"jti": None}, {"htm": None}, {"htu": None}, {"iat": None}, {"ath": None})
"""A proof lacks one of its claims."""


async def _push_with(fintech: Fintech, assertion: str) -> Answered:
    """Push a request with a client assertion."""
    proves = form(assertion, client_id=fintech.client_id)
    return await fintech.post(PAR, {**fintech.wrapped(fintech.request()), **proves})


async def _redeem_with(fintech: Fintech, proves: Mapping[str, str]) -> Answered:
    """Redeem a code, with what proves the client."""
    data = {"grant_type": "authorization_code", "code": await fintech.code(), "redirect_uri": REDIRECT_URI}
    dpop = fintech.proof("POST", f"{ISSUER}{TOKEN}")
    return await fintech.post(TOKEN, {**data, "code_verifier": VERIFIER, **proves}, dpop=dpop)


def _is_nobody(answer: Answered) -> None:
    """Assert that the client was not recognized."""
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), answer.text


def _now(fintech: Fintech) -> int:
    return int(fintech.site.clock().timestamp())


@pytest.mark.spec("standards", "F-22")
async def test_fapi2_security_profile_final_ensure_signed_client_assertion_with_rs256_fails(
    fintech: Fintech,
) -> None:
    weak = jose.generate("RS256") | {"kid": fintech.has.signing["kid"]}
    _is_nobody(await _push_with(fintech, fintech.assertion(key=weak)))
    _is_nobody(await _redeem_with(fintech, fintech.proves(key=weak)))


@pytest.mark.spec("standards", "F-3")
@pytest.mark.spec("standards", "F-6")
async def test_fapi2_security_profile_final_ensure_client_assertion_in_token_endpoint(fintech: Fintech) -> None:
    _is_nobody(await _redeem_with(fintech, {"client_id": fintech.client_id}))


async def test_fapi2_security_profile_final_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails(
    fintech: Fintech,
) -> None:
    now = _now(fintech)
    _is_nobody(await _redeem_with(fintech, fintech.proves(iat=now - 2 * ENDED, exp=now - ENDED)))


@pytest.mark.spec("standards", "F-8")
async def test_fapi2_security_profile_final_ensure_client_assertion_with_wrong_aud_fails(fintech: Fintech) -> None:
    _is_nobody(await _redeem_with(fintech, fintech.proves(audience="https://elsewhere.example")))


async def test_fapi2_security_profile_final_ensure_client_assertion_with_no_sub_fails(fintech: Fintech) -> None:
    _is_nobody(await _redeem_with(fintech, fintech.proves(sub=None)))


async def test_fapi2_security_profile_final_ensure_invalid_client_assertions_fail(
    fintech: Fintech, stranger: Fintech
) -> None:
    named = {"iss": fintech.client_id, "sub": fintech.client_id, "aud": ISSUER, "exp": _now(fintech) + 60}
    for wrong in (
        fintech.assertion(iss=None),
        fintech.assertion(iss=stranger.client_id),
        fintech.assertion(sub=stranger.client_id),
        fintech.assertion(jti=None),
        fintech.assertion(exp=None),
        fintech.assertion(aud=None),
        fintech.assertion(key=stranger.has.signing),
        unsigned(named | {"jti": "nobody signed this"}),
        f"{fintech.assertion()[:-8]}AAAAAAAA",
        "not.a.jwt",
    ):
        _is_nobody(await _push_with(fintech, wrong))


@pytest.mark.spec("standards", "F-13")
async def test_fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted(
    fintech: Fintech,
) -> None:
    soon = _now(fintech) + 8
    fintech.reference(await _push_with(fintech, fintech.assertion(iat=soon, nbf=soon)))


@pytest.mark.spec("standards", "F-13")
async def test_fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails(
    fintech: Fintech,
) -> None:
    late = _now(fintech) + 90
    _is_nobody(await _push_with(fintech, fintech.assertion(iat=late, nbf=late, exp=late + 60)))


@pytest.mark.spec("standards", "F-8")
@pytest.mark.spec("standards", "PAR-3")
async def test_fapi2_security_profile_final_par_test_array_as_audience_fails(fintech: Fintech) -> None:
    audience = [ISSUER, f"{ISSUER}{TOKEN}", f"{ISSUER}{PAR}"]
    _is_nobody(await _push_with(fintech, fintech.assertion(audience=audience)))


@pytest.mark.spec("standards", "PAR-3")
async def test_fapi2_security_profile_final_par_test_par_endpoint_url_as_audience_fails(fintech: Fintech) -> None:
    _is_nobody(await _push_with(fintech, fintech.assertion(audience=f"{ISSUER}{PAR}")))


@pytest.mark.spec("standards", "PAR-3")
async def test_fapi2_security_profile_final_par_test_token_endpoint_url_as_audience_fails(fintech: Fintech) -> None:
    _is_nobody(await _push_with(fintech, fintech.assertion(audience=f"{ISSUER}{TOKEN}")))


@pytest.mark.spec("standards", "F-4")
async def test_fapi2_security_profile_final_ensure_holder_of_key_required(fintech: Fintech) -> None:
    data = {"grant_type": "authorization_code", "code": await fintech.code(), "redirect_uri": REDIRECT_URI}
    answer = await fintech.wire.post(TOKEN, data={**data, "code_verifier": VERIFIER, **fintech.proves()})
    if fintech.variant.by_key:
        refused(answer, "invalid_request", "invalid_grant", "invalid_dpop_proof")
    else:
        _is_nobody(answer)


async def _exchange_by(fintech: Fintech, **changes: Any) -> None:
    """Get a token and use it, each with a proof that is changed."""
    proof = fintech.proof("POST", f"{ISSUER}{TOKEN}", **changes)
    answer = await fintech.redeem(await fintech.code(), dpop=proof)
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    used = fintech.proof("GET", f"{ISSUER}{API}", token=token, **changes)
    assert (await fintech.call(token, dpop=used)).status_code == 200


async def test_fapi2_security_profile_final_check_dpop_proof_nbf_exp(fintech: Fintech) -> None:
    await _exchange_by(fintech, nbf=_now(fintech), exp=_now(fintech) + 300)


@pytest.mark.spec("standards", "F-13")
async def test_fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_before_succeeds(
    fintech: Fintech,
) -> None:
    await _exchange_by(fintech, iat=_now(fintech) - 10)


@pytest.mark.spec("standards", "F-13")
async def test_fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_after_succeeds(
    fintech: Fintech,
) -> None:
    await _exchange_by(fintech, iat=_now(fintech) + 10)


@pytest.mark.spec("standards", "F-5")
@pytest.mark.spec("standards", "F-24")
async def test_fapi2_security_profile_final_dpop_negative_tests(fintech: Fintech) -> None:
    token = (await fintech.tokens())["access_token"]
    holder, url, now = fintech.has.holder, f"{ISSUER}{API}", _now(fintech)

    def proof(by: Holder = holder, **changes: Any) -> str:
        given = {"header": changes.pop("header", {}), "token": changes.pop("token", token)}
        return by.proof("GET", changes.pop("url", url), at=fintech.site.clock(), **given, **changes)

    for good in (
        proof(),
        proof(url=f"{url}?page=2#top"),
        proof(url="HTTPS://ID.example:443/api/v1/"),
        proof(extra="claim", header={"extra": "member"}),
    ):
        assert (await fintech.call(token, dpop=good)).status_code == 200
    head, body, signature = proof().split(".")
    nobody = base64.urlsafe_b64encode(json.dumps({"typ": "dpop+jwt", "alg": "none", "jwk": holder.public}).encode())
    other_hash = base64.urlsafe_b64encode(hashlib.sha256(b"another token").digest()).rstrip(b"=").decode()
    for wrong in (
        f"{head}.{body}",
        f"{head}.{body}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}",
        f"{nobody.rstrip(b'=').decode()}.{body}.",
        proof(header={"typ": None}),
        proof(header={"typ": "jwt"}),
        proof(header={"alg": None}),
        proof(header={"jwk": None}),
        proof(header={"jwk": dict(holder.jwk)}),
        *(proof(**without) for without in WITHOUT),
        proof(htm="PUT"),
        proof(url=f"{ISSUER}/elsewhere"),
        proof(iat=now + 3600),
        proof(iat=now - 3600),
        proof(ath=other_hash),
        proof(by=Holder()),
        proof(by=Holder(jose.generate("RS256"))),
    ):
        assert (await fintech.call(token, dpop=wrong)).status_code == 401, wrong
    used = proof()
    assert [(await fintech.call(token, dpop=used)).status_code for _ in range(2)] == [200, 401]
    twice = [("authorization", f"DPoP {token}"), ("dpop", proof()), ("dpop", proof())]
    assert (await fintech.wire.get(API, headers=twice)).status_code == 401
    for headers in ({"authorization": f"Bearer {token}"}, {"authorization": f"Bearer {token}", "dpop": proof()}):
        assert (await fintech.wire.get(API, headers=headers | certified(None))).status_code == 401
