"""Request objects that stand at an address of their application (`request_uri`, OpenID Connect Core §6.2, RFC 9101
§5.2): which addresses count, and what may stand there (RO-9)."""

import re
from datetime import timedelta

from app.crypto import jose
from app.crypto.hashing import digest
from app.crypto.jose_text import encoded
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.fetching import Document

MEDIA_TYPES = ("application/oauth-authz-req+jwt", "application/jwt")
MAX_BYTES = jose.LONGEST

MAX_LENGTH = 512
"""Characters of an address (RFC 9101 §5.2)."""

LONGEST_KEPT = timedelta(hours=1)
"""However long an object may be kept by what its server says, or for ever because its address names its content."""

_DIGEST = re.compile(r"[A-Za-z0-9_-]{43}")


def address(uri: str, client: ClientFact) -> str:
    """Return where to fetch the object; raises `invalid_request_uri` for an address that is not registered.

    A fragment names the content (OpenID Connect Core §6.2) and is sent to nobody. What was registered without one may
    be sent with one, which changes with the content; what was registered with one is that very content.
    """
    if len(uri) > MAX_LENGTH:
        raise _refused(f"is longer than {MAX_LENGTH} characters")
    place = uri.partition("#")[0]
    if uri not in client.requests.request_uris and place not in client.requests.request_uris:
        raise _refused("is not registered for this application; its owner can add it to request_uris")
    return place


def read(uri: str, body: bytes) -> str:
    """Return the object that stands at an address; raises `invalid_request_uri` for another content than its address
    names."""
    if not _is_what_is_named(uri, body):
        raise _refused("names another content than stands there; its fragment is the SHA-256 of the content")
    try:
        return body.decode("ascii").strip()
    except UnicodeDecodeError:
        raise _refused("leads to something that is no JWT") from None


def named_digest(uri: str) -> str | None:
    """Return the SHA-256 that an address names in its fragment, in base64url; None when it names none."""
    fragment = uri.partition("#")[2]
    return fragment if _DIGEST.fullmatch(fragment) else None


def kept_for(uri: str, document: Document) -> timedelta:
    """Return how long an object may be used without asking again: not at all where nobody said so, for applications
    change what stands at an address from one request to the next. Nor what is not what the address names: whoever asks
    for it before it is there keeps nobody else from it."""
    if not _is_what_is_named(uri, document.body):
        return timedelta()
    if named_digest(uri) is not None:
        return LONGEST_KEPT
    return min(timedelta(seconds=document.fresh_for or 0), LONGEST_KEPT)


def not_fetched(reason: str) -> OAuthError:
    """Return the refusal of an address that brought nothing; `reason` is half a sentence about it."""
    return _refused(reason)


def _is_what_is_named(uri: str, body: bytes) -> bool:
    named = named_digest(uri)
    return named is None or encoded(digest(body)).decode("ascii") == named


def _refused(flaw: str) -> OAuthError:
    return OAuthError(ErrorCode.INVALID_REQUEST_URI, f"request_uri {flaw}")
