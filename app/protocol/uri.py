"""Addresses compared as RFC 3986 §6.2.2 and §6.2.3 allow: by syntax and scheme, never by what stands at them."""

import re
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"https": 443, "http": 80}
_CHARACTERS = re.compile(r"[\x21-\x7e]+")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def normalised(text: object) -> str | None:
    """Return an http address in its normal form, without query and fragment; None for whatever is no such address.

    Scheme and host in lower case, no default port, escapes only where they are needed and in upper case, no dot
    segments, a path of at least `/` (DP-4).
    """
    if not isinstance(text, str) or not _CHARACTERS.fullmatch(text) or _BROKEN_ESCAPE.search(text):
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
        return None
    host = _unescaped(parts.hostname).lower()
    host = f"[{host}]" if ":" in host else host
    place = host if port in (None, _DEFAULT_PORTS[parts.scheme]) else f"{host}:{port}"
    return f"{parts.scheme}://{place}{_without_dots(_unescaped(parts.path))}"


def below(path: str, base: str) -> str:
    """Return a path without that of a base address, where it lies below it; else as it is.

    Part of a segment is no part of the way: `/oauth` does not lie below `/o`.
    """
    rest = path.removeprefix(urlsplit(base).path.rstrip("/"))
    return rest if rest.startswith("/") else path


def _unescaped(text: str) -> str:
    """RFC 3986 §6.2.2.1, §6.2.2.2: an escape of an unreserved character is that character; others in upper case."""

    def replaced(found: re.Match[str]) -> str:
        character = chr(int(found[1], 16))
        return character if _UNRESERVED.fullmatch(character) else found[0].upper()

    return _ESCAPE.sub(replaced, text)


def _without_dots(path: str) -> str:
    """RFC 3986 §5.2.4, for an absolute path."""
    kept: list[str] = []
    segments = path.split("/")[1:] or [""]
    for segment in segments:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
