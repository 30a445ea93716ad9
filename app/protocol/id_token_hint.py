"""`id_token_hint` (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2): an ID token of ours that says who is meant.

It counts after its end too, for it is shown by those who come back later (OC-12). That a key of ours signed it was
judged by `crypto.jose` before.
"""

from dataclasses import dataclass, field
from datetime import datetime

from app.crypto.jose import Jwt
from app.protocol.tokens import jwt_rules
from app.protocol.tokens.jwt_rules import Flaw, JwtRefused, Kind, Rules


@dataclass(frozen=True, slots=True)
class Hinted:
    """What an ID token of ours says: to which application it was issued, what that calls the person, and the session.

    `sid` is empty where no session of a browser stood behind it.
    """

    client_id: str
    subject: str = field(repr=False)
    sid: str = field(default="", repr=False)


def read(jwt: Jwt, issuer: str, now: datetime) -> Hinted:
    """Return whom a well signed JWT of this issuer names; raises JwtRefused when it is no ID token of it."""
    rules = Rules(Kind.ID_TOKEN, issuers=(issuer,), required=("sub", "aud", "iat"))
    try:
        jwt_rules.check(jwt, rules, now)
    except JwtRefused as refused:
        if refused.flaw is not Flaw.EXPIRED:
            raise
    audience = jwt_rules.audiences_of(jwt.claims)
    if len(audience) != 1:
        raise JwtRefused(Flaw.AUDIENCE, "the ID token is not for one application")
    return Hinted(audience[0], jwt.claims["sub"], _text(jwt.claims.get("sid")))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
