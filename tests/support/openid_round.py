"""What every OpenID Connect library goes through: the applications, the person, and what they must have seen.

A library signs the person in, refreshes, asks for userinfo, and signs him out; then its refresh token is worth nothing.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from app.crypto import jose
from app.outbound.visitor import Visitor
from tests.support.client_round import CALLBACK, ROBIN
from tests.support.login import go
from tests.support.server import Server

AFTERWARDS = "https://client.example/signed-out"
SCOPE = "openid profile email"
NAME, EMAIL = "Robin Ashdown", "robin@example.com"

SECRETS = {
    name: f"{name}-keeps-0123456789-abcdefghij-to-itself"
    for name in ("authlib", "idpyoidc", "oauth4webapi", "openid_client", "openid_client_hybrid")
}
"""The confidential applications, each named after the library that it is built on."""

HYBRID = "openid_client_hybrid"
"""One that wants all there is: an ID token with the code, everything encrypted, people under names of its own."""

SEALING_KEY = {**jose.generate("ES256"), "use": "enc", "alg": "ECDH-ES"}

PAGE = "page"
"""The public one, a page that is served at an address of the test's own."""


def data(page_url: str) -> dict[str, Any]:
    """Return the data file; `page_url` is where the page is served."""
    return {
        "users": [{"username": ROBIN.username, "email": EMAIL, "password": ROBIN.password, "claims": {"name": NAME}}],
        "applications": [
            _confidential("authlib"),  # nothing registered: RS256, the specification's own default
            _confidential("idpyoidc", id_token_signed_response_alg="ES256"),
            _confidential("oauth4webapi", id_token_signed_response_alg="ES256", userinfo_signed_response_alg="ES256"),
            _confidential(
                "openid_client",
                id_token_signed_response_alg="ES256",
                token_endpoint_auth_method="client_secret_post",
            ),
            _confidential(
                HYBRID,
                id_token_signed_response_alg="ES256",
                token_endpoint_auth_method="client_secret_post",
                response_types=["code id_token"],
                grant_types=["authorization_code", "refresh_token", "implicit"],
                id_token_encrypted_response_alg="ECDH-ES",
                userinfo_signed_response_alg="ES256",
                userinfo_encrypted_response_alg="ECDH-ES",
                subject_type="pairwise",
                jwks={"keys": [jose.public_part(SEALING_KEY)]},
            ),
            {
                "client_id": PAGE,
                "client_name": "Pocket Board",
                "redirect_uris": [page_url],
                "post_logout_redirect_uris": [page_url],
                "grant_types": ["authorization_code", "refresh_token"],
                "token_endpoint_auth_method": "none",
                "id_token_signed_response_alg": "ES256",
            },
        ],
    }


def _confidential(name: str, **more: Any) -> dict[str, Any]:
    return {
        "client_id": name,
        "client_secret": SECRETS[name],
        "redirect_uris": [CALLBACK],
        "post_logout_redirect_uris": [AFTERWARDS],
        "grant_types": ["authorization_code", "refresh_token"],
        **more,
    }


@dataclass(frozen=True, slots=True)
class Robin:
    """The person, with one browser for sign-in and sign-out."""

    browser: Visitor

    async def sign_in(self, url: str) -> str:
        """Go to an authorization request; returns the URL of the call back."""
        return await go(self.browser, ROBIN, url, callback=CALLBACK)

    async def sign_out(self, url: str) -> str:
        """Go to sign out; returns the URL that the browser comes back to."""
        return await go(self.browser, ROBIN, url, callback=AFTERWARDS)


@asynccontextmanager
async def robin(server: Server) -> AsyncIterator[Robin]:
    """Yield the person with a fresh browser."""
    async with Visitor(ca_file=str(server.ca_file)) as browser:
        yield Robin(browser)


@dataclass(frozen=True, slots=True)
class Login:
    """What a library has got: the claims of the ID token, those of the one after the refresh, and userinfo."""

    claims: dict[str, Any]
    refreshed: dict[str, Any]
    userinfo: dict[str, Any]

    def check(self, application: str, issuer: str) -> None:
        """Assert that everybody says the same person, and what the scopes tell of him."""
        for claims in (self.claims, self.refreshed):
            assert (claims["iss"], claims["sub"]) == (issuer, self.claims["sub"])
            assert claims["aud"] in (application, [application])
            assert claims["sid"] == self.claims["sid"]
        assert self.userinfo["sub"] == self.claims["sub"]
        told = {name: self.userinfo.get(name) for name in ("name", "preferred_username", "email")}
        assert told == {"name": NAME, "preferred_username": ROBIN.username, "email": EMAIL}


def check_return(url: str, state: str) -> None:
    """Assert that a sign-out has come back with its state."""
    parts = urlsplit(url)
    assert (parts._replace(query="").geturl(), parse_qs(parts.query)) == (AFTERWARDS, {"state": [state]})
