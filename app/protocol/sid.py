"""`sid`: what an application calls a session (OpenID Connect Front-Channel Logout §3, Back-Channel Logout §2.1)."""

from base64 import urlsafe_b64encode
from hashlib import sha256
from uuid import UUID


def sid_of(session: UUID, client_id: str) -> str:
    """Return the name of a session for one application (SE-8).

    Each application has one of its own, so that two of them cannot find out by it that they know the same person. The
    session's own identifier, which this is made of, leaves the server nowhere else.
    """
    made = sha256(b"assent sid" + session.bytes + client_id.encode("utf-8")).digest()
    return urlsafe_b64encode(made[:18]).decode("ascii")
