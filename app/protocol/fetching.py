"""What comes of asking another server: a document, or why there is none; and what its headers say about it.

The texts of both refusals are half sentences that follow the name of the member (`jwks_uri must use https`), in the
characters of an OAuth error description. Whoever registered the address may read them: they tell nothing about names
and addresses of our network. `detail` does, and is for the log.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

_DIRECTIVE = re.compile(r'([A-Za-z0-9-]+)(?:=(?:"([^"]*)"|([^\s,"]*)))?')
_SECONDS = re.compile(r"[0-9]{1,9}")


class NotFetched(Exception):
    """There is no document: `str()` is half a sentence for whoever registered the address."""

    def __init__(self, reason: str, *, detail: str = "") -> None:
        super().__init__(reason)
        self.detail = detail


class Refused(NotFetched):
    """What was registered is not acceptable, and asking again changes nothing."""


class Failed(NotFetched):
    """The other side did not give the document; it may do so later."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a server gave. `fresh_for` are the seconds that it may be kept, None when the server left that open."""

    body: bytes = field(repr=False)
    fresh_for: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server says to a form: its status, and its Retry-After header, empty when there was none."""

    status: int
    retry_after: str = ""


def media_type(content_type: str) -> str:
    """Return the media type of a Content-Type header without its parameters (RFC 9110 §8.3.1)."""
    return content_type.partition(";")[0].strip().lower()


def is_one_of(content_type: str, accepted: Iterable[str]) -> bool:
    """Tell whether a Content-Type header has one of these media types; a `*` in one stands for anything, as in
    `application/*+json` (RFC 6839 §3.1)."""
    found = media_type(content_type)
    return any(fnmatchcase(found, kind) for kind in accepted)


def fresh_for(cache_control: str, age: str) -> int | None:
    """Return for how many seconds an answer may be kept, None when the server did not say (RFC 9111 §4.2).

    `cache_control` is the Cache-Control header, `age` what of its time the answer spent in caches on the way. Of a
    directive that comes twice the first one counts (RFC 9111 §4.2.1).
    """
    said: dict[str, str] = {}
    for found in _DIRECTIVE.finditer(cache_control):
        said.setdefault(found[1].lower(), found[2] or found[3] or "")
    if {"no-store", "no-cache"} & said.keys():
        return 0
    if not _SECONDS.fullmatch(said.get("max-age", "")):
        return None
    spent = int(age) if _SECONDS.fullmatch(age) else 0
    return max(0, int(said["max-age"]) - spent)
