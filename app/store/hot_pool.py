"""The pool behind the hot path: a few raw connections, last used first, each with its prepared statements.

They plan differently from all others (storage.md §2): generic plans, and no plan shape that depends on statistics.
Statements that may share trips go through `hot_lane`, which asks for them here together.
"""

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from app.crypto.secrets import id_time

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
CONNECT_PATIENCE_SECONDS = 2.0
"""How long a request goes on trying to connect before it is answered that the database is away."""

QUEUE_SECONDS = 5.0
COMMAND_SECONDS = 8.0
"""Beyond the server's own statement timeout: only a server that does not answer at all gets here."""

ATTEMPTS = 5

AWAY = (OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)
"""The database is not there, not yet, no longer, or overdue."""

FULL = (asyncpg.InsufficientResourcesError, asyncpg.ReadOnlySQLTransactionError, asyncpg.LockNotAvailableError)
"""It is there and cannot do it now."""

_UNDONE = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
_STALE = (asyncpg.InvalidCachedStatementError, asyncpg.InvalidSQLStatementNameError)
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_trips: ContextVar[list[str] | None] = ContextVar("trips", default=None)


class StoreUnavailable(Exception):
    """The database did not answer, or not in time. What was asked of it may have been done: gather again and see."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One prepared statement of the hot path; every column it reads and returns is named in it."""

    name: str
    sql: str = field(repr=False)
    shares_trips: bool = False
    """It always returns exactly one row, and its first argument is the id of the only row that it locks."""


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
        held = self._prepared[statement.name]
        try:
            return await held.fetchrow(*arguments)
        except _STALE:
            return await (await self._prepare(statement)).fetchrow(*arguments)

    async def fetch_each(self, statement: Statement, many: Sequence[Arguments]) -> list[asyncpg.Record]:
        """Execute once for each arguments, in one trip and one transaction; return the one row of each."""
        held = self._prepared[statement.name]
        try:
            rows: list[asyncpg.Record] = await held.fetchmany(many)
        except _STALE:
            rows = await (await self._prepare(statement)).fetchmany(many)
        return rows

    async def ensure_partition(self, table: str, moment: datetime) -> None:
        """Make the partition of a table for a moment; nothing happens when it is there."""
        await self.raw.execute("select ensure_partition($1, $2)", table, moment)

    async def _prepare(self, statement: Statement) -> "PreparedStatement[Any]":
        held = await self.raw.prepare(statement.sql)
        self._prepared[statement.name] = held
        return held


