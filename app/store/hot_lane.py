"""Statements that share trips: what is asked while others are under way goes together, in one transaction.

An idle server sends each statement at once and alone. A busy one spends most of a short statement's cost on the trip:
system calls and process switches on both sides, and for a write the commit. Those who had to wait anyway share it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from uuid import UUID

import asyncpg

from app.store.hot_connection import Arguments, Statement, StoreUnavailable, note_trip

TOGETHER = 32
"""The most that one trip carries: what a trip costs is shared well by then, and nobody waits for too many others."""

PATIENCE_SECONDS = 5.0
"""Whoever has waited longer than this for his turn is told that the database is away."""

Carry = Callable[[Statement, Sequence[Arguments]], Awaitable[list[asyncpg.Record]]]


@dataclass(frozen=True, slots=True)
class Errand:
    """One caller's execution of a statement. `row` is what to sort by: trips that lock their rows in one order never
    lock each other out."""

    statement: Statement
    arguments: Arguments
    row: int
    since: float
    answer: asyncio.Future[asyncpg.Record] = field(repr=False)


class Lane:
    """Errands, and at most `carriers` tasks that take them where they belong. They outlive callers that give up.

    `carry` executes a statement once for each arguments, all or nothing, and returns one row for each.
    """

    def __init__(self, carry: Carry, carriers: int) -> None:
        self._carry = carry
        self._most = carriers
        self._errands: deque[Errand] = deque()
        self._at_work = 0
        self._carriers: set[asyncio.Task[None]] = set()

    async def run(self, statement: Statement, arguments: Arguments) -> asyncpg.Record:
        """Return the row of one execution; it is carried out to its end also when the caller is cancelled.

        The first argument is the UUID of the row that it is about: what has none is refused here, where nobody else
        waits for it.
        """
        row = _row(arguments)
        note_trip(statement.name)
        loop = asyncio.get_running_loop()
        errand = Errand(statement, arguments, row, loop.time(), loop.create_future())
        self._errands.append(errand)
        if self._at_work < self._most:
            self._at_work += 1
            carrier = loop.create_task(self._work())
            self._carriers.add(carrier)
            carrier.add_done_callback(self._carriers.discard)
        return await errand.answer

    async def rest(self) -> None:
        """Return when nothing is under way."""
        while self._carriers:
            await asyncio.wait(self._carriers)

    async def _work(self) -> None:
        try:
            while self._errands:
                if together := self._take():
                    await self._deliver(together)
        finally:
            self._at_work -= 1  # here, not when the task is done: an errand may come in between

    def _take(self) -> list[Errand]:
        """Take the errand that came first, and those behind it that may come along."""
        waiting, self._errands = self._errands, deque()
        statement = waiting[0].statement
        too_late = asyncio.get_running_loop().time() - PATIENCE_SECONDS
        taken: list[Errand] = []
        for errand in waiting:
            if errand.since < too_late:
                _refuse([errand], StoreUnavailable(f"no connection was free for {PATIENCE_SECONDS:.0f} s"))
            elif errand.statement is statement and len(taken) < TOGETHER:
                taken.append(errand)
            else:
                self._errands.append(errand)
        taken.sort(key=attrgetter("row"))
        return taken

    async def _deliver(self, together: list[Errand]) -> None:
        try:
            rows = await self._carry(together[0].statement, [errand.arguments for errand in together])
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as refused:
            if len(together) == 1:
                _refuse(together, refused)
                return
            for errand in together:  # all were undone because of one of them: find out which
                await self._deliver([errand])
        except Exception as failed:
            _refuse(together, failed)
        except BaseException:
            for errand in together:
                errand.answer.cancel()
            raise
        else:
            for errand, row in zip(together, rows, strict=True):
                if not errand.answer.done():
                    errand.answer.set_result(row)


def _row(arguments: Arguments) -> int:
    first = arguments[0]
    if not isinstance(first, UUID):
        raise TypeError(f"a statement that shares trips is about a row with an id, not {type(first).__name__}")
    return first.int


def _refuse(together: Sequence[Errand], reason: BaseException) -> None:
    for errand in together:
        if not errand.answer.done():
            errand.answer.set_exception(reason)
