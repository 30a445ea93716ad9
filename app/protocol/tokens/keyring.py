"""The life of a signing key: announced, signing, published until its last token is over, gone (JW-3).

A key is published from its making on. It signs from `active_from` until the next one of its algorithm does, and stays
published for `keep` after that. `retired_at` ends everything at once, on every server and whatever its clock shows:
that is for a key that may be in wrong hands. Each algorithm has keys of its own, so that none serves two (JW-5).

Nobody signs with a key that others may not have seen. A list without it may be kept until half of the announcement is
over (JW-1); the other half is for servers that read the ring again later, and whose clocks differ.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

SHORTEST_ANNOUNCEMENT = timedelta(seconds=120)
"""Of its second half, 10 seconds are for servers to read the ring again, and 30 for clients that have just fetched the
list and fetch it for an unknown key no second time before that is over, as libraries do; the rest is for clocks."""


@dataclass(frozen=True, slots=True)
class SigningPlan:
    """What the operator decided: the algorithms, the first of them the server's own choice, and the times.

    Every `rotation` another key takes over, which has been published for `announce` by then. `keep` is longer than
    anything lives that was signed, and that counts as a hint later: 30 days of a session and a margin.
    """

    algorithms: tuple[str, ...] = ("ES256", "RS256")
    rotation: timedelta = timedelta(days=90)
    announce: timedelta = timedelta(hours=24)
    keep: timedelta = timedelta(days=35)

    @property
    def cache(self) -> timedelta:
        """How long others may keep the list: until half of the announcement is over (JW-1)."""
        return self.announce / 2

    def cache_of(self, age: timedelta) -> timedelta:
        """Return how long others may keep a list that was read so long ago.

        A server that could not read it for a quarter of the announcement may lack a key that others sign with soon:
        its list is used, and not kept.
        """
        return self.cache if age <= self.announce / 4 else timedelta(0)


@dataclass(frozen=True, slots=True)
class RingKey:
    """A signing key without its private half."""

    kid: str
    alg: str
    public_jwk: Mapping[str, Any]
    created_at: datetime
    active_from: datetime
    retired_at: datetime | None = None

    @property
    def order(self) -> tuple[datetime, str]:
        """Which of two keys follows the other."""
        return self.active_from, self.kid


@dataclass(frozen=True, slots=True)
class KeyRing:
    """All signing keys of the server, and the plan that they live by."""

    keys: tuple[RingKey, ...] = ()
    plan: SigningPlan = field(default_factory=SigningPlan)

    def signer(self, alg: str, now: datetime) -> RingKey | None:
        """Return the key that signs with this algorithm now; None when there is none.

        Where every key is yet to begin, the first of them signs: the one before it was retired, or this clock is slow.
        """
        own = [key for key in self.alive() if key.alg == alg]
        active = [key for key in own if key.active_from <= now]
        if active:
            return max(active, key=lambda key: key.order)
        return min(own, key=lambda key: key.order, default=None)

    def choice(self, now: datetime) -> str:
        """Return the algorithm for what asks for none: the first of the plan with a key that has been announced."""
        begun = {key.alg for key in self.alive() if key.active_from <= now}
        return next((alg for alg in self.plan.algorithms if alg in begun), self.plan.algorithms[0])

    def published(self, now: datetime) -> tuple[RingKey, ...]:
        """Return the keys that the world may see now, the oldest first (JW-3)."""
        shown = [key for key in self.alive() if (end := self.end_of(key)) is None or now < end]
        return tuple(sorted(shown, key=lambda key: (key.created_at, key.kid)))

    def public_keys(self, now: datetime) -> tuple[Mapping[str, Any], ...]:
        """Return the public JWKs by which our own tokens are judged now."""
        return tuple(key.public_jwk for key in self.published(now))

    def is_withdrawn(self, kid: str | None, now: datetime) -> bool:
        """Tell whether a key of ours no longer counts. One that nobody here has heard of may be new."""
        return any(key.kid == kid for key in self.keys) and all(key.kid != kid for key in self.published(now))

    def end_of(self, key: RingKey) -> datetime | None:
        """Return when a key stops being published; None while nobody can know.

        A key whose algorithm has left the plan has no successor: it ends as if it had been replaced in time.
        """
        if key.retired_at is not None:
            return key.retired_at
        later = [other for other in self.alive() if other.alg == key.alg and other.order > key.order]
        if later:
            return min(other.active_from for other in later) + self.plan.keep
        return None if key.alg in self.plan.algorithms else key.active_from + self.plan.rotation + self.plan.keep

    def alive(self) -> Iterator[RingKey]:
        """Return the keys that nobody has retired."""
        return (key for key in self.keys if key.retired_at is None)


@dataclass(frozen=True, slots=True)
class Make:
    """A key is to be made, to sign from this moment on."""

    alg: str
    active_from: datetime


@dataclass(frozen=True, slots=True)
class Activate:
    """An announced key has to begin at once, because the one before it is no more."""

    kid: str


@dataclass(frozen=True, slots=True)
class Remove:
    """A key has been out of sight for so long that nothing asks for it any more."""

    kid: str


Step = Make | Activate | Remove


def due(ring: KeyRing, now: datetime, *, ahead: bool = False) -> tuple[Step, ...]:
    """Return what has to be done at `now`; doing it twice does nothing more.

    With `ahead` the next keys are announced now, unless they are already: somebody does not want to wait.
    """
    steps = [step for alg in ring.plan.algorithms for step in _next(ring, alg, now, ahead=ahead)]
    return (*steps, *(Remove(key.kid) for key in ring.keys if _is_over(ring, key, now)))


def _next(ring: KeyRing, alg: str, now: datetime, *, ahead: bool) -> Iterator[Step]:
    """Yield what an algorithm needs. A first key has nothing to wait for where there was none of any algorithm; a key
    that takes the place of a retired one must not wait."""
    own = sorted((key for key in ring.alive() if key.alg == alg), key=lambda key: key.order)
    urgent = not any(ring.alive()) or any(key.alg == alg and key.retired_at is not None for key in ring.keys)
    announced = now + ring.plan.announce
    if not own:
        yield Make(alg, now if urgent else announced)
    elif own[0].active_from > now:
        if urgent:
            yield Activate(own[0].kid)
    elif own[-1].active_from + ring.plan.rotation <= announced:
        yield Make(alg, max(own[-1].active_from + ring.plan.rotation, announced))
    elif ahead and own[-1].active_from <= now:
        yield Make(alg, announced)


def _is_over(ring: KeyRing, key: RingKey, now: datetime) -> bool:
    """A retired key stays in the list of the operator for as long as it would have been published."""
    end = ring.end_of(key)
    return end is not None and now >= (end if key.retired_at is None else end + ring.plan.keep)