class HotPool:
    """At most `size` connections, made when they are needed."""

    def __init__(self, url: str, size: int, statements: Sequence[Statement]) -> None:
        self._url = url
        self._size = size
        self._statements = tuple(statements)
        self._idle: list[HotConnection] = []
        self._open = 0
        self._waiting: deque[asyncio.Future[HotConnection | None]] = deque()
        self._writes: set[asyncio.Task[asyncpg.Record | None]] = set()

    async def read(self, statement: Statement, *arguments: object) -> asyncpg.Record | None:
        """Return the row of a statement that changes nothing; asked a second time when the connection was lost."""
        try:
            return await self._read(statement, arguments)
        except AWAY:
            try:
                return await self._read(statement, arguments)
            except AWAY as away:
                raise StoreUnavailable(f"{statement.name}: the connection was lost twice") from away
        except FULL as full:
            raise StoreUnavailable(f"{statement.name}: {type(full).__name__}") from full

    async def write(self, statement: Statement, *arguments: object) -> asyncpg.Record | None:
        """Return the row of a statement that writes; it runs to its end even when the caller is cancelled.

        Repeated only when the database certainly undid it: a deadlock, a serialization failure, a partition that was
        missing. Raises `StoreUnavailable` when its fate is unknown.
        """
        task = asyncio.create_task(self._write(statement, arguments))
        self._writes.add(task)
        task.add_done_callback(self._written)
        return await asyncio.shield(task)

    async def ensure_partition(self, table: str, moment: datetime) -> None:
        """Make the partition of a table for a moment; nothing happens when it is there."""
        held = await self._acquire()
        try:
            await held.ensure_partition(table, moment)
        except (*AWAY, *FULL) as away:
            raise StoreUnavailable(f"partition of {table}: {type(away).__name__}") from away
        finally:
            self._release(held)

    async def close(self) -> None:
        """Wait for the writes under way, then close what is idle; connections in use close when they come back."""
        if self._writes:
            await asyncio.wait(self._writes)
        self._size = 0
        while self._idle:
            await self._idle.pop().raw.close()

    async def _read(self, statement: Statement, arguments: Sequence[object]) -> asyncpg.Record | None:
        held = await self._acquire()
        try:
            return await held.fetchrow(statement, arguments)
        except asyncpg.InterfaceError as broken:
            if held.raw.is_closed():
                raise ConnectionError(str(broken)) from broken
            raise
        except asyncpg.InternalClientError as broken:  # the server's farewell had just come in, and nothing was sent
            held.raw.terminate()
            raise ConnectionError(str(broken)) from broken
        finally:
            self._release(held)

    async def _write(self, statement: Statement, arguments: Sequence[object]) -> asyncpg.Record | None:
        undone: BaseException | None = None
        for attempt in range(ATTEMPTS):
            held = await self._acquire()
            try:
                return await held.fetchrow(statement, arguments)
            except _UNDONE as error:
                undone = error
            except asyncpg.CheckViolationError as error:
                undone = error
                await _make_missing_partition(held, error)
            except (*AWAY, *FULL) as error:
                if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
                    held.raw.terminate()  # what was the primary is a standby now
                raise StoreUnavailable(f"{statement.name}: {type(error).__name__}") from error
            except asyncpg.InterfaceError as error:
                if held.raw.is_closed():
                    raise StoreUnavailable(f"{statement.name}: the connection was lost") from error
                raise
            except asyncpg.InternalClientError as error:  # as in `_read`
                held.raw.terminate()
                raise StoreUnavailable(f"{statement.name}: the connection was lost") from error
            finally:
                self._release(held)
            await asyncio.sleep(attempt * 0.005)
        raise StoreUnavailable(f"{statement.name}: undone {ATTEMPTS} times") from undone

    def _written(self, task: asyncio.Task[asyncpg.Record | None]) -> None:
        self._writes.discard(task)
        if not task.cancelled():
            task.exception()  # whoever was cancelled does not ask for it

    async def _acquire(self) -> HotConnection:
        while self._idle:
            held = self._idle.pop()
            if not held.raw.is_closed():
                return held
            self._open -= 1
        if self._open < self._size:
            self._open += 1
            return await self._connect()
        if self._size == 0:
            raise StoreUnavailable("the pool is closed")
        return await self._queue()

    async def _queue(self) -> HotConnection:
        waiter: asyncio.Future[HotConnection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(QUEUE_SECONDS):
                held = await waiter
        except BaseException as gave_up:
            if waiter.done() and not waiter.cancelled():  # handed over while we were giving up
                self._pass_on(waiter.result())
            if isinstance(gave_up, TimeoutError):
                raise StoreUnavailable(f"no connection was free for {QUEUE_SECONDS:.0f} s") from None
            raise
        return await self._connect() if held is None else held

    async def _connect(self) -> HotConnection:
        """Fill a place of the pool, trying again with growing pauses; the place is given up when that fails."""
        clock = asyncio.get_running_loop().time
        deadline, pause = clock() + CONNECT_PATIENCE_SECONDS, 0.02
        try:
            while True:
                try:
                    return await HotConnection.open(self._url, self._statements)
                except (*AWAY, *FULL) as away:
                    if clock() + pause > deadline:
                        raise StoreUnavailable(f"no connection to the database: {type(away).__name__}") from away
                except (asyncpg.PostgresError, asyncpg.InterfaceError) as refused:
                    raise StoreUnavailable(f"the database refuses to work with us: {refused}") from refused
                await asyncio.sleep(pause)
                pause *= 2
        except BaseException:
            self._pass_on(None)
            raise

    def _release(self, held: HotConnection) -> None:
        if self._size == 0:
            held.raw.terminate()
        self._pass_on(None if held.raw.is_closed() else held)

    def _pass_on(self, held: HotConnection | None) -> None:
        """Give a connection, or the place of one, to whoever waits first."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(held)
                return
        if held is None:
            self._open -= 1
        else:
            self._idle.append(held)


async def _make_missing_partition(held: HotConnection, error: asyncpg.CheckViolationError) -> None:
    """Cure "no partition of relation found for row"; raises the error again when it is another one (storage.md §2)."""
    row = _ID.search(error.detail or "")
    if error.constraint_name or not error.table_name or row is None:
        raise error
    try:
        await held.ensure_partition(error.table_name, id_time(UUID(row[0])))
    except (*AWAY, *FULL) as away:
        raise StoreUnavailable(f"partition of {error.table_name}: {type(away).__name__}") from away
