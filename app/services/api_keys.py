"""API keys of organizations: made, changed, given another secret without an outage, removed.

A key holds no scope that its maker does not hold in the organization himself, and nobody is handed the secret of a key
that can do more than he can. A secret is returned by the call that made it and never again; what is changed holds from
the next request on, because keys are read anew with each.

Whoever acts is judged once more under the organization's lock. Every function may hence raise `OrganizationGone` and
`NotAllowed` of `app.services.acting`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from app.crypto.hashing import digest
from app.crypto.secrets import new_id, random_bytes
from app.protocol import origins, permissions
from app.protocol.events import Event
from app.protocol.names import MAX_NAME_LENGTH
from app.protocol.scopes import ScopeRegistry
from app.protocol.token_format import Credential, Prefix, format_credential
from app.services.acting import Acting
from app.store import api_keys, idempotency, trail
from app.store.api_keys import KeyDescription, KeySecret, KeyStatus, Place, StoredKey
from app.store.database import Database
from app.store.idempotency import Claim
from app.store.trail import Place as TrailPlace
from app.store.trail import Selection
from app.store.transaction import Transaction

DEFAULT_LABEL = "Default"
DEFAULT_SCOPES = ("project:read", "event:read", "team:read", "org:read", "member:read")
"""What a key may do of which nobody said more (original behaviour §3.3)."""

MAX_KEYS = 200
"""Keys of one organization."""

_A_MOMENT = timedelta(minutes=5)

KeyField = Literal["label", "scopes", "allowed_origins"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants a key to be. None means the usual for a new one, and for another one what it is."""

    label: str | None = None
    scopes: tuple[str, ...] | None = None
    allowed_origins: tuple[str, ...] | None = None
    status: KeyStatus | None = None


@dataclass(frozen=True, slots=True)
class ShownKey:
    """A key together with its new secret, which is shown this once."""

    key: StoredKey
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a field, as the second half of a sentence; `entry` is what is wrong in a list."""

    field: KeyField
    message: str
    entry: str = ""


class NotAccepted(Exception):
    """The key cannot be described like this."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{problem.field}: {problem.message}" for problem in self.problems))


class NoSuchKey(Exception):
    """The organization has no such key."""


class TooManyKeys(Exception):
    """The organization has as many keys as it may have."""


class BeyondReach(Exception):
    """The key can do more than who asks for its secret."""

    def __init__(self, scopes: tuple[str, ...]) -> None:
        self.scopes = scopes
        super().__init__(f"the key holds {', '.join(scopes)}")


class StillRetiring(Exception):
    """The secret before is still good; there are never more than two."""


class NothingRetires(Exception):
    """The key has one secret."""


async def list_page(
    database: Database, organization_id: UUID, *, after: Place | None = None, limit: int = MAX_KEYS
) -> list[StoredKey]:
    """Return up to `limit` keys of an organization by label; with `after`, those behind that place."""
    async with database.transaction() as transaction:
        return await api_keys.list_page(transaction, organization_id, after=after, limit=limit)


async def find(database: Database, organization_id: UUID, key_id: UUID) -> StoredKey:
    """Return a key of an organization; raises `NoSuchKey`, also for those of others: nobody can tell which."""
    async with database.transaction() as transaction:
        found = await api_keys.find(transaction, organization_id, key_id)
    if found is None:
        raise NoSuchKey
    return found


async def create(
    database: Database, acting: Acting, organization_id: UUID, wanted: Wanted, claim: Claim | None = None
) -> ShownKey:
    """Make a key; raises `NotAccepted`, `TooManyKeys` and `Repeated`."""
    async with database.transaction() as transaction:
        return await add(transaction, acting, organization_id, wanted, claim)


