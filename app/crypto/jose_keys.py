"""Keys as JWKs (RFC 7517, RFC 7518 §6, RFC 8037): what fits which algorithm, what may be trusted, thumbprints.

Mathematics is OpenSSL's, through `cryptography`, which is loaded by the first key. Importing a public key checks that a
point lies on its curve (JV-6).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from app.crypto.jose_text import JoseError, decoded, encoded

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurve, EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    PrivateKey = EllipticCurvePrivateKey | RSAPrivateKey | Ed25519PrivateKey

PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""Members that no public key has (JW-2)."""

_PUBLIC_MEMBERS = {"RSA": ("e", "n"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_SHORTEST_RSA, _LONGEST_RSA = 2048, 8192
_LONGEST_EXPONENT = 32
"""Bits. Longer ones are never needed, and make whoever verifies work as long as the sender likes."""

_POINT_BYTES = {"P-256": 32, "P-384": 48, "P-521": 66}
_OKP_CURVES = frozenset({"Ed25519", "X25519"})

_P = 2**255 - 19
_OF_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = frozenset({0, 1, _OF_ORDER_8, _P - _OF_ORDER_8, _P - 1, _P, _P + 1})
"""y of the Ed25519 points of small order, in each way that they can be written: under such a key everybody signs
everything (JV-6, RFC 8725 §3.4)."""


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A signature algorithm: the keys that it works with. `hash_bits` of SHA-2; 0: the algorithm has its own."""

    name: str
    kty: str
    curve: str = ""
    hash_bits: int = 0

    @property
    def coordinate(self) -> int:
        """Bytes of each half of an ECDSA signature (RFC 7518 §3.4)."""
        return _POINT_BYTES[self.curve]


ALGORITHMS: Mapping[str, Algorithm] = {
    algorithm.name: algorithm
    for algorithm in (
        Algorithm("ES256", "EC", "P-256", 256),
        Algorithm("ES384", "EC", "P-384", 384),
        Algorithm("ES512", "EC", "P-521", 512),
        Algorithm("RS256", "RSA", hash_bits=256),
        Algorithm("RS384", "RSA", hash_bits=384),
        Algorithm("RS512", "RSA", hash_bits=512),
        Algorithm("PS256", "RSA", hash_bits=256),
        Algorithm("PS384", "RSA", hash_bits=384),
        Algorithm("PS512", "RSA", hash_bits=512),
        Algorithm("EdDSA", "OKP", "Ed25519"),
        Algorithm("Ed25519", "OKP", "Ed25519"),  # RFC 9864: the same under the name that says all
    )
}
"""The asymmetric ones; `none` and the MACs are no signatures and never among them (JV-1, JW-5)."""


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """Return the SHA-256 thumbprint of a public key (RFC 7638 §3, TV-2); raises JoseError for other than keys."""
    kty = jwk.get("kty")
    names = sorted(("kty", *_PUBLIC_MEMBERS[kty])) if isinstance(kty, str) and kty in _PUBLIC_MEMBERS else ()
    members = {name: jwk.get(name) for name in names}
    if not members or not all(isinstance(value, str) for value in members.values()):
        raise JoseError("this is no public key")
    canonical = json.dumps(members, separators=(",", ":"), ensure_ascii=False)
    return encoded(sha256(canonical.encode("utf-8", "surrogatepass")).digest()).decode("ascii")


def public_part(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the world may know of a key: the members named here, and no others (JW-2)."""
    names = ("kty", "use", "alg", "kid", *_PUBLIC_MEMBERS[jwk["kty"]])
    return {name: jwk[name] for name in names if name in jwk}


def problem_with_public_key(jwk: object) -> str | None:
    """Return what is wrong with a key that somebody calls public, None when it can be used (JW-4, JW-6, JV-6).

    The half sentence begins with a verb and holds nothing of the key.
    """
    if not isinstance(jwk, Mapping):
        return "is no JSON object"
    if jwk.get("kty") == "oct":
        return "is a symmetric key"
    if PRIVATE_MEMBERS & jwk.keys():
        return "has members of a private key"
    for name in ("use", "alg", "kid"):
        if not isinstance(jwk.get(name, ""), str):
            return f"has a {name} that is no string"
    try:
        public_key(jwk)
    except JoseError as refused:
        return str(refused)
    return None


def public_key(jwk: Mapping[str, Any]) -> Any:
    """Return the key object of a public JWK; raises JoseError with the half sentence of `problem_with_public_key`."""
    kty = jwk.get("kty")
    names = _PUBLIC_MEMBERS.get(kty) if isinstance(kty, str) else None
    if names is None:
        raise JoseError("has a kty other than EC, RSA and OKP")
    members = [jwk.get(name) for name in names]
    if not all(isinstance(member, str) for member in members):
        raise JoseError(f"lacks one of {', '.join(names)}")
    return _public_key(str(kty), *map(str, members))


@lru_cache(maxsize=512)
def _public_key(kty: str, *members: str) -> Any:
    """Making a key object takes as long as half a verification; clients send the same few keys."""
    try:
        if kty == "RSA":
            return _rsa_public(*members)
        return _ec_public(*members) if kty == "EC" else _okp_public(*members)
    except ValueError:
        raise JoseError("has numbers that make no key of its kind") from None


def _rsa_public(exponent: str, modulus: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric import rsa

    numbers = rsa.RSAPublicNumbers(_number(exponent), _number(modulus))
    if not _SHORTEST_RSA <= numbers.n.bit_length() <= _LONGEST_RSA:
        raise JoseError(f"is an RSA key of {numbers.n.bit_length()} bits; use {_SHORTEST_RSA} to {_LONGEST_RSA}")
    if numbers.e.bit_length() > _LONGEST_EXPONENT:
        raise JoseError("is an RSA key with an enormous exponent; use 65537")
    return numbers.public_key()


def _ec_public(curve: str, x: str, y: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec

    if curve not in _POINT_BYTES:
        raise JoseError(f"has a curve other than {', '.join(_POINT_BYTES)}")
    if {len(decoded(x)), len(decoded(y))} != {_POINT_BYTES[curve]}:
        raise ValueError("RFC 7518 §6.2.1.2: a coordinate has the length of its curve")
    return ec.EllipticCurvePublicNumbers(_number(x), _number(y), _curve(curve)).public_key()


def _okp_public(curve: str, x: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    if curve not in _OKP_CURVES:
        raise JoseError("has a curve other than Ed25519 and X25519")
    content = decoded(x)
    if curve == "Ed25519" and int.from_bytes(content, "little") & ~(1 << 255) in _SMALL_ORDER:
        raise ValueError("no key at all")
    kind = Ed25519PublicKey if curve == "Ed25519" else X25519PublicKey
    return kind.from_public_bytes(content)


def generate(alg: str) -> dict[str, Any]:
    """Return a new private JWK for an algorithm, with `kid` (its thumbprint), `alg` and `use`.

    RSA takes a tenth of a second and more: never on the event loop. Raises KeyError for what is no algorithm.
    """
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    algorithm = ALGORITHMS[alg]
    if algorithm.kty == "RSA":
        members = _rsa_members(rsa.generate_private_key(65537, _SHORTEST_RSA))
    elif algorithm.kty == "EC":
        members = _ec_members(ec.generate_private_key(_curve(algorithm.curve)), algorithm)
    else:
        key = Ed25519PrivateKey.generate()
        members = {"crv": algorithm.curve, "x": _text(key.public_key().public_bytes_raw())}
        members["d"] = _text(key.private_bytes_raw())
    jwk = {"kty": algorithm.kty, "use": "sig", "alg": alg, **members}
    return {**jwk, "kid": thumbprint(jwk)}


def private_key(jwk: Mapping[str, Any]) -> "PrivateKey":
    """Return the key object of a private JWK of ours.

    RSA numbers are taken as they are: the seal around them proves that they are what `generate` made, and proving it
    again from the numbers takes as long as a hundred signatures.
    """
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if jwk["kty"] == "OKP":
        return Ed25519PrivateKey.from_private_bytes(decoded(jwk["d"]))
    number = {name: _number(jwk[name]) for name in (*PRIVATE_MEMBERS, "e", "n", "x", "y") if name in jwk}
    if jwk["kty"] == "EC":
        point = ec.EllipticCurvePublicNumbers(number["x"], number["y"], _curve(jwk["crv"]))
        return ec.EllipticCurvePrivateNumbers(number["d"], point).private_key()
    public = rsa.RSAPublicNumbers(number["e"], number["n"])
    private = rsa.RSAPrivateNumbers(
        p=number["p"],
        q=number["q"],
        d=number["d"],
        dmp1=number["dp"],
        dmq1=number["dq"],
        iqmp=number["qi"],
        public_numbers=public,
    )
    return private.private_key(unsafe_skip_rsa_key_validation=True)


def _rsa_members(key: "RSAPrivateKey") -> dict[str, str]:
    private = key.private_numbers()
    public = private.public_numbers
    numbers = {
        **{"n": public.n, "e": public.e, "d": private.d, "p": private.p, "q": private.q},
        **{"dp": private.dmp1, "dq": private.dmq1, "qi": private.iqmp},
    }
    return {name: _text(number.to_bytes((number.bit_length() + 7) // 8)) for name, number in numbers.items()}


def _ec_members(key: "EllipticCurvePrivateKey", algorithm: Algorithm) -> dict[str, str]:
    private = key.private_numbers()
    numbers = {"x": private.public_numbers.x, "y": private.public_numbers.y, "d": private.private_value}
    size = algorithm.coordinate
    return {"crv": algorithm.curve, **{name: _text(number.to_bytes(size)) for name, number in numbers.items()}}


def _curve(name: str) -> "EllipticCurve":
    from cryptography.hazmat.primitives.asymmetric import ec

    curves: dict[str, EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
    return curves[name]


def _number(text: str) -> int:
    return int.from_bytes(decoded(text))


def _text(content: bytes) -> str:
    return encoded(content).decode("ascii")
