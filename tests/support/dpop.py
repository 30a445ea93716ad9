"""Clients that hold a key, and the proofs that they make: right ones, and whatever else a test asks for."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.crypto import jose
from app.protocol.dpop import ath
from tests.support.jose import b64


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody with a private key."""

    jwk: Mapping[str, Any] = field(default_factory=lambda: jose.generate("ES256"), repr=False)

    @property
    def public(self) -> dict[str, Any]:
        """The public half as it stands in a proof."""
        return {name: self.jwk[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in self.jwk}

    @property
    def jkt(self) -> str:
        """The thumbprint of the key."""
        return jose.thumbprint(self.jwk)

    def proof(
        self,
        method: str,
        url: str,
        *,
        at: datetime | None = None,
        token: str | None = None,
        header: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """Return a proof for a request; `token` is the access token that comes along. Members that are None are left
        out, other values replace what would stand there."""
        own_header = {"typ": "dpop+jwt", "alg": self.jwk["alg"], "jwk": self.public}
        own_claims = {
            "jti": secrets.token_urlsafe(12),
            "htm": method,
            "htu": url,
            "iat": int((at or datetime.now(UTC)).timestamp()),
            "ath": None if token is None else ath(token),
        }
        content = f"{b64(_given(own_header | dict(header or {})))}.{b64(_given(own_claims | claims))}"
        return f"{content}.{b64(jose.signing_key(self.jwk).make(content.encode()))}"


def _given(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
