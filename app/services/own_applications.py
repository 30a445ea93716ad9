"""What the owner of an application does with it: for the portal's pages and the JSON API.

Every deed is judged on the application as it is inside the transaction, and leaves an audit row there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from app.crypto.envelope import Vault
from app.crypto.secrets import new_id
from app.outbound.client import Outbound
from app.protocol.client_auth import SECRET_METHODS
from app.protocol.events import Event
from app.protocol.scopes import ScopeRegistry
from app.services import application_history as history
from app.services import application_settings as rules
from app.services import applications, client_secrets, sector_lists
from app.services.application_holder import Holder, OwnApplication, holder_at, holder_of, in_hand, look_up, seen
from app.services.application_obstacles import (
    MOST_APPLICATIONS,
    Conflicting,
    NoSuchPlace,
    NoSuchSecret,
    Obstacle,
)
from app.services.application_settings import ApplicationSettings, Problem, Unacceptable
from app.services.applications import MOST_SECRETS, NoSuchApplication, Owner
from app.services.occasion import Occasion
from app.store import application_secrets, application_states, audit, idempotency
from app.store import applications as store
from app.store.application_secrets import NewSecret
from app.store.database import Database
from app.store.idempotency import Claim
from app.store.transaction import Transaction
from app.store.versions import VersionChanged

__all__ = [
    "MYSELF",
    "ApplicationSettings",
    "Conflicting",
    "Holder",
    "Made",
    "MadeSecret",
    "NoSuchApplication",
    "NoSuchPlace",
    "NoSuchSecret",
    "Obstacle",
    "OwnApplication",
    "Problem",
    "Unacceptable",
    "add_secret",
    "change",
    "create",
    "delete",
    "find",
    "holder_at",
    "holder_of",
    "list_page",
    "restore",
    "retire_secret",
    "switch_off",
    "switch_on",
]

MYSELF = "me"
"""In place of an organization's slug: the person himself."""


@dataclass(frozen=True, slots=True)
class Made:
    """A new application; `client_secret` is None for a public one, and shown this once."""

    application: OwnApplication
    client_secret: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class MadeSecret:
    """A new secret, shown this once, and the application that has it now."""

    id: UUID
    application: OwnApplication
    client_secret: str = field(repr=False)


async def list_page(
    database: Database, holder: Holder, *, owner: str | None = None, after: UUID | None = None, limit: int
) -> list[OwnApplication]:
    """Return up to `limit` applications by name, after the one with the id `after`.

    `owner` is `me`, or the slug of an organization; without it, all that the person may manage. What is not his to
    manage has no applications. Raises `NoSuchPlace`.
    """
    person = holder.user_id if owner in (None, MYSELF) else None
    owners = {one.id for one in holder.organizations if owner in (None, one.slug)}
    async with database.transaction() as transaction:
        try:
            found = await store.page_owned(transaction, person, owners, after=after, limit=limit)
        except LookupError:
            raise NoSuchPlace from None
        return await seen(transaction, holder, found)


async def find(database: Database, holder: Holder, client_id: str) -> OwnApplication:
    """Return one application; raises `NoSuchApplication`."""
    async with database.transaction() as transaction:
        return await look_up(transaction, holder, client_id)


