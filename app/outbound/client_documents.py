"""Metadata documents of clients, fetched from the address that is their client_id and kept for a while (CI-3, CI-9,
CI-10).

Whoever sends somebody's browser to us chooses the address (CI-15). So nothing leaves for an address that is not
acceptable as it is written; one host, and whoever asks, has a few requests under way and no more, however slow they
are; and what comes back takes so much memory and no more, however it was made. The way out is one of their own, which
nothing else that visitors can set off makes long.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.outbound.client import DEADLINE, Outbound
from app.protocol import client_documents
from app.protocol.client_documents import Snapshot
from app.protocol.configuration import DocumentRules
from app.protocol.fetching import Failed, NotFetched, Refused
from app.protocol.scopes import ScopeRegistry

MOST_KEPT = 1000
MOST_WEIGHT = 8 * 1024 * 1024
"""Documents that are kept, and about how many bytes they take. The longest unused goes first."""

MOST_OF_HOST = 4
MOST_OF_ASKER = 2
"""Requests of one worker that may be under way to one host, and because of one address."""

MOST_WAITING = 20
MOST_UNDER_WAY = 200
"""The same because of one address and altogether, those included that wait for their turn."""

TRIES = 3
"""Failures in a row that are forgiven: who mends his document sees at once that it is mended (CI-9)."""

PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(minutes=1)
"""Between two requests for one document after more failures than that, twice as long after each."""

MOST_FAILED = 2000
"""Addresses whose failures a worker remembers."""

_NEW, _KNOWN = "new-clients", "known-clients"
"""How requests to a host are counted: who invents addresses there keeps nobody from a client that is known."""

_BESIDE_TEXT = 6_000
_BYTES_PER_BYTE = 16
"""What a document takes when it is read: about so much, and so much for each byte of it. The strangest one does."""


def weight_of(body: bytes) -> int:
    """Return how many bytes of memory a document takes at most when it has been read."""
    return _BESIDE_TEXT + _BYTES_PER_BYTE * len(body)


@dataclass(frozen=True, slots=True)
class _Kept:
    snapshot: Snapshot
    weight: int


@dataclass(slots=True)
class _Lane:
    places: asyncio.Semaphore
    users: int = 0


class Lanes:
    """So many at once of each kind; a kind of which there is none takes no memory."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lanes: dict[str, _Lane] = {}

    @asynccontextmanager
    async def one(self, kind: str) -> AsyncIterator[None]:
        """Wait until there is room for one more of a kind, and take it. There is room for what has no kind."""
        if not kind:
            yield
            return
        lane = self._lanes.setdefault(kind, _Lane(asyncio.Semaphore(self._most)))
        lane.users += 1
        try:
            async with lane.places:
                yield
        finally:
            lane.users -= 1
            if not lane.users:
                del self._lanes[kind]


