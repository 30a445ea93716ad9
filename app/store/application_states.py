"""Whether an application is let in: switched off and on, marked for deletion and brought back.

Leaving `active` raises the epoch, which kills codes, families and tokens at once, however many there are. The functions
take part in the caller's transaction.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, or_, update
from sqlmodel import col

from app.models import Application
from app.store.transaction import Transaction

SwitchedBy = Literal["", "owner", "operator"]
"""Who switched an application off."""


def within_reach() -> ColumnElement[bool]:
    """Neither deleted nor being deleted: its owner can still have it back."""
    return col(Application.status) != "deletion_in_progress"


async def disable(transaction: Transaction, client_id: str, now: datetime) -> UUID | None:
    """Have the operator shut an application out at once: the raised epoch kills what it holds.

    Its owner cannot let it in again, nor does its deletion and return. None: it was shut out by the operator before,
    or is gone.
    """
    return await _update(
        transaction,
        and_(
            col(Application.client_id) == client_id,
            col(Application.off_by) != "operator",
            within_reach(),
        ),
        now,
        status=case((col(Application.status) == "active", "inactive"), else_=col(Application.status)),
        off_by="operator",
        epoch=col(Application.epoch) + 1,
    )


async def enable(transaction: Transaction, client_id: str, now: datetime) -> UUID | None:
    """Let an application in again, whoever shut it out; nothing it held before lives again. None: it was not out."""
    return await _update(
        transaction,
        and_(
            col(Application.client_id) == client_id,
            or_(col(Application.off_by) != "", col(Application.status) == "inactive"),
            within_reach(),
        ),
        now,
        status=case((col(Application.status) == "inactive", "active"), else_=col(Application.status)),
        off_by="",
    )


async def switch_off(transaction: Transaction, application_id: UUID, now: datetime) -> bool:
    """Have the owner shut his application out at once; False when it was not active."""
    condition = and_(col(Application.id) == application_id, col(Application.status) == "active")
    switched = await _update(
        transaction, condition, now, status="inactive", off_by="owner", epoch=col(Application.epoch) + 1
    )
    return switched is not None


async def switch_on(transaction: Transaction, application_id: UUID, now: datetime) -> bool:
    """Have the owner let his application in again; False when it was not he who shut it out."""
    condition = and_(
        col(Application.id) == application_id,
        col(Application.status) == "inactive",
        col(Application.off_by) == "owner",
    )
    return await _update(transaction, condition, now, status="active", off_by="") is not None


async def mark_for_deletion(
    transaction: Transaction, application_id: UUID, delete_after: datetime, now: datetime
) -> bool:
    """Shut an application out at once, to be deleted later; False when it is on its way already."""
    condition = and_(col(Application.id) == application_id, col(Application.status).in_(("active", "inactive")))
    marked = await _update(
        transaction,
        condition,
        now,
        status="pending_deletion",
        delete_after=delete_after,
        epoch=col(Application.epoch) + 1,
    )
    return marked is not None


async def restore(transaction: Transaction, application_id: UUID, now: datetime) -> bool:
    """Bring an application back, switched off if it was so before; nothing it held lives again.

    False when its time is over, or it was not marked for deletion.
    """
    condition = and_(
        col(Application.id) == application_id,
        col(Application.status) == "pending_deletion",
        col(Application.delete_after) > now,
    )
    restored = await _update(
        transaction,
        condition,
        now,
        status=case((col(Application.off_by) == "", "active"), else_="inactive"),
        delete_after=None,
    )
    return restored is not None


async def _update(
    transaction: Transaction, condition: ColumnElement[bool], now: datetime, **values: Any
) -> UUID | None:
    """Change an application where the condition holds; return its id. Its version tells everybody that it changed."""
    statement = (
        update(Application)
        .where(condition)
        .values(version=col(Application.version) + 1, updated_at=now, **values)
        .returning(col(Application.id))
    )
    return (await transaction.execute(statement)).scalar_one_or_none()
