"""Declared API keys: compared with those there are, then written.

A key is found by its organization and label, or by the id in the key itself when the file has it. An entry describes
its key whole; only the secret stays, and so does the state: applying a file does not enable what was disabled.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.crypto.hashing import digest
from app.crypto.secrets import new_id
from app.protocol.events import Event
from app.protocol.facts import OrganizationFact
from app.protocol.token_format import Credential, Prefix, parse_credential
from app.services.api_keys import MAX_KEYS, new_secret, state_of
from app.services.data_file.document import ApiKeyEntry, DataFileError, Problem
from app.services.data_file.report import Change, differences
from app.services.operator import Operator
from app.store import api_keys, audit, organizations
from app.store.api_keys import KeyDescription, KeySecret, StoredKey
from app.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class ApiKeyPlan:
    """What becomes of one declared key. `generated` is a new key that somebody must be told."""

    id: UUID
    organization_id: UUID
    existing: StoredKey | None
    description: KeyDescription
    secret: KeySecret | None
    change: Change
    generated: str | None = field(repr=False)


def problems(entries: Iterable[ApiKeyEntry], slugs: Iterable[str]) -> Iterator[Problem]:
    """Return what cannot be: organizations that there are not, labels and keys used twice."""
    known, labels, keys = frozenset(slugs), set[str](), set[UUID]()
    for entry in entries:
        path = f"api_keys[{entry.label}]"
        if entry.organization not in known:
            yield Problem(
                f"{path}.organization", f"names {entry.organization}, which nobody knows; add it to organizations"
            )
        if _name(entry) in labels:
            yield Problem(f"{path}.label", f"is used twice in {entry.organization}; each key needs its own")
        labels.add(_name(entry))
        given = _given(entry)
        if given is not None and given.id in keys:
            yield Problem(f"{path}.key", "is used twice; each key needs its own")
        if given is not None:
            keys.add(given.id)


async def plan(
    transaction: Transaction,
    entries: Iterable[ApiKeyEntry],
    known: Mapping[str, OrganizationFact],
    operator: Operator,
) -> list[ApiKeyPlan]:
    """Compare entries that have passed `problems` with the keys there are; `known` are the organizations by slug.

    Organizations are kept as they are until the transaction ends. Raises `DataFileError`.
    """
    plans: list[ApiKeyPlan] = []
    found: list[Problem] = []
    room: dict[UUID, int] = {}
    for entry in entries:
        organization_id = known[entry.organization].id
        if organization_id not in room:
            await organizations.lock(transaction, organization_id)
            room[organization_id] = MAX_KEYS - await api_keys.count(transaction, organization_id)
        outcome = await _plan(transaction, entry, organization_id, operator)
        if isinstance(outcome, Problem):
            found.append(outcome)
            continue
        plans.append(outcome)
        room[organization_id] -= outcome.existing is None
        if outcome.existing is None and room[organization_id] < 0:
            found.append(Problem(f"api_keys[{entry.label}]", f"is more than the {MAX_KEYS} keys that can be"))
    if found:
        raise DataFileError(found)
    return plans


async def write(transaction: Transaction, plan: ApiKeyPlan, operator: Operator) -> None:
    """Write what the plan says; nothing for an entry that is already so."""
    if plan.change.sign == "=":
        return
    if plan.existing is not None:
        after = await api_keys.describe(transaction, plan.existing, plan.description, operator.now)
        event, data = Event.API_KEY_CHANGED, {"before": state_of(plan.existing), "after": state_of(after)}
    else:
        if plan.secret is None:
            raise ValueError("a new key needs a secret")
        made = await api_keys.insert_key(
            transaction, plan.id, plan.organization_id, plan.description, plan.secret, None, operator.now
        )
        event, data = Event.API_KEY_CREATED, {"after": state_of(made)}
    entry = operator.entry(event, subject_id=str(plan.id), organization_id=plan.organization_id, data=data)
    await audit.record(transaction, entry)


async def _plan(
    transaction: Transaction, entry: ApiKeyEntry, organization_id: UUID, operator: Operator
) -> ApiKeyPlan | Problem:
    existing = await _existing(transaction, entry, organization_id)
    if isinstance(existing, Problem):
        return existing
    status = existing.description.status if existing is not None else "active"
    description = KeyDescription(entry.label, entry.scopes, entry.allowed_origins, status)
    if existing is not None:
        details = differences(_members(existing.description), _members(description))
        change = Change("~" if details else "=", "api_key", _name(entry), details)
        return ApiKeyPlan(existing.id, organization_id, existing, description, None, change, None)
    change = Change("+", "api_key", _name(entry))
    given = _given(entry)
    if given is not None and entry.key is not None:
        secret = KeySecret(digest(given.secret), entry.key.get_secret_value()[-4:])
        return ApiKeyPlan(given.id, organization_id, None, description, secret, change, None)
    key_id = new_id(operator.now)
    shown, secret = new_secret(key_id)
    return ApiKeyPlan(key_id, organization_id, None, description, secret, change, shown)


async def _existing(transaction: Transaction, entry: ApiKeyEntry, organization_id: UUID) -> StoredKey | Problem | None:
    path, given = f"api_keys[{entry.label}]", _given(entry)
    labelled = await api_keys.find_by_label(transaction, organization_id, entry.label)
    if given is None:
        if len(labelled) > 1:
            return Problem(f"{path}.label", f"is that of {len(labelled)} keys; give each its own label first")
        return await _locked(transaction, organization_id, labelled[0].id) if labelled else None
    found = await api_keys.find_any(transaction, given.id)
    if found is None:
        return Problem(f"{path}.label", "is that of another key; choose another one") if labelled else None
    key, digests = found
    if key.organization_id != organization_id or digest(given.secret) not in digests:
        return Problem(f"{path}.key", "is not, or no longer, the key with this id; put the right one, or leave it out")
    return await _locked(transaction, organization_id, key.id)


async def _locked(transaction: Transaction, organization_id: UUID, key_id: UUID) -> StoredKey | None:
    return await api_keys.lock(transaction, organization_id, key_id)


def _given(entry: ApiKeyEntry) -> Credential | None:
    return parse_credential(Prefix.API_KEY, entry.key.get_secret_value()) if entry.key is not None else None


def _name(entry: ApiKeyEntry) -> str:
    return f"{entry.organization}/{entry.label}"


def _members(description: KeyDescription) -> Mapping[str, Any]:
    """The description in the words of the file, for the difference."""
    return {
        "label": description.label,
        "scopes": list(description.scopes),
        "allowed_origins": list(description.allowed_origins) or None,
    }
