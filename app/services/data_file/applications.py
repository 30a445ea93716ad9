"""Declared applications: compared with the registered ones, then written.

An entry describes its application whole: members that are left out have their defaults. Only what was generated
(the secret, the name) stays, and so does the state: applying a file does not enable what was disabled.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.crypto.envelope import Vault
from app.crypto.secrets import new_id
from app.protocol.client_auth import client_secret_jwt
from app.protocol.events import Event
from app.services import application_history as history
from app.services import applications as rules
from app.services import client_secrets
from app.services.applications import NotPossible, Owner
from app.services.data_file.application_entry import ApplicationEntry
from app.services.data_file.document import Problem
from app.services.data_file.report import Change, differences
from app.services.data_file.users import Directory, UserPlan
from app.services.names import name_key
from app.services.operator import Operator
from app.store import application_secrets, applications, audit
from app.store.applications import Description, StoredApplication
from app.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class ApplicationPlan:
    """What becomes of one declared application. `generated` is a new secret that somebody must be told."""

    id: UUID
    entry: ApplicationEntry
    existing: StoredApplication | None
    description: Description
    digests: tuple[bytes, ...] = field(repr=False)
    change: Change
    generated: str | None = field(repr=False)
    weak: bool

    @property
    def client_secret(self) -> str | None:
        """The secret as given or generated, None when it is left as it is."""
        given = self.entry.client_secret
        return given.get_secret_value() if given is not None else self.generated


@dataclass(frozen=True, slots=True)
class Owners:
    """Who can own an application: people of the file, people of the directory, organizations by slug and name."""

    declared: tuple[UserPlan, ...]
    known: Directory
    organizations: Mapping[str, Owner] = field(default_factory=dict)

    def find(self, name: str) -> Owner | None:
        """Return the owner by username, email address, subject, or an organization's slug or name."""
        for plan in self.declared:
            names = {name_key(plan.entry.username), name_key(plan.entry.email or plan.entry.username)}
            if name_key(name) in names or name == plan.subject:
                return Owner(plan.id, plan.entry.username)
        person = self.known.by_username(name) or self.known.by_email(name) or self.known.by_subject(name)
        if person is not None:
            return Owner(person.id, person.username)
        return self.organizations.get(name)

    def person(self, name: str) -> UUID | None:
        """Return the id of a person by username, email address or subject."""
        found = self.find(name)
        return found.user_id if found is not None else None


def problems(entries: Iterable[ApplicationEntry], owners: Owners) -> Iterator[Problem]:
    """Return what cannot be: identifiers used twice or equal to a person's, unknown owners, loose public clients."""
    seen: set[str] = set()
    for entry in entries:
        path = f"applications[{entry.client_id}]"
        if entry.client_id in seen:
            yield Problem(f"{path}.client_id", "is used twice; each application needs its own")
        seen.add(entry.client_id)
        if owners.known.by_subject(entry.client_id) or any(plan.subject == entry.client_id for plan in owners.declared):
            yield Problem(f"{path}.client_id", "is the subject identifier of a user; choose another one")
        if entry.owner is not None and owners.find(entry.owner) is None:
            yield Problem(f"{path}.owner", f"names {entry.owner}, whom nobody knows; add that user to the file")
        try:
            _describe(entry, Owner(), "")
        except NotPossible as refused:
            yield Problem(path, str(refused))


def gone(registered: Iterable[StoredApplication]) -> Iterator[Problem]:
    """Return what cannot be registered again: a deleted application's identifier is never given out a second time."""
    for application in registered:
        if application.status == "deletion_in_progress":
            path = f"applications[{application.client_id}].client_id"
            yield Problem(path, "was that of a deleted application; choose another one")


def others_to_them(
    entries: Iterable[ApplicationEntry], registered: Mapping[str, StoredApplication]
) -> Iterator[Problem]:
    """Return what would make everybody somebody else to an application that has been there before (ID-7)."""
    for entry in entries:
        existing = registered.get(entry.client_id)
        if existing is None:
            continue
        after = _describe(entry, Owner(), "", _sector_of(existing))
        if (problem := rules.problem_with_subjects(existing.description, after)) is not None:
            yield Problem(f"applications[{entry.client_id}].subject_type", problem)


