"""Cursors: an id as an opaque text, which says where a page of a list begins."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from uuid import UUID


def cursor_of(item: UUID) -> str:
    """Return the cursor that stands for the place after an item."""
    return urlsafe_b64encode(item.bytes).rstrip(b"=").decode("ascii")


def read_cursor(text: str) -> UUID | None:
    """Return the id in a cursor; None for anything that is not spelled as we spell it."""
    if len(text) != 22 or not text.isascii():
        return None
    try:
        item = UUID(bytes=urlsafe_b64decode(text + "=="))
    except (Base64Error, ValueError):
        return None
    return item if cursor_of(item) == text else None
