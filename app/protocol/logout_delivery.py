"""When a notice of a session's end is sent, and sent again (OpenID Connect Back-Channel Logout §2.5, §2.8; LB-4)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

from app.protocol.features import Feature, FeatureSet
from app.protocol.fetching import Answer

WINDOW = timedelta(hours=24)
"""How long an application that cannot be reached is tried. Its own sessions have rarely more to live than that."""

DELAYS = tuple(timedelta(seconds=seconds) for seconds in (1, 5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400))
"""What passes after each attempt before the next; the last one counts for all further ones."""

ABREAST = 8
"""Notices to one application that a worker sends at once; it may be on a small machine."""

_SHARE_OF_CHANCE = 0.25
"""So much of a delay is left to chance, that notices which failed together do not come back together."""

_LATER = frozenset({408, 425, 429})
"""Client errors that speak of the moment, not of the request (RFC 9110 §15.5.9, RFC 8470 §5.2, RFC 6585 §4)."""

_NEVER = frozenset({501, 505})
"""Server errors that will be the same tomorrow (RFC 9110 §15.6.2, §15.6.6)."""

_SECONDS = re.compile(r"[0-9]{1,9}")
_MAX_PROBLEM = 200

Outcome = Literal["delivered", "refused", "gave_up"]


def is_offered(features: FeatureSet) -> bool:
    """Tell whether notices are sent here; otherwise nobody can be told so."""
    return Feature.BACKCHANNEL_LOGOUT in features


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """How notices are delivered: so many at once in a worker, and at most so long after one another."""

    at_once: int = 16
    longest_delay: timedelta = DELAYS[-1]


@dataclass(frozen=True, slots=True)
class Silence:
    """There was no answer. `problem` says why, `final`: asking again changes nothing."""

    problem: str
    final: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """The notice is off the list. `problem` says why it did not arrive."""

    outcome: Outcome
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Again:
    """The notice is sent again at this moment."""

    at: datetime
    problem: str


Verdict = Done | Again


def judge(
    heard: Answer | Silence,
    *,
    attempt: int,
    now: datetime,
    expires_at: datetime,
    chance: float,
    longest: timedelta = DELAYS[-1],
) -> Verdict:
    """Return what becomes of a notice after its attempt of this number, the first being 1 (LB-4).

    Delivered is what was answered 2xx: 200 is the rule, 204 what some frameworks make of it. Sent again is what failed
    for a reason that may pass: no answer, a server error, too many requests. Every other answer is final, 400 first of
    all, which is how an application says that it could not end the session. Whoever wants to be left alone is, but for
    no more than `longest`: a session that is over must not go on there. `chance` is a random number from 0 to 1.
    """
    if isinstance(heard, Answer) and 200 <= heard.status < 300:
        return Done("delivered")
    problem = heard.problem if isinstance(heard, Silence) else f"answers with status {heard.status}"
    if heard.final if isinstance(heard, Silence) else not _may_pass(heard.status):
        return Done("refused", problem[:_MAX_PROBLEM])
    asked = _asked_for(heard.retry_after, now) if isinstance(heard, Answer) else timedelta()
    at = now + max(delay(attempt, chance, longest), min(asked, longest))
    return Again(at, problem[:_MAX_PROBLEM]) if at < expires_at else Done("gave_up", problem[:_MAX_PROBLEM])


def delay(attempt: int, chance: float, longest: timedelta = DELAYS[-1]) -> timedelta:
    """Return what is to pass after the attempt of this number, the first being 1; never much more than `longest`."""
    full = DELAYS[min(attempt, len(DELAYS)) - 1]
    return min(full, longest) * (1 - _SHARE_OF_CHANCE + 2 * _SHARE_OF_CHANCE * chance)


def abreast(failures: int) -> int:
    """Return how many notices an application may have under way in one worker, after so many failures in a row.

    One that does not answer keeps a place for as long as the deadline lets it: it has no more than one then, so that
    those who do answer never wait for it.
    """
    return 1 if failures >= ABREAST else ABREAST


def _may_pass(status: int) -> bool:
    return status in _LATER or (status >= 500 and status not in _NEVER)


def _asked_for(retry_after: str, now: datetime) -> timedelta:
    """Return how long the receiver wants to be left alone, in seconds or until a moment (RFC 9110 §10.2.3)."""
    if _SECONDS.fullmatch(retry_after):
        return timedelta(seconds=int(retry_after))
    try:
        until = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return timedelta()
    return until.replace(tzinfo=until.tzinfo or UTC) - now
