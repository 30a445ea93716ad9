"""The pool behind the hot path: a few raw connections, last used first.

Statements that may share trips are asked together when there is a crowd (`hot_lane`), all others alone.
"""

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import asyncpg

from app.crypto.secrets import id_time
from app.store.hot_connection import AWAY, FULL, Arguments, HotConnection, Statement, StoreUnavailable
from app.store.hot_lane import Lane

CONNECT_PATIENCE_SECONDS = 2.0
"""How long a request goes on trying to connect before it is answered that the database is away."""

QUEUE_SECONDS = 5.0
ATTEMPTS = 5

READING, WRITING = 2, 4
"""How many trips of statements that share them are under way at once. Fewer cost less, because more is shared; more
keep one that waits, for the disk or for a row, from holding up the others."""

_UNDONE = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.UniqueViolationError,
)
"""Nothing was written. Somebody else was faster, also where two begin a row with two unique keys at once, of which an
`on conflict` minds but one: the next attempt finds what he has written."""

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOMENT = re.compile(r"\(at\) = \(([^)]+)\)")

Answer = TypeVar("Answer")
Send = Callable[[HotConnection], Awaitable[Answer]]
"""What is done with a connection, once or again."""


class HotPool:
    """At most `size` connections, made when they are needed."""

    def __init__(self, url: str, size: int, statements: Sequence[Statement]) -> None:
        self._url = url
        self._size = size
        self._statements = tuple(statements)
        self._idle: list[HotConnection] = []
        self._open = 0
        self._waiting: deque[asyncio.Future[HotConnection | None]] = deque()
        self._alone: set[asyncio.Task[asyncpg.Record | None]] = set()
        self._reads = Lane(self._read_each, READING)
        self._writes = Lane(self._write_each, WRITING)

    async def read(self, statement: Statement, *arguments: object) -> asyncpg.Record | None:
        """Return the row of a statement that changes nothing; asked a second time when the connection was lost."""
        if statement.shares_trips:
            return await self._reads.run(statement, arguments)
        return await self._read(statement.name, lambda held: held.fetchrow(statement, arguments))

    async def write(self, statement: Statement, *arguments: object) -> asyncpg.Record | None:
        """Return the row of a statement that writes; once sent it runs to its end, also when the caller is cancelled.

        Repeated only when the database certainly undid it: a deadlock, a serialization failure, a partition that was
        missing. Raises `StoreUnavailable` when its fate is unknown.
        """
        if statement.shares_trips:
            return await self._writes.run(statement, arguments)
        task = asyncio.create_task(self._write(statement.name, lambda held: held.fetchrow(statement, arguments)))
        self._alone.add(task)
        task.add_done_callback(self._written)
        return await asyncio.shield(task)

    async def read_all(self, statement: Statement, *arguments: object) -> list[asyncpg.Record]:
        """Return all rows of a statement, as `read` returns the one of others."""
        return await self._read(statement.name, lambda held: held.fetch(statement, arguments))

    async def write_all(self, statement: Statement, *arguments: object) -> list[asyncpg.Record]:
        """Return all rows of a statement that writes. A caller that is cancelled cancels it, and may see it done."""
        return await self._write(statement.name, lambda held: held.fetch(statement, arguments))

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
        await self._writes.rest()
        if self._alone:
            await asyncio.wait(self._alone)
        self._size = 0
        while self._idle:
            await self._idle.pop().raw.close()

    async def _read_each(self, statement: Statement, many: Sequence[Arguments]) -> list[asyncpg.Record]:
        return await self._read(statement.name, lambda held: held.fetch_each(statement, many))

    async def _write_each(self, statement: Statement, many: Sequence[Arguments]) -> list[asyncpg.Record]:
        return await self._write(statement.name, lambda held: held.fetch_each(statement, many))

    async def _read(self, name: str, send: Send[Answer]) -> Answer:
        try:
            try:
                return await self._read_once(send)
            except AWAY:
                return await self._read_once(send)
        except AWAY as away:
            raise StoreUnavailable(f"{name}: the connection was lost twice") from away
        except FULL as full:
            raise StoreUnavailable(f"{name}: {type(full).__name__}") from full

    async def _read_once(self, send: Send[Answer]) -> Answer:
        held = await self._acquire()
        try:
            return await send(held)
        except asyncpg.InterfaceError as broken:
            if held.raw.is_closed():
                raise ConnectionError(str(broken)) from broken
            raise
        except asyncpg.InternalClientError as broken:  # the server's farewell had just come in, and nothing was sent
            held.raw.terminate()
            raise ConnectionError(str(broken)) from broken
        finally:
            self._release(held)

    async def _write(self, name: str, send: Send[Answer]) -> Answer:
        undone: BaseException | None = None
        for attempt in range(ATTEMPTS):
            held = await self._acquire()
            try:
                return await send(held)
            except _UNDONE as error:
                undone = error
            except asyncpg.CheckViolationError as error:
                undone = error
                await _make_missing_partition(held, error)
            except (*AWAY, *FULL) as error:
                if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
                    held.raw.terminate()  # what was the primary is a standby now
                raise StoreUnavailable(f"{name}: {type(error).__name__}") from error
            except asyncpg.InterfaceError as error:
                if held.raw.is_closed():
                    raise StoreUnavailable(f"{name}: the connection was lost") from error
                raise
            except asyncpg.InternalClientError as error:  # as in `_read_once`
                held.raw.terminate()
                raise StoreUnavailable(f"{name}: the connection was lost") from error
            finally:
                self._release(held)
            await asyncio.sleep(attempt * 0.005)
        raise StoreUnavailable(f"{name}: undone {ATTEMPTS} times") from undone

    def _written(self, task: asyncio.Task[asyncpg.Record | None]) -> None:
        self._alone.discard(task)
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
    moment = _moment_of(error.detail or "")
    if error.constraint_name or not error.table_name or moment is None:
        raise error
    try:
        await held.ensure_partition(error.table_name, moment)
    except (*AWAY, *FULL) as away:
        raise StoreUnavailable(f"partition of {error.table_name}: {type(away).__name__}") from away


def _moment_of(detail: str) -> datetime | None:
    """Return the moment of the row that found no partition, as PostgreSQL tells it: in its id, or as such."""
    if (told := _MOMENT.search(detail)) is not None:
        return datetime.fromisoformat(told[1])
    row = _ID.search(detail)
    return None if row is None else id_time(UUID(row[0]))
