"""Who may manage an application: its owner, or whoever his role in the owning organization lets.

What belongs to somebody else is answered like what never was: `NoSuchApplication`.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from app.protocol import permissions
from app.protocol.facts import OrganizationFact, SessionFact
from app.protocol.roles import Roles
from app.services.applications import NoSuchApplication
from app.store import application_secrets, applications, members, organizations
from app.store.application_secrets import StoredSecret
from app.store.applications import StoredApplication
from app.store.database import Database
from app.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Holder:
    """A person, and the organizations whose applications he may manage.

    An `operator` may do it everywhere; the others are judged again by their role inside each transaction.
    """

    user_id: UUID
    username: str
    organizations: tuple[OrganizationFact, ...]
    roles: Roles
    operator: bool = False

    @property
    def organization_ids(self) -> frozenset[UUID]:
        """The ids of the organizations."""
        return frozenset(organization.id for organization in self.organizations)

    def organization(self, slug: str) -> OrganizationFact | None:
        """Return one of the organizations by slug."""
        return next((organization for organization in self.organizations if organization.slug == slug), None)

    async def may_manage(self, transaction: Transaction, organization_id: UUID) -> bool:
        """Tell whether he may manage what an organization owns, and keep it so until the transaction ends."""
        if not await organizations.hold(transaction, organization_id):
            return False
        role = await members.role_of(transaction, organization_id, self.user_id)
        return self.operator or _manages(self.roles, role)


@dataclass(frozen=True, slots=True)
class OwnApplication:
    """An application as its owner sees it. `organization` is None when it is the person's own."""

    stored: StoredApplication
    organization: OrganizationFact | None
    secrets: tuple[StoredSecret, ...]

    @property
    def owner(self) -> UUID | None:
        """The id of whose it is."""
        return self.stored.description.owner_organization_id or self.stored.description.owner_user_id


async def holder_of(database: Database, roles: Roles, session: SessionFact) -> Holder:
    """Return the person of a session with all organizations in which his role lets him manage applications."""
    memberships = await organizations.list_for_user(database, session.user_id)
    managed = tuple(one.organization for one in memberships if _manages(roles, one.role))
    return Holder(session.user_id, session.username, managed, roles)


def holder_at(organization: OrganizationFact, roles: Roles, session: SessionFact) -> Holder:
    """Return the person of a session whom the door of an organization has let in, for that organization."""
    return Holder(session.user_id, session.username, (organization,), roles, session.operator)


async def seen(transaction: Transaction, holder: Holder, found: Iterable[StoredApplication]) -> list[OwnApplication]:
    """Return applications of the holder's as he sees them."""
    stored = list(found)
    secrets = await application_secrets.of(transaction, [one.id for one in stored])
    owners = {organization.id: organization for organization in holder.organizations}
    return [
        OwnApplication(one, _owner(owners, one.description.owner_organization_id), secrets.get(one.id, ()))
        for one in stored
    ]


async def look_up(transaction: Transaction, holder: Holder, client_id: str) -> OwnApplication:
    """Return an application of the holder's; raises `NoSuchApplication`."""
    if "\x00" in client_id:  # no text of the database holds one
        raise NoSuchApplication(client_id)
    found = await applications.find_owned(transaction, client_id, holder.user_id, holder.organization_ids)
    if found is None:
        raise NoSuchApplication(client_id)
    [own] = await seen(transaction, holder, [found])
    return own


@asynccontextmanager
async def in_hand(
    database: Database, holder: Holder, client_id: str
) -> AsyncIterator[tuple[Transaction, OwnApplication]]:
    """Yield an application of the holder's as it is now, and the transaction until whose end nobody else changes it.

    Raises `NoSuchApplication`. The organization is held before the application, as everywhere.
    """
    async with database.transaction() as transaction:
        before = await look_up(transaction, holder, client_id)
        owner = None if before.organization is None else before.organization.id
        if owner is not None and not await holder.may_manage(transaction, owner):
            raise NoSuchApplication(client_id)
        person, owners = (holder.user_id, ()) if owner is None else (None, (owner,))
        locked = await applications.find_owned(transaction, client_id, person, owners, lock=True)
        if locked is None:
            raise NoSuchApplication(client_id)
        [own] = await seen(transaction, holder, [locked])
        yield transaction, own


def _manages(roles: Roles, role: str | None) -> bool:
    return permissions.APPLICATIONS.allows("PUT", roles.scopes_of(role))


def _owner(owners: dict[UUID, OrganizationFact], owner: UUID | None) -> OrganizationFact | None:
    return None if owner is None else owners[owner]
