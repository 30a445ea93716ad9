"""Interactions outside the hot path: what a person has done for one of them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models.interaction import Interaction


async def mark_login(transaction: AsyncSession, interaction_id: UUID, session_id: UUID, login_at: datetime) -> bool:
    """Note that the person has signed in within this very interaction (OC-7); False when it is no longer open."""
    marked = await transaction.execute(
        update(Interaction)
        .where(
            col(Interaction.id) == interaction_id,
            col(Interaction.closed_at).is_(None),
            col(Interaction.expires_at) > login_at,
        )
        .values(session_id=session_id, login_at=login_at)
        .returning(col(Interaction.id))
    )
    return marked.first() is not None
