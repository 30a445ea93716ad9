"""Pages of a list: each begins after the last item of the one before, wherever that item is by then.

The cursor is the id of that item and nothing more: it opens nothing that the caller could not see without it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.routers.api.problems import FieldError, Kind, Refused
from app.routers.cursors import cursor_of, read_cursor
from app.routers.pages.returning import asked_path

DEFAULT_LIMIT = 50
MAX_LIMIT = 100

NEXT_LINK = {
    "Link": {
        "description": 'Where the next page is: `<…>; rel="next"` (RFC 8288); absent on the last one.',
        "schema": {"type": "string"},
    }
}
"""How the API document describes the header of a list."""

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="At most so many items.")]
Cursor = Annotated[str | None, Query(description="Out of the `Link` of the page before.")]

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for: at most `limit` items after the one with the id `after`, or the first ones."""

    limit: int
    after: UUID | None


def asked_page(limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page:
    """Return the page that a request asks for; raises `Refused`."""
    after = None if cursor is None else read_cursor(cursor)
    if cursor is not None and after is None:
        raise no_cursor_of_ours()
    return Page(limit, after)


AskedPage = Annotated[Page, Depends(asked_page)]


def cut(
    request: Request, response: Response, page: Page, found: Sequence[_Item], id_of: Callable[[_Item], UUID]
) -> Sequence[_Item]:
    """Return the items of a page; `found` has one more when there is another page, and then the answer links to it."""
    shown = found[: page.limit]
    if len(found) > page.limit:
        link_next(request, response, page, id_of(shown[-1]))
    return shown


def link_next(request: Request, response: Response, page: Page, last: UUID) -> None:
    """Tell where the page after the item with the id `last` is."""
    link_to(request, response, page.limit, cursor_of(last))


def link_to(request: Request, response: Response, limit: int, cursor: str) -> None:
    """Tell where the page behind a cursor is; whatever else the request asked for stays."""
    kept = [pair for pair in request.query_params.multi_items() if pair[0] not in {"limit", "cursor"}]
    query = urlencode([*kept, ("limit", limit), ("cursor", cursor)])
    here = server_of(request).issuer + asked_path(request)
    response.headers["Link"] = f'<{here}?{query}>; rel="next"'


def no_cursor_of_ours() -> Refused:
    """Return how a cursor is refused that no page of ours has given out."""
    error = FieldError(field="cursor", detail="is not the cursor of a page of ours")
    return Refused(Kind.INVALID_REQUEST, "see errors", errors=[error])
