"""The secrets of applications: as rows for their owners, and repeated in the application for the hot path.

The functions take part in the caller's transaction, which holds the application's row: so both always say the same.
Servers of schema 1, which know no rows, may still run beside this one: what they wrote is caught up with first.
"""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import cast, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col

from app.crypto.secrets import new_id
from app.models import Application, ApplicationSecret, User
from app.store.transaction import Transaction

SEALED_SECRETS = "sealed_secrets"
"""The member of `Application.key_material` that repeats what is sealed of the secrets, in base64."""

_OLDEST_FIRST = (col(ApplicationSecret.created_at), col(ApplicationSecret.id))


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret to be valid from now on. `last_four` is empty where four characters would tell too much of it.

    `sealed` is the secret encrypted at rest, where it serves as a MAC key.
    """

    id: UUID
    digest: bytes = field(repr=False)
    last_four: str
    created_by: UUID | None = None
    sealed: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """A valid secret as its owner sees it: never more than its last four characters. Moments are aware UTC.

    `created_by_name` is the username of who made it; empty for the operator.
    """

    id: UUID
    last_four: str
    created_by: UUID | None
    created_by_name: str
    created_at: datetime
    last_used_at: datetime | None


async def of(transaction: Transaction, application_ids: Iterable[UUID]) -> dict[UUID, tuple[StoredSecret, ...]]:
    """Return the valid secrets by application, the oldest first; those without any are missing."""
    query = (
        select(ApplicationSecret, func.coalesce(col(User.username), ""))
        .outerjoin(User, col(User.id) == col(ApplicationSecret.created_by))
        .where(col(ApplicationSecret.application_id).in_(list(application_ids)))
        .order_by(*_OLDEST_FIRST)
    )
    found: dict[UUID, tuple[StoredSecret, ...]] = {}
    for row, maker in await transaction.execute(query):
        secret = StoredSecret(row.id, row.last_four, row.created_by, maker, row.created_at, row.last_used_at)
        found[row.application_id] = (*found.get(row.application_id, ()), secret)
    return found


async def add(transaction: Transaction, application_id: UUID, secret: NewSecret, now: datetime) -> None:
    """Make a secret valid beside those that are; the application is at a new version."""
    await _catch_up(transaction, application_id, now)
    await _insert(transaction, application_id, [secret], now)
    await _repeat(transaction, application_id, changed_at=now)


async def retire(transaction: Transaction, application_id: UUID, secret_id: UUID, now: datetime) -> bool:
    """End a secret; the application is at a new version. False when it has no such secret."""
    await _catch_up(transaction, application_id, now)
    statement = (
        delete(ApplicationSecret)
        .where(col(ApplicationSecret.id) == secret_id, col(ApplicationSecret.application_id) == application_id)
        .returning(col(ApplicationSecret.id))
    )
    retired = (await transaction.execute(statement)).first() is not None
    if retired:
        await _repeat(transaction, application_id, changed_at=now)
    return retired


async def keep(
    transaction: Transaction,
    application_id: UUID,
    digests: Iterable[bytes],
    now: datetime,
    *,
    last_four: str = "",
    sealed: bytes | None = None,
) -> None:
    """Make exactly these secrets valid; `last_four` and `sealed` belong to those among them that are new.

    What was valid before and still is keeps its row, and with it what is known of its use. The version is the caller's
    business: this is part of a larger change.
    """
    await _catch_up(transaction, application_id, now)
    wanted = list(dict.fromkeys(digests))
    rows = col(ApplicationSecret.application_id) == application_id
    await transaction.execute(delete(ApplicationSecret).where(rows, col(ApplicationSecret.digest).not_in(wanted)))
    known = set(await transaction.scalars(select(col(ApplicationSecret.digest)).where(rows)))
    new = [NewSecret(new_id(now), digest, last_four, sealed=sealed) for digest in wanted if digest not in known]
    await _insert(transaction, application_id, new, now)
    await _repeat(transaction, application_id)


async def seal_again(transaction: Transaction, application_id: UUID, digest: bytes, sealed: bytes) -> None:
    """Keep a secret that is valid already in a form that can be read again, since it serves as a MAC key now."""
    rows = col(ApplicationSecret.application_id) == application_id
    statement = update(ApplicationSecret).where(rows, col(ApplicationSecret.digest) == digest).values(sealed=sealed)
    await transaction.execute(statement)
    await _repeat(transaction, application_id)


async def repeat_sealed(transaction: Transaction, application_id: UUID, now: datetime, *, wipe: bool) -> None:
    """Have the application's row repeat what is sealed; with `wipe`, nothing is any more, and digests have to do."""
    await _catch_up(transaction, application_id, now)
    if wipe:
        rows = col(ApplicationSecret.application_id) == application_id
        await transaction.execute(update(ApplicationSecret).where(rows).values(sealed=None))
    await _repeat(transaction, application_id)


async def _catch_up(transaction: Transaction, application_id: UUID, now: datetime) -> None:
    """Give every digest of the application's row a row of its own, and drop those that it has no longer."""
    rows = col(ApplicationSecret.application_id) == application_id
    repeated = select(col(Application.secret_digests)).where(col(Application.id) == application_id)
    valid = (await transaction.execute(repeated)).scalar_one()
    await transaction.execute(delete(ApplicationSecret).where(rows, col(ApplicationSecret.digest).not_in(valid)))
    known = set(await transaction.scalars(select(col(ApplicationSecret.digest)).where(rows)))
    missing = [NewSecret(new_id(now), digest, "") for digest in valid if digest not in known]
    await _insert(transaction, application_id, missing, now)


async def _insert(transaction: Transaction, application_id: UUID, secrets: list[NewSecret], now: datetime) -> None:
    if not secrets:
        return
    rows = [
        {
            "id": secret.id,
            "application_id": application_id,
            "digest": secret.digest,
            "last_four": secret.last_four,
            "sealed": secret.sealed,
            "created_by": secret.created_by,
            "created_at": now,
        }
        for secret in secrets
    ]
    await transaction.execute(insert(ApplicationSecret), rows)


async def _repeat(transaction: Transaction, application_id: UUID, changed_at: datetime | None = None) -> None:
    """Have the application's row repeat the digests of its secrets and what is sealed of them, the oldest first."""
    mine = col(ApplicationSecret.application_id) == application_id
    digests = select(col(ApplicationSecret.digest)).where(mine).order_by(*_OLDEST_FIRST)
    sealed = select(col(ApplicationSecret.sealed)).where(mine, col(ApplicationSecret.sealed).is_not(None))
    found = await transaction.scalars(sealed.order_by(*_OLDEST_FIRST))
    texts = [b64encode(one).decode("ascii") for one in found if one is not None]
    rest = col(Application.key_material).op("-")(SEALED_SECRETS)
    newer = {"version": col(Application.version) + 1, "updated_at": changed_at} if changed_at else {}
    await transaction.execute(
        update(Application)
        .where(col(Application.id) == application_id)
        .values(
            secret_digests=func.array(digests.scalar_subquery()),
            key_material=rest.op("||")(cast({SEALED_SECRETS: texts} if texts else {}, JSONB)),
            **newer,
        )
    )
