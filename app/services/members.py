"""The members of an organization: added by the operator, given other roles, removed, gone by themselves.

Nobody gives, changes or takes away a role that allows more than he may do himself, and one member with the role that
founds an organization always stays.
"""

from dataclasses import replace
from uuid import UUID

from app.protocol import permissions
from app.protocol.events import Event
from app.protocol.permissions import Permission
from app.services.acting import Acting, LastOne, NotAllowed
from app.services.names import name_key
from app.store import directory, idempotency, members
from app.store.database import Database
from app.store.idempotency import Claim
from app.store.members import Member
from app.store.transaction import Transaction
from app.store.versions import VersionChanged

__all__ = ["AlreadyMember", "Member", "NobodyThere", "UnknownRole", "add", "find", "list_page", "remove", "set_role"]


class UnknownRole(Exception):
    """The settings have no such role."""


class NobodyThere(Exception):
    """Nobody who can sign in has this username."""


class AlreadyMember(Exception):
    """The person is a member already."""


async def list_page(database: Database, organization_id: UUID, *, after: UUID | None, limit: int) -> list[Member]:
    """Return up to `limit` members by username; with `after`, those who stand behind that person."""
    return await members.page(database, organization_id, after=after, limit=limit)


async def find(database: Database, organization_id: UUID, user_id: UUID) -> Member | None:
    """Return one member; None for everybody else, whether there is such a person or not."""
    async with database.transaction() as transaction:
        return await members.find(transaction, organization_id, user_id)


async def add(
    database: Database, acting: Acting, organization_id: UUID, username: str, role: str, claim: Claim | None = None
) -> Member:
    """Make a person a member without asking him: for operators and the system key.

    Raises `OrganizationGone`, `NotAllowed`, `UnknownRole`, `NobodyThere`, `AlreadyMember` and `idempotency.Repeated`.
    """
    if not acting.operates:
        raise NotAllowed("Only an operator adds people directly; invite them instead")
    now = acting.occasion.now
    async with database.transaction() as transaction:
        _, held = await acting.enter(transaction, organization_id, permissions.MEMBERS, "POST")
        require_givable(acting, held, role)
        person = await directory.find_by_name(transaction, name_key(username))
        if person is None or person.disabled_at is not None:
            raise NobodyThere
        await idempotency.spend(transaction, claim, str(person.id), now)
        if not await members.insert_member(transaction, organization_id, person.id, role, now):
            raise AlreadyMember
        await acting.write_down(
            transaction,
            Event.MEMBER_ADDED,
            organization_id,
            subject_id=person.id,
            user_id=person.id,
            after={"role": role},
        )
    called = str(person.claims.get("name") or "")
    return Member(person.id, person.username, person.email or "", called, role, version=1, joined_at=now)


async def set_role(
    database: Database, acting: Acting, organization_id: UUID, user_id: UUID, role: str, version: int | None = None
) -> Member | None:
    """Give a member another role and return him as he is then; None when he is no member.

    Raises `OrganizationGone`, `NotAllowed`, `UnknownRole`, `LastOne`, and `VersionChanged` when he is not at the
    version given.
    """
    async with database.transaction() as transaction:
        _, held = await acting.enter(transaction, organization_id, permissions.MEMBER, "PUT")
        member = await members.find(transaction, organization_id, user_id)
        if member is None:
            return None
        _require_version(member, version)
        require_givable(acting, held, role)
        if member.role == role:
            return member
        if not acting.roles.may_give(held, member.role):
            raise NotAllowed("This person’s role allows more than you may do here")
        await _require_another(transaction, acting, organization_id, member)
        await members.set_role(transaction, organization_id, user_id, role)
        await acting.write_down(
            transaction,
            Event.MEMBER_CHANGED,
            organization_id,
            subject_id=user_id,
            user_id=user_id,
            before={"role": member.role},
            after={"role": role},
        )
    return replace(member, role=role, version=member.version + 1)


async def remove(
    database: Database, acting: Acting, organization_id: UUID, user_id: UUID, version: int | None = None
) -> bool:
    """Let somebody be a member no longer; False when he is none. Leaving needs no permission.

    Raises `OrganizationGone`, `NotAllowed`, `LastOne`, and `VersionChanged` when he is not at the version given.
    """
    leaving = user_id == acting.user_id
    permission: Permission | None = None if leaving else permissions.MEMBERS
    async with database.transaction() as transaction:
        _, held = await acting.enter(transaction, organization_id, permission, "DELETE")
        member = await members.find(transaction, organization_id, user_id)
        if member is None:
            return False
        _require_version(member, version)
        if not leaving and not acting.roles.may_give(held, member.role):
            raise NotAllowed("This person’s role allows more than you may do here")
        await _require_another(transaction, acting, organization_id, member)
        await members.remove(transaction, organization_id, user_id)
        await acting.write_down(
            transaction,
            Event.MEMBER_REMOVED,
            organization_id,
            subject_id=user_id,
            user_id=user_id,
            before={"role": member.role},
        )
    return True


def require_givable(acting: Acting, held: frozenset[str], role: str) -> None:
    """Raise `UnknownRole`, or `NotAllowed` when the role allows more than the one who would give it may do."""
    if role not in acting.roles:
        raise UnknownRole
    if not acting.roles.may_give(held, role):
        raise NotAllowed("That role allows more than you may do here")


def _require_version(member: Member, version: int | None) -> None:
    if version is not None and member.version != version:
        raise VersionChanged


async def _require_another(transaction: Transaction, acting: Acting, organization_id: UUID, member: Member) -> None:
    top = acting.roles.top.name
    if member.role == top and not await members.another_has(transaction, organization_id, top, besides=member.user_id):
        raise LastOne
