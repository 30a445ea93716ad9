"""User accounts in the hands of the operator: made, listed, given a new password, switched off and on."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.crypto.secrets import new_id, random_bytes
from app.protocol.events import Event
from app.services.names import name_key, problem_with_email, problem_with_username
from app.services.operator import Operator
from app.services.passwords import PasswordQueue, problem_with
from app.store import audit, directory, session_ends, users
from app.store.database import Database
from app.store.directory import StoredUser
from app.store.orders import AuditEntry
from app.store.session_ends import EndedSession
from app.store.transaction import Transaction
from app.store.users import NameTaken, NewUser

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without characters that are mistaken for each other."""


class Refused(Exception):
    """The account cannot be made or changed so; `str()` is a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Made:
    """A new account; `password` is what was generated, None when it was given."""

    id: UUID
    username: str
    password: str | None = field(repr=False)


def random_password() -> str:
    """Return a password of 24 random characters in groups of four: about 118 bits, easy to type."""
    drawn = [_ALPHABET[byte % len(_ALPHABET)] for byte in random_bytes(128) if byte < 256 - 256 % len(_ALPHABET)]
    return "-".join("".join(drawn[start : start + 4]) for start in range(0, 24, 4))


async def create(
    database: Database,
    passwords: PasswordQueue,
    operator: Operator,
    *,
    username: str,
    email: str | None = None,
    password: str | None = None,
    as_operator: bool = False,
) -> Made:
    """Make an account; a password that is not given is generated and returned. Raises `Refused`."""
    if problem := problem_with_username(username) or (problem_with_email(email) if email else ""):
        raise Refused(f"{problem}.")
    _check_password(password, username, email)
    shown = None if password is not None else random_password()
    async with passwords.place() as place:
        password_hash = await place.hash(password or shown or "")
    account = NewUser(
        id=new_id(operator.now),
        username=username,
        username_key=name_key(username),
        email=email,
        email_key=name_key(email) if email else None,
        password_hash=password_hash,
        created_at=operator.now,
        operator=as_operator,
    )
    try:
        async with database.transaction() as transaction:
            await users.insert_user(transaction, account)
            entry = operator.entry(
                Event.USER_CREATED,
                subject_id=str(account.id),
                user_id=account.id,
                data={"after": {"username": username, "email": email, "operator": as_operator}},
            )
            await audit.record(transaction, entry)
    except NameTaken as taken:
        raise Refused(f"Somebody has this {taken.field} already; choose another one.") from None
    return Made(account.id, username, shown)


async def list_all(database: Database) -> list[StoredUser]:
    """Return everybody, oldest first."""
    async with database.transaction() as transaction:
        return await directory.list_all(transaction)


async def set_password(
    database: Database,
    passwords: PasswordQueue,
    operator: Operator,
    username: str,
    password: str | None,
    *,
    end_sessions: bool = False,
) -> str | None:
    """Replace a password, and return the new one when it was generated. Raises `Refused`.

    With `end_sessions` every browser is signed out. Tokens stay: to throw somebody out, disable the account.
    """
    found = await find(database, username)
    _check_password(password, found.username, found.email)
    shown = None if password is not None else random_password()
    async with passwords.place() as place:
        password_hash = await place.hash(password or shown or "")
    async with database.transaction() as transaction:
        await directory.set_password(transaction, found.id, password_hash, operator.now)
        entry = operator.entry(Event.USER_PASSWORD_SET, subject_id=str(found.id), user_id=found.id)
        await audit.record(transaction, entry)
        if end_sessions:
            await end_all_sessions(transaction, operator, found.id, "password set")
    return shown


async def disable(database: Database, operator: Operator, username: str) -> bool:
    """Shut somebody out: sessions and tokens are dead at once and for ever, and applications are told. False: was
    already."""
    return await _switch(database, operator, username, users.disable, Event.USER_DISABLED)


async def enable(database: Database, operator: Operator, username: str) -> bool:
    """Let somebody sign in again; what was issued before stays dead. False: was already."""
    return await _switch(database, operator, username, users.enable, Event.USER_ENABLED)


async def find(database: Database, username: str) -> StoredUser:
    """Return the person with this username; raises `Refused`."""
    async with database.transaction() as transaction:
        found = await directory.find_by_name(transaction, name_key(username))
    if found is None:
        raise Refused(f"Nobody has the username {username}; `assent user list` shows who there is.")
    return found


async def _switch(
    database: Database,
    operator: Operator,
    username: str,
    turn: Callable[[Transaction, UUID, datetime], Awaitable[bool]],
    event: Event,
) -> bool:
    found = await find(database, username)
    async with database.transaction() as transaction:
        changed = await turn(transaction, found.id, operator.now)
        if changed:
            entry = operator.entry(event, subject_id=str(found.id), user_id=found.id, data=turned(event))
            await audit.record(transaction, entry)
            if event is Event.USER_DISABLED:
                await end_all_sessions(transaction, operator, found.id, "disabled")
    return changed


async def end_all_sessions(transaction: Transaction, operator: Operator, user_id: UUID, reason: str) -> None:
    """Sign somebody out of every browser, in the transaction of the deed that is the reason."""

    def audit_of(ended: EndedSession) -> AuditEntry:
        return operator.entry(
            Event.SESSION_ENDED, subject_id=str(ended.id), user_id=ended.user_id, data={"reason": reason}
        )

    await session_ends.end_sessions(transaction, session_ends.by_user(user_id), operator.now, audit_of)


def turned(event: Event) -> dict[str, dict[str, bool]]:
    """Return what the audit trail tells of somebody who was shut out or let in again: before and after."""
    disabled = event is Event.USER_DISABLED
    return {"before": {"disabled": not disabled}, "after": {"disabled": disabled}}


def _check_password(password: str | None, username: str, email: str | None) -> None:
    if password is not None and (problem := problem_with(password, (username, email or ""))):
        raise Refused(problem)
