"""The resources as this process knows them: those of the settings, and those that were declared as data since.

Data is read again every few seconds, so that a resource declared with `assent apply` counts without a restart. Where
both name one, the settings win: they are what the operator has written down for this very server.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

import structlog

from app.protocol.features import Feature, FeatureSet
from app.protocol.resources import NO_RESOURCES, Resource, ResourceRegistry, offered

_log = structlog.get_logger(__name__)
_EVERY_SECONDS = 3.0


@dataclass(slots=True)
class KnownResources:
    """`current` is the registry in force, as far as `features` go; `read` returns what was declared as data."""

    configured: tuple[Resource, ...]
    read: Callable[[], Awaitable[Iterable[Resource]]]
    features: FeatureSet = field(default_factory=lambda: FeatureSet(Feature))
    current: ResourceRegistry = field(default=NO_RESOURCES)

    def __post_init__(self) -> None:
        self.current = offered(self.configured, self.features)

    async def refresh(self) -> None:
        """Read the declared ones again; while the database is away, those of before count."""
        try:
            declared = await self.read()
        except Exception as failed:
            _log.warning("resources.delayed", error=type(failed).__name__)
            return
        self.current = offered((*declared, *self.configured), self.features)

    async def run(self) -> None:
        """Refresh every few seconds until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(_EVERY_SECONDS)
