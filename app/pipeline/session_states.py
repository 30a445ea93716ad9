"""What answers to applications and the browser's own cookie say about the session that stands (SR-6, LS-1)."""

from functools import lru_cache
from uuid import UUID

from app.crypto.derivation import derive_key
from app.crypto.secrets import random_bytes
from app.pipeline.server import Server
from app.protocol.authorize.answer import ClientAnswer
from app.protocol.session_state import NOBODY, browser_state, is_offered, session_state

_SALT_BYTES = 16


def browser_state_of(server: Server, session: UUID | None) -> str:
    """Return the state of a browser with this present session; None: nobody is signed in."""
    if session is None:
        return NOBODY
    return browser_state(_key(server.keys.by_version[server.keys.current]), session)


def told(server: Server, answer: ClientAnswer, client_id: str, session: UUID | None, *, signs_in: bool) -> ClientAnswer:
    """Return the answer with its `session_state`, also an error (LS-1); as it was where it is none of OpenID Connect,
    or the feature is off."""
    if not signs_in or not is_offered(server.features):
        return answer
    state = session_state(client_id, answer.uri, browser_state_of(server, session), random_bytes(_SALT_BYTES).hex())
    return answer.with_members({"session_state": state})


@lru_cache(maxsize=16)
def _key(server_key: bytes) -> bytes:
    return derive_key(server_key, "browser-state")
