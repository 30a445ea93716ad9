"""Invitations into organizations: kept by the digest of their link, listed, looked at, used up, revoked."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, insert, select, update
from sqlmodel import col

from app.models import ApiKey, Organization, OrganizationInvitation, OrganizationMember, User
from app.protocol.facts import OrganizationFact
from app.store.database import Database
from app.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """An invitation to be kept; `digest` is that of the link's secret. Of the inviters at most one is set."""

    id: UUID
    digest: bytes = field(repr=False)
    organization_id: UUID
    role: str
    note: str
    invited_by: UUID | None
    inviting_key_id: UUID | None
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation as the organization sees it. `inviter` is his username, or the label of the key; else empty."""

    id: UUID
    role: str
    note: str
    inviter: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Inviter:
    """Who invited, as of now: the system key, an operator, a member with this role, or an active key of the
    organization with these scopes. None of it: somebody who has no say there any more."""

    by_system: bool
    operator: bool
    role: str | None
    key_scopes: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Offer:
    """What the holder of a link is offered. `open` tells whether it is neither used, revoked nor too old."""

    id: UUID
    organization: OrganizationFact
    role: str
    inviter_name: str
    expires_at: datetime
    open: bool


async def insert_invitation(transaction: Transaction, invitation: NewInvitation) -> None:
    """Keep a new invitation."""
    await transaction.execute(
        insert(OrganizationInvitation).values(
            id=invitation.id,
            digest=invitation.digest,
            organization_id=invitation.organization_id,
            role=invitation.role,
            note=invitation.note,
            invited_by=invitation.invited_by,
            inviting_key_id=invitation.inviting_key_id,
            created_at=invitation.created_at,
            expires_at=invitation.expires_at,
        )
    )


async def page_of_open(
    database: Database, organization_id: UUID, now: datetime, *, after: UUID | None, limit: int
) -> list[Invitation]:
    """Return up to `limit` invitations that can be accepted, the newest first; with `after`, those older than it."""
    query = _open_ones(organization_id, now).order_by(col(OrganizationInvitation.id).desc()).limit(limit)
    if after is not None:
        query = query.where(col(OrganizationInvitation.id) < after)
    async with database.transaction() as transaction:
        return [_invitation(row) for row in await transaction.execute(query)]


async def count_open(transaction: Transaction, organization_id: UUID, now: datetime) -> int:
    """Return how many invitations into an organization can be accepted."""
    query = (
        select(func.count())
        .select_from(OrganizationInvitation)
        .where(col(OrganizationInvitation.organization_id) == organization_id, _is_open(now))
    )
    return (await transaction.scalars(query)).one()


async def find_open(
    transaction: Transaction, organization_id: UUID, invitation_id: UUID, now: datetime
) -> Invitation | None:
    """Return an invitation into this organization that can be accepted."""
    query = _open_ones(organization_id, now).where(col(OrganizationInvitation.id) == invitation_id)
    row = (await transaction.execute(query)).one_or_none()
    return None if row is None else _invitation(row)


async def find_offer(transaction: Transaction, invitation_id: UUID, digest: bytes, now: datetime) -> Offer | None:
    """Return what a link offers, open or not; None when there is no such link, or no organization any more."""
    query = (
        select(
            col(OrganizationInvitation.id),
            col(OrganizationInvitation.role),
            col(OrganizationInvitation.expires_at),
            _is_open(now).label("open"),
            col(User.username),
            col(User.claims)["name"].as_string().label("display_name"),
            col(Organization.id).label("organization_id"),
            col(Organization.slug),
            col(Organization.name),
            col(Organization.version),
            col(Organization.created_at),
        )
        .join(Organization, col(Organization.id) == col(OrganizationInvitation.organization_id))
        .outerjoin(User, col(User.id) == col(OrganizationInvitation.invited_by))
        .where(
            col(OrganizationInvitation.id) == invitation_id,
            col(OrganizationInvitation.digest) == digest,
            col(Organization.deleted_at).is_(None),
        )
    )
    row = (await transaction.execute(query)).one_or_none()
    if row is None:
        return None
    organization = OrganizationFact(row.organization_id, row.slug, row.name, row.version, row.created_at)
    return Offer(row.id, organization, row.role, row.display_name or row.username or "", row.expires_at, row.open)


async def inviter_of(transaction: Transaction, invitation_id: UUID) -> Inviter:
    """Return who invited, with what he has in the organization now."""
    of_person = and_(
        col(User.id) == col(OrganizationInvitation.invited_by),
        col(User.disabled_at).is_(None),
    )
    of_member = and_(
        col(OrganizationMember.organization_id) == col(OrganizationInvitation.organization_id),
        col(OrganizationMember.user_id) == col(User.id),
    )
    of_key = and_(
        col(ApiKey.id) == col(OrganizationInvitation.inviting_key_id),
        col(ApiKey.organization_id) == col(OrganizationInvitation.organization_id),
        col(ApiKey.status) == "active",
    )
    query = (
        select(
            col(OrganizationInvitation.invited_by),
            col(OrganizationInvitation.inviting_key_id),
            col(User.operator),
            col(OrganizationMember.role),
            col(ApiKey.scopes),
        )
        .outerjoin(User, of_person)
        .outerjoin(OrganizationMember, of_member)
        .outerjoin(ApiKey, of_key)
        .where(col(OrganizationInvitation.id) == invitation_id)
    )
    row = (await transaction.execute(query)).one()
    return Inviter(
        by_system=row.invited_by is None and row.inviting_key_id is None,
        operator=bool(row.operator),
        role=row.role,
        key_scopes=None if row.scopes is None else tuple(row.scopes),
    )


async def use(transaction: Transaction, invitation_id: UUID, user_id: UUID, now: datetime) -> bool:
    """Use an invitation up; False when it cannot be accepted any more. Of many at once one succeeds."""
    used = await transaction.execute(
        update(OrganizationInvitation)
        .where(col(OrganizationInvitation.id) == invitation_id, _is_open(now))
        .values(used_at=now, used_by=user_id)
        .returning(col(OrganizationInvitation.id))
    )
    return used.first() is not None


async def revoke(transaction: Transaction, invitation_id: UUID, now: datetime) -> bool:
    """Make an invitation void; False when it could not be accepted any more anyway."""
    revoked = await transaction.execute(
        update(OrganizationInvitation)
        .where(col(OrganizationInvitation.id) == invitation_id, _is_open(now))
        .values(revoked_at=now)
        .returning(col(OrganizationInvitation.id))
    )
    return revoked.first() is not None


def _is_open(now: datetime) -> ColumnElement[bool]:
    return and_(
        col(OrganizationInvitation.used_at).is_(None),
        col(OrganizationInvitation.revoked_at).is_(None),
        col(OrganizationInvitation.expires_at) > now,
    )


def _open_ones(organization_id: UUID, now: datetime) -> Select[*tuple[Any, ...]]:
    return (
        select(
            col(OrganizationInvitation.id),
            col(OrganizationInvitation.role),
            col(OrganizationInvitation.note),
            col(User.username),
            col(ApiKey.label),
            col(OrganizationInvitation.created_at),
            col(OrganizationInvitation.expires_at),
        )
        .outerjoin(User, col(User.id) == col(OrganizationInvitation.invited_by))
        .outerjoin(ApiKey, col(ApiKey.id) == col(OrganizationInvitation.inviting_key_id))
        .where(col(OrganizationInvitation.organization_id) == organization_id, _is_open(now))
    )


def _invitation(row: Row[*tuple[Any, ...]]) -> Invitation:
    return Invitation(
        id=row.id,
        role=row.role,
        note=row.note,
        inviter=row.username or row.label or "",
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
