"""ID tokens (OpenID Connect Core §2): who signed in, when and how, told to one application.

An ID token is for its application alone (ID-5). No API of ours takes one for an access token: its `typ` names no kind
of its own, and every kind that opens a door has to be named (`jwt_rules`).
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from app.protocol.claims import PROTOCOL
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.outcomes import IdTokenContent
from app.protocol.tokens import login_claims
from app.protocol.tokens.access_token import Sign

TYP = "JWT"

_HASHES: Mapping[str, str] = {
    **{f"{family}{bits}": f"sha{bits}" for family in ("RS", "PS", "ES") for bits in (256, 384, 512)},
    "EdDSA": "sha512",  # Ed25519 is the one curve of that name that this server signs with
    "Ed25519": "sha512",
}


def half_hash(text: str, alg: str) -> str:
    """Return what `at_hash`, `c_hash` and `s_hash` are made of: the left half of a hash, in base64url (ID-3).

    The hash is the one in the signature algorithm of the ID token. Raises KeyError for an algorithm that has none.
    """
    said = text.encode("utf-8")
    hashed = hashlib.shake_256(said).digest(114) if alg == "Ed448" else hashlib.new(_HASHES[alg], said).digest()
    return urlsafe_b64encode(hashed[: len(hashed) // 2]).rstrip(b"=").decode("ascii")


def write(content: IdTokenContent, alg: str, sign: Sign) -> str:
    """Return the ID token, signed with the algorithm that its application registered (ID-1, ID-2, ID-4).

    `auth_time` is always there, so that whoever demands it has it (OC-8, OC-9). There is no `azp`: it is for extensions
    that this server has none of. What is told about a person never changes what the protocol says. Raises
    `access_denied` for somebody who is called what the server is called: with issuer and subject the same, a JWT speaks
    for its issuer (RFC 7523 §3).
    """
    if content.subject == content.issuer:
        raise OAuthError(
            ErrorCode.ACCESS_DENIED, "the subject of this person is the issuer itself; the operator has to give another"
        )
    told: dict[str, Any] = {name: value for name, value in content.claims.items() if name not in PROTOCOL}
    told |= {
        "iss": content.issuer,
        "sub": content.subject,
        "aud": content.client_id,
        "exp": int(content.expires_at.timestamp()),
        "iat": int(content.issued_at.timestamp()),
    }
    told |= login_claims.of(content.authentication)
    if content.nonce is not None:
        told["nonce"] = content.nonce
    if content.sid:
        told["sid"] = content.sid
    vouched = (("at_hash", content.access_token), ("c_hash", content.code), ("s_hash", content.state))
    told |= {name: half_hash(text, alg) for name, text in vouched if text is not None}
    return sign(alg, TYP, told)
