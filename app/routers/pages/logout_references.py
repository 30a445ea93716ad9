"""What a sign-out is about, from one request to the next: sealed into a reference that only this server makes.

Nothing has to be stored for somebody whom nobody knows yet, and no address tells where he goes, or the ID token that a
form brought along (SE-11). The question that a person is asked opens for his browser alone (SE-7).
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

import orjson

from app.crypto.derivation import derive_key
from app.crypto.sealing import seal, unseal
from app.pipeline.server import Server
from app.protocol.id_token_hint import Hinted
from app.protocol.logout import Order

ANYBODY = b""
"""The context of a reference that no browser is bound to yet: it came from another site, and without a cookie."""

_LONGEST = 16_384


@dataclass(frozen=True, slots=True)
class Pending:
    """An order, as of a moment; `session` is the `sid` of the one that the person is asked about."""

    order: Order
    made_at: datetime
    session: UUID | None = None


def reference_to(server: Server, pending: Pending, browser: bytes) -> str:
    """Return the reference; `browser` is the secret of the one that it is for, or `ANYBODY`."""
    asked = pending.order
    hinted = None if asked.hinted is None else [asked.hinted.client_id, asked.hinted.subject, asked.hinted.sid]
    session = None if pending.session is None else pending.session.hex
    said = [asked.client_id, hinted, asked.return_uri, asked.account, asked.travels]
    content = [*said, pending.made_at.timestamp(), session]
    sealed = seal(_key(server.keys.by_version[server.keys.current]), orjson.dumps(content), browser)
    return urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def pending_behind(server: Server, reference: str, browser: bytes, now: datetime) -> Pending | None:
    """Return what a reference stands for; None for one that is too old, another browser's, or no reference at all."""
    if not 0 < len(reference) <= _LONGEST or not reference.isascii():
        return None
    try:
        sealed = urlsafe_b64decode(reference + "=" * (-len(reference) % 4))
    except ValueError:  # what base64 raises is one
        return None
    for server_key in server.keys.by_version.values():
        content = unseal(_key(server_key), sealed, browser)
        if content is not None:
            pending = _read(content)
            return pending if now < pending.made_at + server.policy.lifetimes.interaction else None
    return None


def _read(content: bytes) -> Pending:
    client_id, hinted, return_uri, account, travels, made_at, session = orjson.loads(content)
    return Pending(
        Order(client_id, None if hinted is None else Hinted(*hinted), return_uri, account, travels),
        datetime.fromtimestamp(made_at, UTC),
        None if session is None else UUID(hex=session),
    )


@lru_cache(maxsize=16)
def _key(server_key: bytes) -> bytes:
    return derive_key(server_key, "sign-out")
