"""A client as FAPI 2.0 wants it: keys instead of secrets, pushed requests, tokens that are bound to its own key."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.assertions import claims_of, form, key_of, key_set, register, signed
from tests.support.dpop import Holder
from tests.support.facts import VERIFIER
from tests.support.pushing import answered, pushed_url, request_of
from tests.support.request_objects import request_object
from tests.support.service import ISSUER, REDIRECT_URI, Service

SCOPE = "openid project:read"
MEMBERS: dict[str, Any] = {
    "token_endpoint_auth_method": "private_key_jwt",
    "redirect_uris": [REDIRECT_URI],
    "grant_types": ["authorization_code", "refresh_token"],
    "scope": SCOPE,
    "id_token_signed_response_alg": "ES256",
}


@dataclass(frozen=True, slots=True)
class Bank:
    """A client of a running server, with a browser that comes with its requests."""

    site: Service
    browser: httpx.AsyncClient
    client_id: str
    holder: Holder = field(default_factory=Holder)

    async def register(self, profile: str = "fapi2", **members: Any) -> None:
        """Register it as the operator does."""
        keys = key_set(key_of(self.client_id))
        await register(self.site, client_id=self.client_id, jwks=keys, profile=profile, **MEMBERS, **members)

    def assertion(self, **claims: Any) -> dict[str, str]:
        """Return the parameters that prove who it is; claims replace what it usually says."""
        usual = claims_of(self.client_id, ISSUER, self.site.clock(), **claims)
        return form(signed(usual, key_of(self.client_id)))

    def proof(self, path: str, **claims: Any) -> dict[str, str]:
        """Return the header that proves the key of its tokens at a path."""
        return {"dpop": self.holder.proof("POST", f"{ISSUER}{path}", at=self.site.clock(), **claims)}

    async def push(self, *, asserted: dict[str, str] | None = None, **changes: Any) -> httpx.Response:
        """Push a request as a form; parameters are changed by keyword."""
        asked = request_of(self.client_id, **{"scope": SCOPE, **changes})
        return await self.browser.post("/oauth/par", data={**asked, **(asserted or self.assertion())})

    async def push_object(self, **claims: Any) -> httpx.Response:
        """Push a request as a signed request object."""
        text = request_object(self.site, self.client_id, **{"scope": SCOPE, **claims})
        return await self.browser.post("/oauth/par", data={"request": text, **self.assertion()})

    async def answered(self, pushed: httpx.Response) -> dict[str, str]:
        """Let the person allow what was pushed; return the answer."""
        assert pushed.status_code == 201, pushed.text
        return await answered(self.browser, pushed_url(self.client_id, pushed.json()["request_uri"]))

    async def redeem(self, code: str, *, proof: dict[str, str] | None = None, **changes: str) -> httpx.Response:
        """Exchange a code."""
        asked = {"code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER, **changes}
        return await self.token("authorization_code", proof, **asked)

    async def token(self, grant_type: str, proof: dict[str, str] | None = None, **asked: str) -> httpx.Response:
        """Ask the token endpoint."""
        headers = self.proof("/oauth/token") if proof is None else proof
        data = {"grant_type": grant_type, **asked, **self.assertion()}
        return await self.browser.post("/oauth/token", data=data, headers=headers)