async def create(
    database: Database,
    holder: Holder,
    settings: ApplicationSettings,
    occasion: Occasion,
    *,
    scopes: ScopeRegistry,
    signing: Sequence[str] = (),
    outbound: Outbound | None = None,
    organization: str | None = None,
    claim: Claim | None = None,
    vault: Vault | None = None,
) -> Made:
    """Register an application of the person, or of one of his organizations (a slug).

    `signing` are the server's algorithms, `outbound` fetches what it says about its sector, and `vault` seals the
    secret of one that makes MACs with it.
    Raises `Unacceptable`, `Conflicting`, and `idempotency.Repeated` (with the client_id) when the claim has been spent.
    """
    owner = _owner(holder, organization)
    listed = await sector_lists.fetch(outbound, settings.sector_identifier_uri)
    description = rules.describe(settings, scopes, owner, signing=signing, listed=listed)
    client_id, application_id = applications.new_client_id(), new_id(occasion.now)
    has_secret = description.auth_method in SECRET_METHODS
    client_secret = client_secrets.new_client_secret(occasion.now) if has_secret else None
    async with database.transaction() as transaction:
        await idempotency.spend(transaction, claim, client_id, occasion.now)
        await _require_owner(transaction, holder, owner)
        await _require_room(transaction, owner)
        await store.insert_application(transaction, application_id, client_id, description, (), occasion.now)
        if client_secret is not None:
            sealed = applications.sealed_secret(vault, application_id, description, client_secret)
            secret = _new_secret(client_secret, holder, occasion, sealed)
            await application_secrets.add(transaction, application_id, secret, occasion.now)
        made = await look_up(transaction, holder, client_id)
        await _write_down(
            transaction, holder, made, occasion, Event.APPLICATION_CREATED, after=history.members(description)
        )
    return Made(made, client_secret)


async def change(
    database: Database,
    holder: Holder,
    client_id: str,
    settings: ApplicationSettings,
    occasion: Occasion,
    *,
    scopes: ScopeRegistry,
    signing: Sequence[str] = (),
    outbound: Outbound | None = None,
    version: int | None = None,
    hand_to: str | None = None,
) -> OwnApplication:
    """Change the members that `settings` was given; what is so already is no change. `signing` and `outbound` as above.

    With `hand_to` it belongs to one of the person's organizations (a slug) or to himself (`me`) from now on. What an
    operator has checked lapses when its name, its addresses or its owner change. Raises `NoSuchApplication`,
    `VersionChanged`, `Unacceptable`, `Conflicting`.
    """
    listed = await sector_lists.fetch(outbound, await _sector(database, holder, client_id, settings))
    async with in_hand(database, holder, client_id) as (transaction, own):
        _require_version(own, version)
        _require_staying(own)
        before = own.stored.description
        after = rules.describe_anew(before, settings, scopes, signing=signing, listed=listed)
        if hand_to is not None:
            owner = _owner(holder, None if hand_to == MYSELF else hand_to)
            await _require_owner(transaction, holder, owner)
            after = rules.belonging_to(owner, after)
            if (owner.organization_id or owner.user_id) != own.owner:
                await _require_room(transaction, owner)
        if after == before:
            return own
        anew = rules.presents_itself_anew(before, after) or rules.acts_for_more(before, after)
        lapses = own.stored.verified and anew
        await store.change(transaction, own.stored.id, occasion.now, after, uncheck=lapses)
        changed = await look_up(transaction, holder, client_id)
        await _write_down_change(transaction, holder, own, changed, occasion)
        if lapses:
            lapsed = {"before": {"checked": True}, "after": {"checked": False}}
            await _write_down(transaction, holder, changed, occasion, Event.APPLICATION_UNCHECKED, **lapsed)
    return changed


async def add_secret(
    database: Database,
    holder: Holder,
    client_id: str,
    occasion: Occasion,
    *,
    claim: Claim | None = None,
    vault: Vault | None = None,
) -> MadeSecret:
    """Make a second secret valid. `vault` seals that of an application that makes MACs with it.

    Raises `NoSuchApplication`, `Conflicting`, `Repeated` (with the secret's id)."""
    client_secret, secret_id = client_secrets.new_client_secret(occasion.now), new_id(occasion.now)
    async with in_hand(database, holder, client_id) as (transaction, own):
        await idempotency.spend(transaction, claim, str(secret_id), occasion.now)
        _require_staying(own)
        if own.stored.description.auth_method not in SECRET_METHODS:
            raise Conflicting(Obstacle.NO_SECRETS)
        if len(own.stored.secret_digests) >= MOST_SECRETS:
            raise Conflicting(Obstacle.TWO_SECRETS)
        sealed = applications.sealed_secret(vault, own.stored.id, own.stored.description, client_secret)
        secret = _new_secret(client_secret, holder, occasion, sealed, id=secret_id)
        await application_secrets.add(transaction, own.stored.id, secret, occasion.now)
        changed = await look_up(transaction, holder, client_id)
        told = history.secret_kept(secret.id, secret.last_four)
        await _write_down(transaction, holder, changed, occasion, Event.APPLICATION_SECRET_ADDED, after=told)
    return MadeSecret(secret.id, changed, client_secret)


