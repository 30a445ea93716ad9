"""What the audit trail says of tokens that an application got for itself and that have no row, written in batches.

Such a token is made of the application's cached row and a signature, without the database; so is its bound (decision
23). Its audit row follows within half a second: a crash loses those of the last half second, and nothing else does.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from app.store.orders import AuditEntry

_log = structlog.get_logger(__name__)
MOST = 5_000
_TOGETHER = 500
_EVERY_SECONDS = 0.5


@dataclass(slots=True)
class IssuedTokens:
    """The rows that wait. When there are too many, whoever comes next writes his own before he answers."""

    write: Callable[[Sequence[AuditEntry]], Awaitable[None]]
    most: int = MOST
    waiting: deque[AuditEntry] = field(default_factory=deque)

    def add(self, entry: AuditEntry) -> bool:
        """Take a row over; False: there is no room, write it yourself."""
        if len(self.waiting) >= self.most:
            return False
        self.waiting.append(entry)
        return True

    async def flush(self) -> None:
        """Write what waits; what cannot be written now is tried again."""
        while self.waiting:
            batch = [self.waiting.popleft() for _ in range(min(_TOGETHER, len(self.waiting)))]
            try:
                await self.write(batch)
            except Exception as failed:
                self.waiting.extendleft(reversed(batch))
                _log.warning("issued.delayed", error=type(failed).__name__, waiting=len(self.waiting))
                return

    async def run(self) -> None:
        """Write every half second until cancelled; the last ones are written on the way out."""
        try:
            while True:
                await asyncio.sleep(_EVERY_SECONDS)
                await self.flush()
        finally:
            await self.flush()
