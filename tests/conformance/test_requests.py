"""Modules about the parameters of a request: which of them bring a page, which an error, and which do nothing."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from tests.conformance.parties import EMAIL
from tests.conformance.relying_party import RelyingParty, asks_for_password
from tests.support.service import REDIRECT_URI


async def _succeeds(party: RelyingParty, **changes: str) -> dict[str, Any]:
    """Sign in with a request that has more in it; returns the claims of the ID token."""
    return await party.claims((await party.sign_in(**changes))["id_token"])


@pytest.mark.spec("standards", "OC-15")
async def test_oidcc_display_page(party: RelyingParty) -> None:
    await _succeeds(party, display="page")


@pytest.mark.spec("standards", "OC-15")
async def test_oidcc_display_popup(party: RelyingParty) -> None:
    await _succeeds(party, display="popup")


@pytest.mark.spec("standards", "OC-15")
async def test_oidcc_ui_locales(party: RelyingParty) -> None:
    await _succeeds(party, ui_locales="se")


@pytest.mark.spec("standards", "OC-15")
async def test_oidcc_claims_locales(party: RelyingParty) -> None:
    await _succeeds(party, claims_locales="se")


@pytest.mark.spec("standards", "OC-10")
async def test_oidcc_ensure_request_with_acr_values_succeeds(party: RelyingParty) -> None:
    claims = await _succeeds(party, acr_values="1 2")
    assert claims["acr"]


async def test_oidcc_ensure_request_with_unknown_parameter_succeeds(party: RelyingParty) -> None:
    await _succeeds(party, extra="foobar")


@pytest.mark.spec("standards", "OC-14")
async def test_oidcc_login_hint(newcomer: RelyingParty) -> None:
    page = await newcomer.page(login_hint=EMAIL)
    assert asks_for_password(page)
    assert f'value="{EMAIL}"' in page.text
    tokens = await newcomer.exchange(newcomer.read(await newcomer.go_on(page))["code"])
    await newcomer.claims(tokens["id_token"])


@pytest.mark.spec("standards", "OC-5")
@pytest.mark.spec("standards", "OC-7")
async def test_oidcc_prompt_login(newcomer: RelyingParty) -> None:
    first = await _succeeds(newcomer, max_age="10000")
    newcomer.site.clock.forward(2)
    page = await newcomer.page(prompt="login", max_age="10000")
    assert asks_for_password(page)
    tokens = await newcomer.exchange(newcomer.read(await newcomer.go_on(page))["code"])
    second = await newcomer.claims(tokens["id_token"])
    assert second["sub"] == first["sub"]
    assert second["auth_time"] > first["auth_time"]


@pytest.mark.spec("standards", "OC-4")
async def test_oidcc_prompt_none_not_logged_in(newcomer: RelyingParty) -> None:
    assert await newcomer.refused(prompt="none") == "login_required"


@pytest.mark.spec("standards", "OC-4")
async def test_oidcc_prompt_none_logged_in(newcomer: RelyingParty) -> None:
    first = await _succeeds(newcomer, max_age="10000")
    newcomer.site.clock.forward(1)
    second = await _shown_nothing(newcomer, prompt="none", max_age="10000")
    assert (second["sub"], second["auth_time"]) == (first["sub"], first["auth_time"])
    assert second["iat"] > first["iat"]


@pytest.mark.spec("standards", "OC-8")
async def test_oidcc_max_age_1(newcomer: RelyingParty) -> None:
    first = await _succeeds(newcomer, max_age="10000")
    newcomer.site.clock.forward(2)
    page = await newcomer.page(max_age="1")
    assert asks_for_password(page)
    tokens = await newcomer.exchange(newcomer.read(await newcomer.go_on(page))["code"])
    second = await newcomer.claims(tokens["id_token"])
    assert second["sub"] == first["sub"]
    assert second["auth_time"] - first["auth_time"] >= 2
    assert newcomer.site.clock().timestamp() - second["auth_time"] <= 1


@pytest.mark.spec("standards", "OC-8")
async def test_oidcc_max_age_10000(newcomer: RelyingParty) -> None:
    first = await _succeeds(newcomer)
    newcomer.site.clock.forward(2)
    second = await _shown_nothing(newcomer, max_age="10000")
    assert second["sub"] == first["sub"]
    assert newcomer.site.clock().timestamp() - second["auth_time"] >= 2


@pytest.mark.spec("standards", "OC-12")
async def test_oidcc_id_token_hint(party: RelyingParty) -> None:
    tokens = await party.sign_in()
    first = await party.claims(tokens["id_token"])
    second = await _shown_nothing(party, prompt="none", id_token_hint=tokens["id_token"])
    assert second["sub"] == first["sub"]


async def _shown_nothing(party: RelyingParty, **changes: str) -> dict[str, Any]:
    """Send a request that is answered without any page; returns the claims of the ID token."""
    tokens = await party.exchange(party.read(await party.page(**changes))["code"])
    return await party.claims(tokens["id_token"])


@pytest.mark.spec("standards", "A1.2 (3)")
async def test_oidcc_ensure_registered_redirect_uri(party: RelyingParty) -> None:
    page = await party.page(redirect_uri=f"{REDIRECT_URI}/not-registered")
    assert page.status_code == 400
    assert "location" not in page.headers
    assert 'href="https://client.example' not in page.text


async def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(party: RelyingParty) -> None:
    assert (await party.known())["request_uri_parameter_supported"] is False
    assert await party.refused(request_uri="https://client.example/request.jwt") == "request_uri_not_supported"


async def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(
    party: RelyingParty,
) -> None:
    """The server says that it has signed ones alone, and the plan leaves the module out then."""
    metadata = await party.known()
    assert metadata["request_parameter_supported"] is True
    assert "none" not in metadata["request_object_signing_alg_values_supported"]
    assert await party.refused(request=_unsigned(state="inside")) == "invalid_request_object"


async def test_oidcc_ensure_request_object_with_redirect_uri(party: RelyingParty) -> None:
    elsewhere = _unsigned(redirect_uri="https://elsewhere.example/callback")
    assert await party.refused(request=elsewhere) == "invalid_request_object"


def _unsigned(**members: str) -> str:
    """Return an unsigned request object."""
    parts = (json.dumps(part).encode() for part in ({"alg": "none"}, members))
    return ".".join([*(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), ""])
