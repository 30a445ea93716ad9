"""Signing and checking JWTs (RFC 7515, RFC 7519, RFC 8725): the door to everything about JOSE.

A signature counts when the caller allows its algorithm and a key of the caller's fits it; nothing in a token chooses
either (JV-1, JV-2): the headers jku, x5u, x5c and jwk are never looked at, but for `verify_embedded`, which says so.
"""

import hmac
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson

from app.crypto.jose_encryption import (
    CONTENT_ENCRYPTION_ALGORITHMS,
    KEY_MANAGEMENT_ALGORITHMS,
    decrypt,
    encrypt,
)
from app.crypto.jose_keys import (
    ALGORITHMS,
    PRIVATE_MEMBERS,
    Algorithm,
    generate,
    private_key,
    problem_with_public_key,
    public_key,
    public_part,
    thumbprint,
)
from app.crypto.jose_text import LONGEST, JoseError, Jwt, encoded, peek

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

__all__ = [
    "CONTENT_ENCRYPTION_ALGORITHMS",
    "KEY_MANAGEMENT_ALGORITHMS",
    "LONGEST",
    "MACS",
    "PRIVATE_MEMBERS",
    "SIGNATURES",
    "JoseError",
    "Jwt",
    "SigningKey",
    "UnknownKey",
    "decrypt",
    "encrypt",
    "generate",
    "peek",
    "problem_with_public_key",
    "public_part",
    "sign",
    "signing_key",
    "thumbprint",
    "verify",
    "verify_embedded",
    "verify_mac",
]

SIGNATURES = tuple(ALGORITHMS)
"""Every asymmetric signature algorithm."""

MACS = ("HS256", "HS384", "HS512")
"""Every symmetric one: checked by `verify_mac` alone."""

_MOST_TRIES = 8
"""Keys that one token may be tried with: a token without `kid` against a long list must not cost seconds."""


class UnknownKey(JoseError):
    """No key of the list is the one that the token names or was signed with: a fresher list may have it (JW-6)."""


def verify(token: str | Jwt, keys: Sequence[Mapping[str, Any]], algorithms: Collection[str]) -> Jwt:
    """Return the JWT when one of the public keys signed it with one of the algorithms; raises JoseError.

    A key is tried when it has the token's `kid` (where neither names one: every key) and its type, curve, `alg`, `use`
    and `key_ops` allow the algorithm. UnknownKey is raised when that may change with a fresher list of keys.
    """
    jwt = peek(token) if isinstance(token, str) else token
    algorithm = _allowed(jwt, algorithms)
    named = [key for key in keys if key.get("kid") == jwt.kid] if jwt.kid is not None else []
    candidates = named or [key for key in keys if jwt.kid is None or "kid" not in key]
    fitting = [key for key in candidates if _fits(key, algorithm)]
    if any(_verifies(jwt, key, algorithm) for key in fitting[:_MOST_TRIES]):
        return jwt
    if not named:
        raise UnknownKey("the JWT is not signed with a known key of its sender")
    if not fitting:
        raise JoseError("the key that the JWT names is not for its algorithm")
    raise JoseError("the signature of the JWT is wrong")


def verify_embedded(token: str | Jwt, algorithms: Collection[str]) -> tuple[Jwt, Mapping[str, Any]]:
    """Return the JWT and the public key in its own header, which signed it; raises JoseError.

    It proves that the sender holds that key, and nothing about who he is: for DPoP alone (RFC 9449 §4.2, DP-2, TV-3).
    """
    jwt = peek(token) if isinstance(token, str) else token
    algorithm = _allowed(jwt, algorithms)
    jwk = jwt.header.get("jwk")
    if not isinstance(jwk, Mapping):
        raise JoseError("the JWT has no key in its header")
    if problem := problem_with_public_key(jwk):
        raise JoseError(f"the key in the header of the JWT {problem}")
    if not _fits(jwk, algorithm):
        raise JoseError("the key in the header of the JWT is not for its algorithm")
    if not _verifies(jwt, jwk, algorithm):
        raise JoseError("the signature of the JWT is wrong")
    return jwt, jwk