async def retire_secret(
    database: Database, holder: Holder, client_id: str, secret_id: UUID, occasion: Occasion
) -> OwnApplication:
    """End a secret at once, unless it is the last one of an application that needs one.

    Raises `NoSuchApplication`, `NoSuchSecret`, `Conflicting`."""
    async with in_hand(database, holder, client_id) as (transaction, own):
        secret = next((one for one in own.secrets if one.id == secret_id), None)
        if secret is None:
            raise NoSuchSecret
        _require_staying(own)
        if len(own.secrets) == 1 and own.stored.description.auth_method in SECRET_METHODS:
            raise Conflicting(Obstacle.LAST_SECRET)
        await application_secrets.retire(transaction, own.stored.id, secret_id, occasion.now)
        changed = await look_up(transaction, holder, client_id)
        told = history.secret_kept(secret.id, secret.last_four)
        await _write_down(transaction, holder, changed, occasion, Event.APPLICATION_SECRET_REMOVED, before=told)
    return changed


async def switch_off(database: Database, holder: Holder, client_id: str, occasion: Occasion) -> OwnApplication:
    """Refuse the application everywhere, at once and with all it holds; nothing happens when it is off already.

    Raises `NoSuchApplication`, `Conflicting`.
    """
    async with in_hand(database, holder, client_id) as (transaction, own):
        _require_staying(own)
        if not await application_states.switch_off(transaction, own.stored.id, occasion.now):
            return own
        return await _moved(transaction, holder, own, occasion, Event.APPLICATION_DISABLED)


async def switch_on(database: Database, holder: Holder, client_id: str, occasion: Occasion) -> OwnApplication:
    """Let it in again; nothing that it held lives again. Raises `NoSuchApplication`, `Conflicting`."""
    async with in_hand(database, holder, client_id) as (transaction, own):
        _require_staying(own)
        if own.stored.status == "active":
            return own
        if not await application_states.switch_on(transaction, own.stored.id, occasion.now):
            raise Conflicting(Obstacle.OFF_BY_OPERATOR)
        return await _moved(transaction, holder, own, occasion, Event.APPLICATION_ENABLED)


async def delete(
    database: Database,
    holder: Holder,
    client_id: str,
    occasion: Occasion,
    *,
    grace: timedelta,
    version: int | None = None,
) -> OwnApplication:
    """Refuse the application at once, and delete it for good after `grace`; a repeat postpones nothing.

    Raises `NoSuchApplication`, `VersionChanged`.
    """
    async with in_hand(database, holder, client_id) as (transaction, own):
        _require_version(own, version)
        at = occasion.now + grace
        if not await application_states.mark_for_deletion(transaction, own.stored.id, at, occasion.now):
            return own
        return await _moved(transaction, holder, own, occasion, Event.APPLICATION_DELETION_ASKED)


async def restore(database: Database, holder: Holder, client_id: str, occasion: Occasion) -> OwnApplication:
    """Bring an application back that waits for its deletion, switched off if it was so before.

    Nothing that it held lives again. Raises `NoSuchApplication`, `Conflicting`.
    """
    async with in_hand(database, holder, client_id) as (transaction, own):
        if own.stored.status != "pending_deletion":
            raise Conflicting(Obstacle.NOT_LEAVING)
        if not await application_states.restore(transaction, own.stored.id, occasion.now):
            raise Conflicting(Obstacle.TOO_LATE)
        return await _moved(transaction, holder, own, occasion, Event.APPLICATION_RESTORED)


