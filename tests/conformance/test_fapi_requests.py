"""Modules of FAPI 2.0 about requests that are wrong: what is refused when it is pushed."""

from typing import Any

import pytest

from app.crypto import jose
from tests.conformance.fintech import PAR, Answered, Fintech, refused
from tests.support.assertions import unsigned
from tests.support.dpop import Holder
from tests.support.facts import VERIFIER
from tests.support.service import ISSUER

HOUR = 3600


async def _push_object(fintech: Fintech, text: str, **beside: str) -> Answered:
    """Push a request object."""
    return await fintech.post(PAR, {**fintech.proves(), "request": text, **beside})


async def _push_changed(fintech: Fintech, **changes: Any) -> Answered:
    """Push a request object whose own claims are changed."""
    return await _push_object(fintech, fintech.request_object(fintech.request(), **changes))


@pytest.mark.spec("standards", "FM-1")
async def test_fapi2_security_profile_final_ensure_request_object_with_multiple_aud_succeeds(
    fintech: Fintech,
) -> None:
    request_uri = fintech.reference(await _push_changed(fintech, aud=["https://elsewhere.example", ISSUER]))
    assert "code" in await fintech.answered(request_uri)


@pytest.mark.spec("standards", "F-13")
async def test_fapi2_security_profile_final_ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted(
    fintech: Fintech,
) -> None:
    soon = int(fintech.site.clock().timestamp()) + 8
    assert "code" in await fintech.answered(fintech.reference(await _push_changed(fintech, nbf=soon, iat=soon)))


@pytest.mark.spec("standards", "FM-1")
async def test_fapi2_security_profile_final_ensure_request_object_without_exp_fails(fintech: Fintech) -> None:
    refused(await _push_changed(fintech, exp=None), "invalid_request_object")


@pytest.mark.spec("standards", "FM-1")
async def test_fapi2_security_profile_final_ensure_request_object_without_nbf_fails(fintech: Fintech) -> None:
    refused(await _push_changed(fintech, nbf=None), "invalid_request_object")


@pytest.mark.spec("standards", "FM-1")
async def test_fapi2_security_profile_final_ensure_expired_request_object_fails(fintech: Fintech) -> None:
    now = int(fintech.site.clock().timestamp())
    refused(await _push_changed(fintech, nbf=now - 600, iat=now - 600, exp=now - 300), "invalid_request_object")


@pytest.mark.spec("standards", "FM-1")
@pytest.mark.spec("standards", "RO-5")
async def test_fapi2_security_profile_final_ensure_request_object_with_bad_aud_fails(fintech: Fintech) -> None:
    for audience in ("https://elsewhere.example", f"{ISSUER}/oauth/par", ["https://elsewhere.example"], None):
        refused(await _push_changed(fintech, aud=audience), "invalid_request_object")


@pytest.mark.spec("standards", "FM-1")
async def test_fapi2_security_profile_final_ensure_request_object_with_exp_over_60_fails(fintech: Fintech) -> None:
    now = int(fintech.site.clock().timestamp())
    refused(await _push_changed(fintech, exp=now + 70 * 60), "invalid_request_object")


@pytest.mark.spec("standards", "FM-1")
async def test_fapi2_security_profile_final_ensure_request_object_with_nbf_over_60_fails(fintech: Fintech) -> None:
    now = int(fintech.site.clock().timestamp())
    refused(await _push_changed(fintech, nbf=now - 70 * 60, exp=now + 60), "invalid_request_object")


@pytest.mark.spec("standards", "F-22")
async def test_fapi2_security_profile_final_ensure_signed_request_object_with_rs256_fails(fintech: Fintech) -> None:
    weak = jose.generate("RS256") | {"kid": fintech.has.signing["kid"]}
    text = fintech.request_object(fintech.request(), key=weak)
    refused(await _push_object(fintech, text), "invalid_request_object")


@pytest.mark.spec("standards", "F-22")
async def test_fapi2_security_profile_final_ensure_request_object_signature_algorithm_is_not_none(
    fintech: Fintech,
) -> None:
    now = int(fintech.site.clock().timestamp())
    claims = {"iss": fintech.client_id, "aud": ISSUER, "nbf": now, "exp": now + 60, **fintech.request()}
    refused(await _push_object(fintech, unsigned(claims)), "invalid_request_object")


async def test_fapi2_security_profile_final_ensure_request_object_with_invalid_signature_fails(
    fintech: Fintech,
) -> None:
    text = fintech.request_object(fintech.request())
    head, body, signature = text.split(".")
    broken = f"{head}.{body}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"
    refused(await _push_object(fintech, broken), "invalid_request_object")


async def test_fapi2_security_profile_final_ensure_matching_key_in_authorization_request(
    fintech: Fintech, stranger: Fintech
) -> None:
    text = fintech.request_object(fintech.request(), key=stranger.has.signing)
    refused(await _push_object(fintech, text), "invalid_request_object")


@pytest.mark.spec("standards", "FM-1")
async def test_fapi2_security_profile_final_ensure_unsigned_request_at_par_endpoint_fails(fintech: Fintech) -> None:
    answer = await fintech.post(PAR, {**fintech.request(), **fintech.proves()})
    refused(answer, "invalid_request", "invalid_request_object")


