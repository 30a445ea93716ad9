"""Session management (OpenID Connect Session Management 1.0): how an application's page learns that a login changed.

Its page holds the `session_state` of an answer, and asks a frame of ours whether it still fits the browser's state,
which the frame reads from a cookie. Neither tells who is signed in, and only our key makes the one of the other.
"""

from base64 import urlsafe_b64encode
from hashlib import sha256
from uuid import UUID

from app.crypto.hashing import keyed
from app.protocol.features import Feature, FeatureSet
from app.protocol.frontchannel import web_origin

NOBODY = ""
"""The state of a browser on which nobody is signed in: it has no cookie for it."""

OPAQUE = "null"
"""The origin of an answer that goes to no web page, as browsers would write it (RFC 6454 §6.2)."""


def is_offered(features: FeatureSet) -> bool:
    """Tell whether there is such a state here; otherwise no cookie and no answer has it."""
    return Feature.SESSION_MANAGEMENT in features


def browser_state(key: bytes, session: UUID) -> str:
    """Return what the cookie holds while this session is the present one of the browser.

    It changes when somebody signs in, signs out or changes places with another account, and only then (LS-3).
    """
    return urlsafe_b64encode(keyed(key, session.bytes)[:24]).decode("ascii")


def session_state(client_id: str, redirect_uri: str, state: str, salt: str) -> str:
    """Return the member of an answer that goes to this redirect URI (LS-1); it has no space in it.

    `state` is `browser_state`, or `NOBODY`: each answer has a salt of its own, so that failed logins vary, too (LS-3).
    """
    origin = web_origin(redirect_uri) or OPAQUE
    made = sha256(f"{client_id} {origin} {state} {salt}".encode()).hexdigest()
    return f"{made}.{salt}"
