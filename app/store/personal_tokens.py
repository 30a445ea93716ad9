"""Personal tokens as their maker sees them: made, listed, renamed, revoked.

How a presented token is looked up belongs to the hot path. A revoked token is never found here: to its maker it is as
good as one that never was. Each function owns its transaction.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, func, insert, or_, select, update
from sqlmodel import col

from app.models import PersonalToken, User
from app.store import audit, idempotency
from app.store.database import Database
from app.store.idempotency import Claim
from app.store.orders import AuditEntry
from app.store.transaction import Transaction
from app.store.versions import VersionChanged

_SHOWN = (
    col(PersonalToken.id),
    col(PersonalToken.name),
    col(PersonalToken.last_four),
    col(PersonalToken.scopes),
    col(PersonalToken.version),
    col(PersonalToken.user_epoch),
    col(PersonalToken.created_at),
    col(PersonalToken.expires_at),
    col(PersonalToken.last_used_at),
)
"""The columns of an `OwnToken`."""


@dataclass(frozen=True, slots=True)
class OwnToken:
    """A token that has not been revoked, as its maker sees it; nothing of it is a secret. Times are aware UTC.

    `expires_at` is None when it never ends, `last_used_at` until it was used. `user_epoch` is its maker's at the time
    that it was made: once he was shut out, the token is dead, also when he is let in again.
    """

    id: UUID
    name: str
    last_four: str
    scopes: tuple[str, ...]
    version: int
    user_epoch: int
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None

    def is_live(self, user_epoch: int, now: datetime) -> bool:
        """Tell whether it works at a moment, while its maker's epoch is `user_epoch`."""
        return self.user_epoch == user_epoch and (self.expires_at is None or now < self.expires_at)

    @property
    def remembered(self) -> dict[str, object]:
        """What the audit trail keeps of it: enough to know it again, nothing to use it."""
        return {
            "name": self.name,
            "last_four": self.last_four,
            "scopes": list(self.scopes),
            "expires_at": self.expires_at,
        }


class PersonGone(Exception):
    """The person was shut out, or is about to be."""


class TooManyTokens(Exception):
    """The person has as many live tokens as anybody can have."""


async def create(
    database: Database,
    user_id: UUID,
    token: OwnToken,
    digest: bytes,
    entry: AuditEntry,
    *,
    claim: Claim | None,
    most: int,
) -> None:
    """Make a token; `digest` is that of its secret. The audit row gets `after`.

    Raises `Repeated`, `PersonGone` or, when the person has `most` live ones, `TooManyTokens`. He is locked meanwhile,
    so that no two see the last free place.
    """
    person = (
        select(col(User.id))
        .where(col(User.id) == user_id, col(User.epoch) == token.user_epoch, col(User.disabled_at).is_(None))
        .with_for_update(key_share=True)
    )
    live = select(func.count()).where(_live(user_id, token.user_epoch, token.created_at))
    async with database.transaction() as transaction:
        if (await transaction.execute(person)).first() is None:
            raise PersonGone
        await idempotency.spend(transaction, claim, str(token.id), token.created_at)
        if (await transaction.scalars(live)).one() >= most:
            raise TooManyTokens
        await transaction.execute(
            insert(PersonalToken).values(
                id=token.id,
                digest=digest,
                last_four=token.last_four,
                user_id=user_id,
                user_epoch=token.user_epoch,
                name=token.name,
                scopes=list(token.scopes),
                version=token.version,
                created_at=token.created_at,
                expires_at=token.expires_at,
            )
        )
        await audit.record(transaction, replace(entry, data={**entry.data, "after": token.remembered}))


async def page_for_user(database: Database, user_id: UUID, *, after: UUID | None, limit: int) -> list[OwnToken]:
    """Return up to `limit` of a person's tokens, ended ones as well, the newest first; with `after`, older ones."""
    query = select(*_SHOWN).where(_own(user_id)).order_by(col(PersonalToken.id).desc()).limit(limit)
    if after is not None:
        query = query.where(col(PersonalToken.id) < after)
    async with database.transaction() as transaction:
        rows = (await transaction.execute(query)).all()
    return [_token(row) for row in rows]


