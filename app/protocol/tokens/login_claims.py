"""What a token says about the sign-in behind it (OpenID Connect Core §2, RFC 9068 §2.2.1)."""

from typing import Any

from app.protocol.facts import Authentication


def of(how: Authentication) -> dict[str, Any]:
    """Return `auth_time`, and `acr` and `amr` where they are known (AT-5, UA-3): as it was when the person signed in,
    whatever has been refreshed since."""
    claims: dict[str, Any] = {"auth_time": int(how.auth_time.timestamp())}
    if how.acr:
        claims["acr"] = how.acr
    if how.amr:
        claims["amr"] = list(how.amr)
    return claims
