"""Logos, fetched from where applications keep them, and kept for a while in each worker (CI-12)."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from app.outbound.client import Outbound
from app.protocol import logos
from app.protocol.fetching import NotFetched
from app.protocol.logos import Picture

MAX_LOGOS = 64
"""Logos that are kept: at most 6 MB, and usually some KB each. The longest unused goes first."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is known of an address; without a picture: that there is none to be had."""

    picture: Picture | None
    until: datetime


class Logos:
    """The logos that this worker knows; `clock` returns the aware UTC now."""

    def __init__(self, outbound: Outbound, clock: Callable[[], datetime]) -> None:
        self._outbound = outbound
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._under_way: dict[str, asyncio.Task[Picture | None]] = {}

    async def get(self, uri: str, *, within: float | None = None) -> Picture | None:
        """Return the picture that stands at an address; None when there is none to be had, or not `within` so many
        seconds. It is fetched once for all who wait, and goes on being fetched when they have gone."""
        kept = self._kept.get(uri)
        if kept is not None and self._clock() < kept.until:
            self._kept.move_to_end(uri)
            return kept.picture
        if uri not in self._under_way:
            task = self._under_way[uri] = asyncio.create_task(self._fetch(uri))
            task.add_done_callback(lambda _: self._under_way.pop(uri, None))
        try:
            async with asyncio.timeout(within):
                return await asyncio.shield(self._under_way[uri])
        except TimeoutError:
            return None

    async def close(self) -> None:
        """End what is under way."""
        under_way = tuple(self._under_way.values())
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _fetch(self, uri: str) -> Picture | None:
        picture, kept_for = None, logos.PAUSE
        try:
            document = await self._outbound.get(
                uri, accept=logos.MEDIA_TYPES, max_bytes=logos.MAX_BYTES, for_visitors=True
            )
        except NotFetched:
            pass  # it is in the log, and nobody else can do anything about it
        else:
            picture = logos.read(document.body)
            kept_for = logos.PAUSE if picture is None else logos.kept_for(document.fresh_for)
        self._kept[uri] = _Kept(picture, self._clock() + kept_for)
        self._kept.move_to_end(uri)
        if len(self._kept) > MAX_LOGOS:
            self._kept.popitem(last=False)
        return picture
