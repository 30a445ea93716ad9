"""Organizations: founded, renamed, closed."""

import re
from dataclasses import replace
from uuid import UUID

from app.crypto.secrets import new_id
from app.protocol import permissions
from app.protocol.events import Event
from app.protocol.facts import OrganizationFact
from app.protocol.names import MAX_NAME_LENGTH
from app.services.acting import Acting
from app.store import applications, audit, idempotency, members, organizations
from app.store.database import Database
from app.store.idempotency import Claim
from app.store.organizations import SlugTaken
from app.store.versions import VersionChanged

__all__ = ["OwnsApplications", "SlugTaken", "TooManyOrganizations", "close", "found", "rename"]

MIN_SLUG, MAX_SLUG = 3, 40
MAX_MEMBERSHIPS = 100
"""Organizations that somebody may belong to and still found another one."""

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_RESERVED = frozenset(
    {
        *("account", "admin", "api", "apps", "assent", "create", "docs", "edit", "everyone", "health", "help"),
        *("invitations", "login", "logout", "members", "new", "none", "null", "oauth", "operator", "organizations"),
        *("root", "security", "settings", "setup", "static", "support", "system", "undefined", "well-known"),
    }
)
"""Words that are, or may become, addresses of ours, or that would let an organization pass for the service itself."""


class TooManyOrganizations(Exception):
    """The person belongs to as many organizations as somebody may who founds another one."""


class OwnsApplications(Exception):
    """It owns applications still: somebody has to delete them, or hand them over, before it can be closed."""


def problem_with_slug(slug: str) -> str:
    """Return what is wrong with the short name of a new organization, as an instruction; empty when it is accepted."""
    if not slug:
        return "Choose a short name"
    if not MIN_SLUG <= len(slug) <= MAX_SLUG:
        return f"Use {MIN_SLUG} to {MAX_SLUG} characters"
    if not _SLUG.fullmatch(slug):
        return "Use small letters a to z, digits, and single hyphens between them"
    if slug in _RESERVED:
        return "Choose another word: this one is reserved"
    return ""


def problem_with_name(name: str) -> str:
    """Return what is wrong with an organization's name, as an instruction; empty when it is accepted."""
    if not name.strip():
        return "Give the organization a name"
    if len(name) > MAX_NAME_LENGTH:
        return f"Use {MAX_NAME_LENGTH} characters or fewer"
    if not name.isprintable() or name != name.strip():
        return "Use letters, digits and marks, without spaces around them"
    return ""


async def found(
    database: Database, acting: Acting, founder: UUID, *, slug: str, name: str, claim: Claim | None = None
) -> OrganizationFact:
    """Found an organization whose first member is its founder, with the top role; slug and name have been checked.

    Raises `TooManyOrganizations`, `SlugTaken` for a slug that is or was another organization's, and
    `idempotency.Repeated`.
    """
    now, role = acting.occasion.now, acting.roles.top.name
    organization = OrganizationFact(new_id(now), slug, name, 1, now)
    async with database.transaction() as transaction:
        await idempotency.spend(transaction, claim, str(organization.id), now)
        if await members.count_memberships(transaction, founder) >= MAX_MEMBERSHIPS:
            raise TooManyOrganizations
        await organizations.insert_organization(transaction, organization)
        await members.insert_member(transaction, organization.id, founder, role, now)
        await acting.write_down(
            transaction,
            Event.ORGANIZATION_CREATED,
            organization.id,
            subject_id=organization.id,
            after={"slug": slug, "name": name},
        )
        await acting.write_down(
            transaction,
            Event.MEMBER_ADDED,
            organization.id,
            subject_id=founder,
            user_id=founder,
            after={"role": role},
        )
    return organization


async def rename(
    database: Database, acting: Acting, organization_id: UUID, name: str, version: int | None = None
) -> OrganizationFact:
    """Give an organization another name, which has been checked, and return it as it is then.

    The consent pages name the owner of an application: what an operator has checked under the other name lapses.

    Raises `OrganizationGone`, `NotAllowed`, and `VersionChanged` when it is not at the version given.
    """
    async with database.transaction() as transaction:
        organization, _ = await acting.enter(transaction, organization_id, permissions.ORGANIZATION, "PUT")
        _require_version(organization, version)
        if organization.name == name:
            return organization
        await organizations.rename(transaction, organization_id, name, acting.occasion.now)
        lapsed = await applications.rename_owner(transaction, organization_id, name, acting.occasion.now)
        await acting.write_down(
            transaction,
            Event.ORGANIZATION_CHANGED,
            organization_id,
            subject_id=organization_id,
            before={"name": organization.name},
            after={"name": name},
        )
        for application_id, client_id in lapsed:
            entry = acting.occasion.entry(
                Event.APPLICATION_UNCHECKED,
                user_id=acting.user_id,
                organization_id=organization_id,
                application_id=application_id,
                subject_id=client_id,
            )
            await audit.record(transaction, entry)
    return replace(organization, name=name, version=organization.version + 1)


async def close(database: Database, acting: Acting, organization_id: UUID, version: int | None = None) -> None:
    """Close an organization for good. Its keys die with it, and its slug stays taken.

    Raises `OrganizationGone`, `NotAllowed`, `OwnsApplications`, and `VersionChanged` when it is not at the version
    given.
    """
    async with database.transaction() as transaction:
        organization, _ = await acting.enter(transaction, organization_id, permissions.ORGANIZATION, "DELETE")
        _require_version(organization, version)
        if await organizations.owns_applications(transaction, organization_id):
            raise OwnsApplications
        await organizations.close(transaction, organization_id, acting.occasion.now)
        await acting.write_down(
            transaction,
            Event.ORGANIZATION_DELETED,
            organization_id,
            subject_id=organization_id,
            before={"slug": organization.slug, "name": organization.name},
        )


def _require_version(organization: OrganizationFact, version: int | None) -> None:
    if version is not None and organization.version != version:
        raise VersionChanged
