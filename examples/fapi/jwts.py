"""What the program signs, and how it judges what the server has signed. One key does it all: ES256 on P-256."""

import hashlib
import json
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

ALGORITHM = "ES256"
_LIVES = 60
"""Seconds that an assertion and a request object count: time for a slow network, and for nothing else."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A registered application with its key."""

    client_id: str
    key: ECKey = field(repr=False)

    @classmethod
    def of(cls, client_id: str, path: Path) -> "Signer":
        """Return the application whose key lies at `path`."""
        return cls(client_id, ECKey.import_key(json.loads(path.read_text("utf-8"))))

    @property
    def thumbprint(self) -> str:
        """The name that tokens are bound to the key by (RFC 7638)."""
        return self.key.thumbprint()

    def assertion(self, issuer: str) -> str:
        """Return the proof of who sends a request (RFC 7523); it names the issuer, whatever the endpoint."""
        return self._sign("client-authentication+jwt", issuer, {"sub": self.client_id})

    def request_object(self, issuer: str, parameters: Mapping[str, Any]) -> str:
        """Return an authorization request that only this application can have made (RFC 9101)."""
        return self._sign("oauth-authz-req+jwt", issuer, {"client_id": self.client_id, **parameters})

    def proof(self, method: str, url: str, *, token: str = "", nonce: str = "") -> str:
        """Return the proof that this request comes from who holds the key (RFC 9449 §4.2)."""
        claims = {"jti": secrets.token_urlsafe(16), "htm": method, "htu": url, "iat": int(time.time())}
        if token:
            claims["ath"] = digest(token)
        if nonce:
            claims["nonce"] = nonce
        header = {"typ": "dpop+jwt", "alg": ALGORITHM, "jwk": self.key.as_dict(private=False)}
        return jwt.encode(header, claims, self.key)

    def _sign(self, kind: str, issuer: str, claims: Mapping[str, Any]) -> str:
        now = int(time.time())
        lifetime = {"iat": now, "nbf": now, "exp": now + _LIVES, "jti": secrets.token_urlsafe(16)}
        header = {"typ": kind, "alg": ALGORITHM, "kid": self.key.kid}
        return jwt.encode(header, {"iss": self.client_id, "aud": issuer, **lifetime, **claims}, self.key)


def verified(token: str, keys: KeySet, *, issuer: str, audience: str) -> dict[str, Any]:
    """Return the claims of a JWT that the server has signed for this application; raises JoseError for any other."""
    claims = jwt.decode(token, keys, algorithms=[ALGORITHM]).claims
    jwt.JWTClaimsRegistry(
        leeway=10,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        exp={"essential": True},
    ).validate(claims)
    return claims


def digest(text: str) -> str:
    """Return the SHA-256 of a text in base64url: a code challenge (RFC 7636 §4.2), and how a proof names its token."""
    return urlsafe_b64encode(hashlib.sha256(text.encode("ascii")).digest()).rstrip(b"=").decode("ascii")
