"""Organizations: founded, found with the role that somebody has in them, renamed, closed.

The functions that take a transaction take part in the caller's; the others open their own. A closed organization is
never found: its row stays for the history, and so that nobody gets its slug again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from app.models import Application, Organization, OrganizationMember
from app.protocol.facts import OrganizationFact
from app.store.database import Database
from app.store.transaction import Transaction

_FACT = (
    col(Organization.id),
    col(Organization.slug),
    col(Organization.name),
    col(Organization.version),
    col(Organization.created_at),
)
"""The columns of an `OrganizationFact`, in its order."""


@dataclass(frozen=True, slots=True)
class Membership:
    """An organization of a person, his role in it, and since when he belongs to it (aware UTC)."""

    organization: OrganizationFact
    role: str
    joined_at: datetime


class SlugTaken(Exception):
    """An organization has this slug, or had it."""


async def find_with_role(
    database: Database, slug: str, user_id: UUID | None
) -> tuple[OrganizationFact, str | None] | None:
    """Return an organization and the role of a person in it, None when he is no member; None: there is none."""
    query = (
        select(*_FACT, col(OrganizationMember.role))
        .outerjoin(OrganizationMember, _of_member(user_id))
        .where(col(Organization.slug) == slug, col(Organization.deleted_at).is_(None))
    )
    async with database.transaction() as transaction:
        row = (await transaction.execute(query)).one_or_none()
    return None if row is None else (_fact(row), row.role)


async def roles_of(database: Database, user_id: UUID) -> tuple[str, ...]:
    """Return the roles that a person has in his organizations, each once."""
    query = (
        select(col(OrganizationMember.role))
        .distinct()
        .join(Organization, col(Organization.id) == col(OrganizationMember.organization_id))
        .where(col(OrganizationMember.user_id) == user_id, col(Organization.deleted_at).is_(None))
        .order_by(col(OrganizationMember.role))
    )
    async with database.transaction() as transaction:
        return tuple((await transaction.scalars(query)).all())


async def list_for_user(database: Database, user_id: UUID) -> list[Membership]:
    """Return the organizations that a person belongs to, by name."""
    query = (
        select(*_FACT, col(OrganizationMember.role), col(OrganizationMember.joined_at))
        .join(OrganizationMember, _of_member(user_id))
        .where(col(Organization.deleted_at).is_(None))
        .order_by(func.lower(col(Organization.name)), col(Organization.slug))
    )
    async with database.transaction() as transaction:
        rows = (await transaction.execute(query)).all()
    return [Membership(_fact(row), row.role, row.joined_at) for row in rows]


async def page_for_user(database: Database, user_id: UUID, *, after: UUID | None, limit: int) -> list[Membership]:
    """Return up to `limit` of a person's organizations, the newest first; with `after`, those older than that one."""
    query = (
        select(*_FACT, col(OrganizationMember.role), col(OrganizationMember.joined_at))
        .join(OrganizationMember, _of_member(user_id))
        .where(col(Organization.deleted_at).is_(None))
        .order_by(col(Organization.id).desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(col(Organization.id) < after)
    async with database.transaction() as transaction:
        rows = (await transaction.execute(query)).all()
    return [Membership(_fact(row), row.role, row.joined_at) for row in rows]


async def list_all(database: Database) -> list[OrganizationFact]:
    """Return every organization that is not closed, by slug."""
    query = select(*_FACT).where(col(Organization.deleted_at).is_(None)).order_by(col(Organization.slug))
    async with database.transaction() as transaction:
        return [_fact(row) for row in await transaction.execute(query)]


async def find_many(transaction: Transaction, slugs: Iterable[str]) -> dict[str, OrganizationFact | None]:
    """Return by slug the organizations that exist among these; None stands for a closed one."""
    query = select(*_FACT, col(Organization.deleted_at)).where(col(Organization.slug).in_(list(slugs)))
    rows = (await transaction.execute(query)).all()
    return {row.slug: _fact(row) if row.deleted_at is None else None for row in rows}


async def insert_organization(transaction: Transaction, organization: OrganizationFact) -> None:
    """Found an organization; raises `SlugTaken`, after which the transaction must end."""
    statement = insert(Organization).values(
        id=organization.id,
        slug=organization.slug,
        name=organization.name,
        version=organization.version,
        created_at=organization.created_at,
        updated_at=organization.created_at,
    )
    try:
        await transaction.execute(statement)
    except IntegrityError as refused:
        if "slug" in str(refused.orig):
            raise SlugTaken from None
        raise


async def lock(transaction: Transaction, organization_id: UUID) -> OrganizationFact | None:
    """Return an organization as of now and keep everybody else from changing it, or its members, until the end."""
    query = select(*_FACT).where(_open(organization_id)).with_for_update()
    row = (await transaction.execute(query)).one_or_none()
    return None if row is None else _fact(row)


async def hold(transaction: Transaction, organization_id: UUID) -> bool:
    """Keep an organization from being closed until the transaction ends; False when it is closed already.

    For whoever gives it something to own: otherwise a closed organization could come to own it.
    """
    query = select(col(Organization.id)).where(_open(organization_id)).with_for_update(read=True)
    return (await transaction.execute(query)).first() is not None


async def rename(transaction: Transaction, organization_id: UUID, name: str, now: datetime) -> None:
    """Give an organization another name."""
    await transaction.execute(
        update(Organization)
        .where(_open(organization_id))
        .values(name=name, version=col(Organization.version) + 1, updated_at=now)
    )


async def close(transaction: Transaction, organization_id: UUID, now: datetime) -> None:
    """Close an organization for good. Its keys and roles count for nothing from now on."""
    await transaction.execute(
        update(Organization)
        .where(_open(organization_id))
        .values(deleted_at=now, version=col(Organization.version) + 1, updated_at=now)
    )


async def owns_applications(transaction: Transaction, organization_id: UUID) -> bool:
    """Tell whether an organization owns an application that has not been deleted for good."""
    query = select(col(Application.id)).where(
        col(Application.owner_organization_id) == organization_id, col(Application.deleted_at).is_(None)
    )
    return (await transaction.execute(query.limit(1))).first() is not None


def _of_member(user_id: UUID | None) -> ColumnElement[bool]:
    return and_(
        col(OrganizationMember.organization_id) == col(Organization.id), col(OrganizationMember.user_id) == user_id
    )


def _open(organization_id: UUID) -> ColumnElement[bool]:
    return and_(col(Organization.id) == organization_id, col(Organization.deleted_at).is_(None))


def _fact(row: Row[*tuple[object, ...]]) -> OrganizationFact:
    return OrganizationFact(row.id, row.slug, row.name, row.version, row.created_at)
