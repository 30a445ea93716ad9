"""Whether somebody who was told something over HTTP has heard it, and whether telling him again may help (RFC 9110
§15): for notices of ended sessions, and for calls about requests to people."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.protocol.fetching import Answer

_SHARE_OF_CHANCE = 0.25
"""So much of a delay is left to chance, that attempts which failed together do not come back together."""

_LATER = frozenset({408, 425, 429})
"""Client errors that speak of the moment, not of the request (RFC 9110 §15.5.9, RFC 8470 §5.2, RFC 6585 §4)."""

_NEVER = frozenset({501, 505})
"""Server errors that will be the same tomorrow (RFC 9110 §15.6.2, §15.6.6)."""

_LONGEST_PROBLEM = 200


@dataclass(frozen=True, slots=True)
class Silence:
    """There was no answer. `problem` says why, `final`: asking again changes nothing."""

    problem: str
    final: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """He is told again at this moment."""

    at: datetime
    problem: str


def has_heard(heard: Answer | Silence) -> bool:
    """Tell whether he has: he answered 2xx, whichever."""
    return isinstance(heard, Answer) and 200 <= heard.status < 300


def problem_with(heard: Answer | Silence) -> str:
    """Return why he has not, in a few words."""
    problem = heard.problem if isinstance(heard, Silence) else f"answers with status {heard.status}"
    return problem[:_LONGEST_PROBLEM]


def is_final(heard: Answer | Silence) -> bool:
    """Tell whether telling him again would change nothing; a redirect is followed nowhere."""
    if isinstance(heard, Silence):
        return heard.final
    return not (heard.status in _LATER or (heard.status >= 500 and heard.status not in _NEVER))


def spread(delay: timedelta, chance: float) -> timedelta:
    """Return a delay with its share of chance, which is a random number from 0 to 1."""
    return delay * (1 - _SHARE_OF_CHANCE + 2 * _SHARE_OF_CHANCE * chance)
