"""The members of organizations: listed, added, given another role, removed.

Whoever changes something has locked the organization in the same transaction (`organizations.lock`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from app.models import Organization, OrganizationMember, User
from app.store.database import Database
from app.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Member:
    """A person in an organization. `display_name` is empty when nobody has said what to call him."""

    user_id: UUID
    username: str
    email: str
    display_name: str
    role: str
    version: int
    joined_at: datetime


async def page(database: Database, organization_id: UUID, *, after: UUID | None, limit: int) -> list[Member]:
    """Return up to `limit` members by username; with `after`, those who stand behind that person."""
    query = _members(organization_id).order_by(col(User.username_key)).limit(limit)
    if after is not None:
        place = select(col(User.username_key)).where(col(User.id) == after).scalar_subquery()
        query = query.where(col(User.username_key) > place)
    async with database.transaction() as transaction:
        return [_member(row) for row in await transaction.execute(query)]


async def list_all(transaction: Transaction, organization_id: UUID) -> list[Member]:
    """Return every member by username."""
    query = _members(organization_id).order_by(col(User.username_key))
    return [_member(row) for row in await transaction.execute(query)]


async def find(transaction: Transaction, organization_id: UUID, user_id: UUID) -> Member | None:
    """Return one member."""
    row = (await transaction.execute(_members(organization_id).where(col(User.id) == user_id))).one_or_none()
    return None if row is None else _member(row)


async def role_of(transaction: Transaction, organization_id: UUID, user_id: UUID) -> str | None:
    """Return the role of a person; None when he is no member."""
    query = select(col(OrganizationMember.role)).where(_is(organization_id, user_id))
    return (await transaction.execute(query)).scalar_one_or_none()


async def count_memberships(transaction: Transaction, user_id: UUID) -> int:
    """Return to how many organizations a person belongs; nobody else counts his until the transaction ends."""
    await transaction.execute(select(col(User.id)).where(col(User.id) == user_id).with_for_update(key_share=True))
    query = (
        select(func.count())
        .select_from(OrganizationMember)
        .join(Organization, col(Organization.id) == col(OrganizationMember.organization_id))
        .where(col(OrganizationMember.user_id) == user_id, col(Organization.deleted_at).is_(None))
    )
    return (await transaction.scalars(query)).one()


async def another_has(transaction: Transaction, organization_id: UUID, role: str, *, besides: UUID) -> bool:
    """Tell whether somebody else has this role, who can sign in."""
    query = (
        select(col(User.id))
        .join(OrganizationMember, col(OrganizationMember.user_id) == col(User.id))
        .where(
            col(OrganizationMember.organization_id) == organization_id,
            col(OrganizationMember.role) == role,
            col(User.id) != besides,
            col(User.disabled_at).is_(None),
        )
        .limit(1)
    )
    return (await transaction.execute(query)).first() is not None


async def insert_member(
    transaction: Transaction, organization_id: UUID, user_id: UUID, role: str, now: datetime
) -> bool:
    """Add a person; False when he is a member already."""
    statement = (
        insert(OrganizationMember)
        .values(organization_id=organization_id, user_id=user_id, role=role, version=1, joined_at=now)
        .on_conflict_do_nothing()
        .returning(col(OrganizationMember.user_id))
    )
    return (await transaction.execute(statement)).first() is not None


async def set_role(transaction: Transaction, organization_id: UUID, user_id: UUID, role: str) -> None:
    """Give a member another role."""
    await transaction.execute(
        update(OrganizationMember)
        .where(_is(organization_id, user_id))
        .values(role=role, version=col(OrganizationMember.version) + 1)
    )


async def remove(transaction: Transaction, organization_id: UUID, user_id: UUID) -> None:
    """Let somebody be a member no longer."""
    await transaction.execute(delete(OrganizationMember).where(_is(organization_id, user_id)))


def _is(organization_id: UUID, user_id: UUID) -> ColumnElement[bool]:
    return and_(col(OrganizationMember.organization_id) == organization_id, col(OrganizationMember.user_id) == user_id)


def _members(organization_id: UUID) -> Select[*tuple[Any, ...]]:
    return (
        select(
            col(User.id),
            col(User.username),
            col(User.email),
            col(User.claims)["name"].as_string().label("display_name"),
            col(OrganizationMember.role),
            col(OrganizationMember.version),
            col(OrganizationMember.joined_at),
        )
        .join(OrganizationMember, col(OrganizationMember.user_id) == col(User.id))
        .where(col(OrganizationMember.organization_id) == organization_id)
    )


def _member(row: Row[*tuple[Any, ...]]) -> Member:
    return Member(
        user_id=row.id,
        username=row.username,
        email=row.email or "",
        display_name=row.display_name or "",
        role=row.role,
        version=row.version,
        joined_at=row.joined_at,
    )
