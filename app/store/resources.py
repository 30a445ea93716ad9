"""Resources that were declared as data."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from app.models.resource import Resource as Row
from app.protocol.resources import Resource
from app.store.database import Database
from app.store.transaction import Transaction

CHANNEL = "assent_resource"
"""Says that resources have changed, when the change is committed."""


async def read_all(database: Database) -> tuple[Resource, ...]:
    """Return every resource, by identifier."""
    async with database.transaction() as transaction:
        return await all_declared(transaction)


async def all_declared(transaction: Transaction) -> tuple[Resource, ...]:
    """Return every resource, by identifier."""
    rows = (await transaction.scalars(select(Row).order_by(col(Row.identifier)))).all()
    return tuple(_resource(row) for row in rows)


async def read(database: Database, identifier: str) -> tuple[Resource, int] | None:
    """Return a resource with its version; None when there is none."""
    async with database.transaction() as transaction:
        row = await transaction.scalar(_one(identifier))
        return None if row is None else (_resource(row), row.version)


async def hold(transaction: Transaction, identifier: str) -> tuple[Resource, int] | None:
    """Return a resource as `read` does, and keep others from changing it meanwhile."""
    row = await transaction.scalar(_one(identifier).with_for_update())
    return None if row is None else (_resource(row), row.version)


async def insert_new(transaction: Transaction, resource: Resource, now: datetime) -> bool:
    """Make a resource; False when there is one of its name already."""
    made = insert(Row).values(**_values(resource, now), identifier=resource.identifier, version=1, created_at=now)
    written = await transaction.execute(made.on_conflict_do_nothing().returning(col(Row.version)))
    await _tell(transaction)
    return written.first() is not None


async def remove(transaction: Transaction, identifier: str) -> None:
    """Delete a resource."""
    await transaction.execute(delete(Row).where(col(Row.identifier) == identifier))
    await _tell(transaction)


async def put(transaction: Transaction, resource: Resource, now: datetime) -> None:
    """Make a resource, or make it what it is to be now."""
    values = _values(resource, now)
    made = insert(Row).values(identifier=resource.identifier, version=1, created_at=now, **values)
    await transaction.execute(
        made.on_conflict_do_update(
            index_elements=[col(Row.identifier)], set_={**values, "version": col(Row.version) + 1}
        )
    )
    await _tell(transaction)


def _one(identifier: str) -> Select[Row]:
    return select(Row).where(col(Row.identifier) == identifier)


async def _tell(transaction: Transaction) -> None:
    await transaction.execute(select(func.pg_notify(CHANNEL, "")))


def _values(resource: Resource, now: datetime) -> dict[str, Any]:
    return {
        "name": resource.name,
        "scopes": None if resource.scopes is None else sorted(resource.scopes),
        "token_format": resource.token_format,
        "access_token": None if resource.access_token is None else int(resource.access_token.total_seconds()),
        "signing_alg": resource.signing_alg,
        "introspection_clients": sorted(resource.introspection_clients),
        "updated_at": now,
    }


def _resource(row: Row) -> Resource:
    return Resource(
        identifier=row.identifier,
        name=row.name,
        scopes=None if row.scopes is None else frozenset(row.scopes),
        token_format="jwt" if row.token_format == "jwt" else "opaque",
        access_token=None if row.access_token is None else timedelta(seconds=row.access_token),
        signing_alg=row.signing_alg,
        introspection_clients=frozenset(row.introspection_clients),
    )
