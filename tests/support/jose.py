"""JWTs and keys for tests: made by us, and made by people who mean no good."""

import base64
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from app.crypto import jose

CLAIMS = {"iss": "https://id.example", "aud": "https://api.example", "exp": 1_900_000_000, "deep": {"list": [1, "ü"]}}


@cache
def key_pair(alg: str) -> dict[str, Any]:
    """Return a private JWK, the same at each call: RSA keys take a while."""
    return jose.generate(alg)


def public(alg: str) -> dict[str, Any]:
    """Return the public half of `key_pair`."""
    return jose.public_part(key_pair(alg))


def signed(alg: str, claims: Mapping[str, Any] = CLAIMS, typ: str = "JWT") -> str:
    """Return a JWT of ours."""
    return jose.sign(jose.signing_key(key_pair(alg)), claims, typ=typ)


def b64(content: bytes | Mapping[str, Any]) -> str:
    """Return base64url of bytes, or of an object as JSON."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forged(
    header: bytes | Mapping[str, Any], claims: bytes | Mapping[str, Any] = CLAIMS, signature: bytes = b"x" * 64
) -> str:
    """Return a JWT with any header, body and signature."""
    return f"{b64(header)}.{b64(claims)}.{b64(signature)}"


def rewritten(token: str, **changes: Any) -> str:
    """Return a token with another header and the signature as it was."""
    head, rest = token.split(".", 1)
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    return f"{b64({**header, **changes})}.{rest}"


def signed_with(jwk: Mapping[str, Any], header: Mapping[str, Any], *, kid: bool = True) -> str:
    """Return a token that is well signed, under a header of any kind."""
    head = {"alg": jwk["alg"], **({"kid": jwk["kid"]} if kid else {}), **header}
    content = f"{b64(head)}.{b64(CLAIMS)}"
    return f"{content}.{b64(jose.signing_key(jwk).make(content.encode()))}"
