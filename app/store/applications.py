"""Applications: registered, changed, listed. Whether they are let in is the business of `application_states`.

The functions take part in the caller's transaction.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, false, func, insert, or_, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models.application import Application, ApplicationStatus
from app.protocol import look_alikes, unmet
from app.protocol.client_auth import client_secret_jwt
from app.protocol.facts import ApplicationKind
from app.store import application_secrets
from app.store.application_secrets import SEALED_SECRETS
from app.store.application_states import SwitchedBy, within_reach

_DECLARATIONS_LOCK = 0x6173_6465
"""The advisory lock under which declared data is compared with the database and written."""

_DECLARATIONS_PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Description:
    """What can be said about an application, without identity, secrets and state.

    `scopes` is None when it may ask for every scope. `policy`, `registration`, `key_material`, `openid`, `requests` and
    `introduction` are as in `app.models.application`, but that what is sealed is no part of a description.
    Of the owners at most one is set.
    """

    name: str
    kind: ApplicationKind
    owner_user_id: UUID | None
    owner_name: str
    client_uri: str
    auth_method: str
    redirect_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    response_types: tuple[str, ...]
    scopes: tuple[str, ...] | None
    optional_scopes: tuple[str, ...]
    policy: Mapping[str, Any]
    registration: Mapping[str, Any]
    unmet: tuple[str, ...]
    owner_organization_id: UUID | None = None
    allowed_origins: tuple[str, ...] = ()
    key_material: Mapping[str, Any] = field(default_factory=dict)
    openid: Mapping[str, Any] = field(default_factory=dict)
    requests: Mapping[str, Any] = field(default_factory=dict)
    introduction: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredApplication:
    """An application as the operator and its owner see it.

    `off_by` is who switched it off, also while it waits for its deletion; empty when nobody did.
    """

    id: UUID
    client_id: str
    description: Description
    secret_digests: tuple[bytes, ...] = field(repr=False)
    status: ApplicationStatus
    self_registered: bool
    verified: bool
    version: int
    off_by: SwitchedBy
    delete_after: datetime | None
    created_at: datetime
    updated_at: datetime
    sealed_secrets: int = 0
    """How many of its secrets can serve as MAC keys."""
    registration_digest: bytes | None = field(default=None, repr=False)
    """That of the secret by which it manages its own registration."""


class ClientIdTaken(Exception):
    """Another application has this client_id."""


async def lock_declarations(transaction: AsyncSession) -> None:
    """Wait until nobody else applies a data file, and keep others waiting until the transaction ends.

    Many passwords take long, and a statement that waited for them would run into its timeout: so it asks again.
    """
    lock = select(func.pg_try_advisory_xact_lock(_DECLARATIONS_LOCK))
    while not await transaction.scalar(lock):  # noqa: ASYNC110 -- another process
        await asyncio.sleep(_DECLARATIONS_PAUSE_SECONDS)


async def find(transaction: AsyncSession, client_id: str, *, lock: bool = False) -> StoredApplication | None:
    """Return the application, whatever its state. With `lock`, nobody else changes it until the transaction ends."""
    query = select(Application).where(col(Application.client_id) == client_id)
    row = (await transaction.scalars(query.with_for_update() if lock else query)).one_or_none()
    return None if row is None else _stored(row)


async def find_many(
    transaction: AsyncSession, client_ids: Iterable[str], *, lock: bool = False
) -> dict[str, StoredApplication]:
    """Return the applications that exist among these, by client_id; with `lock`, as `find` does."""
    query = select(Application).where(col(Application.client_id).in_(list(client_ids))).order_by(col(Application.id))
    rows = await transaction.scalars(query.with_for_update() if lock else query)
    return {row.client_id: _stored(row) for row in rows}


async def list_all(transaction: AsyncSession) -> list[StoredApplication]:
    """Return every application, oldest first."""
    rows = await transaction.execute(select(Application).order_by(col(Application.id)))
    return [_stored(row) for row in rows.scalars()]


async def page_owned(
    transaction: AsyncSession,
    user_id: UUID | None,
    organization_ids: Collection[UUID],
    *,
    after: UUID | None,
    limit: int,
) -> list[StoredApplication]:
    """Return up to `limit` applications of a person and of organizations, by name, after the one with the id `after`.

    Those that can no longer be brought back are left out. Raises `LookupError` when `after` is not among the person's
    and the organizations': nobody can say what follows it.
    """
    owned = _owned(user_id, organization_ids)
    query = select(Application).where(owned, within_reach()).order_by(*_BY_NAME).limit(limit)
    if after is not None:
        place = (await transaction.execute(select(*_BY_NAME).where(owned, col(Application.id) == after))).first()
        if place is None:
            raise LookupError("no such place in this list")
        query = query.where(tuple_(*_BY_NAME) > tuple_(*place))
    return [_stored(row) for row in await transaction.scalars(query)]


async def count_owned(transaction: AsyncSession, user_id: UUID | None, organization_id: UUID | None) -> int:
    """Return how many applications an owner has that are not deleted for good.

    Until the transaction ends nobody else counts his, so that no two see the last free place.
    """
    owner = user_id or organization_id
    await transaction.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"applications of {owner}", 0))))
    owned = _owned(user_id, () if organization_id is None else (organization_id,))
    query = select(func.count()).select_from(Application).where(owned, col(Application.deleted_at).is_(None))
    return (await transaction.scalars(query)).one()


async def find_owned(
    transaction: AsyncSession,
    client_id: str,
    user_id: UUID | None,
    organization_ids: Collection[UUID],
    *,
    lock: bool = False,
) -> StoredApplication | None:
    """Return an application that is the person's or an organization's, unless it can no longer be brought back.

    With `lock`, nobody else changes it until the transaction ends.
    """
    query = select(Application).where(
        col(Application.client_id) == client_id, _owned(user_id, organization_ids), within_reach()
    )
    row = (await transaction.scalars(query.with_for_update() if lock else query)).one_or_none()
    return None if row is None else _stored(row)


async def insert_application(
    transaction: AsyncSession,
    application_id: UUID,
    client_id: str,
    description: Description,
    secret_digests: tuple[bytes, ...],
    now: datetime,
    *,
    last_four: str = "",
    sealed: bytes | None = None,
    verified: bool = False,
    registration_digest: bytes | None = None,
) -> None:
    """Register an application, active; raises `ClientIdTaken`, after which the transaction must end.

    `last_four` is what may be shown of its secret, `sealed` the secret itself where it serves as a MAC key. It is
    `verified` when the operator answers for its name. One that registers itself has a `registration_digest`.
    """
    statement = insert(Application).values(
        id=application_id,
        client_id=client_id,
        status="active",
        version=1,
        epoch=0,
        self_registered=registration_digest is not None,
        registration_digest=registration_digest,
        verified=verified,
        created_at=now,
        updated_at=now,
        **_columns(description),
    )
    try:
        await transaction.execute(statement)
    except IntegrityError as refused:
        if "client_id" in str(refused.orig):
            raise ClientIdTaken from None
        raise
    if secret_digests:
        await application_secrets.keep(
            transaction, application_id, secret_digests, now, last_four=last_four, sealed=sealed
        )


async def change(
    transaction: AsyncSession,
    application_id: UUID,
    now: datetime,
    description: Description | None = None,
    secret_digests: tuple[bytes, ...] | None = None,
    *,
    last_four: str = "",
    sealed: bytes | None = None,
    uncheck: bool = False,
    adopt: bool = False,
) -> None:
    """Replace the description, the secrets, or both.

    `last_four` is what may be shown of a new secret, `sealed` the secret itself where it serves as a MAC key. Of an
    application whose secrets serve so no longer, nothing stays sealed.

    `uncheck` takes back what an operator has written down about it: it is not the one any more that he looked at.
    `adopt` makes it the operator's that made itself known: what it says of itself counts no more (CI-2).
    """
    values: dict[str, Any] = {} if description is None else _columns(description)
    if uncheck:
        values |= _UNCHECKED
    if adopt:
        values |= {"self_registered": False, "registration_digest": None, "verified": True}
    await transaction.execute(
        update(Application)
        .where(col(Application.id) == application_id)
        .values(version=col(Application.version) + 1, updated_at=now, **values)
    )
    if description is not None:
        wipe = description.auth_method != client_secret_jwt.NAME
        await application_secrets.repeat_sealed(transaction, application_id, now, wipe=wipe)
    if secret_digests is not None:
        await application_secrets.keep(
            transaction, application_id, secret_digests, now, last_four=last_four, sealed=sealed
        )


async def rename_owner(
    transaction: AsyncSession, organization_id: UUID, name: str, now: datetime
) -> list[tuple[UUID, str]]:
    """Have the consent pages call an organization by its new name, for all its applications.

    What an operator has checked under the other name is checked no longer: those are returned, by id and client_id.
    """
    owned = col(Application.owner_organization_id) == organization_id
    unchecked = await transaction.execute(
        update(Application)
        .where(owned, col(Application.verified))
        .values(_UNCHECKED)
        .returning(col(Application.id), col(Application.client_id))
    )
    lapsed = [(row.id, row.client_id) for row in unchecked]
    await transaction.execute(
        update(Application).where(owned).values(owner_name=name, version=col(Application.version) + 1, updated_at=now)
    )
    return lapsed


_UNCHECKED: dict[str, Any] = {"verified": False, "checked_at": None, "checked_by": None, "checked_note": ""}

# The collation of the database may differ between servers, and would move pages; this one is the order of code points.
_BY_NAME = (func.lower(col(Application.name)).collate("C"), col(Application.id))


def _owned(user_id: UUID | None, organization_ids: Collection[UUID]) -> ColumnElement[bool]:
    mine = col(Application.owner_user_id) == user_id if user_id is not None else false()
    return or_(mine, col(Application.owner_organization_id).in_(list(organization_ids)))


def _columns(description: Description) -> dict[str, Any]:
    return {
        "name": description.name,
        "name_skeleton": look_alikes.skeleton(description.name),
        "kind": description.kind,
        "owner_user_id": description.owner_user_id,
        "owner_name": description.owner_name,
        "client_uri": description.client_uri,
        "auth_method": description.auth_method,
        "redirect_uris": list(description.redirect_uris),
        "grant_types": list(description.grant_types),
        "response_types": list(description.response_types),
        "scopes": None if description.scopes is None else list(description.scopes),
        "optional_scopes": list(description.optional_scopes),
        "policy": dict(description.policy),
        "registration": dict(description.registration),
        "unmet": [*description.unmet, *unmet.beyond_earlier(description.registration)],
        "owner_organization_id": description.owner_organization_id,
        "allowed_origins": list(description.allowed_origins),
        "key_material": dict(description.key_material),
        "openid": dict(description.openid),
        "requests": dict(description.requests),
        "introduction": dict(description.introduction),
    }


def _stored(row: Application) -> StoredApplication:
    return StoredApplication(
        id=row.id,
        client_id=row.client_id,
        description=Description(
            name=row.name,
            kind=row.kind,  # type: ignore[arg-type]
            owner_user_id=row.owner_user_id,
            owner_name=row.owner_name,
            client_uri=row.client_uri,
            auth_method=row.auth_method,
            redirect_uris=tuple(row.redirect_uris),
            grant_types=tuple(row.grant_types),
            response_types=tuple(row.response_types),
            scopes=None if row.scopes is None else tuple(row.scopes),
            optional_scopes=tuple(row.optional_scopes),
            policy=row.policy,
            registration=row.registration,
            unmet=unmet.unmet_here(row.unmet),
            owner_organization_id=row.owner_organization_id,
            allowed_origins=tuple(row.allowed_origins),
            key_material={name: row.key_material[name] for name in row.key_material if name != SEALED_SECRETS},
            openid=dict(row.openid),
            requests=dict(row.requests),
            introduction=dict(row.introduction),
        ),
        secret_digests=tuple(row.secret_digests),
        status=row.status,  # type: ignore[arg-type]
        self_registered=row.self_registered,
        verified=row.verified,
        version=row.version,
        off_by=row.off_by,  # type: ignore[arg-type]
        delete_after=row.delete_after,
        created_at=row.created_at,
        updated_at=row.updated_at,
        sealed_secrets=len(row.key_material.get(SEALED_SECRETS, ())),
        registration_digest=row.registration_digest,
    )
