"""Key sets of applications, fetched from their `jwks_uri` and kept for a while (JW-6).

Each worker keeps its own: a set is a copy of what stands elsewhere, and copying it four times costs its server nothing.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from app.outbound.client import Outbound
from app.protocol import key_sets
from app.protocol.fetching import Failed, NotFetched, Refused
from app.protocol.key_sets import Jwk

MAX_SETS = 200
MAX_KEPT = 4 * 1024 * 1024
"""Sets that are kept, and bytes of what was read, usually 1 KB each. The longest unused goes first."""

_KIND = "keys"
"""How requests to a host are counted for strangers: who has other documents fetched there takes no keys from it."""

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Entry:
    """What is known of one address. `size` is that of what was read. `failure` is why the last request that brought
    nothing did so, `failures` how many have brought nothing since one did."""

    keys: tuple[Jwk, ...] | None = field(default=None, repr=False)
    size: int = 0
    fresh_until: datetime = _NEVER
    usable_until: datetime = _NEVER
    asked_at: datetime | None = None
    failures: int = 0
    failure: NotFetched = field(default_factory=lambda: Failed("cannot be fetched at present"))
    fetching: "asyncio.Task[None] | None" = None


class KeySets:
    """The key sets that this worker knows; `clock` returns the aware UTC now.

    Strangers choose how many of theirs there are, and how slow: those are kept apart and fetched `for_visitors`.
    """

    def __init__(self, outbound: Outbound, clock: Callable[[], datetime], *, for_visitors: bool = False) -> None:
        self._outbound = outbound
        self._clock = clock
        self._for_visitors = for_visitors
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._under_way: set[asyncio.Task[None]] = set()

    async def keys(self, jwks_uri: str, kid: str | None = None) -> tuple[Jwk, ...]:
        """Return all public keys that stand at the address, for a caller who looks for `kid`.

        A set is fetched again when its time is over or when it lacks the key id, at most once in `key_sets.pause`. When
        that fails, the one before counts a while longer. Raises Refused or Failed when there is none.
        """
        entry = self._entry(jwks_uri)
        if not self._answers(entry, kid) and (entry.fetching is not None or self._may_ask(entry)):
            if entry.fetching is None:
                entry.fetching = self._begin(jwks_uri, entry)
            # One request serves all who wait, and goes on when one of them goes away.
            await asyncio.shield(entry.fetching)
        if entry.keys is not None and self._clock() < entry.usable_until:
            return entry.keys
        raise _again(entry.failure)

    async def close(self) -> None:
        """End what is under way."""
        under_way = tuple(self._under_way)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def _entry(self, jwks_uri: str) -> _Entry:
        entry = self._entries.get(jwks_uri)
        if entry is None:
            entry = self._entries[jwks_uri] = _Entry()
            self._make_room()
        else:
            self._entries.move_to_end(jwks_uri)
        return entry

    def _make_room(self) -> None:
        while len(self._entries) > MAX_SETS or sum(entry.size for entry in self._entries.values()) > MAX_KEPT:
            self._entries.popitem(last=False)

    def _answers(self, entry: _Entry, kid: str | None) -> bool:
        return entry.keys is not None and self._clock() < entry.fresh_until and key_sets.has_key(entry.keys, kid)

    def _may_ask(self, entry: _Entry) -> bool:
        return entry.asked_at is None or self._clock() >= entry.asked_at + key_sets.pause(entry.failures)

    def _begin(self, jwks_uri: str, entry: _Entry) -> "asyncio.Task[None]":
        task = asyncio.create_task(self._fetch(jwks_uri, entry))
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited may have gone, and an exception that nobody looks at is a line in the log

    async def _fetch(self, jwks_uri: str, entry: _Entry) -> None:
        try:
            document = await self._outbound.get(
                jwks_uri,
                accept=key_sets.MEDIA_TYPES,
                max_bytes=key_sets.MAX_BYTES,
                for_visitors=self._for_visitors,
                kind=_KIND,
            )
            entry.keys, entry.size = key_sets.read_set(document.body), len(document.body)
            self._make_room()
            entry.fresh_until = self._clock() + key_sets.fresh_time(document.fresh_for)
            entry.usable_until = self._clock() + key_sets.USABLE
            entry.failures = 0
        except Failed as failure:
            entry.failure, entry.failures = failure, entry.failures + 1
        except Refused as refusal:
            entry.failure, entry.failures, entry.keys = refusal, entry.failures + 1, None
        finally:
            entry.fetching = None
        entry.asked_at = self._clock()


def _again(failure: NotFetched) -> NotFetched:
    """Return the failure as a new exception: one that is raised over and over collects where it was."""
    return type(failure)(str(failure), detail=failure.detail)