async def add(
    transaction: Transaction, acting: Acting, organization_id: UUID, wanted: Wanted, claim: Claim | None = None
) -> ShownKey:
    """Make a key in the caller's transaction, which must end when this raises what `create` does."""
    now = acting.occasion.now
    key_id = new_id(now)
    shown, secret = new_secret(key_id)
    await idempotency.spend(transaction, claim, str(key_id), now)
    # The organization is locked from here on: nobody else adds a key between the count and ours.
    _, held = await acting.enter(transaction, organization_id, permissions.API_KEYS, "POST")
    usual = KeyDescription(DEFAULT_LABEL, default_scopes(held, acting.registry))
    description = _described(usual, wanted)
    _accept(description, None, held, acting.registry)
    if await api_keys.count(transaction, organization_id) >= MAX_KEYS:
        raise TooManyKeys
    made = await api_keys.insert_key(transaction, key_id, organization_id, description, secret, acting.user_id, now)
    await _note(transaction, Event.API_KEY_CREATED, acting, made, after=made)
    return ShownKey(made, shown)


async def change(
    database: Database,
    acting: Acting,
    organization_id: UUID,
    key_id: UUID,
    wanted: Wanted,
    *,
    version: int | None = None,
) -> StoredKey:
    """Change what is said about a key, and return it; what is so already changes nothing.

    Raises `NoSuchKey`, `NotAccepted`, and with a `version` `VersionChanged` when the key is at another one.
    """
    async with database.transaction() as transaction:
        _, held = await acting.enter(transaction, organization_id, permissions.API_KEYS, "PUT")
        before = await _locked(transaction, organization_id, key_id, version)
        description = _described(before.description, wanted)
        _accept(description, before.description, held, acting.registry)
        if description == before.description:
            return before
        after = await api_keys.describe(transaction, before, description, acting.occasion.now)
        await _note(transaction, Event.API_KEY_CHANGED, acting, before, before=before, after=after)
    return after


async def rotate(
    database: Database, acting: Acting, organization_id: UUID, key_id: UUID, claim: Claim | None = None
) -> ShownKey:
    """Give a key another secret; the one it had stays good until it is retired.

    Raises `NoSuchKey`, `BeyondReach`, `StillRetiring` and `Repeated`.
    """
    now = acting.occasion.now
    shown, secret = new_secret(key_id)
    async with database.transaction() as transaction:
        await idempotency.spend(transaction, claim, str(key_id), now)
        _, held = await acting.enter(transaction, organization_id, permissions.API_KEYS, "POST")
        before = await _locked(transaction, organization_id, key_id)
        if beyond := beyond_reach(before, held, acting.registry):
            raise BeyondReach(beyond)
        if before.retiring_last_four is not None:
            raise StillRetiring
        after = await api_keys.rotate(transaction, before, secret, now)
        await _note(transaction, Event.API_KEY_ROTATED, acting, before, before=before, after=after)
    return ShownKey(after, shown)


async def retire(database: Database, acting: Acting, organization_id: UUID, key_id: UUID) -> StoredKey:
    """End the secret before, at once, and return the key; raises `NoSuchKey` and `NothingRetires`."""
    async with database.transaction() as transaction:
        await acting.enter(transaction, organization_id, permissions.API_KEYS, "POST")
        before = await _locked(transaction, organization_id, key_id)
        if before.retiring_last_four is None:
            raise NothingRetires
        after = await api_keys.retire(transaction, before, acting.occasion.now)
        await _note(transaction, Event.API_KEY_RETIRED, acting, before, before=before, after=after)
    return after


async def remove(
    database: Database, acting: Acting, organization_id: UUID, key_id: UUID, *, version: int | None = None
) -> StoredKey:
    """Remove a key for good and return it as it was; its history stays.

    Raises `NoSuchKey`, and with a `version` `VersionChanged` when the key is at another one.
    """
    async with database.transaction() as transaction:
        await acting.enter(transaction, organization_id, permissions.API_KEYS, "DELETE")
        before = await _locked(transaction, organization_id, key_id, version)
        await api_keys.remove(transaction, before)
        await _note(transaction, Event.API_KEY_REMOVED, acting, before, before=before)
    return before


async def just_removed(database: Database, organization_id: UUID, key_id: UUID, user_id: UUID, now: datetime) -> str:
    """Return the label of a key that this very person has removed a moment ago; empty for anything else."""
    deeds = Selection(
        organization_id=organization_id,
        events=frozenset({Event.API_KEY_REMOVED}),
        actor=str(user_id),
        subject=str(key_id),
        since=now - _A_MOMENT,
    )
    found = await trail.page(database, deeds, TrailPlace(), 1)
    return str(found.entries[0].data["before"]["label"]) if found.entries else ""


