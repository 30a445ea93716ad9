"""Declared organizations: compared with those there are, then written.

An entry adds members and changes their roles. Members whom it does not name stay: they were invited meanwhile, and
applying a file at every start shall not throw them out.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from app.crypto.secrets import new_id
from app.protocol.events import Event
from app.protocol.facts import OrganizationFact
from app.services.applications import Owner
from app.services.data_file.document import OrganizationEntry, Problem
from app.services.data_file.report import Change, Sign, differences
from app.services.operator import Operator
from app.store import audit, members, organizations
from app.store.transaction import Transaction

Registered = Mapping[str, OrganizationFact | None]
"""The organizations that have a slug; None stands for a closed one, whose slug is never given out again."""


@dataclass(frozen=True, slots=True)
class MemberPlan:
    """A person who gets a role: `had` is the one before, None for a new member."""

    user_id: UUID
    role: str
    had: str | None


@dataclass(frozen=True, slots=True)
class OrganizationPlan:
    """What becomes of one declared organization; `members` are those who change."""

    organization: OrganizationFact
    existing: OrganizationFact | None
    members: tuple[MemberPlan, ...]
    change: Change


async def look_up(transaction: Transaction, entries: Iterable[OrganizationEntry], owners: Iterable[str]) -> Registered:
    """Find the organizations that the file declares, or names as owners."""
    return await organizations.find_many(transaction, {*(entry.identifier for entry in entries), *owners})


def problems(
    entries: Iterable[OrganizationEntry], registered: Registered, person: Callable[[str], UUID | None]
) -> Iterator[Problem]:
    """Return what cannot be: short names used twice or given out before, members whom nobody knows or who come twice.

    `person` finds people of the file and of the directory.
    """
    seen: set[str] = set()
    for entry in entries:
        path = f"organizations[{entry.identifier}]"
        if entry.identifier in seen:
            yield Problem(f"{path}.slug", "is used twice; each organization needs its own")
        seen.add(entry.identifier)
        if entry.identifier in registered and registered[entry.identifier] is None:
            yield Problem(f"{path}.slug", "was that of an organization that is closed; choose another one")
        named: set[UUID] = set()
        for member in entry.members:
            user_id = person(member.user)
            if user_id is None:
                yield Problem(f"{path}.members", f"names {member.user}, whom nobody knows; add that user to the file")
            elif user_id in named:
                yield Problem(f"{path}.members", f"names {member.user} twice")
            else:
                named.add(user_id)


async def plan(
    transaction: Transaction,
    entry: OrganizationEntry,
    registered: Registered,
    person: Callable[[str], UUID | None],
    operator: Operator,
) -> OrganizationPlan:
    """Compare one entry, which has passed `problems`, with what is there, and keep that as it is till the end."""
    existing = registered.get(entry.identifier)
    name = entry.name or (existing.name if existing else entry.identifier)
    had: dict[UUID, str] = {}
    if existing is not None:
        await organizations.lock(transaction, existing.id)
        had = {member.user_id: member.role for member in await members.list_all(transaction, existing.id)}
    wanted = [(member.user, person(member.user), member.role) for member in entry.members]
    changing = {who: MemberPlan(id, role, had.get(id)) for who, id, role in wanted if id and had.get(id) != role}
    organization = existing or OrganizationFact(new_id(operator.now), entry.identifier, name, 1, operator.now)
    before = {} if existing is None else {"name": existing.name}
    before |= {f"member {who}": member.had for who, member in changing.items() if member.had}
    after = {"name": name, **{f"member {who}": member.role for who, member in changing.items()}}
    details = differences(before, after)
    sign: Sign = "+" if existing is None else "~" if details else "="
    change = Change(sign, "organization", entry.identifier, () if existing is None else details)
    named = OrganizationFact(organization.id, organization.slug, name, organization.version, organization.created_at)
    return OrganizationPlan(named, existing, tuple(changing.values()), change)


def owners(plans: Iterable[OrganizationPlan], registered: Registered) -> Mapping[str, Owner]:
    """Return who owns an application by the slug or the name of an organization."""
    declared = [plan.organization for plan in plans]
    found = [organization for organization in registered.values() if organization is not None]
    return {
        name: Owner(name=organization.name, organization_id=organization.id)
        for organization in (*found, *declared)
        for name in (organization.name, organization.slug)
    }


def by_slug(plans: Iterable[OrganizationPlan], registered: Registered) -> Mapping[str, OrganizationFact]:
    """Return every organization that the file declares or names, as it will be."""
    found = {slug: organization for slug, organization in registered.items() if organization is not None}
    return found | {plan.organization.slug: plan.organization for plan in plans}


async def write(transaction: Transaction, plan: OrganizationPlan, operator: Operator) -> None:
    """Write what the plan says; nothing for an entry that is already so."""
    organization, existing = plan.organization, plan.existing
    if existing is None:
        await organizations.insert_organization(transaction, organization)
        created = {"after": {"slug": organization.slug, "name": organization.name}}
        await _record(transaction, Event.ORGANIZATION_CREATED, plan, organization.id, None, created, operator)
    elif existing.name != organization.name:
        await organizations.rename(transaction, organization.id, organization.name, operator.now)
        renamed = {"before": {"name": existing.name}, "after": {"name": organization.name}}
        await _record(transaction, Event.ORGANIZATION_CHANGED, plan, organization.id, None, renamed, operator)
    for member in plan.members:
        after = {"after": {"role": member.role}}
        if member.had is None:
            await members.insert_member(transaction, organization.id, member.user_id, member.role, operator.now)
            event = Event.MEMBER_ADDED
        else:
            await members.set_role(transaction, organization.id, member.user_id, member.role)
            event, after = Event.MEMBER_CHANGED, {"before": {"role": member.had}, **after}
        await _record(transaction, event, plan, member.user_id, member.user_id, after, operator)


async def _record(
    transaction: Transaction,
    event: Event,
    plan: OrganizationPlan,
    subject_id: UUID,
    user_id: UUID | None,
    data: Mapping[str, object],
    operator: Operator,
) -> None:
    entry = operator.entry(
        event, subject_id=str(subject_id), user_id=user_id, organization_id=plan.organization.id, data=data
    )
    await audit.record(transaction, entry)