def plan(
    entry: ApplicationEntry, existing: StoredApplication | None, owners: Owners, operator: Operator
) -> ApplicationPlan:
    """Compare one entry with what is registered."""
    owner = (owners.find(entry.owner) if entry.owner is not None else None) or Owner()
    description = _describe(entry, owner, existing.description.name if existing else "", _sector_of(existing))
    digests, generated = _credentials(entry, existing, operator)
    given = entry.client_secret.get_secret_value() if entry.client_secret else None
    weak = given is not None and client_secrets.is_weak_secret(given)
    if existing is None:
        change = Change("+", "application", entry.client_id)
        return ApplicationPlan(new_id(operator.now), entry, None, description, digests, change, generated, weak)
    details = differences(_members(existing.description), _members(description))
    if digests != existing.secret_digests:
        details += (f"client_secret: {'replaced' if digests else 'removed'}",)
    elif digests and _needs_sealing(entry, existing):
        details += ("client_secret: kept sealed",)
    if description.key_material != existing.description.key_material and not details:
        details = ("keys: in effect from now on",)
    if description.openid != existing.description.openid and not details:
        details = ("signing people in: in effect from now on",)
    if description.requests != existing.description.requests and not details:
        details = ("requests and answers: in effect from now on",)
    if existing.self_registered:
        details += ("made itself known: the operator's from now on",)
    change = Change("~" if details else "=", "application", entry.client_id, details)
    return ApplicationPlan(existing.id, entry, existing, description, digests, change, generated, weak)


async def write(
    transaction: Transaction, plan: ApplicationPlan, operator: Operator, vault: Vault | None = None
) -> None:
    """Write what the plan says; nothing for an entry that is already so.

    `vault` seals the secrets that serve as MAC keys; raises `NotPossible` when it is needed and not there.
    """
    if plan.change.sign == "=":
        return
    given = plan.client_secret
    last_four = client_secrets.last_four(given) if given is not None else ""
    sealed = rules.sealed_secret(vault, plan.id, plan.description, given) if given is not None else None
    if plan.existing is None:
        await applications.insert_application(
            *(transaction, plan.id, plan.entry.client_id, plan.description, plan.digests, operator.now),
            last_four=last_four,
            sealed=sealed,
            verified=True,
        )
    else:
        await applications.change(
            *(transaction, plan.id, operator.now, plan.description, plan.digests),
            last_four=last_four,
            sealed=sealed,
            adopt=plan.existing.self_registered,
        )
        if given is not None and sealed is not None:
            # It may be valid already, as a digest.
            digest = client_secrets.secret_digest(given)
            await application_secrets.seal_again(transaction, plan.id, digest, sealed)
    entry = operator.entry(
        Event.APPLICATION_CREATED if plan.existing is None else Event.APPLICATION_CHANGED,
        subject_id=plan.entry.client_id,
        application_id=plan.id,
        user_id=plan.description.owner_user_id,
        data=_told(plan),
    )
    await audit.record(transaction, entry)


def _told(plan: ApplicationPlan) -> dict[str, Any]:
    """Return what the audit trail tells of it; of secrets how many there are, and that they are others now."""
    if plan.existing is None:
        return {"after": history.members(plan.description)}
    change: dict[str, dict[str, Any]] = history.difference(plan.existing.description, plan.description)
    if plan.digests != plan.existing.secret_digests:
        change["before"]["secrets"] = len(plan.existing.secret_digests)
        change["after"]["secrets"] = len(plan.digests)
    return change


def _sector_of(existing: StoredApplication | None) -> str:
    return str(existing.description.openid.get("sector", "")) if existing else ""


def _describe(entry: ApplicationEntry, owner: Owner, name: str, sector: str = "") -> Description:
    return rules.describe(
        entry,
        entry.policy(),
        owner=owner,
        optional_scopes=entry.optional_scopes,
        allowed_origins=entry.allowed_origins,
        name=name,
        further=entry.further(),
        unmet=entry.unmet_further(),
        sector=sector,
    )


def _credentials(
    entry: ApplicationEntry, existing: StoredApplication | None, operator: Operator
) -> tuple[tuple[bytes, ...], str | None]:
    """Return the digests to keep and the secret that was generated: given ones win, registered ones stay."""
    if not entry.confidential:
        return (), None
    if entry.client_secret is not None:
        given = client_secrets.secret_digest(entry.client_secret.get_secret_value())
        # One that is valid already may have a second one beside it, on its way in or out.
        valid = existing.secret_digests if existing is not None else ()
        return (valid if given in valid else (given,)), None
    if existing is not None and existing.secret_digests and not _needs_sealing(entry, existing):
        return existing.secret_digests, None
    if not entry.uses_secret:
        return (), None
    generated = client_secrets.new_client_secret(operator.now)
    return (client_secrets.secret_digest(generated),), generated


def _needs_sealing(entry: ApplicationEntry, existing: StoredApplication) -> bool:
    """Tell whether its secrets are to serve as MAC keys from now on: of those that it has, only digests are known."""
    return entry.token_endpoint_auth_method == client_secret_jwt.NAME and not existing.sealed_secrets


def _members(description: Description) -> Mapping[str, Any]:
    """The description in the words of the file, for the difference."""
    return {
        **description.registration,
        **description.policy,
        "client_name": description.name,
        "owner": description.owner_name or None,
        "optional_scopes": list(description.optional_scopes) or None,
        "allowed_origins": list(description.allowed_origins) or None,
        "kind": description.kind,
        "unmet": list(description.unmet) or None,
    }
