"""The signing keys as a worker holds them: read from time to time, opened when first used.

What changes in the database (a next key, a key that was retired in an emergency) is in effect here within
`EVERY_SECONDS`. A worker that cannot ask goes on with what it knows: its clock tells it when an announced key begins.
But what it publishes then is not to be kept, since others may have announced a key meanwhile.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
import structlog

from app.crypto import jose
from app.crypto.envelope import Vault
from app.crypto.jose import SigningKey
from app.pipeline.published import Published, publish
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.tokens.keyring import KeyRing, RingKey, SigningPlan
from app.store.signing_keys import StoredKey

EVERY_SECONDS = 10.0
AGAIN_SECONDS = 2.0

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Keyring:
    """The ring of a worker; `read` fetches the stored keys."""

    read: Callable[[], Awaitable[tuple[StoredKey, ...]]]
    vault: Vault
    plan: SigningPlan
    ring: KeyRing = field(default_factory=KeyRing)
    _stored: dict[str, StoredKey] = field(default_factory=dict, repr=False)
    _open: dict[str, SigningKey] = field(default_factory=dict, repr=False)
    _sets: dict[tuple[str, ...], Published] = field(default_factory=dict, repr=False)
    _looked_at: float = -AGAIN_SECONDS
    _read_at: float = field(default_factory=time.monotonic)

    def sign(self, now: datetime, alg: str, typ: str, claims: Mapping[str, Any]) -> str:
        """Return a JWT signed with the key of an algorithm, empty: with the server's own choice (JW-3).

        Raises `temporarily_unavailable` while there is no key for it.
        """
        key = self.ring.signer(alg or self.ring.choice(now), now)
        opened = None if key is None else self._opened(key)
        if opened is None:
            raise OAuthError(
                ErrorCode.TEMPORARILY_UNAVAILABLE,
                "the server has no key to sign with; try again in a moment",
                detail=f"no key for {alg}" if key is None else f"{key.kid} cannot be opened with this root secret",
            )
        return jose.sign(opened, claims, typ=typ)

    async def knowing(self, kid: str) -> KeyRing:
        """Return the ring, read again when it has no key of this id: another server may have begun with a new one.

        Anybody can name a key that nobody has, so that such a name is looked for once in `AGAIN_SECONDS`.
        """
        now = time.monotonic()
        if kid not in self._stored and now >= self._looked_at + AGAIN_SECONDS:
            self._looked_at = now
            await self.refresh()
        return self.ring

    def published(self, now: datetime) -> Published:
        """Return what the world may see now; made once for as long as it stays the same."""
        keys = self.ring.published(now)
        names = tuple(key.kid for key in keys)
        if names not in self._sets:
            self._sets = {names: publish({"keys": [jose.public_part(key.public_jwk) for key in keys]})}
        return self._sets[names]

    def cache_seconds(self) -> int:
        """Return how long others may keep what is published here (JW-1)."""
        return int(self.plan.cache_of(timedelta(seconds=time.monotonic() - self._read_at)).total_seconds())

    async def refresh(self) -> None:
        """Read the keys again; those that are open and still there stay open."""
        asked_at = time.monotonic()
        stored = await self.read()
        self._read_at = asked_at
        self._stored = {one.key.kid: one for one in stored}
        self._open = {kid: opened for kid, opened in self._open.items() if kid in self._stored}
        self.ring = KeyRing(tuple(one.key for one in stored), self.plan)

    async def run(self, *, every: float = EVERY_SECONDS) -> None:
        """Refresh until cancelled; a database that is away is asked again."""
        while True:
            await asyncio.sleep(every)
            try:
                await self.refresh()
            except Exception as failed:  # whatever it is: a ring that is read no more would never lose a retired key
                _log.warning("keyring.not_read", error=type(failed).__name__)

    def _opened(self, key: RingKey) -> SigningKey | None:
        if key.kid not in self._open:
            private = self._stored[key.kid].opened(self.vault)
            if private is None:
                _log.error("keyring.sealed_otherwise", kid=key.kid)
                return None
            self._open[key.kid] = jose.signing_key(orjson.loads(private))
        return self._open[key.kid]
