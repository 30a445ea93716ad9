"""Users: found to sign in, created, changed, disabled.

The functions that take a transaction take part in the caller's; the others open their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models.user import User
from app.store.database import Database

_OPERATORS_LOCK = 0x6173_6F70
"""The advisory lock under which the first operator is made."""

_UNIQUE: tuple[tuple[str, Literal["username", "email", "sub"]], ...] = (
    ("user_account_username_key", "username"),
    ("user_account_email_key", "email"),
    ("user_account_sub", "sub"),
)


@dataclass(frozen=True, slots=True)
class SignInAccount:
    """What signing in must know of a person."""

    id: UUID
    username: str
    password_hash: str | None = field(repr=False)
    active: bool
    epoch: int


@dataclass(frozen=True, slots=True)
class NewUser:
    """A person to be registered. The keys are the names as they are compared; `sub` is the id unless given."""

    id: UUID
    username: str
    username_key: str
    email: str | None
    email_key: str | None
    password_hash: str | None = field(repr=False)
    created_at: datetime
    sub: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)
    operator: bool = False


class NameTaken(Exception):
    """Somebody has this username, email address or subject already."""

    def __init__(self, field: Literal["username", "email", "sub"]) -> None:
        self.field: Literal["username", "email", "sub"] = field
        super().__init__(f"{field} is taken")


async def find_for_sign_in(database: Database, name_key: str) -> SignInAccount | None:
    """Return the person who has this name as username or, failing that, as email address."""
    by_username = col(User.username_key) == name_key
    statement = (
        select(
            col(User.id), col(User.username), col(User.password_hash), col(User.disabled_at).is_(None), col(User.epoch)
        )
        .where(or_(by_username, col(User.email_key) == name_key))
        .order_by(case((by_username, 0), else_=1))
        .limit(1)
    )
    async with database.transaction() as transaction:
        row = (await transaction.execute(statement)).one_or_none()
    return SignInAccount(*row) if row else None


async def insert_user(transaction: AsyncSession, user: NewUser) -> None:
    """Register a person; raises `NameTaken`, after which the transaction must end."""
    statement = insert(User).values(
        id=user.id,
        sub=user.sub or str(user.id),
        username=user.username,
        username_key=user.username_key,
        email=user.email,
        email_key=user.email_key,
        password_hash=user.password_hash,
        claims=dict(user.claims),
        operator=user.operator,
        epoch=0,
        created_at=user.created_at,
        updated_at=user.created_at,
    )
    try:
        await transaction.execute(statement)
    except IntegrityError as refused:
        taken = _taken_field(refused)
        if taken is None:
            raise
        raise NameTaken(taken) from None


async def replace_hash(transaction: AsyncSession, user_id: UUID, old: str | None, new: str) -> None:
    """Store the same password hashed anew; nothing happens when it was changed meanwhile."""
    await transaction.execute(
        update(User).where(col(User.id) == user_id, col(User.password_hash) == old).values(password_hash=new)
    )


async def disable(transaction: AsyncSession, user_id: UUID, now: datetime) -> bool:
    """Shut a person out, at once and everywhere: the raised epoch kills what was issued before. False: was already."""
    disabled = await transaction.execute(
        update(User)
        .where(col(User.id) == user_id, col(User.disabled_at).is_(None))
        .values(disabled_at=now, epoch=col(User.epoch) + 1, updated_at=now)
        .returning(col(User.id))
    )
    return disabled.first() is not None


async def enable(transaction: AsyncSession, user_id: UUID, now: datetime) -> bool:
    """Let a person in again; nothing issued before lives again. False: was already, or there is no such person."""
    enabled = await transaction.execute(
        update(User)
        .where(col(User.id) == user_id, col(User.disabled_at).is_not(None))
        .values(disabled_at=None, updated_at=now)
        .returning(col(User.id))
    )
    return enabled.first() is not None


async def revoke_tokens(transaction: AsyncSession, person: ColumnElement[bool], now: datetime) -> UUID | None:
    """End all that a person has, and leave him in: the raised epoch kills every session and token. None: nobody is it.

    One row, however much there is (GT-3). `person` is what `by_subject` and the like return.
    """
    revoked = await transaction.execute(
        update(User).where(person).values(epoch=col(User.epoch) + 1, updated_at=now).returning(col(User.id))
    )
    return revoked.scalar_one_or_none()


def by_id(user_id: UUID) -> ColumnElement[bool]:
    """The person with this id."""
    return col(User.id) == user_id


def by_subject(subject: str) -> ColumnElement[bool]:
    """The person with this `sub`."""
    return col(User.sub) == subject


def by_email(email_key: str) -> ColumnElement[bool]:
    """The person with this email address, folded as names are compared."""
    return col(User.email_key) == email_key


async def operator_exists(transaction: AsyncSession) -> bool:
    """Tell whether anybody is an operator, disabled or not."""
    return (await transaction.execute(select(col(User.id)).where(col(User.operator)).limit(1))).first() is not None


async def lock_operators(transaction: AsyncSession) -> None:
    """Wait until nobody else makes the first operator, and keep others waiting until the transaction ends."""
    await transaction.execute(select(func.pg_advisory_xact_lock(_OPERATORS_LOCK)))


def _taken_field(refused: IntegrityError) -> Literal["username", "email", "sub"] | None:
    """Return the field whose unique index refused the row; None when something else did."""
    told = str(refused.orig)
    for index, name in _UNIQUE:
        if index in told:
            return name
    return None
