"""When a notice of a session's end is sent, and sent again (OpenID Connect Back-Channel Logout §2.5, §2.8; LB-4)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

from app.protocol import telling
from app.protocol.features import Feature, FeatureSet
from app.protocol.fetching import Answer
from app.protocol.telling import Again, Silence

WINDOW = timedelta(hours=24)
"""How long an application that cannot be reached is tried. Its own sessions have rarely more to live than that."""

DELAYS = tuple(timedelta(seconds=seconds) for seconds in (1, 5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400))
"""What passes after each attempt before the next; the last one counts for all further ones."""

ABREAST = 8
"""Notices to one application that a worker sends at once; it may be on a small machine."""

_SECONDS = re.compile(r"[0-9]{1,9}")

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
class Done:
    """The notice is off the list. `problem` says why it did not arrive."""

    outcome: Outcome
    problem: str = ""


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
    if telling.has_heard(heard):
        return Done("delivered")
    problem = telling.problem_with(heard)
    if telling.is_final(heard):
        return Done("refused", problem)
    asked = _asked_for(heard.retry_after, now) if isinstance(heard, Answer) else timedelta()
    at = now + max(delay(attempt, chance, longest), min(asked, longest))
    return Again(at, problem) if at < expires_at else Done("gave_up", problem)


def delay(attempt: int, chance: float, longest: timedelta = DELAYS[-1]) -> timedelta:
    """Return what is to pass after the attempt of this number, the first being 1; never much more than `longest`."""
    full = DELAYS[min(attempt, len(DELAYS)) - 1]
    return telling.spread(min(full, longest), chance)


def abreast(failures: int) -> int:
    """Return how many notices an application may have under way in one worker, after so many failures in a row.

    One that does not answer keeps a place for as long as the deadline lets it: it has no more than one then, so that
    those who do answer never wait for it.
    """
    return 1 if failures >= ABREAST else ABREAST


def _asked_for(retry_after: str, now: datetime) -> timedelta:
    """Return how long the receiver wants to be left alone, in seconds or until a moment (RFC 9110 §10.2.3)."""
    if _SECONDS.fullmatch(retry_after):
        return timedelta(seconds=int(retry_after))
    try:
        until = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return timedelta()
    return until.replace(tzinfo=until.tzinfo or UTC) - now
