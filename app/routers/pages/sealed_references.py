"""References that only this server makes: what a page needs again with the next request, sealed into its address or
form, so that nothing is stored and no log can read it.

Each opens for one purpose and for the one browser or person that it was made for.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache

from app.crypto.derivation import derive_key
from app.crypto.sealing import seal, unseal
from app.pipeline.server import Server


def make(server: Server, purpose: str, content: bytes, holder: bytes) -> str:
    """Return the reference to `content`; `holder` is what it opens for."""
    key = _key(server.keys.by_version[server.keys.current], purpose)
    return urlsafe_b64encode(seal(key, content, holder)).rstrip(b"=").decode("ascii")


def read(server: Server, purpose: str, reference: str, holder: bytes, *, longest: int) -> bytes | None:
    """Return what a reference stands for; None for any other text, and for one that is longer than any could be.

    Every key of the server that still counts opens those that were made with it.
    """
    if not 0 < len(reference) <= longest or not reference.isascii():
        return None
    try:
        sealed = urlsafe_b64decode(reference + "=" * (-len(reference) % 4))
    except ValueError:  # what base64 raises is one
        return None
    opened = (unseal(_key(key, purpose), sealed, holder) for key in server.keys.by_version.values())
    return next((content for content in opened if content is not None), None)


@lru_cache(maxsize=64)
def _key(server_key: bytes, purpose: str) -> bytes:
    return derive_key(server_key, purpose)
