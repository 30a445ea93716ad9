"""Modules of FAPI 2.0 about whole flows: what a request that is right comes to."""

from typing import Any

import pytest

from tests.conformance.fapi_parties import OPENID_SCOPE, SCOPE
from tests.conformance.fintech import Fintech, error_page, refused
from tests.support.facts import VERIFIER
from tests.support.service import ISSUER, REDIRECT_URI

STRONG = {"PS256", "ES256", "EdDSA", "Ed25519"}


@pytest.mark.spec("standards", "F-1")
@pytest.mark.spec("standards", "F-22")
async def test_fapi2_security_profile_final_discovery_end_point_verification(fintech: Fintech) -> None:
    metadata = await fintech.known()
    plain = (await fintech.browser.get("/.well-known/oauth-authorization-server")).json()
    assert (metadata["issuer"], plain["issuer"]) == (ISSUER, ISSUER)
    assert metadata["pushed_authorization_request_endpoint"] == f"{ISSUER}/oauth/par"
    assert metadata["token_endpoint"].startswith("https://")
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert fintech.variant.client_auth in metadata["token_endpoint_auth_methods_supported"]
    for member in ("token_endpoint_auth_signing_alg", "id_token_signing_alg", "dpop_signing_alg"):
        assert STRONG & set(metadata[f"{member}_values_supported"]), member
    if not fintech.variant.by_key:
        assert metadata["tls_client_certificate_bound_access_tokens"] is True
        aliases = metadata["mtls_endpoint_aliases"]
        assert aliases["pushed_authorization_request_endpoint"].startswith("https://mtls.id.example/")
    if fintech.variant.signs:
        assert metadata["request_parameter_supported"] is True
        assert STRONG & set(metadata["request_object_signing_alg_values_supported"])
        assert STRONG & set(metadata["authorization_signing_alg_values_supported"])
        assert {"jwt", "query.jwt"} <= set(metadata["response_modes_supported"])


@pytest.mark.spec("standards", "F-4")
@pytest.mark.spec("standards", "F-5")
@pytest.mark.spec("standards", "F-20")
@pytest.mark.spec("standards", "F-21")
@pytest.mark.spec("standards", "F-24")
@pytest.mark.spec("standards", "FM-2")
@pytest.mark.spec("standards", "FM-4")
async def test_fapi2_security_profile_final_happy_flow(fintech: Fintech, stranger: Fintech) -> None:
    for client in (fintech, stranger):
        tokens = await client.tokens()
        assert (await client.call(tokens["access_token"])).status_code == 200
        thief = stranger if client is fintech else fintech
        assert (await thief.call(tokens["access_token"])).status_code == 401


async def test_fapi2_security_profile_final_user_rejects_authentication(fintech: Fintech) -> None:
    page = await fintech.page(await fintech.pushed(prompt="consent"))
    members = await fintech.read(await fintech.go_on(page, "deny"))
    assert members["error"] == "access_denied"
    assert "code" not in members


async def test_fapi2_security_profile_final_ensure_authorization_request_without_state_success(
    fintech: Fintech,
) -> None:
    members = await fintech.answered(await fintech.pushed(state=None))
    assert "state" not in members
    await fintech.exchange(members["code"])


async def test_fapi2_security_profile_final_ensure_authorization_request_without_nonce_success(
    fintech: Fintech,
) -> None:
    claims = await fintech.claims((await fintech.tokens(nonce=None))["id_token"])
    assert "nonce" not in claims


@pytest.mark.spec("standards", "F-20")
async def test_fapi2_security_profile_final_ensure_authorization_request_with_64_char_nonce_success(
    fintech: Fintech,
) -> None:
    nonce = "0123456789abcdef" * 4
    assert (await fintech.claims((await fintech.tokens(nonce=nonce))["id_token"]))["nonce"] == nonce


async def test_fapi2_security_profile_final_ensure_authorization_request_with_long_nonce(fintech: Fintech) -> None:
    nonce = "0123456789abcdef" * 24
    assert (await fintech.claims((await fintech.tokens(nonce=nonce))["id_token"]))["nonce"] == nonce


@pytest.mark.spec("standards", "F-23")
async def test_fapi2_security_profile_final_ensure_authorization_request_with_long_state(fintech: Fintech) -> None:
    state = "0123456789abcdef" * 24
    members = await fintech.answered(await fintech.pushed(state=state))
    assert members["state"] == state


async def test_fapi2_security_profile_final_ensure_other_scope_order_succeeds(fintech: Fintech) -> None:
    scopes = (OPENID_SCOPE if fintech.variant.by_key else SCOPE).split()
    tokens = await fintech.tokens(scope=" ".join(reversed(scopes)))
    assert set(tokens["scope"].split()) == set(scopes)


async def test_fapi2_security_profile_final_test_claims_parameter_identity_claims(fintech: Fintech) -> None:
    asked = '{"userinfo":{"given_name":null},"id_token":{"family_name":null,"email":{"essential":true}}}'
    tokens = await fintech.tokens(claims=asked)
    claims = await fintech.claims(tokens["id_token"])
    told = (await fintech.call(tokens["access_token"], "/oauth/userinfo")).json()
    assert (claims["family_name"], claims["email"], told["given_name"]) == ("Ashdown", "robin@example.com", "Robin")
    assert claims["sub"] == told["sub"]
    assert "given_name" not in claims
    assert "family_name" not in told


@pytest.mark.spec("standards", "F-24")
async def test_fapi2_security_profile_final_access_token_type_header_case_sensitivity(fintech: Fintech) -> None:
    token = (await fintech.tokens())["access_token"]
    for scheme in ("dpop", "DPOP") if fintech.variant.by_key else ("bearer", "BEARER"):
        assert (await fintech.call(token, scheme=scheme)).status_code == 200, scheme