@pytest.mark.spec("standards", "RO-6")
async def test_fapi2_security_profile_final_par_authorization_request_containing_request_uri(
    fintech: Fintech,
) -> None:
    named = {**fintech.request(), "request_uri": "urn:ietf:params:oauth:request_uri:another"}
    answer = await _push_object(fintech, fintech.request_object(named))
    refused(answer, "invalid_request", "invalid_request_object")


@pytest.mark.spec("standards", "PAR-4")
async def test_fapi2_security_profile_final_par_authorization_request_containing_request_uri_form_param(
    fintech: Fintech,
) -> None:
    reference = {"request_uri": "urn:ietf:params:oauth:request_uri:another"}
    answer = await fintech.post(PAR, {**fintech.wrapped(fintech.request()), **fintech.proves(), **reference})
    refused(answer, "invalid_request", "invalid_request_object")


@pytest.mark.spec("standards", "PAR-1")
async def test_fapi2_security_profile_final_par_attempt_invalid_http_method(fintech: Fintech) -> None:
    for method in ("GET", "PUT"):
        answer = await fintech.wire.request(method, PAR, params={**fintech.request(), **fintech.proves()})
        assert answer.status_code == 405


@pytest.mark.spec("standards", "F-20")
async def test_fapi2_security_profile_final_ensure_request_object_without_redirect_uri_fails(
    fintech: Fintech,
) -> None:
    refused(await fintech.push(redirect_uri=None), "invalid_request", "invalid_request_object")


@pytest.mark.spec("standards", "F-20")
async def test_fapi2_security_profile_final_ensure_redirect_uri_in_authorization_request(fintech: Fintech) -> None:
    answer = await fintech.push(redirect_uri="")
    refused(answer, "invalid_request", "invalid_request_object")


@pytest.mark.spec("standards", "PAR-14")
@pytest.mark.spec("standards", "F-7")
async def test_fapi2_security_profile_final_plain_fapi_tolerate_unregistered_redirect_uri(fintech: Fintech) -> None:
    answer = await fintech.push(redirect_uri="https://client.example/callback/not-registered")
    refused(answer, "invalid_request", "invalid_request_object")


@pytest.mark.spec("standards", "F-20")
async def test_fapi2_security_profile_final_ensure_response_type_code_idtoken_fails(fintech: Fintech) -> None:
    refused(await fintech.push(response_type="code id_token"), "unsupported_response_type", "unauthorized_client")


@pytest.mark.spec("standards", "F-20")
async def test_fapi2_security_profile_final_ensure_response_type_token_fails(fintech: Fintech) -> None:
    refused(await fintech.push(response_type="token"), "unsupported_response_type", "unauthorized_client")


@pytest.mark.spec("standards", "F-20")
async def test_fapi2_security_profile_final_par_ensure_pkce_required(fintech: Fintech) -> None:
    refused(await fintech.push(code_challenge=None, code_challenge_method=None), "invalid_request")


@pytest.mark.spec("standards", "F-20")
async def test_fapi2_security_profile_final_par_plain_pkce_rejected(fintech: Fintech) -> None:
    refused(await fintech.push(code_challenge=VERIFIER, code_challenge_method="plain"), "invalid_request")


def _proof(fintech: Fintech, holder: Holder) -> str:
    return holder.proof("POST", f"{ISSUER}{PAR}", at=fintech.site.clock())


@pytest.mark.spec("standards", "PAR-15")
async def test_fapi2_security_profile_final_ensure_mismatched_dpop_jkt_fails(fintech: Fintech) -> None:
    answer = await fintech.push(dpop=_proof(fintech, fintech.has.holder), dpop_jkt=Holder().jkt)
    refused(answer, "invalid_request", "invalid_dpop_proof")


@pytest.mark.spec("standards", "PAR-15")
@pytest.mark.spec("standards", "F-12")
async def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt(
    fintech: Fintech,
) -> None:
    request_uri = fintech.reference(await fintech.push(dpop=_proof(fintech, Holder())))
    answer = await fintech.redeem((await fintech.answered(request_uri))["code"])
    refused(answer, "invalid_grant", "invalid_request", "invalid_dpop_proof")


@pytest.mark.spec("standards", "F-12")
async def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_jkt(
    fintech: Fintech,
) -> None:
    answer = await fintech.redeem(await fintech.code(dpop_jkt=Holder().jkt))
    refused(answer, "invalid_grant", "invalid_request", "invalid_dpop_proof")


@pytest.mark.spec("standards", "PAR-15")
@pytest.mark.spec("standards", "F-12")
async def test_fapi2_security_profile_final_ensure_dpopproof_at_par_endpoint_binding_success(
    fintech: Fintech,
) -> None:
    request_uri = fintech.reference(await fintech.push(dpop=_proof(fintech, fintech.has.holder)))
    await fintech.exchange((await fintech.answered(request_uri))["code"])


@pytest.mark.spec("standards", "F-12")
async def test_fapi2_security_profile_final_ensure_dpop_auth_code_binding_success(fintech: Fintech) -> None:
    await fintech.exchange(await fintech.code(dpop_jkt=fintech.has.holder.jkt))
