"""Interactions outside the hot path: what a person has done for one of them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, case, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models.interaction import Interaction


async def mark_login(transaction: AsyncSession, interaction_id: UUID, session_id: UUID, login_at: datetime) -> bool:
    """Note that the person has signed in within this very interaction (OC-7); False when it is no longer open.

    Whoever signs in has chosen his account.
    """
    marked = await transaction.execute(
        update(Interaction)
        .where(*_open(interaction_id, login_at))
        .values(session_id=session_id, login_at=login_at, account_at=login_at)
        .returning(col(Interaction.id))
    )
    return marked.first() is not None


async def choose_account(
    transaction: AsyncSession, interaction_id: UUID, session_id: UUID, now: datetime, seen: datetime | None
) -> bool:
    """Note with which session of the browser this very interaction goes on (OC-6).

    `seen` is the moment of the choice before, as the chooser's page knew it: of many that choose on one page, one does.
    False: another one was faster, or the interaction is no longer open. A login counts only for its own session.
    """
    login_of_session = case((col(Interaction.session_id) == session_id, col(Interaction.login_at)))
    chosen = await transaction.execute(
        update(Interaction)
        .where(*_open(interaction_id, now), col(Interaction.account_at).is_not_distinct_from(seen))
        .values(session_id=session_id, account_at=now, login_at=login_of_session)
        .returning(col(Interaction.id))
    )
    return chosen.first() is not None


async def is_chosen(transaction: AsyncSession, interaction_id: UUID, session_id: UUID, now: datetime) -> bool:
    """Tell whether the interaction is open and goes on with this session."""
    statement = select(col(Interaction.id)).where(
        *_open(interaction_id, now),
        col(Interaction.session_id) == session_id,
        col(Interaction.account_at).is_not(None),
    )
    return (await transaction.execute(statement)).first() is not None


def _open(interaction_id: UUID, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Interaction.id) == interaction_id,
        col(Interaction.closed_at).is_(None),
        col(Interaction.expires_at) > now,
    )
