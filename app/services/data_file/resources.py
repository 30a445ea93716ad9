"""Declared resources: compared with those there are, then written. None is ever removed: tokens for it may be about."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.protocol.events import Event
from app.protocol.resources import Resource
from app.services.data_file.document import Problem, ResourceEntry
from app.services.data_file.report import Change, differences
from app.services.operator import Operator
from app.services.resources import members_of
from app.store import audit, resources
from app.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class ResourcePlan:
    """What becomes of one declared resource."""

    resource: Resource
    existing: Resource | None
    change: Change


def problems(entries: Iterable[ResourceEntry]) -> Iterator[Problem]:
    """Return what cannot be: identifiers that are used twice."""
    seen: set[str] = set()
    for entry in entries:
        if entry.identifier in seen:
            path = f"resources[{entry.identifier}].identifier"
            yield Problem(path, "is used twice; each resource needs its own")
        seen.add(entry.identifier)


async def plan(transaction: Transaction, entries: Iterable[ResourceEntry]) -> list[ResourcePlan]:
    """Compare entries that have passed `problems` with the resources there are."""
    known = {resource.identifier: resource for resource in await resources.all_declared(transaction)}
    return [_plan(entry.resource(), known.get(entry.identifier)) for entry in entries]


async def write(transaction: Transaction, plan: ResourcePlan, operator: Operator) -> None:
    """Write what the plan says; nothing for an entry that is already so."""
    if plan.change.sign == "=":
        return
    await resources.put(transaction, plan.resource, operator.now)
    event = Event.RESOURCE_DECLARED if plan.existing is None else Event.RESOURCE_CHANGED
    before = {} if plan.existing is None else {"before": members_of(plan.existing)}
    data = {**before, "after": members_of(plan.resource)}
    await audit.record(transaction, operator.entry(event, subject_id=plan.resource.identifier, data=data))


def _plan(resource: Resource, existing: Resource | None) -> ResourcePlan:
    if existing is None:
        return ResourcePlan(resource, None, Change("+", "resource", resource.identifier))
    details = differences(members_of(existing), members_of(resource))
    return ResourcePlan(resource, existing, Change("~" if details else "=", "resource", resource.identifier, details))
