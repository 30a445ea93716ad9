"""Logos of applications: whose is shown, and what counts as one (CI-12, DR-13).

A logo is what people know an application by at a glance, and the one thing on a page that they do not read. So it comes
from here, never from where it stands (RFC 7591 §5): the browser would tell its host who is looking, and what is there
could change behind the back of whoever checked it. Pictures that can hold scripts or load others (SVG) are none.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from app.protocol import redirect_uri
from app.protocol.facts import ClientFact

MEDIA_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")

MAX_BYTES = 98_304
MAX_SIDE = 4096
"""Pixels. A few bytes can ask a browser for gigabytes."""

SHORTEST, LONGEST = timedelta(minutes=5), timedelta(days=1)
PAUSE = timedelta(minutes=1)
"""How long nobody asks again for what could not be had."""

# Start of frame, of whatever compression (ITU T.81 table B.1): all from C0 on but tables (C4, CC) and what is reserved.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

# What may stand before it: segments that begin with their length. Where others read on after a marker that has none, or
# after padding, another frame could be hidden from here.
_JPEG_SEGMENTS = frozenset({0xC4, 0xCC, 0xDB, 0xDD, *range(0xE0, 0xF0), 0xFE})

_GIF_HEAD = 13


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that may be shown. `media_type` is what its bytes say, whatever its server says."""

    media_type: str
    body: bytes = field(repr=False)


def logo_of(client: ClientFact) -> str:
    """Return where the logo stands that pages show of an application; empty when they show none.

    Somebody here answers for it, or it comes from the very host that the application is known by: then it is at least
    nobody's but theirs.
    """
    uri = client.introduction.logo_uri
    if client.vouched_for or (client.by_document and redirect_uri.is_of_origin(uri, client.client_id)):
        return uri
    return ""


def kept_for(fresh_for: int | None) -> timedelta:
    """Return how long a logo is kept; `fresh_for` are the seconds that its server allows, None: it says nothing."""
    said = SHORTEST if fresh_for is None else timedelta(seconds=fresh_for)
    return min(max(said, SHORTEST), LONGEST)


def read(body: bytes) -> Picture | None:
    """Return what was fetched as a picture; None for anything else, and for one with sides that no logo has."""
    for media_type, sides in ((kind, _SIDES[kind](body)) for kind in MEDIA_TYPES):
        if sides is not None:
            return Picture(media_type, body) if all(0 < side <= MAX_SIDE for side in sides) else None
    return None


def _png(body: bytes) -> tuple[int, int] | None:
    if not body.startswith(b"\x89PNG\r\n\x1a\n") or body[12:16] != b"IHDR":
        return None
    return int.from_bytes(body[16:20]), int.from_bytes(body[20:24])


def _gif(body: bytes) -> tuple[int, int] | None:
    if not body.startswith((b"GIF87a", b"GIF89a")) or len(body) < _GIF_HEAD:
        return None
    width, height = int.from_bytes(body[6:8], "little"), int.from_bytes(body[8:10], "little")
    at = _GIF_HEAD + _colours(body[10])
    while body[at : at + 1] == b"!":  # an extension: what it is, and blocks with their length in front, up to one of 0
        at += 2
        while at < len(body) and body[at]:
            at += 1 + body[at]
        at += 1
    if body[at : at + 1] != b",":
        return None
    # Browsers make the canvas as large as its first picture.
    left, top, wide, high = (int.from_bytes(body[at + place : at + place + 2], "little") for place in (1, 3, 5, 7))
    return max(width, left + wide), max(height, top + high)


def _colours(flags: int) -> int:
    """The bytes of the table of colours that the flags of a GIF announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _jpeg(body: bytes) -> tuple[int, int] | None:
    at = 2
    while body.startswith(b"\xff\xd8") and body[at : at + 1] == b"\xff" and at + 1 < len(body):
        marker = body[at + 1]
        if marker in _JPEG_FRAMES:
            return int.from_bytes(body[at + 7 : at + 9]), int.from_bytes(body[at + 5 : at + 7])
        if marker not in _JPEG_SEGMENTS:
            return None
        at += 2 + int.from_bytes(body[at + 2 : at + 4])
    return None


def _webp(body: bytes) -> tuple[int, int] | None:
    if not body.startswith(b"RIFF") or body[8:12] != b"WEBP":
        return None
    match body[12:16]:
        case b"VP8 ":
            width, height = int.from_bytes(body[26:28], "little"), int.from_bytes(body[28:30], "little")
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            bits = int.from_bytes(body[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            return int.from_bytes(body[24:27], "little") + 1, int.from_bytes(body[27:30], "little") + 1
    return None


_SIDES = {"image/png": _png, "image/jpeg": _jpeg, "image/gif": _gif, "image/webp": _webp}
