"""Modules of FAPI-CIBA about whole flows: the decision, the calls, the tokens."""

import asyncio
from typing import Any

import pytest

from app.crypto import jose
from tests.conformance.call_centre import CallCentre, thanks
from tests.conformance.fintech import refused
from tests.conformance.relying_party import DISCOVERY
from tests.support.assertions import form
from tests.support.service import ISSUER

STRONG = {"PS256", "ES256"}


@pytest.mark.spec("standards", "CB-10")
async def test_fapi_ciba_id1_discovery_end_point_verification(centre: CallCentre) -> None:
    metadata = (await centre.browser.get(DISCOVERY)).json()
    assert metadata["backchannel_authentication_endpoint"] == f"{ISSUER}/oauth/bc-authorize"
    assert set(metadata["backchannel_token_delivery_modes_supported"]) == {"poll", "ping"}
    assert set(metadata["backchannel_authentication_request_signing_alg_values_supported"]) >= STRONG
    assert metadata.get("backchannel_user_code_parameter_supported", False) is False
    assert "urn:openid:params:grant-type:ciba" in metadata["grant_types_supported"]
    assert metadata["tls_client_certificate_bound_access_tokens"] is True
    assert centre.variant.client_auth in metadata["token_endpoint_auth_methods_supported"]
    if not centre.variant.by_key:
        aliases = metadata["mtls_endpoint_aliases"]
        assert aliases["backchannel_authentication_endpoint"].startswith("https://mtls.id.example/")


@pytest.mark.spec("standards", "CB-5")
@pytest.mark.spec("standards", "CB-7")
async def test_fapi_ciba_id1(centre: CallCentre, rival: CallCentre) -> None:
    first = await centre.approved()
    second = await rival.begin(requested_expiry=300, typ="oauth-authz-req+jwt", acr_values="0")
    await rival.decide()
    other = await rival.tokens(second)
    assert (await centre.call(first["access_token"])).status_code == 200
    assert (await rival.call(other["access_token"])).status_code == 200
    assert (await centre.call(other["access_token"])).status_code == 401
    refused(await rival.poll(second), "invalid_grant")


async def test_fapi_ciba_id1_user_rejects_authentication(centre: CallCentre) -> None:
    auth_req_id = await centre.begin()
    await centre.decide("deny")
    refused(await centre.poll(auth_req_id), "access_denied")


@pytest.mark.spec("standards", "CB-7")
async def test_fapi_ciba_id1_multiple_call_to_token_endpoint(centre: CallCentre) -> None:
    auth_req_id = await centre.begin()
    refused(await centre.poll(auth_req_id), "authorization_pending")
    for _ in range(3):
        refused(await centre.poll(auth_req_id), "slow_down")


@pytest.mark.spec("standards", "CB-7")
async def test_fapi_ciba_id1_auth_req_id_expired(centre: CallCentre) -> None:
    auth_req_id = await centre.begin(requested_expiry=30)
    refused(await centre.poll(auth_req_id), "authorization_pending")
    centre.site.clock.forward(31)
    refused(await centre.poll(auth_req_id), "expired_token")


async def test_fapi_ciba_id1_ensure_wrong_auth_req_id_in_token_endpoint_request(
    centre: CallCentre, rival: CallCentre
) -> None:
    refused(await rival.poll(await centre.begin()), "invalid_grant")


async def test_fapi_ciba_id1_refresh_token(centre: CallCentre, rival: CallCentre) -> None:
    first = await centre.approved()
    data = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    answer = await centre.token(data)
    assert answer.status_code == 200, answer.text
    again: dict[str, Any] = answer.json()
    assert (await centre.call(again["access_token"])).status_code == 200
    refused(await rival.token(data), "invalid_grant")


@pytest.mark.spec("standards", "F-4")
async def test_fapi_ciba_id1_ensure_mtls_holder_of_key_required(centre: CallCentre, rival: CallCentre) -> None:
    auth_req_id = await centre.begin()
    await centre.decide()
    data = {"grant_type": "urn:openid:params:grant-type:ciba", "auth_req_id": auth_req_id}
    answer = await centre.wire.post("/oauth/token", data={**data, **centre.proves()})
    assert answer.json()["error"] == ("invalid_request" if centre.variant.by_key else "invalid_client"), answer.text
    tokens = await centre.tokens(auth_req_id)
    assert (await centre.call(tokens["access_token"], rival.has.certificate)).status_code == 401


async def _approved(centre: CallCentre) -> str:
    """Return a request that was approved."""
    auth_req_id = await centre.begin()
    await centre.decide()
    return auth_req_id


async def test_fapi_ciba_id1_ensure_without_client_assertion_in_token_endpoint_request(centre: CallCentre) -> None:
    answer = await centre.poll(await _approved(centre), {"client_id": centre.client_id})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_fapi_ciba_id1_ensure_client_assertion_signature_algorithm_in_token_endpoint_request_is_rs256_fails(
    centre: CallCentre,
) -> None:
    weak = jose.generate("RS256") | {"kid": centre.has.signing["kid"]}
    answer = await centre.poll(await _approved(centre), form(centre.assertion(key=weak)))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.spec("standards", "CB-2")
async def test_fapi_ciba_id1_ensure_client_assertion_with_iss_aud_to_token_endpoint_succeeds(
    centre: CallCentre,
) -> None:
    answer = await centre.poll(await _approved(centre), form(centre.assertion(audience=ISSUER)))
    assert answer.status_code == 200, answer.text


async def test_fapi_ciba_id1_ensure_wrong_client_id_in_token_endpoint_request(
    centre: CallCentre, rival: CallCentre
) -> None:
    answer = await centre.poll(await _approved(centre), {"client_id": rival.client_id})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def _told(centre: CallCentre, says: bytes) -> None:
    """Let the application be told of a decision, say something to that, and get its tokens all the same."""
    async with centre.listening(says):
        auth_req_id = await centre.begin()
        await centre.decide()
        await centre.rung(auth_req_id)
        await centre.tokens(auth_req_id)
    centre.site.clock.forward(60)
    async with centre.listening(says):
        await asyncio.sleep(0.1)  # some turns of what makes the calls
    assert len(centre.calls_about(auth_req_id)) == 1


@pytest.mark.spec("standards", "CB-8")
async def test_fapi_ciba_id1_ping_backchannel_notification_endpoint_response_has_body(centre: CallCentre) -> None:
    await _told(centre, thanks("200 OK", b'{"access_token":"what nobody asked for"}'))


@pytest.mark.spec("standards", "CB-8")
async def test_fapi_ciba_id1_ping_backchannel_notification_endpoint_response_401(centre: CallCentre) -> None:
    await _told(centre, thanks("401 Unauthorized"))


@pytest.mark.spec("standards", "CB-8")
async def test_fapi_ciba_id1_ping_backchannel_notification_endpoint_response_403(centre: CallCentre) -> None:
    await _told(centre, thanks("403 Forbidden"))


@pytest.mark.spec("standards", "CB-8")
async def test_fapi_ciba_id1_ping_with_mtls_ciba_notification_endpoint_response_401_and_require_server_does_not_retry(
    centre: CallCentre,
) -> None:
    await _told(centre, thanks("401 Unauthorized"))


@pytest.mark.spec("standards", "CB-8")
async def test_fapi_ciba_id1_ping_backchannel_notification_endpoint_return_redirect_request(
    centre: CallCentre,
) -> None:
    await _told(centre, thanks("301 Moved Permanently", b"", f"Location: https://127.0.0.1:{centre.bell.port}/moved"))
