"""Protection of client secrets against guessing (T-7, RFC 6749 §2.3.1): too many wrong ones, and none is judged.

Failures are counted by application and address, and by address, so that nobody locks an application out elsewhere. The
counters are in the database, and only failures reach it: a request with the right secret costs what it cost before.
That somebody has to wait, a worker learns from his next failure and remembers: so each worker judges one guess more at
most, however many come at once.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.crypto.hashing import keyed
from app.protocol.addresses import network_of
from app.protocol.client_auth import SECRET_METHODS, Presented
from app.protocol.configuration import SecretLimits
from app.protocol.errors import ErrorCode, OAuthError, seconds_until
from app.store.hot_guesses import Counted

MOST = 20_000
"""Counters that a worker remembers; the longest unused goes first, and the database still has it."""

_LONGEST_NAME = 200

Count = Callable[[Sequence[bytes], datetime, timedelta], Awaitable[tuple[Counted, ...]]]


@dataclass(slots=True)
class SecretGuesses:
    """What a worker knows of failures; `count` adds to those that all workers share, `key` hides who is counted."""

    count: Count
    limits: SecretLimits
    key: bytes = field(repr=False)
    most: int = MOST
    _known: OrderedDict[tuple[str, ...], Counted] = field(default_factory=OrderedDict, repr=False)

    def check(self, presented: Presented, now: datetime) -> None:
        """Raise `OAuthError` (429) when what is shown is not judged now, whether it is right or not."""
        if self._known and (until := self._blocked_until(presented, now)) is not None:
            raise _refused(until, now)

    def begin(self, presented: Presented, now: datetime) -> None:
        """Note a failure at once and here alone: those that are under way at the same time count as well."""
        for name, _ in self._counters(presented):
            known = self._current(name, now)
            self._remember(name, Counted(1, now) if known is None else Counted(known.count + 1, known.first_at))

    def withdraw(self, presented: Presented, now: datetime) -> None:
        """Take that back: it was none."""
        for name, _ in self._counters(presented):
            if (known := self._current(name, now)) is not None:
                self._remember(name, Counted(known.count - 1, known.first_at))

    async def failed(self, presented: Presented, now: datetime) -> None:
        """Count a failure for all workers; raises `OAuthError` (429) when it was one too many."""
        counters = self._counters(presented)
        if not counters:
            return
        keys = [keyed(self.key, b"client/", *(part.encode() + b"/" for part in name)) for name, _ in counters]
        for (name, _), counted in zip(counters, await self.count(keys, now, self.limits.window), strict=True):
            known = self._current(name, now)
            self._remember(name, counted if known is None or counted.count > known.count else known)
        self.check(presented, now)

    def _counters(self, presented: Presented) -> tuple[tuple[tuple[str, ...], int], ...]:
        """Return what a request counts under and the limit of each, the widest first. Without an address there is none:
        whoever counted by application alone would let everybody lock it out."""
        network = network_of(presented.address) if presented.method in SECRET_METHODS else ""
        if not network:
            return ()
        application = presented.client_id[:_LONGEST_NAME]
        return ((network,), self.limits.address_failures), ((network, application), self.limits.client_failures)

    def _blocked_until(self, presented: Presented, now: datetime) -> datetime | None:
        ends = [
            known.first_at + self.limits.window
            for name, limit in self._counters(presented)
            if (known := self._current(name, now)) is not None and known.count >= limit
        ]
        return max(ends, default=None)

    def _current(self, name: tuple[str, ...], now: datetime) -> Counted | None:
        """Return what is known of a counter whose window is not over."""
        known = self._known.get(name)
        return known if known is not None and known.first_at > now - self.limits.window else None

    def _remember(self, name: tuple[str, ...], counted: Counted) -> None:
        self._known[name] = counted
        self._known.move_to_end(name)
        if len(self._known) > self.most:
            self._known.popitem(last=False)


def _refused(until: datetime, now: datetime) -> OAuthError:
    """429 with an error that no client takes for the end of its registration: `invalid_client` would be that."""
    seconds = seconds_until(until, now)
    return OAuthError(
        ErrorCode.TOO_MANY_FAILURES,
        f"too many wrong secrets came from this address; nothing is judged for {seconds} seconds",
        retry_after=seconds,
    )
