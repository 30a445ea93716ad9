"""Signing keys of the server: made, sealed, replaced in time, and retired in an emergency.

Every server on a database does this, and any number of them at once: what is due is decided again while nobody else
changes the ring, so that a key which two have made in advance joins it once.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson

from app.crypto import jose
from app.crypto.envelope import Purpose, Vault
from app.crypto.secrets import new_id
from app.protocol.events import Event
from app.protocol.tokens.keyring import Activate, KeyRing, Make, Remove, RingKey, SigningPlan, Step, due
from app.store import signing_keys
from app.store.database import Database
from app.store.orders import Actor, AuditEntry, audit_entry
from app.store.signing_keys import Changes, NewKey

Tell = Callable[[Event, str, Mapping[str, object]], AuditEntry]
"""(event, kid, data) → the audit row of a deed, in the name of whoever does it."""


class NoSuchKey(Exception):
    """The ring has no key of this id."""


class AlreadyRetired(Exception):
    """The key was retired before; nothing was changed."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """A key pair that has not joined the ring."""

    public_jwk: Mapping[str, Any]
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyKeeper:
    """Whoever looks after the ring: its database, its seal and its plan."""

    database: Database
    vault: Vault
    plan: SigningPlan

    async def ring(self) -> KeyRing:
        """Return the ring as it is."""
        return KeyRing(tuple(stored.key for stored in await signing_keys.read(self.database)), self.plan)

    async def unreadable(self) -> tuple[str, ...]:
        """Return the ids of the keys in use that were sealed under another root secret, or are damaged."""
        used = [one for one in await signing_keys.read(self.database) if one.key.retired_at is None]
        return tuple(one.key.kid for one in used if one.opened(self.vault) is None)

    async def keep(self, now: datetime, tell: Tell, *, ahead: bool = False) -> Changes:
        """Do what is due at `now`: announce the next keys, begin with them, remove what is over. With `ahead` the next
        keys are announced now."""
        steps = due(await self.ring(), now, ahead=ahead)
        if not steps:
            return Changes()
        spare = await self._pairs(step.alg for step in steps if isinstance(step, Make))

        def decide(keys: tuple[RingKey, ...]) -> Changes:
            return _carried_out(due(KeyRing(keys, self.plan), now, ahead=ahead), spare, now, tell)

        return await signing_keys.change(self.database, now, decide)

    async def retire(self, kid: str, now: datetime, tell: Tell) -> Changes:
        """Let a key sign no more and be published no more, from now on; where it was the last one, another begins.

        What it has signed is invalid from then on. Raises NoSuchKey, or AlreadyRetired.
        """
        known = {key.kid: key for key in (await self.ring()).keys}
        if kid not in known:
            raise NoSuchKey
        spare = await self._pairs([known[kid].alg])

        def decide(keys: tuple[RingKey, ...]) -> Changes:
            left = tuple(_retired(key, now) if key.kid == kid else key for key in keys)
            changes = _carried_out(due(KeyRing(left, self.plan), now), spare, now, tell)
            told = tell(Event.SIGNING_KEY_RETIRED, kid, {"alg": known[kid].alg})
            return replace(changes, retire=(kid,), entries=(told, *changes.entries))

        return await signing_keys.change(self.database, now, decide)

    async def _pairs(self, algs: Iterable[str]) -> dict[str, _Pair]:
        """Return a pair for each algorithm. Making one takes a while: not on the event loop, and not under the lock."""
        return {alg: await asyncio.to_thread(_new_pair, self.vault, alg) for alg in algs}


def audit_of_key(now: datetime, actor: Actor, event: Event, kid: str, data: Mapping[str, object]) -> AuditEntry:
    """Return the audit row of a deed of `actor`; with the first two bound it is a `Tell`."""
    return audit_entry(event, now, actor, subject_id=kid, data=data)


def _new_pair(vault: Vault, alg: str) -> _Pair:
    jwk = jose.generate(alg)
    return _Pair(jose.public_part(jwk), vault.seal(Purpose.SIGNING_KEY, orjson.dumps(jwk), jwk["kid"].encode("ascii")))


def _retired(key: RingKey, now: datetime) -> RingKey:
    if key.retired_at is not None:
        raise AlreadyRetired
    return replace(key, retired_at=now)


def _carried_out(steps: Iterable[Step], spare: Mapping[str, _Pair], now: datetime, tell: Tell) -> Changes:
    """Return the changes that the steps come to. A key that nobody has a pair for is left to the next time."""
    steps = tuple(steps)
    made = tuple(_new_key(spare[step.alg], step, now) for step in steps if isinstance(step, Make) and step.alg in spare)
    removed = tuple(step.kid for step in steps if isinstance(step, Remove))
    return Changes(
        make=made,
        activate=tuple(step.kid for step in steps if isinstance(step, Activate)),
        remove=removed,
        entries=(
            *(tell(Event.SIGNING_KEY_CREATED, key.kid, _description(key)) for key in made),
            *(tell(Event.SIGNING_KEY_REMOVED, kid, {}) for kid in removed),
        ),
    )


def _new_key(pair: _Pair, step: Make, now: datetime) -> NewKey:
    return NewKey(
        id=new_id(now),
        kid=pair.public_jwk["kid"],
        alg=step.alg,
        public_jwk=pair.public_jwk,
        sealed=pair.sealed,
        created_at=now,
        active_from=step.active_from,
    )


def _description(key: NewKey) -> dict[str, object]:
    return {"alg": key.alg, "active_from": key.active_from.isoformat()}
