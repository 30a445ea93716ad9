"""Applications by what their names look like, and the filling of what tells it where it is missing."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, literal_column, select, update
from sqlmodel import col

from app.models import Application
from app.protocol import look_alikes
from app.store.database import Database

_NONE: ColumnElement[str] = literal_column("''")
"""Empty: a skeleton that is not made yet. It is no parameter, or no plan for all values could use the indexes."""

_VOUCHED = col(Application.verified) | ~(col(Application.self_registered) | (col(Application.owner_name) != _NONE))
"""What `names.is_vouched_for` says, for the database, in the words of the index."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the server knows of names and of whoever goes by them.

    `vouched` is the name of another application that looks like one and that somebody here answers for, whether it is
    on or off; `since` is when the application came here (aware UTC). None: there is none.
    """

    vouched: str | None
    since: datetime | None


async def known(database: Database, skeletons: Collection[str], client_id: str = "") -> Known:
    """Return what is known of names with these skeletons, by which the application with this client_id goes."""
    vouched = (
        select(col(Application.name))
        .where(
            col(Application.name_skeleton).in_(skeletons),
            col(Application.name_skeleton) != _NONE,  # the index is one of those that have one
            _VOUCHED,
            col(Application.deleted_at).is_(None),
            col(Application.client_id) != client_id,
        )
        .order_by(col(Application.id))
        .limit(1)
    )
    since = select(col(Application.created_at)).where(col(Application.client_id) == client_id)
    async with database.transaction() as transaction:
        row = (await transaction.execute(select(vouched.scalar_subquery(), since.scalar_subquery()))).one()
    return Known(*row)


async def fill(database: Database, *, limit: int) -> int:
    """Say of up to `limit` applications what their names look like, where that is not known; returns how many they are.

    Whoever gives one another name meanwhile has the last word.
    """
    without = (col(Application.name_skeleton) == _NONE) & col(Application.deleted_at).is_(None)
    query = select(col(Application.id), col(Application.name)).where(without).order_by(col(Application.id)).limit(limit)
    async with database.transaction() as transaction:
        found = (await transaction.execute(query)).all()
    made = [{"of": row.id, "called": row.name, "seen": look_alikes.skeleton(row.name)} for row in found]
    statement = (
        update(Application)
        .where(col(Application.id) == bindparam("of"), col(Application.name) == bindparam("called"), without)
        .values(name_skeleton=bindparam("seen"))
    )
    if made:
        async with database.transaction() as transaction:
            connection = await transaction.connection()  # of a session, SQLAlchemy would take them for whole rows
            await connection.execute(statement, made)
    return len(made)