def default_scopes(held: frozenset[str], registry: ScopeRegistry) -> tuple[str, ...]:
    """Return the usual scopes of a key, as far as there are such and its maker holds them."""
    return tuple(scope for scope in DEFAULT_SCOPES if scope in registry and scope in held)


def beyond_reach(key: StoredKey, held: frozenset[str], registry: ScopeRegistry) -> tuple[str, ...]:
    """Return the scopes of a key that somebody who holds these lacks. Those no longer registered open nothing."""
    return tuple(scope for scope in key.description.scopes if scope in registry and scope not in held)


def _described(usual: KeyDescription, wanted: Wanted) -> KeyDescription:
    """Return a description with what is wanted different, tidied up: no blank label, nothing twice, no empty lines."""
    label = usual.label if wanted.label is None else wanted.label.strip() or DEFAULT_LABEL
    scopes = usual.scopes if wanted.scopes is None else tuple(dict.fromkeys(wanted.scopes))
    allowed = usual.allowed_origins
    if wanted.allowed_origins is not None:
        allowed = tuple(dict.fromkeys(filter(None, map(str.strip, wanted.allowed_origins))))
    return KeyDescription(label, scopes, allowed, wanted.status or usual.status)


def _accept(wanted: KeyDescription, had: KeyDescription | None, held: frozenset[str], registry: ScopeRegistry) -> None:
    """Raise `NotAccepted` unless a key may be like this; the scopes and origins that it had already it may keep.

    Whoever switches it on needs its scopes himself, as for a new one: he may know its secret from better times.
    """
    found: list[Problem] = []
    keeps = had is not None and not (had.status == "inactive" and wanted.status == "active")
    if len(wanted.label) > MAX_NAME_LENGTH:
        found.append(Problem("label", f"must have {MAX_NAME_LENGTH} characters or fewer"))
    elif not wanted.label.isprintable():
        found.append(Problem("label", "must have no line breaks or other control characters"))
    for scope in wanted.scopes:
        if had is not None and scope in had.scopes and (keeps or scope not in registry):
            continue
        if scope not in registry:
            found.append(Problem("scopes", "is not known here", scope))
        elif scope not in held:
            found.append(Problem("scopes", "is more than your role here allows", scope))
    if len(wanted.allowed_origins) > origins.MAX_ENTRIES:
        found.append(Problem("allowed_origins", f"must be {origins.MAX_ENTRIES} or fewer"))
    for origin in wanted.allowed_origins:
        if had is not None and origin in had.allowed_origins:
            continue
        if (problem := origins.problem_with(origin)) is not None:
            found.append(Problem("allowed_origins", problem, origin))
    if found:
        raise NotAccepted(found)


def new_secret(key_id: UUID) -> tuple[str, KeySecret]:
    """Return a new secret of a key, as it is shown once and as it is kept."""
    credential = Credential(key_id, random_bytes())
    shown = format_credential(Prefix.API_KEY, credential)
    return shown, KeySecret(digest(credential.secret), shown[-4:])


async def _locked(
    transaction: Transaction, organization_id: UUID, key_id: UUID, version: int | None = None
) -> StoredKey:
    found = await api_keys.lock(transaction, organization_id, key_id, version)
    if found is None:
        raise NoSuchKey
    return found


async def _note(
    transaction: Transaction,
    event: Event,
    acting: Acting,
    key: StoredKey,
    *,
    before: StoredKey | None = None,
    after: StoredKey | None = None,
) -> None:
    """Write down a deed: which key, and how it was and is; never its secret."""
    await acting.write_down(
        transaction,
        event,
        key.organization_id,
        subject_id=key.id,
        before=None if before is None else state_of(before),
        after=None if after is None else state_of(after),
    )


def state_of(key: StoredKey) -> dict[str, object]:
    """Return a key as the audit trail tells it, before and after a change."""
    return {
        "label": key.description.label,
        "scopes": list(key.description.scopes),
        "allowed_origins": list(key.description.allowed_origins),
        "status": key.description.status,
        "last_four": key.last_four,
        "retiring_last_four": key.retiring_last_four,
    }
