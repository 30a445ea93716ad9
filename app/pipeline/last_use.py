"""Last uses: noted in memory as credentials come in, written in the background, one statement for many of them.

"Last used" is for people who wonder whether a token is still needed; it costs the request no round trip, and a crash
loses at most the last ten seconds of it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import structlog

from app.store.last_use import Uses

_log = structlog.get_logger(__name__)
_KEPT_IN_MEMORY = 20_000
_EVERY_SECONDS = 10.0

Name = TypeVar("Name")


@dataclass(slots=True)
class LastUses:
    """The uses that wait to be written: of 20,000 credentials of each kind; further ones go unnoticed meanwhile."""

    write: Callable[[Uses], Awaitable[None]]
    waiting: Uses = field(default_factory=Uses)

    def personal_token(self, token_id: UUID, at: datetime) -> None:
        """Note the use of a personal token."""
        _note(self.waiting.personal_tokens, token_id, at)

    def api_key(self, key_id: UUID, digest: bytes, at: datetime) -> None:
        """Note the use of the API key's secret that has this digest."""
        _note(self.waiting.api_keys, (key_id, digest), at)

    def secret(self, application_id: UUID, digest: bytes, at: datetime) -> None:
        """Note the use of the application's secret that has this digest."""
        _note(self.waiting.secrets, (application_id, digest), at)

    def application(self, application_id: UUID, at: datetime) -> None:
        """Note that an application which introduced itself was given a token that no record stands behind."""
        _note(self.waiting.applications, application_id, at)

    async def flush(self) -> None:
        """Write what waits; what cannot be written now is tried again."""
        batch, self.waiting = self.waiting, Uses()
        if batch == Uses():
            return
        try:
            await self.write(batch)
        except Exception as failed:
            _put_back(batch.personal_tokens, self.waiting.personal_tokens)
            _put_back(batch.api_keys, self.waiting.api_keys)
            _put_back(batch.secrets, self.waiting.secrets)
            _put_back(batch.applications, self.waiting.applications)
            _log.warning("last_uses.delayed", error=type(failed).__name__)

    async def run(self) -> None:
        """Write every ten seconds until cancelled; the last ones are written on the way out."""
        try:
            while True:
                await asyncio.sleep(_EVERY_SECONDS)
                await self.flush()
        finally:
            await self.flush()


def _note(uses: dict[Name, datetime], name: Name, at: datetime) -> None:
    if len(uses) < _KEPT_IN_MEMORY or name in uses:
        uses[name] = at


def _put_back(batch: dict[Name, datetime], waiting: dict[Name, datetime]) -> None:
    """Keep what was noted since, and of the rest as much as there is room for."""
    for name, at in batch.items():
        if name not in waiting:
            _note(waiting, name, at)
