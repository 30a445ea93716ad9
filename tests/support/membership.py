"""People in organizations, for tests about something else."""

from datetime import datetime
from uuid import UUID

from app.crypto.secrets import new_id
from app.protocol.facts import OrganizationFact
from app.store import members, organizations
from app.store.database import Database


async def found(database: Database, slug: str, now: datetime) -> UUID:
    """Found an organization without members and return its id."""
    organization = OrganizationFact(new_id(now), slug, slug.title(), 1, now)
    async with database.transaction() as transaction:
        await organizations.insert_organization(transaction, organization)
    return organization.id


async def join(database: Database, organization_id: UUID, user_id: UUID, role: str, now: datetime) -> None:
    """Make a person a member."""
    async with database.transaction() as transaction:
        assert await members.insert_member(transaction, organization_id, user_id, role, now)
