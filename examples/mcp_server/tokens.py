"""Two ways to judge an access token: check its signature (RFC 9068), or ask the server that issued it (RFC 7662)."""

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from mcp.server.auth.provider import AccessToken

ALGORITHMS = ["ES256", "PS256", "RS256"]
LEEWAY = 10
"""Seconds by which two clocks may differ."""


@dataclass(slots=True)
class SignedTokens:
    """Checks JWTs with the server's published keys. It needs no secret and no request, and honours what was taken away
    until it ends.

    Tokens that name unknown keys make it fetch the keys again, every `patience` seconds at most.
    """

    issuer: str
    resource: str
    patience: float = 30.0
    _keys: KeySet | None = None
    _fetched: float = 0.0
    _trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return what a token says that the server has signed for this resource; None for every other one."""
        try:
            try:
                read = jwt.decode(token, await self._known_keys(), algorithms=ALGORITHMS)
            except InvalidKeyIdError:  # the server may have a new key
                read = jwt.decode(token, await self._known_keys(again=True), algorithms=ALGORITHMS)
            jwt.JWTClaimsRegistry(
                now=int(time.time()),
                leeway=LEEWAY,
                iss={"essential": True, "value": self.issuer},
                aud={"essential": True, "value": self.resource},
                exp={"essential": True},
            ).validate(read.claims)
        except (JoseError, ValueError):
            return None
        if str(read.header.get("typ", "")).lower() not in ("at+jwt", "application/at+jwt"):
            return None  # an ID token is signed with the same keys, and opens nothing
        return _told(token, read.claims, self.resource)

    async def _known_keys(self, *, again: bool = False) -> KeySet:
        if self._keys is None or (again and time.monotonic() - self._fetched > self.patience):
            async with httpx.AsyncClient(verify=self._trust) as client:
                metadata = await _metadata(client, self.issuer)
                answer = await client.get(metadata["jwks_uri"])
            self._keys = KeySet.import_key_set(answer.raise_for_status().json())
            self._fetched = time.monotonic()
        return self._keys


@dataclass(slots=True)
class AskedTokens:
    """Asks the server about each token: what was taken away counts at once. `credentials` are client_id and secret."""

    issuer: str
    resource: str
    credentials: tuple[str, str] = field(repr=False)
    _endpoint: str = ""
    _trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return what the server says of a token that is alive and for this resource; None for every other one.

        Raises httpx.HTTPError when it says nothing: no reason to send anybody through an authorization again.
        """
        async with httpx.AsyncClient(verify=self._trust) as client:
            if not self._endpoint:
                self._endpoint = str((await _metadata(client, self.issuer))["introspection_endpoint"])
            answer = await client.post(self._endpoint, data={"token": token}, auth=httpx.BasicAuth(*self.credentials))
        said = answer.raise_for_status().json()
        audiences = said.get("aud", [])
        if not said["active"] or self.resource not in ([audiences] if isinstance(audiences, str) else audiences):
            return None
        return _told(token, said, self.resource)


async def _metadata(client: httpx.AsyncClient, issuer: str) -> dict[str, Any]:
    answer = await client.get(f"{issuer}/.well-known/oauth-authorization-server")
    metadata: dict[str, Any] = answer.raise_for_status().json()
    return metadata


def _told(token: str, said: Mapping[str, Any], resource: str) -> AccessToken:
    """Return what the SDK knows a token by; both ways of judging it use the same words (RFC 9068, RFC 7662)."""
    return AccessToken(
        token=token,
        client_id=str(said["client_id"]),
        scopes=str(said.get("scope", "")).split(),
        expires_at=said["exp"] + LEEWAY,
        resource=resource,
        subject=said.get("sub"),
        claims={"iss": said["iss"]},
    )