@dataclass(slots=True)
class ClientDocuments:
    """The documents that this worker knows; `clock` returns the aware UTC now, `signing` are the algorithms that the
    server signs with."""

    outbound: Outbound
    rules: DocumentRules
    scopes: ScopeRegistry
    clock: Callable[[], datetime]
    signing: Sequence[str] = ()
    deadline: float = DEADLINE
    _kept: "OrderedDict[str, _Kept]" = field(default_factory=OrderedDict, repr=False)
    _weight: int = 0
    _failed: "OrderedDict[str, tuple[int, datetime]]" = field(default_factory=OrderedDict, repr=False)
    _under_way: "dict[str, asyncio.Task[Snapshot]]" = field(default_factory=dict, repr=False)
    _asking: "Counter[str]" = field(default_factory=Counter, repr=False)
    _hosts: Lanes = field(default_factory=lambda: Lanes(MOST_OF_HOST), repr=False)
    _askers: Lanes = field(default_factory=lambda: Lanes(MOST_OF_ASKER), repr=False)

    def check(self, client_id: str) -> None:
        """Raise Refused for an address that nothing is fetched from, whatever is there (CI-1)."""
        if problem := client_documents.problem_with(client_id):
            raise Refused(problem)
        if not client_documents.is_allowed(client_documents.host_of(client_id), self.rules):
            raise Refused("is at a host whose documents do not count here; the operator decides which do")

    def would_ask(self, client_id: str, now: datetime) -> bool:
        """Whether a request would leave for this document: it is not known, is not being fetched for somebody else, and
        has not failed a moment ago."""
        at_hand = client_id in self._under_way or self._fresh(client_id, now) is not None
        return not at_hand and not self._is_paused(client_id, now)

    async def get(self, client_id: str, now: datetime, *, asker: str = "", known: bool = False) -> Snapshot:
        """Return what the document at an address says, for a request of this moment.

        `asker` is the network that the request came from, empty: not known. `known`: there is a client of that
        client_id here. Raises Refused when there can be no client of that client_id, Failed when there is no telling
        now.
        """
        if (kept := self._fresh(client_id, now)) is not None:
            return kept
        self.check(client_id)
        fetching = self._under_way.get(client_id)
        if fetching is None:
            self._require_room(client_id, asker, now)
            fetching = asyncio.create_task(self._fetch(client_id, asker, known or client_id in self._kept))
            self._under_way[client_id] = fetching
            self._asking[asker] += 1
            fetching.add_done_callback(lambda task: self._ended(client_id, asker, task))
        try:
            # One request serves all who wait, and goes on when one of them goes away.
            return await asyncio.shield(fetching)
        except NotFetched as reason:
            # Each gets his own: an exception that is raised over and over collects where it was.
            raise type(reason)(str(reason), detail=reason.detail) from None

    def forget(self, client_id: str) -> None:
        """Drop the copy of a document, if there is one: it may say something else by now."""
        if (kept := self._kept.pop(client_id, None)) is not None:
            self._weight -= kept.weight

    async def close(self) -> None:
        """End what is under way."""
        under_way = tuple(self._under_way.values())
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def _fresh(self, client_id: str, now: datetime) -> Snapshot | None:
        kept = self._kept.get(client_id)
        if kept is None or now >= kept.snapshot.fresh_until:
            return None
        self._kept.move_to_end(client_id)
        return kept.snapshot

    def _is_paused(self, client_id: str, now: datetime) -> bool:
        failures, again_at = self._failed.get(client_id, (0, now))
        return failures >= TRIES and now < again_at

    def _require_room(self, client_id: str, asker: str, now: datetime) -> None:
        if self._is_paused(client_id, now):
            raise Failed("could not be had several times in a row; try again in a minute")
        if (asker and self._asking[asker] >= MOST_WAITING) or len(self._under_way) >= MOST_UNDER_WAY:
            raise Failed("cannot be fetched at present, because too many others are; try again in a minute")

    async def _fetch(self, client_id: str, asker: str, known: bool) -> Snapshot:
        try:
            body, fresh_for = await self._asked(client_id, asker, known)
            metadata = client_documents.read(client_id, body, self.scopes, self.signing)
        except NotFetched:
            self._note_failure(client_id)
            raise
        self._failed.pop(client_id, None)
        now = self.clock()
        snapshot = Snapshot(client_id, metadata, now, now + client_documents.fresh_time(fresh_for, self.rules))
        self._keep(snapshot, weight_of(body))
        return snapshot

    async def _asked(self, client_id: str, asker: str, known: bool) -> tuple[bytes, int | None]:
        """Wait for a turn, and then for the document."""
        host = client_documents.host_of(client_id)
        try:
            async with asyncio.timeout(2 * self.deadline), self._askers.one(asker), self._hosts.one(host):
                document = await self.outbound.get(
                    client_id,
                    accept=client_documents.MEDIA_TYPES,
                    max_bytes=client_documents.MAX_BYTES,
                    for_visitors=True,
                    kind=_KNOWN if known else _NEW,
                )
        except TimeoutError:
            raise Failed("could not be asked for in time, because of others that are slow") from None
        return document.body, document.fresh_for

    def _keep(self, snapshot: Snapshot, weight: int) -> None:
        self.forget(snapshot.client_id)
        self._kept[snapshot.client_id] = _Kept(snapshot, weight)
        self._weight += weight
        while len(self._kept) > MOST_KEPT or self._weight > MOST_WEIGHT:
            self.forget(next(iter(self._kept)))

    def _note_failure(self, client_id: str) -> None:
        """Why the document could not be had is not kept (CI-9)."""
        failures, _ = self._failed.pop(client_id, (0, None))
        pause = min(PAUSE * (1 << min(max(failures + 1 - TRIES, 0), 10)), LONGEST_PAUSE)
        self._failed[client_id] = failures + 1, self.clock() + pause
        if len(self._failed) > MOST_FAILED:
            self._failed.popitem(last=False)

    def _ended(self, client_id: str, asker: str, task: "asyncio.Task[Snapshot]") -> None:
        del self._under_way[client_id]
        self._asking -= Counter([asker])  # what is none any more is no member any more
        if not task.cancelled():
            task.exception()  # whoever waited may have gone, and an exception that nobody looks at is a line in the log
