"""Modules about what an application learns of a person: userinfo, asked in three ways, scopes, the claims parameter."""

import json
from typing import Any

import pytest

from tests.conformance.parties import ADDRESS, EMAIL, PHONE, PROFILE, USERNAME
from tests.conformance.relying_party import RelyingParty

_OF_SCOPE: dict[str, dict[str, Any]] = {
    "profile": {**PROFILE, "preferred_username": USERNAME},
    "email": {"email": EMAIL, "email_verified": True},
    "address": ADDRESS,
    "phone": PHONE,
}


@pytest.mark.spec("standards", "UI-1")
async def test_oidcc_userinfo_get(party: RelyingParty) -> None:
    tokens = await party.sign_in()
    claims = await party.claims(tokens["id_token"])
    assert await party.userinfo(tokens["access_token"]) == {"sub": claims["sub"]}


@pytest.mark.spec("standards", "UI-1")
async def test_oidcc_userinfo_post_header(party: RelyingParty) -> None:
    tokens = await party.sign_in()
    await _told_by_post(party, tokens, headers={"Authorization": f"Bearer {tokens['access_token']}"})


@pytest.mark.spec("standards", "UI-1")
async def test_oidcc_userinfo_post_body(party: RelyingParty) -> None:
    tokens = await party.sign_in()
    await _told_by_post(party, tokens, data={"access_token": tokens["access_token"]})


async def _told_by_post(party: RelyingParty, tokens: dict[str, Any], **sent: Any) -> None:
    endpoint = (await party.known())["userinfo_endpoint"]
    told = await party.browser.post(endpoint, **sent)
    claims = await party.claims(tokens["id_token"])
    assert (told.status_code, told.json()) == (200, {"sub": claims["sub"]})


@pytest.mark.spec("standards", "UI-4")
@pytest.mark.spec("standards", "UI-5")
async def test_oidcc_scope_profile(party: RelyingParty) -> None:
    await _told_for(party, "profile")


@pytest.mark.spec("standards", "UI-4")
async def test_oidcc_scope_email(party: RelyingParty) -> None:
    await _told_for(party, "email")


@pytest.mark.spec("standards", "UI-4")
async def test_oidcc_scope_address(party: RelyingParty) -> None:
    await _told_for(party, "address")


@pytest.mark.spec("standards", "UI-4")
async def test_oidcc_scope_phone(party: RelyingParty) -> None:
    await _told_for(party, "phone")


async def test_oidcc_scope_all(party: RelyingParty) -> None:
    await _told_for(party, *_OF_SCOPE)


async def test_oidcc_ensure_other_scope_order_succeeds(party: RelyingParty) -> None:
    tokens = await party.sign_in(scope="email openid")
    await party.claims(tokens["id_token"])
    assert (await party.userinfo(tokens["access_token"]))["email"] == EMAIL


async def _told_for(party: RelyingParty, *scopes: str) -> None:
    """Scopes give their claims at userinfo, no others, and none in an ID token that comes with an access token."""
    answer = await party.answer(scope=" ".join(("openid", *scopes)))
    tokens = await party.exchange(answer["code"])
    expected = {name: value for scope in scopes for name, value in _OF_SCOPE[scope].items()}
    told = await party.userinfo(tokens["access_token"])
    claims = await party.claims(tokens["id_token"])
    if "profile" in scopes:
        assert isinstance(told.pop("updated_at"), int | float)
    assert told == {"sub": claims["sub"], **expected}
    assert not expected.keys() & claims.keys()


@pytest.mark.spec("standards", "UI-6")
@pytest.mark.spec("standards", "OC-13")
async def test_oidcc_claims_essential(party: RelyingParty) -> None:
    asked = json.dumps({"userinfo": {"name": {"essential": True}}})
    tokens = await party.sign_in(claims=asked)
    told = await party.userinfo(tokens["access_token"])
    assert told["name"] == PROFILE["name"]
    assert "name" not in await party.claims(tokens["id_token"])
