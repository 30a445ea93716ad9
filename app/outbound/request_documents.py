"""Request objects fetched from where their applications keep them, and kept as long as that is allowed (RO-9)."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

from app.outbound.client import Outbound
from app.protocol.authorize import request_reference

MAX_DOCUMENTS = 200
"""Objects that are kept: at most 3 MB, and usually 1 KB each. The longest unused goes first."""


class RequestDocuments:
    """The request objects that this worker knows; `clock` returns the aware UTC now."""

    def __init__(self, outbound: Outbound, clock: Callable[[], datetime]) -> None:
        self._outbound = outbound
        self._clock = clock
        self._kept: OrderedDict[str, tuple[bytes, datetime]] = OrderedDict()

    async def get(self, uri: str, place: str) -> bytes:
        """Return what stands at `place`, which is `uri` without its fragment. Raises Refused or Failed."""
        kept = self._kept.get(uri)
        if kept is not None and self._clock() < kept[1]:
            self._kept.move_to_end(uri)
            return kept[0]
        document = await self._outbound.get(
            place,
            accept=request_reference.MEDIA_TYPES,
            max_bytes=request_reference.MAX_BYTES,
            for_visitors=True,
        )
        if kept_for := request_reference.kept_for(uri, document):
            self._kept[uri] = document.body, self._clock() + kept_for
            self._kept.move_to_end(uri)
        if len(self._kept) > MAX_DOCUMENTS:
            self._kept.popitem(last=False)
        return document.body
