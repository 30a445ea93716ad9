"""What the server tells the whole world about itself: made once, and kept in memory."""

from dataclasses import dataclass
from hashlib import sha256

import orjson


@dataclass(frozen=True, slots=True)
class Published:
    """A document as it is sent, and the tag by which caches ask whether it is the same."""

    body: bytes
    etag: bytes


def publish(document: object) -> Published:
    """Return a document ready to be sent."""
    body = orjson.dumps(document)
    return Published(body, f'"{sha256(body).hexdigest()[:32]}"'.encode("ascii"))
