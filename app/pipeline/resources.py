"""The resources as this process knows them: those of the settings, and those that were declared as data since.

Data is read again when the database says that it has changed, and every few seconds in case nobody heard it: what is
declared, changed and removed counts in every worker without a restart. Where both name one, the settings win: they are
what the operator has written down for this very server.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

import structlog

from app.protocol.features import Feature, FeatureSet
from app.protocol.resources import NO_RESOURCES, DeclaredBy, Resource, ResourceRegistry, offered

_log = structlog.get_logger(__name__)
_EVERY_SECONDS = 3.0


@dataclass(slots=True)
class KnownResources:
    """`current` is the registry in force, as far as `features` go; `read` returns what was declared as data. Of those
    that are `configured`, the server's `own` are in no file."""

    configured: tuple[Resource, ...]
    read: Callable[[], Awaitable[Iterable[Resource]]]
    features: FeatureSet = field(default_factory=lambda: FeatureSet(Feature))
    own: frozenset[str] = frozenset()
    current: ResourceRegistry = field(default=NO_RESOURCES)
    _said: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.current = offered(self.configured, self.features)

    @property
    def known(self) -> tuple[Resource, ...]:
        """All in force, by identifier."""
        return tuple(sorted(self.current, key=lambda resource: resource.identifier))

    def declared_by(self, identifier: str) -> DeclaredBy:
        """Tell where a resource comes from. What is not data can be changed in the settings alone."""
        if not any(resource.identifier == identifier for resource in self.configured):
            return "data"
        return "server" if identifier in self.own else "settings"

    async def refresh(self) -> None:
        """Read the declared ones again; while the database is away, those of before count."""
        try:
            declared = await self.read()
        except Exception as failed:
            _log.warning("resources.delayed", error=type(failed).__name__)
            return
        self.current = offered((*declared, *self.configured), self.features)

    def changed(self) -> None:
        """Have `run` look at once: somebody has changed what was declared."""
        self._said.set()

    async def run(self) -> None:
        """Refresh when something has changed, and every few seconds, until cancelled."""
        while True:
            self._said.clear()
            await self.refresh()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._said.wait(), _EVERY_SECONDS)