async def find(database: Database, user_id: UUID, token_id: UUID) -> OwnToken | None:
    """Return one token of a person."""
    query = select(*_SHOWN).where(_own(user_id), col(PersonalToken.id) == token_id)
    async with database.transaction() as transaction:
        row = (await transaction.execute(query)).one_or_none()
    return None if row is None else _token(row)


async def rename(
    database: Database, user_id: UUID, token_id: UUID, name: str, entry: AuditEntry, *, version: int | None
) -> OwnToken | None:
    """Give a token another name and return it so; None when it is not the person's, or revoked.

    The audit row gets `before` and `after`; the name that it has already leaves no trace. With a `version`, raises
    `VersionChanged` when it is at another one.
    """
    async with database.transaction() as transaction:
        token = await _locked(transaction, user_id, token_id, version)
        if token is None or token.name == name:
            return token
        changed = (
            update(PersonalToken)
            .where(col(PersonalToken.id) == token_id)
            .values(name=name, version=token.version + 1)
            .returning(*_SHOWN)
        )
        row = (await transaction.execute(changed)).one()
        change = {"before": {"name": token.name}, "after": {"name": name}}
        await audit.record(transaction, replace(entry, data={**entry.data, **change}))
    return _token(row)


async def revoke(
    database: Database, user_id: UUID, token_id: UUID, now: datetime, entry: AuditEntry, *, version: int | None
) -> OwnToken | None:
    """End a token for good and return what it was; None when it is not the person's, or was revoked before.

    The audit row gets `before`. With a `version`, raises `VersionChanged` when it is at another one.
    """
    async with database.transaction() as transaction:
        token = await _locked(transaction, user_id, token_id, version)
        if token is None:
            return None
        await transaction.execute(
            update(PersonalToken)
            .where(col(PersonalToken.id) == token_id)
            .values(revoked_at=now, version=token.version + 1)
        )
        await audit.record(transaction, replace(entry, data={**entry.data, "before": token.remembered}))
    return token


async def name_of_revoked(database: Database, user_id: UUID, token_id: UUID) -> str:
    """Return what a revoked token of a person was called; empty for anything else."""
    query = select(col(PersonalToken.name)).where(
        col(PersonalToken.id) == token_id,
        col(PersonalToken.user_id) == user_id,
        col(PersonalToken.revoked_at).is_not(None),
    )
    async with database.transaction() as transaction:
        return (await transaction.scalars(query)).one_or_none() or ""


def _own(user_id: UUID) -> ColumnElement[bool]:
    return and_(col(PersonalToken.user_id) == user_id, col(PersonalToken.revoked_at).is_(None))


def _live(user_id: UUID, user_epoch: int, now: datetime) -> ColumnElement[bool]:
    """`OwnToken.is_live` in SQL."""
    return and_(
        _own(user_id),
        col(PersonalToken.user_epoch) == user_epoch,
        or_(col(PersonalToken.expires_at).is_(None), col(PersonalToken.expires_at) > now),
    )


async def _locked(transaction: Transaction, user_id: UUID, token_id: UUID, version: int | None) -> OwnToken | None:
    """Return a token as of now and keep everybody else from changing it until the transaction ends."""
    query = select(*_SHOWN).where(_own(user_id), col(PersonalToken.id) == token_id).with_for_update()
    row = (await transaction.execute(query)).one_or_none()
    if row is not None and version is not None and row.version != version:
        raise VersionChanged
    return None if row is None else _token(row)


def _token(row: Row[*tuple[object, ...]]) -> OwnToken:
    return OwnToken(
        id=row.id,
        name=row.name,
        last_four=row.last_four,
        scopes=tuple(row.scopes),
        version=row.version,
        user_epoch=row.user_epoch,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )
