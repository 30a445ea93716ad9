"""An application as the conformance suite plays one: it sends what it is told, and judges every answer it gets."""

import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from html import unescape
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.conformance.parties import USERNAME
from tests.conformance.plans import POST_AUTH, Variant
from tests.support.service import ISSUER, REDIRECT_URI, SECRET, Service, authorize_url, decide, follow, sign_in

DISCOVERY = "/.well-known/openid-configuration"

_ACTION = re.compile(r'<form[^>]* action="([^"]*)"')
_FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


@dataclass(slots=True)
class RelyingParty:
    """An application with one person's browser before it. `state` and `nonce` are those of its last request."""

    site: Service
    browser: httpx.AsyncClient
    variant: Variant
    client_id: str = ""
    state: str = ""
    nonce: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client_id = self.client_id or self.variant.client_id

    def request(self, **changes: str | None) -> str:
        """Return the address of its authorization request, changed by keyword; None leaves a parameter out."""
        self.state, self.nonce = token_urlsafe(9), changes.get("nonce", token_urlsafe(9))
        params: dict[str, str | None] = {
            "response_type": self.variant.response_type,
            "response_mode": self.variant.response_mode or None,
            "scope": "openid",
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": None,
            "code_challenge_method": None,
            **changes,
        }
        return authorize_url(self.client_id, **params)

    async def page(self, **changes: str | None) -> httpx.Response:
        """Send the person there, and return where he ends without having done anything."""
        return await follow(self.browser, await self.browser.get(self.request(**changes)))

    async def go_on(self, page: httpx.Response) -> httpx.Response:
        """Let the person sign in and allow, as far as he is asked; returns what sends him back."""
        if 'id="login-submit"' in page.text:
            page = await follow(self.browser, await sign_in(self.browser, USERNAME, page))
        if 'id="consent-approve"' in page.text:
            page = await decide(self.browser, page)
        return page

    async def answer(self, **changes: str | None) -> dict[str, str]:
        """Go the whole way to the application, and return the members of its answer."""
        return self.read(await self.go_on(await self.page(**changes)))

    def read(self, response: httpx.Response) -> dict[str, str]:
        """Return the members of an answer that came the way it had to, with the state and from this server."""
        if self.variant.mode == "form_post":
            assert response.status_code == 200, response.text
            action = _ACTION.search(response.text)
            assert action is not None
            target, members = unescape(action[1]), {n: unescape(v) for n, v in _FIELD.findall(response.text)}
            assert "no-store" in response.headers["cache-control"]
        else:
            assert response.status_code == 303, response.text
            parts = urlsplit(response.headers["location"])
            target = parts._replace(query="", fragment="").geturl()
            carried, empty = (
                (parts.query, parts.fragment) if self.variant.mode == "query" else (parts.fragment, parts.query)
            )
            members = dict(parse_qsl(carried, strict_parsing=True))
            assert empty == ""
        assert target == REDIRECT_URI
        assert (members["state"], members["iss"]) == (self.state, ISSUER)
        return members

    async def refused(self, **changes: str | None) -> str:
        """Send a request that comes back at once with an error; returns its name."""
        members = self.read(await self.page(**changes))
        assert not {"code", "access_token", "id_token"} & members.keys()
        return members["error"]

    async def token(self, client_auth: str = "", **data: str) -> httpx.Response:
        """Send a request to the token endpoint, authenticated the way the variant says."""
        if (client_auth or self.variant.client_auth) == POST_AUTH:
            return await self.browser.post(
                "/oauth/token", data={**data, "client_id": self.client_id, "client_secret": SECRET}
            )
        return await self.browser.post("/oauth/token", data=data, auth=(self.client_id, SECRET))

    async def exchange(self, code: str, **more: str) -> dict[str, Any]:
        """Exchange a code."""
        answer = await self.token(grant_type="authorization_code", code=code, redirect_uri=REDIRECT_URI, **more)
        assert answer.status_code == 200, answer.text
        assert (answer.headers["cache-control"], answer.headers["content-type"]) == ("no-store", "application/json")
        tokens: dict[str, Any] = answer.json()
        assert tokens["token_type"].lower() == "bearer"
        return tokens

    async def sign_in(self, **changes: str | None) -> dict[str, Any]:
        """Go the whole way to tokens; returns the answer of the token endpoint."""
        return await self.exchange((await self.answer(**changes))["code"])

    async def known(self) -> dict[str, Any]:
        """Return the metadata of the server, fetched once."""
        if not self.metadata:
            self.metadata = (await self.browser.get(DISCOVERY)).json()
        return self.metadata

    async def claims(self, id_token: str, *, alg: str = "RS256") -> dict[str, Any]:
        """Verify an ID token as OpenID Connect Core §3.1.3.7 says, and return its claims."""
        metadata = await self.known()
        keys = (await self.browser.get(metadata["jwks_uri"])).json()
        token = jwt.decode(id_token, KeySet.import_key_set(keys), algorithms=[alg])
        assert token.header["kid"] in [key["kid"] for key in keys["keys"]]
        claims, now = token.claims, int(self.site.clock().timestamp())
        assert (claims["iss"], claims["aud"]) == (metadata["issuer"], self.client_id)
        assert claims.get("azp", self.client_id) == self.client_id
        assert now - 60 <= claims["iat"] <= now < claims["exp"]
        assert 0 < len(claims["sub"]) <= 255
        assert claims.get("nonce") == self.nonce
        return claims

    async def userinfo(self, access_token: str) -> dict[str, Any]:
        """Ask for userinfo."""
        metadata = await self.known()
        answer = await self.browser.get(
            metadata["userinfo_endpoint"], headers={"Authorization": f"Bearer {access_token}"}
        )
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


def half_hash(value: str) -> str:
    """Return the left half of the SHA-256 hash (OpenID Connect Core §3.1.3.6)."""
    return urlsafe_b64encode(sha256(value.encode("ascii")).digest()[:16]).rstrip(b"=").decode("ascii")


def asks_for_password(page: httpx.Response) -> bool:
    """Tell whether a page is the sign-in page."""
    return page.status_code == 200 and 'id="login-submit"' in page.text
