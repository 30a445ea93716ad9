"""Identifiers of any characters as one segment of a path: a slash would end it, and two dots would lead upwards."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

_PLAIN = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*")
_CODED = "="


def segment_of(identifier: str, *, reserved: frozenset[str] = frozenset()) -> str:
    """Return the segment for an identifier: itself when it can stand for itself, else a coded form of it.

    `reserved` are the segments that mean something else there.
    """
    if _PLAIN.fullmatch(identifier) and identifier not in reserved:
        return identifier
    return _CODED + urlsafe_b64encode(identifier.encode("utf-8")).rstrip(b"=").decode("ascii")


def identifier_at(segment: str) -> str:
    """Return the identifier in a segment; any text that `segment_of` would not give stands for itself."""
    if not segment.startswith(_CODED) or not segment.isascii():
        return segment
    coded = segment.removeprefix(_CODED)
    try:
        return urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode("utf-8")
    except ValueError:
        return segment
