"""Applications: registered, changed, listed, switched off and on.

The functions take part in the caller's transaction.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models.application import Application, ApplicationStatus
from app.protocol.facts import ApplicationKind

_DECLARATIONS_LOCK = 0x6173_6465
"""The advisory lock under which declared data is compared with the database and written."""


@dataclass(frozen=True, slots=True)
class Description:
    """What can be said about an application, without identity, secrets and state.

    `scopes` is None when it may ask for every scope. `policy` and `registration` are as in `app.models.application`.
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


@dataclass(frozen=True, slots=True)
class StoredApplication:
    """An application as the operator and its owner see it."""

    id: UUID
    client_id: str
    description: Description
    secret_digests: tuple[bytes, ...] = field(repr=False)
    status: ApplicationStatus
    self_registered: bool
    verified: bool
    created_at: datetime
    updated_at: datetime


class ClientIdTaken(Exception):
    """Another application has this client_id."""


async def lock_declarations(transaction: AsyncSession) -> None:
    """Wait until nobody else applies a data file, and keep others waiting until the transaction ends."""
    await transaction.execute(select(func.pg_advisory_xact_lock(_DECLARATIONS_LOCK)))


async def find(transaction: AsyncSession, client_id: str) -> StoredApplication | None:
    """Return the application, whatever its state."""
    return (await find_many(transaction, [client_id])).get(client_id)


async def find_many(transaction: AsyncSession, client_ids: Iterable[str]) -> dict[str, StoredApplication]:
    """Return the applications that exist among these, by client_id."""
    rows = await transaction.execute(select(Application).where(col(Application.client_id).in_(list(client_ids))))
    return {row.client_id: _stored(row) for row in rows.scalars()}


async def list_all(transaction: AsyncSession) -> list[StoredApplication]:
    """Return every application, oldest first."""
    rows = await transaction.execute(select(Application).order_by(col(Application.id)))
    return [_stored(row) for row in rows.scalars()]


async def insert_application(
    transaction: AsyncSession,
    application_id: UUID,
    client_id: str,
    description: Description,
    secret_digests: tuple[bytes, ...],
    now: datetime,
) -> None:
    """Register an application, active; raises `ClientIdTaken`, after which the transaction must end."""
    statement = insert(Application).values(
        id=application_id,
        client_id=client_id,
        secret_digests=list(secret_digests),
        status="active",
        version=1,
        epoch=0,
        self_registered=False,
        verified=False,
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


async def change(
    transaction: AsyncSession,
    application_id: UUID,
    now: datetime,
    description: Description | None = None,
    secret_digests: tuple[bytes, ...] | None = None,
) -> None:
    """Replace the description, the secrets, or both."""
    values: dict[str, Any] = {} if description is None else _columns(description)
    if secret_digests is not None:
        values["secret_digests"] = list(secret_digests)
    await transaction.execute(
        update(Application)
        .where(col(Application.id) == application_id)
        .values(version=col(Application.version) + 1, updated_at=now, **values)
    )


async def disable(transaction: AsyncSession, client_id: str, now: datetime) -> UUID | None:
    """Shut an application out at once: the raised epoch kills what it holds. None: it was not active."""
    statement = (
        update(Application)
        .where(col(Application.client_id) == client_id, col(Application.status) == "active")
        .values(
            status="inactive", epoch=col(Application.epoch) + 1, version=col(Application.version) + 1, updated_at=now
        )
        .returning(col(Application.id))
    )
    return (await transaction.execute(statement)).scalar_one_or_none()


async def enable(transaction: AsyncSession, client_id: str, now: datetime) -> UUID | None:
    """Let an application in again; nothing it held before lives again. None: it was not inactive."""
    statement = (
        update(Application)
        .where(col(Application.client_id) == client_id, col(Application.status) == "inactive")
        .values(status="active", version=col(Application.version) + 1, updated_at=now)
        .returning(col(Application.id))
    )
    return (await transaction.execute(statement)).scalar_one_or_none()


def _columns(description: Description) -> dict[str, Any]:
    return {
        "name": description.name,
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
        "unmet": list(description.unmet),
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
            unmet=tuple(row.unmet),
        ),
        secret_digests=tuple(row.secret_digests),
        status=row.status,  # type: ignore[arg-type]
        self_registered=row.self_registered,
        verified=row.verified,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
