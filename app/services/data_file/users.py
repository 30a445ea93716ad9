"""Declared users: compared with the directory, then written. Members that are left out stay as they are."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.crypto.secrets import new_id
from app.protocol.events import Event
from app.services.accounts import random_password
from app.services.data_file.document import Problem, UserEntry
from app.services.data_file.report import Change
from app.services.names import name_key
from app.services.operator import Operator
from app.services.passwords import PasswordPlace, problem_with
from app.store import audit, directory, users
from app.store.directory import StoredUser
from app.store.transaction import Transaction
from app.store.users import NewUser


@dataclass(frozen=True, slots=True)
class Directory:
    """The people who bear on a file, found in one query."""

    people: tuple[StoredUser, ...]

    def by_username(self, username: str) -> StoredUser | None:
        """Return who has this username."""
        key = name_key(username)
        return next((person for person in self.people if person.username_key == key), None)

    def by_email(self, email: str) -> StoredUser | None:
        """Return who has this address."""
        key = name_key(email)
        return next((person for person in self.people if person.email_key == key), None)

    def by_subject(self, sub: str) -> StoredUser | None:
        """Return who has this subject identifier."""
        return next((person for person in self.people if person.sub == sub), None)


@dataclass(frozen=True, slots=True)
class UserPlan:
    """What becomes of one declared user.

    `password` is to be hashed and stored, None when it stays; `generated` tells whether the person must be told.
    """

    id: UUID
    entry: UserEntry
    existing: StoredUser | None
    change: Change
    password: str | None = field(repr=False)
    generated: bool
    weak: bool

    @property
    def subject(self) -> str:
        """The subject identifier that the person has or will have."""
        return self.existing.sub if self.existing else self.entry.sub or str(self.id)


async def look_up(
    transaction: Transaction, entries: Iterable[UserEntry], owners: Iterable[str], client_ids: Iterable[str]
) -> Directory:
    """Find everybody whom the file names, owns applications with, or collides with."""
    listed, named = list(entries), list(owners)
    usernames = {name_key(entry.username) for entry in listed} | set(map(name_key, named))
    emails = {name_key(entry.email) for entry in listed if entry.email} | set(map(name_key, named))
    subjects = {entry.sub for entry in listed if entry.sub} | set(named) | set(client_ids)
    found = await directory.find_any(transaction, username_keys=usernames, email_keys=emails, subs=subjects)
    return Directory(tuple(found))


def problems(entries: Iterable[UserEntry], known: Directory) -> Iterator[Problem]:
    """Return what cannot be: names used twice, taken addresses and subjects, a subject that would change."""
    seen: set[tuple[str, str]] = set()
    for entry in entries:
        path = f"users[{entry.username}]"
        names = {"username": name_key(entry.username), "email": name_key(entry.email or ""), "sub": entry.sub or ""}
        for member, name in names.items():
            if name and (member, name) in seen:
                yield Problem(f"{path}.{member}", "is that of another user in the file; each needs its own")
            seen.add((member, name))
        existing = known.by_username(entry.username)
        holder = known.by_email(entry.email) if entry.email else None
        if holder is not None and holder != existing:
            yield Problem(f"{path}.email", f"belongs to {holder.username}; choose another one")
        if entry.sub and existing is not None and existing.sub != entry.sub:
            yield Problem(f"{path}.sub", "differs from the one the person has, which never changes; remove it")
        holder = known.by_subject(entry.sub) if entry.sub and existing is None else None
        if holder is not None:
            yield Problem(f"{path}.sub", f"belongs to {holder.username}; choose another one")


async def plan(entry: UserEntry, known: Directory, passwords: PasswordPlace, operator: Operator) -> UserPlan:
    """Compare one entry with the directory."""
    existing = known.by_username(entry.username)
    given = entry.password.get_secret_value() if entry.password else None
    weak = given is not None and bool(problem_with(given, (entry.username, entry.email or "")))
    if existing is None:
        password = given or random_password()
        change = Change("+", "user", entry.username)
        return UserPlan(new_id(operator.now), entry, None, change, password, generated=given is None, weak=weak)
    details = _details(entry, existing)
    same_password = given is None or await passwords.verify(existing.password_hash, given)
    if not same_password:
        details += ("password: replaced",)
    change = Change("~" if details else "=", "user", entry.username, details)
    return UserPlan(existing.id, entry, existing, change, None if same_password else given, generated=False, weak=weak)


async def write(transaction: Transaction, plan: UserPlan, passwords: PasswordPlace, operator: Operator) -> None:
    """Write what the plan says; nothing for an entry that is already so. May raise `NameTaken`."""
    if plan.change.sign == "=":
        return
    password_hash = await passwords.hash(plan.password) if plan.password is not None else None
    entry, existing = plan.entry, plan.existing
    if existing is None:
        account = NewUser(
            id=plan.id,
            username=entry.username,
            username_key=name_key(entry.username),
            email=entry.email,
            email_key=name_key(entry.email) if entry.email else None,
            password_hash=password_hash,
            created_at=operator.now,
            sub=entry.sub,
            claims=entry.claims or {},
        )
        await users.insert_user(transaction, account)
    else:
        after = _after(entry, existing)
        email = after["email"]
        await directory.change(
            transaction,
            existing.id,
            operator.now,
            username=after["username"],
            email=email,
            email_key=name_key(email) if email else None,
            claims=after["claims"],
        )
        if password_hash is not None:
            await directory.set_password(transaction, existing.id, password_hash, operator.now)
    event = Event.USER_CREATED if existing is None else Event.USER_CHANGED
    told = operator.entry(event, subject_id=str(plan.id), user_id=plan.id, data=_told(plan))
    await audit.record(transaction, told)


def _before(existing: StoredUser) -> dict[str, Any]:
    return {"username": existing.username, "email": existing.email, "claims": dict(existing.claims)}


def _after(entry: UserEntry, existing: StoredUser) -> dict[str, Any]:
    given: Mapping[str, Any] = {"username": entry.username, "email": entry.email, "claims": entry.claims}
    return _before(existing) | {name: value for name, value in given.items() if value is not None}


def _told(plan: UserPlan) -> dict[str, Any]:
    """Return what the audit trail tells: names, and of claims and passwords only that they are others now."""
    entry, existing = plan.entry, plan.existing
    if existing is None:
        return {"after": {"username": entry.username, "email": entry.email}}
    before, after = _before(existing), _after(entry, existing)
    changed = [name for name in before if before[name] != after[name]]
    names = [name for name in changed if name != "claims"]
    return {
        "before": {name: before[name] for name in names},
        "after": {name: after[name] for name in names},
        "changed": [*changed, *(["password"] if plan.password is not None else [])],
    }


def _details(entry: UserEntry, existing: StoredUser) -> tuple[str, ...]:
    """Which members differ, without what people are called, where they live and so on."""
    before, after = _before(existing), _after(entry, existing)
    return tuple(f"{name}: changed" for name in before if before[name] != after[name])
