"""Resources that were declared as data."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from app.models.resource import Resource as Row
from app.protocol.resources import Resource
from app.store.database import Database
from app.store.transaction import Transaction


async def read_all(database: Database) -> tuple[Resource, ...]:
    """Return every resource, by identifier."""
    async with database.transaction() as transaction:
        return await all_declared(transaction)


async def all_declared(transaction: Transaction) -> tuple[Resource, ...]:
    """Return every resource, by identifier."""
    rows = (await transaction.scalars(select(Row).order_by(col(Row.identifier)))).all()
    return tuple(_resource(row) for row in rows)


async def put(transaction: Transaction, resource: Resource, now: datetime) -> None:
    """Make a resource, or make it what it is to be now."""
    values: dict[str, Any] = {
        "name": resource.name,
        "scopes": None if resource.scopes is None else sorted(resource.scopes),
        "token_format": resource.token_format,
        "access_token": None if resource.access_token is None else int(resource.access_token.total_seconds()),
        "signing_alg": resource.signing_alg,
        "introspection_clients": sorted(resource.introspection_clients),
        "updated_at": now,
    }
    made = insert(Row).values(identifier=resource.identifier, version=1, created_at=now, **values)
    await transaction.execute(
        made.on_conflict_do_update(
            index_elements=[col(Row.identifier)], set_={**values, "version": col(Row.version) + 1}
        )
    )


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