async def _sector(database: Database, holder: Holder, client_id: str, settings: ApplicationSettings) -> str | None:
    """Return the address that has to be looked at before a change, without keeping a transaction waiting for it."""
    given = settings.model_fields_set
    if "sector_identifier_uri" in given:
        return settings.sector_identifier_uri
    before = (await find(database, holder, client_id)).stored.description
    if "redirect_uris" not in given and not applications.lacks_its_sector(before):
        return None
    uri: str | None = before.registration.get("sector_identifier_uri")
    return uri


def _owner(holder: Holder, organization: str | None) -> Owner:
    """Return who shall own an application: one of the person's organizations (a slug), or (None) himself."""
    if organization is None:
        return Owner(holder.user_id, holder.username)
    found = holder.organization(organization)
    if found is None:
        raise Unacceptable(
            [Problem("organization", "must be the slug of an organization whose applications you manage")]
        )
    return Owner(None, found.name, found.id)


async def _require_owner(transaction: Transaction, holder: Holder, owner: Owner) -> None:
    """Refuse what somebody was made to lose the right to own meanwhile."""
    if owner.organization_id is not None and not await holder.may_manage(transaction, owner.organization_id):
        raise Unacceptable([Problem("organization", "is one whose applications you do not manage any more")])


async def _require_room(transaction: Transaction, owner: Owner) -> None:
    """Refuse what would make one owner's applications fill the server."""
    if await store.count_owned(transaction, owner.user_id, owner.organization_id) >= MOST_APPLICATIONS:
        raise Conflicting(Obstacle.NO_ROOM)


def _require_version(own: OwnApplication, version: int | None) -> None:
    if version is not None and version != own.stored.version:
        raise VersionChanged


def _require_staying(own: OwnApplication) -> None:
    if own.stored.status == "pending_deletion":
        raise Conflicting(Obstacle.LEAVING)


def _new_secret(
    client_secret: str, holder: Holder, occasion: Occasion, sealed: bytes | None, *, id: UUID | None = None
) -> NewSecret:
    return NewSecret(
        id or new_id(occasion.now),
        client_secrets.secret_digest(client_secret),
        client_secrets.last_four(client_secret),
        holder.user_id,
        sealed,
    )


async def _moved(
    transaction: Transaction, holder: Holder, before: OwnApplication, occasion: Occasion, event: Event
) -> OwnApplication:
    """Add the audit row of a deed after which the application is let in otherwise than before; return it as it is."""
    after = await look_up(transaction, holder, before.stored.client_id)
    await _write_down(transaction, holder, after, occasion, event, **history.moved(before.stored, after.stored))
    return after


async def _write_down_change(
    transaction: Transaction, holder: Holder, before: OwnApplication, after: OwnApplication, occasion: Occasion
) -> None:
    """Add the audit row of a change; who gave an application away reads it as well as who got it."""
    change = history.difference(before.stored.description, after.stored.description)
    if before.owner == after.owner:
        await _write_down(transaction, holder, after, occasion, Event.APPLICATION_CHANGED, **change)
        return
    for own in (before, after):
        if own.organization is not None:
            await _write_down(transaction, holder, own, occasion, Event.APPLICATION_HANDED_OVER, **change)


async def _write_down(
    transaction: Transaction, holder: Holder, own: OwnApplication, occasion: Occasion, event: Event, **data: object
) -> None:
    entry = occasion.entry(
        event,
        user_id=holder.user_id,
        organization_id=own.stored.description.owner_organization_id,
        application_id=own.stored.id,
        subject_id=own.stored.client_id,
        **data,
    )
    await audit.record(transaction, entry)
