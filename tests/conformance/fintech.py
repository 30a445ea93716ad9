"""An application as the FAPI plans play one: it proves itself by key or certificate, and judges every answer."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.conformance.fapi_parties import GRANT_SCOPES, OPENID_SCOPE, PROXY, SCOPE, USERNAME, Belongings, belongings
from tests.conformance.fapi_plans import Demanding
from tests.conformance.relying_party import DISCOVERY
from tests.support.assertions import claims_of, form, signed
from tests.support.certificates import Issued
from tests.support.facts import CHALLENGE, VERIFIER
from tests.support.service import ISSUER, REDIRECT_URI, Service, decide, follow, sign_in

PAR, TOKEN, AUTHORIZE = "/oauth/par", "/oauth/token", "/oauth/authorize"
API = "/api/v1/"
Answered = httpx.Response


def through(site: Service) -> httpx.AsyncClient:
    """Return a client whose requests come through the proxy that forwards certificates."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(site.app, client=(PROXY, 4711)), base_url=ISSUER)


def certified(shown: Issued | None) -> dict[str, str]:
    """Return the header in which the proxy forwards a certificate (RFC 9440)."""
    return {} if shown is None else {"client-cert": f":{b64encode(shown.der).decode()}:"}


@dataclass(slots=True)
class Fintech:
    """An application with one person's browser before it. `state` and `nonce` are those of its last request."""

    site: Service
    browser: httpx.AsyncClient
    wire: httpx.AsyncClient
    variant: Demanding
    client_id: str
    state: str | None = None
    nonce: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def has(self) -> Belongings:
        """Its keys and its certificate."""
        return belongings(self.client_id)

    def assertion(self, *, key: Mapping[str, Any] | None = None, audience: object = ISSUER, **changes: Any) -> str:
        """Return a client assertion, changed by keyword."""
        return signed(claims_of(self.client_id, audience, self.site.clock(), **changes), key or self.has.signing)

    def proves(self, **changes: Any) -> dict[str, str]:
        """Return the parameters with which it authenticates."""
        if not self.variant.by_key:
            return {"client_id": self.client_id}
        return form(self.assertion(**changes), client_id=self.client_id)

    def proof(self, method: str, url: str, **changes: Any) -> str:
        """Return a DPoP proof."""
        return self.has.holder.proof(method, url, at=self.site.clock(), **changes)

    async def post(
        self, path: str, data: Mapping[str, str | None], *, dpop: str | None = None, shown: Issued | None = None
    ) -> Answered:
        """Send a form from its own server, with its certificate unless it has a key; None leaves a parameter out."""
        own = None if self.variant.by_key else self.has.certificate
        headers = certified(shown or own) | ({} if dpop is None else {"dpop": dpop})
        given = {name: value for name, value in data.items() if value is not None}
        return await self.wire.post(path, data=given, headers=headers)

    def request(self, **changes: str | None) -> dict[str, str]:
        """Return the parameters of an authorization request, changed by keyword; None leaves one out."""
        self.state = changes.get("state", token_urlsafe(9))
        self.nonce = changes.get("nonce", token_urlsafe(9)) if self.variant.by_key else None
        params: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT_URI,
            "scope": OPENID_SCOPE if self.variant.by_key else SCOPE,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "response_mode": "jwt" if self.variant.signs else None,
            **changes,
            "state": self.state,
            "nonce": self.nonce,
        }
        return {name: value for name, value in params.items() if value is not None}

    def request_object(self, params: Mapping[str, Any], *, key: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """Return the request as a JWT, its own claims changed by keyword; None leaves one out."""
        now = int(self.site.clock().timestamp())
        claims = {"iss": self.client_id, "aud": ISSUER, "iat": now, "nbf": now, "exp": now + 300}
        claims |= {"jti": token_urlsafe(12), **changes}
        given = {name: value for name, value in claims.items() if value is not None}
        return signed({**params, **given}, key or self.has.signing, typ="oauth-authz-req+jwt")

    def wrapped(self, params: Mapping[str, str]) -> dict[str, str]:
        """Return what is sent for a request: a request object where requests are signed."""
        return {"request": self.request_object(params)} if self.variant.signs else dict(params)

    async def push(self, *, dpop: str | None = None, **changes: str | None) -> Answered:
        """Push a request."""
        return await self.post(PAR, {**self.wrapped(self.request(**changes)), **self.proves()}, dpop=dpop)

    async def pushed(self, **changes: str | None) -> str:
        """Push a request that is taken, and return its `request_uri`."""
        return self.reference(await self.push(**changes))

    @staticmethod
    def reference(answer: Answered) -> str:
        """Judge the answer to a request that is taken (RFC 9126 §2.2)."""
        assert answer.status_code == 201, answer.text
        assert "no-store" in answer.headers["cache-control"]
        kept: dict[str, Any] = answer.json()
        assert 0 < kept["expires_in"] < 600
        uri: str = kept["request_uri"]
        assert uri.startswith("urn:ietf:params:oauth:request_uri:")
        assert len(uri.rpartition(":")[2]) >= 22  # of 128 random bits
        return uri

    async def page(self, request_uri: str, **beside: str) -> Answered:
        """Send the person to a request, and return where he ends without having done anything."""
        query = urlencode({"client_id": self.client_id, "request_uri": request_uri, **beside})
        return await follow(self.browser, await self.browser.get(f"{AUTHORIZE}?{query}"))

    async def go_on(self, page: Answered, decision: str = "approve") -> Answered:
        """Let the person sign in and decide, as far as he is asked; returns what sends him back."""
        if 'id="login-submit"' in page.text:
            page = await follow(self.browser, await sign_in(self.browser, USERNAME, page))
        if 'id="consent-approve"' in page.text:
            page = await decide(self.browser, page, decision)
        return page

    async def answered(self, request_uri: str, **beside: str) -> dict[str, str]:
        """Go the whole way from a pushed request to the application, and return the members of its answer."""
        return await self.read(await self.go_on(await self.page(request_uri, **beside)))

    async def code(self, **changes: str | None) -> str:
        """Go the whole way to a code."""
        return (await self.answered(await self.pushed(**changes)))["code"]

    async def read(self, response: Answered) -> dict[str, str]:
        """Return the members of an answer that came the way it had to: by 303, from this server, with the state."""
        assert response.status_code == 303, response.text
        parts = urlsplit(response.headers["location"])
        assert parts._replace(query="").geturl() == REDIRECT_URI
        members = dict(parse_qsl(parts.query, strict_parsing=True))
        if self.variant.signs:
            assert members.keys() == {"response"}
            claims = await self.verified(members["response"])
            now = self.site.clock().timestamp()
            assert now < claims.pop("exp") <= now + 600
            assert claims.pop("aud") == self.client_id
            members = claims
        assert (members["iss"], members.get("state")) == (ISSUER, self.state)
        return members

    async def known(self) -> dict[str, Any]:
        """Return the metadata of the server, fetched once."""
        if not self.metadata:
            self.metadata = (await self.browser.get(DISCOVERY)).json()
        return self.metadata

    async def verified(self, text: str) -> dict[str, Any]:
        """Verify a JWT of the server with its published keys, and return its claims."""
        keys = (await self.browser.get((await self.known())["jwks_uri"])).json()
        token = jwt.decode(text, KeySet.import_key_set(keys), algorithms=["ES256"])
        assert token.header["kid"] in [key["kid"] for key in keys["keys"]]
        return token.claims

    async def claims(self, id_token: str) -> dict[str, Any]:
        """Verify an ID token as OpenID Connect Core §3.1.3.7 says, and return its claims."""
        claims, now = await self.verified(id_token), int(self.site.clock().timestamp())
        assert (claims["iss"], claims["aud"], claims.get("nonce")) == (ISSUER, self.client_id, self.nonce)
        assert now - 60 <= claims["iat"] <= now < claims["exp"]
        return claims

    async def token(self, data: Mapping[str, str | None], *, dpop: str | None = None) -> Answered:
        """Send a request to the token endpoint, with a proof where its tokens are bound by one."""
        if self.variant.by_key:
            dpop = dpop or self.proof("POST", f"{ISSUER}{TOKEN}")
        return await self.post(TOKEN, {**self.proves(), **data}, dpop=dpop)

    async def redeem(self, code: str, *, dpop: str | None = None, **changes: str | None) -> Answered:
        """Redeem a code, changed by keyword."""
        grant = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
        return await self.token({**grant, "code": code, **changes}, dpop=dpop)

    async def refresh(self, token: str) -> Answered:
        """Redeem a refresh token."""
        return await self.token({"grant_type": "refresh_token", "refresh_token": token})

    async def exchange(self, code: str) -> dict[str, Any]:
        """Redeem a code that is good, and judge the answer."""
        answer = await self.redeem(code)
        assert answer.status_code == 200, answer.text
        assert (answer.headers["cache-control"], answer.headers["content-type"]) == ("no-store", "application/json")
        tokens: dict[str, Any] = answer.json()
        assert tokens["token_type"] == ("DPoP" if self.variant.by_key else "Bearer")
        assert tokens["scope"].split()
        if self.variant.by_key:
            await self.claims(tokens["id_token"])
        return tokens

    async def tokens(self, **changes: str | None) -> dict[str, Any]:
        """Go the whole way to tokens."""
        return await self.exchange(await self.code(**changes))

    async def call(
        self, token: str, path: str = API, *, method: str = "GET", scheme: str = "", dpop: str | None = None
    ) -> Answered:
        """Send a request to an API, with what proves its token."""
        proof = dpop or self.proof(method, f"{ISSUER}{path}", token=token)
        headers = {"authorization": f"{scheme or ('DPoP' if self.variant.by_key else 'Bearer')} {token}"}
        headers |= {"dpop": proof} if self.variant.by_key else certified(self.has.certificate)
        return await self.wire.request(method, path, headers=headers)

    async def own_token(self, scope: str = GRANT_SCOPES) -> str:
        """Get a token for itself."""
        answer = await self.token({"grant_type": "client_credentials", "scope": scope})
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token


def refused(answer: Answered, *errors: str, status: int = 400) -> None:
    """Assert that a request was refused, with one of the errors."""
    assert (answer.status_code, answer.json().get("error") in errors) == (status, True), answer.text


def error_page(page: Answered) -> None:
    """Assert that the person sees an error, and is sent nowhere."""
    assert page.status_code == 400, page.text
    assert "location" not in page.headers
    assert 'id="consent-approve"' not in page.text
