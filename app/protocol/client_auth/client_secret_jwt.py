"""`client_secret_jwt`: an assertion with a MAC that only holders of the client secret can make (OpenID Core §9)."""

from collections.abc import Sequence

from app.crypto.jose import MACS, JoseError, Jwt, verify_mac

NAME = "client_secret_jwt"
ALGORITHMS = MACS

_DECOY = b"no application has this secret, and this one has the length of those that they have, or about that"


def is_used_by(jwt: Jwt) -> bool:
    """Tell whether an assertion says that it was made this way."""
    return jwt.header["alg"] in ALGORITHMS


def objection(jwt: Jwt, secrets: Sequence[bytes], registered: str) -> str:
    """Return why none of the secrets made the assertion, empty when one did; public keys are none (JV-1).

    `registered` is the one algorithm that the application uses; empty: each that its secrets are long enough for.
    """
    try:
        verify_mac(jwt, secrets or (_DECOY,), (registered,) if registered else ALGORITHMS)
    except JoseError as flaw:
        return str(flaw)
    return "" if secrets else "the application has no secret that can be read"
