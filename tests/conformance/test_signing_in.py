"""Modules about the answers of a whole sign-in: what they must hold, by response type, and the ID token in them."""

from typing import Any

import pytest
from joserfc import jws

from app.services import data_file
from app.services.data_file.document import DataFileError
from tests.conformance.relying_party import RelyingParty, half_hash
from tests.support.facts import CHALLENGE, VERIFIER
from tests.support.service import follow


async def _whole_sign_in(party: RelyingParty) -> None:
    """Sign in, and judge both answers and what userinfo says."""
    words = party.variant.words
    answer = await party.answer()
    assert ("code" in answer, "id_token" in answer, "access_token" in answer) == (
        True,
        "id_token" in words,
        "token" in words,
    )
    fronts: list[dict[str, Any]] = []
    if "token" in words:
        assert answer["token_type"].lower() == "bearer"
        assert int(answer["expires_in"]) > 0
        assert "refresh_token" not in answer
    if "id_token" in words:
        fronts.append(claims := await party.claims(answer["id_token"]))
        assert claims["c_hash"] == half_hash(answer["code"])
        assert claims["s_hash"] == half_hash(answer["state"])
        if "token" in words:
            assert claims["at_hash"] == half_hash(answer["access_token"])
    tokens = await party.exchange(answer["code"])
    claims = await party.claims(tokens["id_token"])
    assert claims["at_hash"] == half_hash(tokens["access_token"])
    assert all((front["iss"], front["sub"]) == (claims["iss"], claims["sub"]) for front in fronts)
    for token in (tokens["access_token"], answer.get("access_token", tokens["access_token"])):
        assert (await party.userinfo(token))["sub"] == claims["sub"]


@pytest.mark.spec("standards", "ID-1")
@pytest.mark.spec("standards", "ID-3")
@pytest.mark.spec("standards", "ID-4")
@pytest.mark.spec("standards", "RT-1")
@pytest.mark.spec("standards", "RT-5")
async def test_oidcc_server(newcomer: RelyingParty) -> None:
    await _whole_sign_in(newcomer)


async def test_oidcc_server_client_secret_post(newcomer: RelyingParty) -> None:
    await _whole_sign_in(newcomer)


async def test_oidcc_response_type_missing(party: RelyingParty) -> None:
    page = await party.page(response_type=None)
    if page.status_code == 400:
        return
    location = page.headers.get("location", "")
    assert "error=invalid_request" in location or 'value="invalid_request"' in page.text
    assert "code=" not in location


@pytest.mark.spec("standards", "ID-2")
async def test_oidcc_idtoken_signature(party: RelyingParty) -> None:
    answer = await party.answer()
    tokens = await party.exchange(answer["code"])
    for token in filter(None, (answer.get("id_token"), tokens["id_token"])):
        header = jws.extract_compact(token.encode()).headers()
        assert header["alg"] == "RS256"
        await party.claims(token)


@pytest.mark.spec("standards", "ID-2")
async def test_oidcc_idtoken_unsigned(party: RelyingParty) -> None:
    assert "none" not in (await party.known())["id_token_signing_alg_values_supported"]
    server = party.site.server
    entry = {
        "client_id": "unsigned",
        "redirect_uris": ["https://client.example/"],
        "id_token_signed_response_alg": "none",
    }
    with pytest.raises(DataFileError) as refused:
        data_file.parse({"applications": [entry]}, server.scopes, server.roles)
    assert "id_token_signed_response_alg" in str(refused.value)


async def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(party: RelyingParty) -> None:
    tokens = await party.sign_in(nonce=None)
    assert "nonce" not in await party.claims(tokens["id_token"])


@pytest.mark.spec("standards", "RT-3")
@pytest.mark.spec("standards", "RT-5")
async def test_oidcc_ensure_request_without_nonce_fails(party: RelyingParty) -> None:
    assert await party.refused(nonce=None) == "invalid_request"


async def test_oidcc_ensure_request_with_valid_pkce_succeeds(party: RelyingParty) -> None:
    answer = await party.answer(code_challenge=CHALLENGE, code_challenge_method="S256")
    wrong = await party.token(grant_type="authorization_code", code=answer["code"], code_verifier=VERIFIER[::-1])
    assert wrong.json()["error"] == "invalid_grant"
    answer = await party.answer(code_challenge=CHALLENGE, code_challenge_method="S256")
    tokens = await party.exchange(answer["code"], code_verifier=VERIFIER)
    await party.claims(tokens["id_token"])


@pytest.mark.spec("standards", "A1-1")
async def test_oidcc_ensure_post_request_succeeds(party: RelyingParty) -> None:
    path, _, query = party.request().partition("?")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    sent = await party.browser.post(path, content=query, headers=headers)
    answer = party.read(await party.go_on(await follow(party.browser, sent)))
    tokens = await party.exchange(answer["code"])
    await party.claims(tokens["id_token"])
