"""Modules of FAPI-CIBA about requests: which of them are taken."""

from typing import Any

import pytest

from app.crypto import jose
from tests.conformance.call_centre import BACKCHANNEL, CallCentre
from tests.conformance.fapi_parties import OPENID_SCOPE
from tests.conformance.fintech import Answered, certified, refused
from tests.support.assertions import form, unsigned
from tests.support.service import ISSUER

MINUTE = 60
LONG = "1234 \U0001f44d\U0001f3ff 品 Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod. " * 3


async def _refused(centre: CallCentre, **changes: Any) -> None:
    """Send a request object whose own claims are changed, which is refused."""
    refused(await centre.send(centre.request_object(centre.asked(), **changes)), "invalid_request")


def _now(centre: CallCentre) -> int:
    return int(centre.site.clock().timestamp())


async def test_fapi_ciba_id1_ensure_authorization_request_with_binding_message_succeeds(centre: CallCentre) -> None:
    await centre.approved(binding_message="1234")


async def test_fapi_ciba_id1_ensure_other_scope_order_succeeds(centre: CallCentre) -> None:
    tokens = await centre.approved(scope=" ".join(reversed(OPENID_SCOPE.split())))
    assert set(tokens["scope"].split()) == set(OPENID_SCOPE.split())


@pytest.mark.spec("standards", "CB-3")
async def test_fapi_ciba_id1_ensure_requested_expiry_as_string_succeeds(centre: CallCentre) -> None:
    for expiry in ("30", 30):
        told = await centre.send(centre.request_object(centre.asked(requested_expiry=expiry)))
        centre.begun(told)
        assert told.json()["expires_in"] == 30


@pytest.mark.spec("standards", "CB-11")
async def test_fapi_ciba_id1_ensure_authorization_request_with_potentially_bad_binding_message(
    centre: CallCentre,
) -> None:
    refused(await centre.send(centre.request_object(centre.asked(binding_message=LONG))), "invalid_binding_message")


@pytest.mark.spec("standards", "CB-4")
async def test_fapi_ciba_id1_ensure_request_object_missing_aud_fails(centre: CallCentre) -> None:
    await _refused(centre, aud=None)


@pytest.mark.spec("standards", "CB-4")
async def test_fapi_ciba_id1_ensure_request_object_bad_aud_fails(centre: CallCentre) -> None:
    await _refused(centre, aud="https://elsewhere.example")


@pytest.mark.spec("standards", "CB-4")
async def test_fapi_ciba_id1_ensure_request_object_missing_iss_fails(centre: CallCentre) -> None:
    await _refused(centre, iss=None)


@pytest.mark.spec("standards", "CB-4")
async def test_fapi_ciba_id1_ensure_request_object_bad_iss_fails(centre: CallCentre) -> None:
    await _refused(centre, iss="https://elsewhere.example")


@pytest.mark.spec("standards", "CB-4")
async def test_fapi_ciba_id1_ensure_request_object_missing_exp_fails(centre: CallCentre) -> None:
    await _refused(centre, exp=None)


async def test_fapi_ciba_id1_ensure_request_object_expired_exp_fails(centre: CallCentre) -> None:
    await _refused(centre, exp=_now(centre) - 5 * MINUTE, nbf=_now(centre) - 6 * MINUTE)


async def test_fapi_ciba_id1_ensure_request_object_exp_is_70_minutes_in_future_fails(centre: CallCentre) -> None:
    await _refused(centre, exp=_now(centre) + 70 * MINUTE)


@pytest.mark.spec("standards", "CB-4")
async def test_fapi_ciba_id1_ensure_request_object_missing_iat_fails(centre: CallCentre) -> None:
    await _refused(centre, iat=None)


@pytest.mark.spec("standards", "CB-4")
async def test_fapi_ciba_id1_ensure_request_object_missing_nbf_fails(centre: CallCentre) -> None:
    await _refused(centre, nbf=None)


async def test_fapi_ciba_id1_ensure_request_object_nbf_is_10_minutes_in_future_fails(centre: CallCentre) -> None:
    await _refused(centre, nbf=_now(centre) + 10 * MINUTE, exp=_now(centre) + 15 * MINUTE)


