"""Encrypted JWTs (RFC 7516, RFC 7519 §5.2): the work of joserfc, which the first of them loads."""

from collections.abc import Collection, Mapping
from typing import Any

from app.crypto.jose_text import JoseError, read_header

KEY_MANAGEMENT_ALGORITHMS = ("RSA-OAEP-256", "RSA-OAEP", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW")
"""How the content key is encrypted. Not RSA1_5, whose padding tells attackers things (RFC 8725 §3.2)."""

CONTENT_ENCRYPTION_ALGORITHMS = ("A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM")
"""How the content is; the first is what registration means by default (RFC 9701 §6)."""

_LONGEST = 65_536
_MEMBERS = ("kty", "crv", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi", "kid")


def encrypt(content: str, public_jwk: Mapping[str, Any], alg: str, enc: str, *, cty: str = "JWT") -> str:
    """Return the content as a JWE in compact form that only the key's owner can open; raises JoseError.

    Nested JWTs are signed first, so that the signature is hidden too (RFC 7519 §11.2); `cty` says that one is inside.
    """
    from joserfc import errors, jwe

    header = {"alg": alg, "enc": enc, "cty": cty}
    if isinstance(kid := public_jwk.get("kid"), str):
        header["kid"] = kid
    try:
        return jwe.encrypt_compact(header, content, _key(public_jwk), algorithms=_allowed(alg, enc))
    except (errors.JoseError, ValueError, TypeError):
        raise JoseError("the key is not for this encryption") from None


def decrypt(
    token: str, private_jwk: Mapping[str, Any], algs: Collection[str], encs: Collection[str]
) -> tuple[Mapping[str, Any], str]:
    """Return header and content of a JWE that was made for this key; raises JoseError.

    Compressed content is refused: what an attacker chooses and what it expands to are different sizes (JV-5).
    """
    from joserfc import errors, jwe

    if len(token) > _LONGEST or token.count(".") != 4 or not token.isascii():
        raise JoseError(f"this is no encrypted JWT in compact form of at most {_LONGEST} characters")
    header = read_header(token.partition(".")[0])
    if "zip" in header:
        raise JoseError("the JWT is compressed; encrypt it as it is")
    alg, enc = header["alg"], str(header.get("enc"))
    if alg not in algs or enc not in encs:
        raise JoseError("the encryption of the JWT is not accepted here")
    try:
        opened = jwe.decrypt_compact(token, _key(private_jwk), algorithms=_allowed(alg, enc))
        return header, (opened.plaintext or b"").decode("utf-8")
    except (errors.JoseError, ValueError, TypeError):
        raise JoseError("the JWT was not encrypted for this key") from None


def _allowed(alg: str, enc: str) -> list[str]:
    """The library lets both kinds stand in one list; ours are apart."""
    if alg not in KEY_MANAGEMENT_ALGORITHMS or enc not in CONTENT_ENCRYPTION_ALGORITHMS:
        raise JoseError("the encryption is none that this server knows")
    return [alg, enc]


def _key(jwk: Mapping[str, Any]) -> Any:
    from joserfc.jwk import import_key

    if jwk.get("use") not in (None, "enc"):
        raise JoseError("the key is not for encryption")
    return import_key({name: jwk[name] for name in _MEMBERS if name in jwk})
