"""Static files: found by name, never by path, and named in pages by their content so that browsers keep them."""

import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

STATIC_PREFIX = "/static/"

_FOLDER = Path(__file__).parent / "static"
_CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    "": "text/plain; charset=utf-8",
}
# Listed once: a name that is not in here is not looked for on the disk, so no name can leave the folder.
_FILES = {path.relative_to(_FOLDER).as_posix(): path for path in _FOLDER.rglob("*") if path.is_file()}


class StaticFile(NamedTuple):
    """A file ready to serve. `etag` is quoted, as the header wants it."""

    body: bytes
    content_type: str
    etag: str


@cache
def _load(name: str) -> StaticFile:
    body = _FILES[name].read_bytes()
    return StaticFile(body, _CONTENT_TYPES[_FILES[name].suffix], f'"{hashlib.sha256(body).hexdigest()[:16]}"')


def static_file(name: str) -> StaticFile | None:
    """Return the file of that name ("assent.css", "swagger/init.js"), or None; read once, then kept."""
    return _load(name) if name in _FILES else None


def text_of(name: str) -> str:
    """Return the text of a file that stands inside a page. Raises KeyError for a name we don't have."""
    return _load(name).body.decode("utf-8")


def static_url(name: str) -> str:
    """Return the address for use in a page; it changes with the content. Raises KeyError for a name we don't have."""
    return f"{STATIC_PREFIX}{name}?v={_version(_load(name))}"


def static_headers(file: StaticFile, version: str | None) -> dict[str, str]:
    """Return the headers for a file that was asked for with `?v=version`.

    With the current version the answer may be kept for a year; without one, or with another, it is asked for again.
    """
    current = version == _version(file)
    return {
        "Cache-Control": "public, max-age=31536000, immutable" if current else "no-cache",
        "Content-Type": file.content_type,
        "ETag": file.etag,
        "X-Content-Type-Options": "nosniff",
    }


def _version(file: StaticFile) -> str:
    return file.etag.strip('"')
