"""Who is told of a request to a person (CIBA): the person that he is asked, the client that he has decided (CB-8).

The person is told through the operator's own service, which knows how to reach him; the client that asked to be pinged
at the endpoint that it registered (CIBA §10.2). Neither is told what the answer is.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from app.protocol import names, telling
from app.protocol.features import Feature, FeatureSet
from app.protocol.fetching import Answer
from app.protocol.telling import Again, Silence

Callee = Literal["person", "client"]
CALLEES: tuple[Callee, ...] = ("person", "client")
Decision = Literal["approve", "deny"]
Outcome = Literal["told", "refused", "gave_up", "decided", "nobody"]
"""How calling somebody ends; `decided`: the request has decided itself, `nobody`: there is nobody who tells people."""

PAGE = "/approvals"
"""Below the issuer: where a person finds what waits for him."""

DELAYS = tuple(timedelta(seconds=seconds) for seconds in (1, 3, 10, 30))
"""What passes after each attempt before the next; after the last one there is none: no storms of retries (CB-8)."""


def are_offered(features: FeatureSet) -> bool:
    """Tell whether applications can send requests to people here."""
    return Feature.BACKCHANNEL_AUTHENTICATION in features


@dataclass(frozen=True, slots=True)
class CallRules:
    """What the operator decided about requests to people.

    `url` is his service that tells them, empty when there is none, and `secret` what it knows us by. The requests of
    `approved` and `denied` people, by the keys of their names, decide themselves: for test set-ups.
    """

    url: str = ""
    secret: str = field(default="", repr=False)
    approved: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()

    @property
    def dangerous(self) -> bool:
        """Whether anybody's requests decide themselves."""
        return bool(self.approved or self.denied)

    @property
    def heeds_people(self) -> bool:
        """Whether anything is to be done when a person is asked, but to wait for him."""
        return bool(self.url) or self.dangerous

    def decision_for(self, username: str) -> Decision | None:
        """Return how the requests of a person decide themselves; None: he decides. A denial wins over an approval."""
        key = names.name_key(username)
        if key in self.denied:
            return "deny"
        return "approve" if key in self.approved else None


@dataclass(frozen=True, slots=True)
class Done:
    """Nobody is called any more about this. `problem` says why nobody has heard of it."""

    outcome: Outcome
    problem: str = ""


Verdict = Done | Again


@dataclass(frozen=True, slots=True)
class Asked:
    """What the operator's service is told of a request, to tell the person."""

    subject: str
    username: str
    email: str
    client_id: str
    client_name: str
    binding_message: str
    expires_at: datetime
    url: str

    @property
    def members(self) -> dict[str, Any]:
        """The members of the JSON object; without an address there is no `email`."""
        known = {"email": self.email} if self.email else {}
        return {
            "sub": self.subject,
            "username": self.username,
            **known,
            "client_id": self.client_id,
            "client_name": self.client_name,
            "binding_message": self.binding_message,
            "expires_at": int(self.expires_at.timestamp()),
            "url": self.url,
        }


def ping(auth_req_id: str) -> dict[str, Any]:
    """Return the members of what a client is pinged with: nothing about how the person has decided (CB-8)."""
    return {"auth_req_id": auth_req_id}


def judge(heard: Answer | Silence, *, attempt: int, now: datetime, expires_at: datetime, chance: float) -> Verdict:
    """Return what becomes of a call after its attempt of this number, the first being 1 (CB-8, CIBA §10.2).

    Told is who answered 2xx: 204 is the rule, 200 tolerated, and no body is read. Called again is who failed for a
    reason that may pass: no answer, a server error, too many requests; a few times, and while the request lives. Every
    other answer is final, a redirect first of all: none is followed. `chance` is a random number from 0 to 1.
    """
    if telling.has_heard(heard):
        return Done("told")
    problem = telling.problem_with(heard)
    if telling.is_final(heard):
        return Done("refused", problem)
    if attempt > len(DELAYS):
        return Done("gave_up", problem)
    at = now + telling.spread(DELAYS[attempt - 1], chance)
    return Again(at, problem) if at < expires_at else Done("gave_up", problem)