async def test_fapi_ciba_id1_ensure_request_object_nbf_is_70_minutes_in_past_fails(centre: CallCentre) -> None:
    await _refused(centre, nbf=_now(centre) - 70 * MINUTE, exp=_now(centre) + MINUTE)


@pytest.mark.spec("standards", "CB-4")
async def test_fapi_ciba_id1_ensure_request_object_missing_jti_fails(centre: CallCentre) -> None:
    await _refused(centre, jti=None)


@pytest.mark.spec("standards", "CB-4")
async def test_fapi_ciba_id1_ensure_request_object_signature_algorithm_is_none_fails(centre: CallCentre) -> None:
    now = _now(centre)
    claims = {"iss": centre.client_id, "aud": ISSUER, "iat": now, "nbf": now, "exp": now + MINUTE, "jti": "nobody"}
    refused(await centre.send(unsigned(claims | centre.asked())), "invalid_request")


async def test_fapi_ciba_id1_ensure_request_object_signature_algorithm_is_bad_fails(centre: CallCentre) -> None:
    head, body, signature = centre.request_object(centre.asked()).split(".")
    broken = f"{head}.{body}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"
    refused(await centre.send(broken), "invalid_request")


async def test_fapi_ciba_id1_ensure_request_object_signature_algorithm_is_rs256_fails(centre: CallCentre) -> None:
    weak = jose.generate("RS256") | {"kid": centre.has.signing["kid"]}
    await _refused(centre, key=weak)


async def test_fapi_ciba_id1_ensure_request_object_signed_by_other_client_fails(
    centre: CallCentre, rival: CallCentre
) -> None:
    await _refused(centre, key=rival.has.signing)


@pytest.mark.spec("standards", "CB-3")
async def test_fapi_ciba_id1_ensure_authorization_request_with_multiple_hints_fails(centre: CallCentre) -> None:
    two = centre.asked(login_hint_token="and another one")
    refused(await centre.send(centre.request_object(two)), "invalid_request")


@pytest.mark.spec("standards", "CB-4")
async def test_fapi_ciba_id1_ensure_unsigned_backchannel_authorization_request_fails(centre: CallCentre) -> None:
    refused(await centre.post(BACKCHANNEL, {**centre.asked(), **centre.proves()}), "invalid_request")


def _is_nobody(told: Answered) -> None:
    """Assert that the client was not recognized."""
    assert told.status_code in (400, 401), told.text
    assert told.json()["error"] in ("invalid_client", "invalid_request")


@pytest.mark.spec("standards", "CB-1")
async def test_fapi_ciba_id1_ensure_without_client_assertion_in_backchannel_authorization_request(
    centre: CallCentre,
) -> None:
    _is_nobody(await centre.send(centre.request_object(centre.asked()), {"client_id": centre.client_id}))


async def test_fapi_ciba_id1_ensure_client_assertion_signature_algorithm_in_backchannel_authorization_request_is_rs256_fails(  # noqa: E501
    centre: CallCentre,
) -> None:
    weak = jose.generate("RS256") | {"kid": centre.has.signing["kid"]}
    _is_nobody(await centre.send(centre.request_object(centre.asked()), form(centre.assertion(key=weak))))


@pytest.mark.spec("standards", "CB-1")
async def test_fapi_ciba_id1_ensure_wrong_client_id_in_backchannel_authorization_request(
    centre: CallCentre, rival: CallCentre
) -> None:
    wrong = {"client_id": rival.client_id}
    _is_nobody(await centre.send(centre.request_object(centre.asked(), iss=rival.client_id), wrong))


async def test_fapi_ciba_id1_ensure_different_client_id_and_issuer_in_backchannel_authorization_request(
    centre: CallCentre, rival: CallCentre
) -> None:
    request = centre.request_object(centre.asked())
    data, shown = {"request": request, **rival.proves()}, certified(rival.has.certificate)
    refused(await centre.wire.post(BACKCHANNEL, data=data, headers=shown), "invalid_request")
