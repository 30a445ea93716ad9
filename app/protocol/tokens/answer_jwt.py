"""Authorization answers as JWTs (JARM): what they say.

They are none of the JWTs that this server takes: without `sub` and `iat` nobody can show one as an ID token.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from app.protocol.tokens.access_token import Sign

TYP = "JWT"

LIFETIME = timedelta(minutes=10)
"""What JARM §2.1 recommends at most (RT-8): the answer may wait behind a link."""


def write(members: Mapping[str, str], client_id: str, issuer: str, alg: str, now: datetime, sign: Sign) -> str:
    """Return the JWT of an answer, or of an error, signed (RT-8).

    SR-2: it always says who answers, which is `iss` of the answer itself. Members cannot say anything in the place of
    what the JWT says of itself.
    """
    ends = now + LIFETIME
    return sign(alg, TYP, {**members, "iss": issuer, "aud": client_id, "exp": int(ends.timestamp())})
