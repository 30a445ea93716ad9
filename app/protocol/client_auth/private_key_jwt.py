"""`private_key_jwt`: an assertion signed with a private key of the client's (OpenID Core §9, RFC 7523 §2.2)."""

from collections.abc import Sequence

from app.crypto.jose import SIGNATURES, JoseError, Jwt, UnknownKey, verify
from app.protocol.key_sets import Jwk

NAME = "private_key_jwt"
ALGORITHMS = SIGNATURES

_DECOYS: tuple[Jwk, ...] = (
    {
        "kty": "EC",
        "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    },
    {
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjB"
        "ZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8"
        "KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_"
        "xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
    },
    {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
)
"""Examples of RFC 7517 and RFC 8037, to check signatures with where nobody's key is known: that takes the same time."""


def objection(jwt: Jwt, keys: Sequence[Jwk], registered: str) -> str:
    """Return why none of the public keys signed the assertion, empty when one did.

    `registered` is the one algorithm that the application uses; empty: each that fits its keys (JV-1). Keys are the
    registered ones alone, whatever the assertion brings along (JV-2).
    """
    flaw = _flaw(jwt, keys or _DECOYS, (registered,) if registered else ALGORITHMS)
    if flaw is None:
        return "" if keys else "the application has no keys"
    if keys and not _was_compared(jwt, flaw, registered):
        _flaw(jwt, _DECOYS, ALGORITHMS)
    return str(flaw)


def _flaw(jwt: Jwt, keys: Sequence[Jwk], algorithms: Sequence[str]) -> JoseError | None:
    try:
        verify(jwt, keys, algorithms)
    except JoseError as flaw:
        return flaw
    return None


def _was_compared(jwt: Jwt, flaw: JoseError, registered: str) -> bool:
    """Tell whether the refusal took as long as a signature takes: who names a wrong algorithm or key id shall not learn
    from the clock that there is such a client (CA-10)."""
    return registered in ("", jwt.header["alg"]) and not (isinstance(flaw, UnknownKey) and jwt.kid is not None)
