"""Pushed authorization requests on the hot path: one method is one round trip (RFC 9126)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from uuid import UUID

from app.protocol.authorize.pushed import PushedFact
from app.protocol.facts import ClientFact, RecordFact, SessionFact
from app.protocol.sender import Proof
from app.store import client_rows, document_sql, hot_arguments, hot_rows, pushed_rows, pushed_sql
from app.store.application_cache import ApplicationCache
from app.store.hot_pool import HotPool
from app.store.hot_trips import storable


@dataclass(frozen=True, slots=True)
class Counter:
    """Under which key a push counts, and how many may within a window that began after `window_begin`."""

    key: bytes = field(repr=False)
    limit: int
    window_begin: datetime


@dataclass(frozen=True, slots=True)
class NewPushed:
    """A request to keep; `application_version` is that of the application as it was decided on, and `document` what it
    was known by then, if by one (`ClientFact.document`)."""

    id: UUID
    digest: bytes = field(repr=False)
    application_id: UUID
    application_version: int
    client_id: str
    params: tuple[tuple[str, str], ...]
    signed: bool
    created_at: datetime
    expires_at: datetime
    counter: Counter | None = None
    proof: Proof | None = None
    document: Mapping[str, object] | None = field(default=None, repr=False)


class Outcome(Enum):
    """What became of a request to keep: there; refused because too many came from where it came from, because its
    proof, or because what was known of its application does not count any more."""

    THERE = "there"
    TOO_MANY = "too many"
    REPLAYED = "replayed"
    APPLICATION_CHANGED = "application changed"


@dataclass(frozen=True, slots=True)
class Placed:
    """The outcome; `counted_since` is when the window began that is full."""

    outcome: Outcome
    counted_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class TakenUp:
    """A pushed request, also one that is over, with what `Hot.gather_authorize` returns for whoever comes with it."""

    pushed: PushedFact | None
    client: ClientFact | None
    session: SessionFact | None
    record: RecordFact | None


class Pushed:
    """Pushed requests, until they are used up."""

    def __init__(self, pool: HotPool, applications: ApplicationCache) -> None:
        self._pool = pool
        self._applications = applications

    async def place(self, order: NewPushed) -> Placed:
        """Keep a request; nothing of it is there otherwise (but the proof is noted, and it was counted)."""
        counter, proof = order.counter, order.proof
        arguments = (
            *(order.id, order.application_id, order.application_version, order.digest, order.client_id),
            *(hot_arguments.json(order.params), order.signed, order.created_at, order.expires_at),
            *((None, None, None) if counter is None else (counter.key, counter.window_begin, counter.limit)),
        )
        statement = pushed_sql.PLACE_PUSHED if proof is None else pushed_sql.PLACE_PUSHED_PROVED
        if order.document is not None:
            statement = document_sql.place_pushed(with_proof=proof is not None)
            arguments = (*arguments, hot_arguments.json(order.document))
        row = await self._pool.write(statement, *arguments, *(() if proof is None else (proof.at, proof.digest)))
        if row is not None and row[0]:
            return Placed(Outcome.THERE)
        if row is not None and not row[1]:
            return Placed(Outcome.TOO_MANY, row[2])
        if row is not None and proof is not None and not row[3]:
            return Placed(Outcome.REPLAYED)
        self._applications.forget(str(order.application_id))
        return Placed(Outcome.APPLICATION_CHANGED)

    async def gather(self, pushed_id: UUID | None, client_id: str, session_id: UUID | None, now: datetime) -> TakenUp:
        """Return a pushed request of whomever, and for it an active application, a session in force with its user, and
        the live record of the two. None for the id finds none."""
        row = await self._pool.read(pushed_sql.GATHER_PUSHED, storable(client_id), session_id, now, pushed_id)
        if row is None:
            return TakenUp(None, None, None, None)
        return TakenUp(pushed_rows.pushed(row), client_rows.client(row), hot_rows.session(row), hot_rows.record(row))
