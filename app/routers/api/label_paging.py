"""Pages of a list by label: each begins behind the place of the last item before, also when that item is gone or was
given another label meanwhile. The cursor is that place: label and id, which its reader has just been shown."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from app.routers.api.paging import DEFAULT_LIMIT, Cursor, Limit, link_to, no_cursor_of_ours
from app.store.api_keys import Place

_LONGEST = 400
"""Characters: an id and the longest label, which may take four bytes for each of its characters."""

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class LabelPage:
    """Which part of a list is asked for: at most `limit` items behind a place, or the first ones."""

    limit: int
    after: Place | None


def asked_label_page(limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> LabelPage:
    """Return the page that a request asks for; raises `Refused`."""
    after = None if cursor is None else read_cursor(cursor)
    if cursor is not None and after is None:
        raise no_cursor_of_ours()
    return LabelPage(limit, after)


AskedLabelPage = Annotated[LabelPage, Depends(asked_label_page)]


def cut(
    request: Request, response: Response, page: LabelPage, found: Sequence[_Item], place_of: Callable[[_Item], Place]
) -> Sequence[_Item]:
    """Return the items of a page; `found` has one more when there is another page, and then the answer links to it."""
    shown = found[: page.limit]
    if len(found) > page.limit:
        link_to(request, response, page.limit, cursor_of(place_of(shown[-1])))
    return shown


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