def verify_mac(token: str | Jwt, secrets: Sequence[bytes], algorithms: Collection[str]) -> Jwt:
    """Return the JWT when it was made with one of the secrets; raises JoseError.

    Secrets shorter than the hash count as none (RFC 7518 §3.2).
    """
    jwt = peek(token) if isinstance(token, str) else token
    alg = jwt.header["alg"]
    if alg not in algorithms or alg not in MACS:
        raise _not_accepted(name for name in MACS if name in algorithms)
    bits = int(alg[2:])
    usable = [secret for secret in secrets if len(secret) * 8 >= bits]
    if not usable:
        raise JoseError(f"there is no secret of the {bits // 8} bytes that {alg} needs")
    expected = [hmac.digest(secret, jwt.signed, f"sha{bits}") for secret in usable]
    if not sum(hmac.compare_digest(jwt.signature, mac) for mac in expected):  # all of them, whichever it is
        raise JoseError("the signature of the JWT is wrong")
    return jwt


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, loaded once and kept. `heads` are the encoded headers that it has signed under, by `typ`."""

    kid: str
    alg: str
    make: Callable[[bytes], bytes] = field(repr=False)
    heads: dict[str, bytes] = field(default_factory=dict, repr=False, compare=False)


def signing_key(jwk: Mapping[str, Any]) -> SigningKey:
    """Return the key that a private JWK of `generate` describes."""
    return SigningKey(jwk["kid"], jwk["alg"], _signer(ALGORITHMS[jwk["alg"]], private_key(jwk)))


def sign(key: SigningKey, claims: Mapping[str, Any], *, typ: str) -> str:
    """Return a signed JWT that says what kind of JWT it is and which key to look for (JW-3, JV-3)."""
    head = key.heads.get(typ)
    if head is None:
        header = {"typ": typ, "alg": key.alg, "kid": key.kid}
        head = key.heads[typ] = encoded(orjson.dumps(header)) + b"."
    signed = head + encoded(orjson.dumps(claims))
    return (signed + b"." + encoded(key.make(signed))).decode("ascii")


def _allowed(jwt: Jwt, algorithms: Collection[str]) -> Algorithm:
    """JV-1: the caller's list decides, and only signatures are on it, whatever it says."""
    alg = jwt.header["alg"]
    if alg not in algorithms or alg not in ALGORITHMS:
        raise _not_accepted(name for name in ALGORITHMS if name in algorithms)
    return ALGORITHMS[alg]


def _not_accepted(accepted: Iterator[str]) -> JoseError:
    return JoseError(f"the algorithm of the JWT is not accepted here; use {', '.join(accepted) or 'none of JOSE'}")


def _fits(jwk: Mapping[str, Any], algorithm: Algorithm) -> bool:
    """Tell whether a key may be used to check signatures of this algorithm, by what it says of itself."""
    return (
        jwk.get("kty") == algorithm.kty
        and (not algorithm.curve or jwk.get("crv") == algorithm.curve)
        and jwk.get("use") in (None, "sig")
        and _names(jwk.get("alg"), algorithm)
        and ("key_ops" not in jwk or (isinstance(jwk["key_ops"], list) and "verify" in jwk["key_ops"]))
    )


def _names(alg: object, algorithm: Algorithm) -> bool:
    """Tell whether a key's `alg` is absent or this one; EdDSA has two names (RFC 9864 §2.2)."""
    return alg in (None, algorithm.name) or (algorithm.curve == "Ed25519" and alg in ("EdDSA", "Ed25519"))


def _verifies(jwt: Jwt, jwk: Mapping[str, Any], algorithm: Algorithm) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        _check(algorithm, public_key(jwk), jwt.signature, jwt.signed)
    except (InvalidSignature, JoseError):  # a registered key that is none has signed nothing
        return False
    return True


def _check(algorithm: Algorithm, key: Any, signature: bytes, signed: bytes) -> None:
    """Return when the signature is right; raises InvalidSignature."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    if algorithm.kty == "EC":
        size = algorithm.coordinate
        if len(signature) != 2 * size:
            raise InvalidSignature
        halves = int.from_bytes(signature[:size]), int.from_bytes(signature[size:])
        key.verify(encode_dss_signature(*halves), signed, *_scheme(algorithm.name))
    else:
        key.verify(signature, signed, *_scheme(algorithm.name))


def _signer(algorithm: Algorithm, key: Any) -> Callable[[bytes], bytes]:
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    scheme = _scheme(algorithm.name)

    def make(content: bytes) -> bytes:
        signature: bytes = key.sign(content, *scheme)
        return signature

    def make_ecdsa(content: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(content, *scheme))
        return r.to_bytes(algorithm.coordinate) + s.to_bytes(algorithm.coordinate)

    return make_ecdsa if algorithm.kty == "EC" else make


@cache
def _scheme(name: str) -> tuple[Any, ...]:
    """Return what `sign` and `verify` of a key object want to know besides content and signature."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding

    sizes: dict[int, HashAlgorithm] = {256: hashes.SHA256(), 384: hashes.SHA384(), 512: hashes.SHA512()}
    algorithm = ALGORITHMS[name]
    if algorithm.kty == "OKP":
        return ()
    digest = sizes[algorithm.hash_bits]
    if algorithm.kty == "EC":
        return (ec.ECDSA(digest),)
    if name.startswith("PS"):
        return padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH), digest
    return padding.PKCS1v15(), digest
