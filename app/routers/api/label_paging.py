"""Pages of a list by label: each begins behind the place of the last item before, also when that item is gone or was
given another label meanwhile. The cursor is that place: label and id, which its reader has just been shown."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.routers.api.paging import DEFAULT_LIMIT, MAX_LIMIT
from app.routers.api.problems import FieldError, Kind, Refused
from app.store.api_keys import Place

_LONGEST = 400
"""Characters: an id and the longest label, which may take four bytes for each of its characters."""


@dataclass(frozen=True, slots=True)
class LabelPage:
    """Which part of a list is asked for: at most `limit` items behind a place, or the first ones."""

    limit: int
    after: Place | None


def asked_label_page(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="At most so many items.")] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(description="Out of the `Link` of the page before.")] = None,
) -> LabelPage:
    """Return the page that a request asks for; raises `Refused`."""
    after = None if cursor is None else read_cursor(cursor)
    if cursor is not None and after is None:
        error = FieldError(field="cursor", detail="is not the cursor of a page of ours")
        raise Refused(Kind.INVALID_REQUEST, "see errors", errors=[error])
    return LabelPage(limit, after)


AskedLabelPage = Annotated[LabelPage, Depends(asked_label_page)]


def link_next(request: Request, response: Response, page: LabelPage, last: Place) -> None:
    """Tell where the page behind a place is."""
    query = urlencode({"limit": page.limit, "cursor": cursor_of(last)})
    here = server_of(request).issuer + request.scope["path"]
    response.headers["Link"] = f'<{here}?{query}>; rel="next"'


def cursor_of(place: Place) -> str:
    """Return the cursor that stands for a place."""
    return urlsafe_b64encode(place.id.bytes + place.label.encode("utf-8")).rstrip(b"=").decode("ascii")


def read_cursor(text: str) -> Place | None:
    """Return the place in a cursor; None for anything that is not spelled as we spell it."""
    if len(text) > _LONGEST or not text.isascii():
        return None
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        place = Place(raw[16:].decode("utf-8"), UUID(bytes=raw[:16]))
    except (Base64Error, ValueError):
        return None
    return place if cursor_of(place) == text and place.label.isprintable() else None