async def test_fapi2_security_profile_final_ensure_different_nonce_inside_and_outside_request_object(
    fintech: Fintech,
) -> None:
    members = await fintech.answered(await fintech.pushed(), nonce="in the address")
    await fintech.exchange(members["code"])  # whose ID token has the nonce that was pushed


@pytest.mark.spec("standards", "PAR-11")
async def test_fapi2_security_profile_final_ensure_different_state_inside_and_outside_request_object(
    fintech: Fintech,
) -> None:
    await fintech.answered(await fintech.pushed(), state="in the address")


@pytest.mark.spec("standards", "PAR-11")
async def test_fapi2_security_profile_final_state_only_outside_request_object_not_used(fintech: Fintech) -> None:
    assert "state" not in await fintech.answered(await fintech.pushed(state=None), state="in the address")


@pytest.mark.spec("standards", "PAR-11")
@pytest.mark.spec("standards", "O-14")
@pytest.mark.spec("standards", "TV-9")
async def test_fapi2_security_profile_final_par_without_duplicate_parameters(fintech: Fintech) -> None:
    assert "code" in await fintech.answered(await fintech.pushed())


@pytest.mark.spec("standards", "PAR-10")
async def test_fapi2_security_profile_final_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds(
    fintech: Fintech,
) -> None:
    request_uri = await fintech.pushed(prompt="consent")
    for _ in range(2):
        assert 'id="consent-approve"' in (await fintech.page(request_uri)).text
    await fintech.exchange((await fintech.answered(request_uri))["code"])


@pytest.mark.spec("standards", "PAR-10")
async def test_fapi2_security_profile_final_par_attempt_reuse_request_uri(fintech: Fintech) -> None:
    request_uri = await fintech.pushed()
    assert "code" in await fintech.answered(request_uri)
    error_page(await fintech.page(request_uri))


@pytest.mark.spec("standards", "PAR-10")
async def test_fapi2_security_profile_final_par_attempt_to_use_expired_request_uri(fintech: Fintech) -> None:
    answer = await fintech.push()
    fintech.site.clock.forward(answer.json()["expires_in"] + 1)
    error_page(await fintech.page(answer.json()["request_uri"]))


@pytest.mark.spec("standards", "PAR-8")
async def test_fapi2_security_profile_final_par_attempt_to_use_request_uri_for_different_client(
    fintech: Fintech, stranger: Fintech
) -> None:
    error_page(await stranger.page(await fintech.pushed()))


@pytest.mark.spec("standards", "F-20")
async def test_fapi2_security_profile_final_ensure_unsigned_authorization_request_without_using_par_fails(
    fintech: Fintech,
) -> None:
    sent = await fintech.browser.get("/oauth/authorize", params=fintech.request(response_mode=None))
    assert "invalid_request" in (sent.headers.get("location", "") or sent.text)
    assert "code=" not in sent.headers.get("location", "")


@pytest.mark.spec("standards", "F-20")
async def test_fapi2_security_profile_final_attempt_reuse_authorization_code_after_one_second(
    fintech: Fintech,
) -> None:
    code = await fintech.code()
    tokens = await fintech.exchange(code)
    fintech.site.clock.forward(1)
    refused(await fintech.redeem(code), "invalid_grant")
    assert (await fintech.call(tokens["access_token"])).status_code == 401


@pytest.mark.spec("standards", "F-11")
async def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_expired_auth_code(
    fintech: Fintech,
) -> None:
    code = await fintech.code()
    fintech.site.clock.forward(61)
    refused(await fintech.redeem(code), "invalid_grant")


async def test_fapi2_security_profile_final_ensure_authorization_code_is_bound_to_client(
    fintech: Fintech, stranger: Fintech
) -> None:
    refused(await stranger.redeem(await fintech.code()), "invalid_grant")


@pytest.mark.spec("standards", "F-9")
async def test_fapi2_security_profile_final_refresh_token(fintech: Fintech, stranger: Fintech) -> None:
    first = await fintech.tokens()
    for _ in range(2):
        answer = await fintech.refresh(first["refresh_token"])
        assert answer.status_code == 200, answer.text
        again: dict[str, Any] = answer.json()
        assert again.get("refresh_token", first["refresh_token"]) == first["refresh_token"]
        assert again["access_token"] != first["access_token"]
        assert (await fintech.call(again["access_token"])).status_code == 200
    refused(await stranger.refresh(first["refresh_token"]), "invalid_grant")


async def test_fapi2_security_profile_final_ensure_pkce_code_verifier_required(fintech: Fintech) -> None:
    refused(await fintech.redeem(await fintech.code(), code_verifier=None), "invalid_grant", "invalid_request")


async def test_fapi2_security_profile_final_incorrect_pkce_code_verifier_rejected(fintech: Fintech) -> None:
    refused(await fintech.redeem(await fintech.code(), code_verifier=VERIFIER[::-1]), "invalid_grant")


async def test_fapi2_security_profile_final_ensure_client_id_in_token_endpoint(
    fintech: Fintech, stranger: Fintech
) -> None:
    wrong = {"client_id": stranger.client_id}
    data = {**fintech.proves(), "grant_type": "authorization_code", "code": await fintech.code(), **wrong}
    data |= {"redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    dpop = fintech.proof("POST", f"{ISSUER}/oauth/token") if fintech.variant.by_key else None
    answer = await fintech.post("/oauth/token", data, dpop=dpop)
    assert answer.json()["error"] in ("invalid_client", "invalid_request", "invalid_grant")
    assert answer.status_code in (400, 401)
