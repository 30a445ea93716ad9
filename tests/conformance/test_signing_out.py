"""Modules about sign-outs that an application asks for (OpenID Connect RP-Initiated Logout 1.0)."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.conformance.parties import AFTERWARDS
from tests.conformance.relying_party import RelyingParty
from tests.support.service import fields_of, follow


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who has signed in, and what the application has of it."""

    party: RelyingParty
    id_token: str

    async def sign_out(self, **params: str) -> httpx.Response:
        """Send the browser to sign out; returns the page that it shows, or what sends it on."""
        browser, endpoint = self.party.browser, (await self.party.known())["end_session_endpoint"]
        return await follow(browser, await browser.get(f"{endpoint}?{urlencode(params)}"))

    async def is_signed_in(self) -> bool:
        """Tell whether the session at the server lives: what a request without any page comes to."""
        answer = self.party.read(await self.party.page(prompt="none"))
        assert answer.get("error", "login_required") == "login_required"
        return "code" in answer

    async def is_asked(self, page: httpx.Response) -> None:
        """Assert that the person is asked, is signed in until he says yes, and that nobody is sent anywhere then."""
        assert 'id="logout-confirm"' in page.text
        assert await self.is_signed_in()
        confirmed = await self.party.browser.post("/logout", data=fields_of(page))
        assert not await self.is_signed_in()
        assert not confirmed.headers.get("location", "").startswith(AFTERWARDS)

    async def is_refused(self, page: httpx.Response) -> None:
        """Assert that an error page comes, or a question, and no way back."""
        assert page.status_code in (200, 400)
        assert "location" not in page.headers
        assert AFTERWARDS not in page.text
        assert await self.is_signed_in()


@pytest.fixture
async def signed_in(newcomer: RelyingParty) -> SignedIn:
    """Robin, who has signed in to the application of the variant, in a session of his own."""
    return SignedIn(newcomer, (await newcomer.sign_in())["id_token"])


def _back(response: httpx.Response) -> Mapping[str, str]:
    """Return the parameters with which the browser was sent back."""
    assert response.status_code == 303, response.text
    address = httpx.URL(response.headers["location"])
    assert str(address.copy_with(query=None)) == AFTERWARDS
    return dict(address.params)


@pytest.mark.spec("standards", "LO-4")
@pytest.mark.spec("standards", "LO-5")
async def test_oidcc_rp_initiated_logout(signed_in: SignedIn) -> None:
    left = await signed_in.sign_out(
        id_token_hint=signed_in.id_token, post_logout_redirect_uri=AFTERWARDS, state="of this sign-out"
    )
    assert _back(left) == {"state": "of this sign-out"}
    assert not await signed_in.is_signed_in()


@pytest.mark.spec("standards", "LO-5")
async def test_oidcc_rp_initiated_logout_no_state(signed_in: SignedIn) -> None:
    left = await signed_in.sign_out(id_token_hint=signed_in.id_token, post_logout_redirect_uri=AFTERWARDS)
    assert _back(left) == {}
    assert not await signed_in.is_signed_in()


@pytest.mark.spec("standards", "LO-5")
@pytest.mark.spec("standards", "LO-6")
async def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(signed_in: SignedIn) -> None:
    elsewhere = "https://elsewhere.example/signed-out"
    page = await signed_in.sign_out(id_token_hint=signed_in.id_token, post_logout_redirect_uri=elsewhere, state="x")
    assert f'href="{elsewhere}' not in page.text
    await signed_in.is_refused(page)


@pytest.mark.spec("standards", "LO-5")
async def test_oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(signed_in: SignedIn) -> None:
    page = await signed_in.sign_out(
        id_token_hint=signed_in.id_token, post_logout_redirect_uri=f"{AFTERWARDS}?foo=bar", state="x"
    )
    assert "location" not in page.headers
    assert f'href="{AFTERWARDS}' not in page.text
    assert await signed_in.is_signed_in()


@pytest.mark.spec("standards", "LO-2")
async def test_oidcc_rp_initiated_logout_modified_id_token_hint(signed_in: SignedIn) -> None:
    unsigned = urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).rstrip(b"=").decode()
    hint = f"{unsigned}.{signed_in.id_token.split('.')[1]}."
    await signed_in.is_refused(
        await signed_in.sign_out(id_token_hint=hint, post_logout_redirect_uri=AFTERWARDS, state="x")
    )


@pytest.mark.spec("standards", "LO-2")
async def test_oidcc_rp_initiated_logout_bad_id_token_hint(signed_in: SignedIn) -> None:
    claims = await signed_in.party.claims(signed_in.id_token)
    hint = jwt.encode({"alg": "RS256"}, claims, RSAKey.generate_key(2048))
    await signed_in.is_refused(
        await signed_in.sign_out(id_token_hint=hint, post_logout_redirect_uri=AFTERWARDS, state="x")
    )


@pytest.mark.spec("standards", "LO-3")
@pytest.mark.spec("standards", "LO-5")
async def test_oidcc_rp_initiated_logout_no_id_token_hint(signed_in: SignedIn) -> None:
    page = await signed_in.sign_out(post_logout_redirect_uri=AFTERWARDS, state="x")
    assert "location" not in page.headers
    assert AFTERWARDS not in page.text
    assert await signed_in.is_signed_in()


@pytest.mark.spec("standards", "LO-3")
async def test_oidcc_rp_initiated_logout_no_params(signed_in: SignedIn) -> None:
    await signed_in.is_asked(await signed_in.sign_out())


@pytest.mark.spec("standards", "LO-3")
async def test_oidcc_rp_initiated_logout_only_state(signed_in: SignedIn) -> None:
    await signed_in.is_asked(await signed_in.sign_out(state="x"))


async def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(signed_in: SignedIn) -> None:
    page = await signed_in.sign_out(id_token_hint=signed_in.id_token, state="x")
    assert page.status_code == 200
    assert "You are signed out" in page.text
    assert not await signed_in.is_signed_in()
