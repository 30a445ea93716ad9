"""Modules about codes that come twice, and refreshing."""

from dataclasses import replace

import pytest

from tests.conformance.plans import POST_AUTH
from tests.conformance.relying_party import RelyingParty
from tests.support.service import REDIRECT_URI


async def _used_twice(party: RelyingParty, *, seconds: int) -> str:
    """Exchange a code, wait, and exchange it again; returns the access token of the first exchange."""
    code = (await party.answer())["code"]
    first = await party.exchange(code)
    party.site.clock.forward(seconds)
    second = await party.token(grant_type="authorization_code", code=code, redirect_uri=REDIRECT_URI)
    assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")
    token: str = first["access_token"]
    return token


async def test_oidcc_codereuse(party: RelyingParty) -> None:
    await _used_twice(party, seconds=0)


async def test_oidcc_codereuse_30seconds(party: RelyingParty) -> None:
    token = await _used_twice(party, seconds=30)
    endpoint = (await party.known())["userinfo_endpoint"]
    told = await party.browser.get(endpoint, headers={"Authorization": f"Bearer {token}"})
    assert (told.status_code, told.json()["error"]) == (401, "invalid_token")


@pytest.mark.spec("standards", "OC-17")
async def test_oidcc_refresh_token(party: RelyingParty) -> None:
    assert "refresh_token" in (await party.known())["grant_types_supported"]
    tokens = await party.sign_in(max_age="10000")
    first = await party.claims(tokens["id_token"])
    party.site.clock.forward(5)
    answer = await party.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert answer.status_code == 200, answer.text
    refreshed = answer.json()
    assert refreshed["access_token"] != tokens["access_token"]
    party.nonce = None  # Core §12.2: it should not be there again
    second = await party.claims(refreshed["id_token"])
    for name in ("iss", "sub", "aud", "auth_time"):
        assert second[name] == first[name]
    assert second["iat"] > first["iat"]
    assert (await party.userinfo(refreshed["access_token"]))["sub"] == first["sub"]

    other = RelyingParty(party.site, party.browser, replace(party.variant, client_auth=POST_AUTH))
    foreign = await other.sign_in()
    refused = await party.token(grant_type="refresh_token", refresh_token=foreign["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
