"""Claims that were asked for one by one (OpenID Connect Core §5.5), as a grant and its family remember them.

What remains of the `claims` parameter once a person has agreed: names. Whether a claim is essential, and which value
it should have, matters for `sub` and `acr` alone, and is judged before anybody is asked.
"""

from dataclasses import dataclass
from functools import lru_cache

import orjson

PAIR_PREFIX = "claim:"
"""What a claim that no asked scope covers is called among the pairs of a record: `claim:email`. No scope begins so."""


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """Names of claims, for the ID token and for userinfo, and the languages that were asked for (`claims_locales`)."""

    id_token: tuple[str, ...] = ()
    userinfo: tuple[str, ...] = ()
    locales: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.id_token or self.userinfo or self.locales)

    @property
    def stored(self) -> str | None:
        """The form of the column; None when nothing was asked."""
        if not self:
            return None
        return orjson.dumps([self.id_token, self.userinfo, self.locales]).decode("utf-8")


NO_CLAIMS = ClaimsRequest()


@lru_cache(maxsize=128)  # what applications ask may be long, and they are few that ask
def read(stored: str | None) -> ClaimsRequest:
    """Return the request of its stored form."""
    if stored is None:
        return NO_CLAIMS
    return ClaimsRequest(*(tuple(names) for names in orjson.loads(stored)))


def pair(claim: str) -> str:
    """Return the record's name for a claim that was asked for by itself, in whatever language: there is no end of tags,
    and a record has to have one (UI-6)."""
    return PAIR_PREFIX + claim.partition("#")[0]


def claim_of(pair: str) -> str | None:
    """Return the claim that a pair of a record is about; None when it is about a scope."""
    return pair.removeprefix(PAIR_PREFIX) if pair.startswith(PAIR_PREFIX) else None
