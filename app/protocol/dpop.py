"""DPoP proofs (RFC 9449 §4): a client shows, for one request, that it holds a key.

A proof is for one method at one address at one time, and together with a token for that token. Whether it was used
before is not judged here: `Proof` names it, and the statement that pays notes it (DP-6).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.crypto import jose
from app.crypto.hashing import digest, matches
from app.crypto.jose import JoseError, Jwt
from app.crypto.jose_text import encoded
from app.protocol import dpop_nonce, uri
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.features import Feature, FeatureSet
from app.protocol.sender import Proof
from app.protocol.single_use import digest_of, hour_of
from app.protocol.strict_algorithms import STRICT_ALGORITHMS
from app.protocol.tokens import jwt_rules
from app.protocol.tokens.jwt_rules import Kind, Rules

ALGORITHMS = ("ES256", "ES384", "EdDSA", "Ed25519", "PS256", "RS256")
"""What a proof may be signed with (DP-2): asymmetric, and none weaker than what the server signs with itself."""

LONGEST = 8_192
"""Characters of a proof. One with an RSA key of 8192 bits, the largest that is taken, has less than five thousand."""

_JTI = range(8, 257)
"""Characters of a `jti`. Those that specifications recommend have 16 to 36."""


@dataclass(frozen=True, slots=True)
class DpopRules:
    """What the operator decided about proofs: how old one may be, how far the client's clock may be ahead (DP-5,
    F-13), and whether each has to carry a nonce of the server (DP-10, F-10)."""

    oldest: timedelta = timedelta(minutes=5)
    ahead: timedelta = timedelta(seconds=10)
    require_nonce: bool = False


@dataclass(frozen=True, slots=True)
class Expected:
    """The request that a proof has to be for. `urls` are its addresses as clients know them, from configuration and
    never from the request's own Host (DP-4). `access_token` is the token that came along with it."""

    method: str
    urls: Sequence[str]
    access_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Judged:
    """A proof that is right: the thumbprint of its key, its name among all proofs, and the nonce that it carries.
    `weak`: FAPI 2.0 does not accept its algorithm (F-22)."""

    jkt: str
    proof: Proof
    nonce: str | None = field(default=None, repr=False)
    weak: bool = False


def is_offered(features: FeatureSet) -> bool:
    """Tell whether proofs count here; otherwise the header is one that nobody knows."""
    return Feature.DPOP in features


def judge(header: str, expected: Expected, rules: DpopRules, nonce_key: bytes, now: datetime) -> Judged:
    """Return what the `DPoP` header proves; raises `invalid_dpop_proof` or `use_dpop_nonce` (RFC 9449 §4.3).

    The nonce comes last, so that only a client whose proof is right otherwise is sent for another one.
    """
    try:
        if "," in header:  # how HTTP joins a header that came twice; no JWT has a comma
            raise JoseError("the header DPoP has to come once")
        jwt, jwk = jose.verify_embedded(jose.peek(header, longest=LONGEST), ALGORITHMS)
        # `exp` and `nbf` are not asked for, and count where they are there (DP-5).
        jwt_rules.check(
            jwt,
            Rules(
                Kind.DPOP_PROOF,
                required=("jti", "htm", "htu"),
                expires=False,
                oldest=rules.oldest - rules.ahead,
                leeway=rules.ahead,
            ),
            now,
        )
        _check_request(jwt, expected)
    except JoseError as refused:
        raise OAuthError(ErrorCode.INVALID_DPOP_PROOF, str(refused)) from None
    nonce = jwt.claims.get("nonce")
    _check_nonce(nonce, rules, nonce_key, now)
    jkt = jose.thumbprint(jwk)
    return Judged(jkt, _named(jwt, jkt), nonce, jwt.header["alg"] not in STRICT_ALGORITHMS)


def ath(access_token: str) -> str:
    """Return the hash of an access token that a proof for it has to carry (DP-3)."""
    return encoded(digest(access_token.encode("utf-8"))).decode("ascii")


def _check_request(jwt: Jwt, expected: Expected) -> None:
    """DP-3: made for this method (in this very case), address and token, and named so that it can be remembered.

    What was made for one endpoint is no proof at another (DP-16).
    """
    claims = jwt.claims
    if len(claims["jti"]) not in _JTI:
        raise JoseError(f"jti of the DPoP proof must have {_JTI.start} to {_JTI.stop - 1} characters")
    if claims["htm"] != expected.method:
        raise JoseError("htm of the DPoP proof is not the method of this request")
    address = uri.normalised(claims["htu"])
    if address is None or address not in map(uri.normalised, expected.urls):
        raise JoseError(f"htu of the DPoP proof is not the address of this request; here it is {expected.urls[0]}")
    if expected.access_token is not None:
        shown = claims.get("ath")
        if not isinstance(shown, str) or not matches(shown.encode("utf-8"), ath(expected.access_token).encode()):
            raise JoseError("ath of the DPoP proof is not the hash of the access token")


def _check_nonce(nonce: object, rules: DpopRules, key: bytes, now: datetime) -> None:
    """DP-10: a nonce that is sent has to be one of ours that is still in use, demanded or not."""
    if nonce is None and not rules.require_nonce:
        return
    if not isinstance(nonce, str) or not dpop_nonce.is_in_use(key, nonce, now):
        raise OAuthError(ErrorCode.USE_DPOP_NONCE, "put the nonce of the header DPoP-Nonce into the DPoP proof")


def _named(jwt: Jwt, jkt: str) -> Proof:
    """DP-6: one `jti` of a key counts once at an address.

    It is remembered under the hour of its `iat`, so that giving it another `iat` does not make it a new one.
    """
    issued = jwt_rules.moment_of(jwt.claims, "iat")
    assert issued is not None  # noqa: S101 - `check` found it
    name = digest_of("DPoP proof", jkt, uri.normalised(jwt.claims["htu"]) or "", jwt.claims["jti"])
    return Proof(at=hour_of(issued), digest=name)
