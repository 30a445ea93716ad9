"""Attempts of one worker to tell others something: one loop writes down what has come of the last ones, claims what is
due, and starts it. So they have one connection to the database between them."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog

from app.outbound.client import DEADLINE

LOOK_EVERY = 1.0
"""Seconds between looks at what is due, unless something has just been written in this worker."""

LINGER = DEADLINE
"""Seconds that a worker which stops waits for answers, so that nobody is told twice."""

_log = structlog.get_logger(__name__)

Receiver = TypeVar("Receiver")
Report = TypeVar("Report")


@dataclass(slots=True)
class Attempts(Generic[Receiver, Report]):
    """Attempts under way, each with its receiver, and reports of what came of the last ones.

    `subject` is what the log calls them. `begin` claims what is due and starts it, `write` writes reports down; both
    may fail, and are tried again. `stirred` is set when something was written in this worker that may be due.
    """

    subject: str
    stirred: asyncio.Event
    begin: Callable[[], Awaitable[None]]
    write: Callable[[Sequence[Report]], Awaitable[None]]
    reports: list[Report] = field(default_factory=list)
    _under_way: dict[asyncio.Task[None], Receiver] = field(default_factory=dict)

    @property
    def receivers(self) -> Collection[Receiver]:
        """Whom attempts are under way to, each as often as there are."""
        return self._under_way.values()

    def start(self, attempt: Coroutine[Any, Any, None], receiver: Receiver) -> None:
        """Make an attempt, which reports what came of it."""
        task = asyncio.create_task(attempt)
        self._under_way[task] = receiver
        task.add_done_callback(self._ended)

    async def run(self, look_every: float) -> None:
        """Go on until cancelled; then wait a moment for what is under way, and write down what came of it."""
        try:
            while True:
                self.stirred.clear()
                try:
                    await self._write_down()
                    await self.begin()
                except Exception as failed:  # whatever it is: a loop that has ended would say nothing
                    _log.warning(f"{self.subject}.delayed", error=type(failed).__name__)
                    await asyncio.sleep(look_every)
                await self._pause(look_every)
        finally:
            await self._stop()

    async def _write_down(self) -> None:
        """Write down what came of attempts; what cannot be written now is kept."""
        if reports := self.reports[:]:
            await self.write(reports)
            del self.reports[: len(reports)]

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        if not task.cancelled() and (broken := task.exception()) is not None:
            _log.error(f"{self.subject}.broken", error=type(broken).__name__)
        self.stirred.set()

    async def _pause(self, longest: float) -> None:
        """Wait until something was written or has ended here, and no longer than that."""
        try:
            async with asyncio.timeout(longest):
                await self.stirred.wait()
        except TimeoutError:
            return

    async def _stop(self) -> None:
        if self._under_way:
            _, unanswered = await asyncio.wait(self._under_way, timeout=LINGER)
            for task in unanswered:
                task.cancel()
        try:
            await self._write_down()
        except Exception as failed:
            _log.warning(f"{self.subject}.not_written_down", reports=len(self.reports), error=type(failed).__name__)
