"""A connection of the hot path: raw asyncpg, with its prepared statements.

It plans differently from all others (storage.md §2): generic plans, and no plan shape that depends on statistics.
"""

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

SWITCHES = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_material": "off",
    "enable_memoize": "off",
    "jit": "off",
}
TIMEOUTS = {"statement_timeout": "5s", "lock_timeout": "2s", "idle_in_transaction_session_timeout": "10s"}

CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 8.0
"""Beyond the server's own statement timeout: only a server that does not answer at all gets here."""

AWAY = (OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)
"""The database is not there, not yet, no longer, or overdue."""

FULL = (asyncpg.InsufficientResourcesError, asyncpg.ReadOnlySQLTransactionError, asyncpg.LockNotAvailableError)
"""It is there and cannot do it now."""

_STALE = (asyncpg.InvalidCachedStatementError, asyncpg.InvalidSQLStatementNameError)

Arguments = tuple[Any, ...]

_trips: ContextVar[list[str] | None] = ContextVar("trips", default=None)


class StoreUnavailable(Exception):
    """The database did not answer, or not in time. What was asked of it may have been done: gather again and see."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One prepared statement of the hot path; every column it reads and returns is named in it."""

    name: str
    sql: str = field(repr=False)
    shares_trips: bool = False
    """It always returns exactly one row, and its first argument is the id of the only row that it locks, if any."""


@contextlib.contextmanager
def counting_trips() -> Iterator[list[str]]:
    """Collect the names of the statements that are sent while the block runs, also from tasks that it starts."""
    trips: list[str] = []
    token = _trips.set(trips)
    try:
        yield trips
    finally:
        _trips.reset(token)


def note_trip(name: str) -> None:
    """Tell whoever counts that a statement is sent."""
    trips = _trips.get()
    if trips is not None:
        trips.append(name)


class HotConnection:
    """A connection with what it has prepared."""

    __slots__ = ("_prepared", "raw")

    def __init__(self, raw: asyncpg.Connection) -> None:
        self.raw = raw
        self._prepared: dict[str, PreparedStatement[Any]] = {}

    @classmethod
    async def open(cls, url: str, statements: Sequence[Statement]) -> "HotConnection":
        """Connect and prepare everything."""
        raw = await asyncpg.connect(
            url,
            timeout=CONNECT_SECONDS,
            command_timeout=COMMAND_SECONDS,
            server_settings={"application_name": "assent hot", **SWITCHES, **TIMEOUTS},
        )
        opened = cls(raw)
        try:
            for statement in statements:
                await opened._prepare(statement)
        except BaseException:
            raw.terminate()
            raise
        return opened

    async def fetchrow(self, statement: Statement, arguments: Arguments) -> asyncpg.Record | None:
        """Execute once; a statement that the server no longer holds is prepared again (it failed before execution)."""
        note_trip(statement.name)
        held = await self._held(statement)
        try:
            return await held.fetchrow(*arguments)
        except _STALE:
            return await (await self._prepare(statement)).fetchrow(*arguments)

    async def fetch(self, statement: Statement, arguments: Arguments) -> list[asyncpg.Record]:
        """Execute once, as `fetchrow` does; return all rows."""
        note_trip(statement.name)
        held = await self._held(statement)
        try:
            rows: list[asyncpg.Record] = await held.fetch(*arguments)
        except _STALE:
            rows = await (await self._prepare(statement)).fetch(*arguments)
        return rows

    async def fetch_each(self, statement: Statement, many: Sequence[Arguments]) -> list[asyncpg.Record]:
        """Execute once for each arguments, in one trip and one transaction; return the one row of each."""
        held = await self._held(statement)
        try:
            rows: list[asyncpg.Record] = await held.fetchmany(many)
        except _STALE:
            rows = await (await self._prepare(statement)).fetchmany(many)
        return rows

    async def ensure_partition(self, table: str, moment: datetime) -> None:
        """Make the partition of a table for a moment; nothing happens when it is there."""
        await self.raw.execute("select ensure_partition($1, $2)", table, moment)

    async def _held(self, statement: Statement) -> "PreparedStatement[Any]":
        """Return a statement that is prepared; what is seldom used is prepared by whoever needs it first."""
        return self._prepared.get(statement.name) or await self._prepare(statement)

    async def _prepare(self, statement: Statement) -> "PreparedStatement[Any]":
        held = await self.raw.prepare(statement.sql)
        self._prepared[statement.name] = held
        return held
