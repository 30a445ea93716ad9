"""What stands at a `sector_identifier_uri`: the redirect URIs of all applications of a sector (OpenID Connect
Registration §5, DR-10)."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.outbound.client import Outbound
from app.protocol import pairwise
from app.protocol.fetching import NotFetched


@dataclass(frozen=True, slots=True)
class SectorList:
    """What was found at an address, or why nothing was."""

    uri: str
    redirect_uris: frozenset[str] = frozenset()
    failure: str = ""

    def problem_with(self, redirect_uris: Iterable[str]) -> str | None:
        """Return why an application with these redirect URIs cannot name this list; half a sentence."""
        if self.failure:
            return self.failure
        missing = [uri for uri in redirect_uris if uri not in self.redirect_uris]
        return f"does not list {missing[0][:200]}; add it there first" if missing else None


async def fetch(outbound: Outbound | None, uri: str | None, *, for_visitors: bool = False) -> SectorList | None:
    """Return what stands at an address, None without an address or a way there; one request, whatever comes of it.

    `for_visitors`: strangers choose how often, as in `Outbound.get`.
    """
    if outbound is None or uri is None:
        return None
    try:
        document = await outbound.get(
            uri, accept=pairwise.MEDIA_TYPES, max_bytes=pairwise.MAX_BYTES, for_visitors=for_visitors
        )
        return SectorList(uri, pairwise.read_list(document.body))
    except NotFetched as failed:
        return SectorList(uri, failure=str(failed))
