"""Counters of failures: one statement each, so that they are exact however many count at once.

Two kinds share the table: failures in a row, which end in a wait, and failures within a window. Whoever counts one of
each takes the window first; thus no two transactions ever wait for each other crosswise.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Integer, Interval, bindparam, delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models.columns import MOMENT
from app.models.failure import Failure

_TYPES = (bindparam("now", type_=MOMENT), bindparam("limit", type_=Integer))

_WAITING_TYPES = (
    *_TYPES,
    bindparam("first_wait", type_=Interval),
    bindparam("longest_wait", type_=Interval),
)

# A try whose outcome is not known yet counts already, but makes nobody wait: only when so many are under way that
# they must be guesses, or when the key has waited before and this one try is its chance.
_BEGIN_TRY = text("""
insert into failure as f (key, count, first_at, last_at) values (:key, 1, :now, :now)
on conflict (key) do update
   set count = f.count + 1, last_at = :now,
       blocked_until = case when f.count >= :limit and f.blocked_until is not null
         then :now + least(:first_wait * power(2, least(f.count + 1 - :limit, 30)), :longest_wait)
         when f.count + 1 >= :at_once then :now + :first_wait end
 where f.blocked_until is null or f.blocked_until <= :now
returning key
""").bindparams(*_WAITING_TYPES, bindparam("at_once", type_=Integer))

_TRY_FAILED = text("""
update failure as f
   set blocked_until = greatest(f.blocked_until, :now +
         least(:first_wait * power(2, least(f.count - :limit, 30)), :longest_wait))
 where key = :key and f.count >= :limit
returning blocked_until
""").bindparams(*_WAITING_TYPES)

_COUNT_IN_WINDOW = text("""
insert into failure as f (key, count, first_at, last_at)
values (:key, 1, :now, :now)
on conflict (key) do update
   set count = case when f.first_at > :begin then f.count + 1 else 1 end,
       first_at = case when f.first_at > :begin then f.first_at else :now end,
       last_at = :now
 where f.count < :limit or f.first_at <= :begin
returning count
""").bindparams(*_TYPES, bindparam("begin", type_=MOMENT))


@dataclass(frozen=True, slots=True)
class WaitRule:
    """From the `limit`-th failure in a row a key waits `first_wait`, doubling up to `longest_wait`; at most `at_once`
    tries may be under way before the first wait, and one after each."""

    limit: int
    first_wait: timedelta
    longest_wait: timedelta
    at_once: int

    def parameters(self, key: bytes, now: datetime) -> dict[str, object]:
        """Return what both statements are given."""
        return {
            "key": key,
            "now": now,
            "limit": self.limit,
            "first_wait": self.first_wait,
            "longest_wait": self.longest_wait,
        }


async def begin_try(transaction: AsyncSession, key: bytes, now: datetime, rule: WaitRule) -> datetime | None:
    """Count one more try and return None; while the key waits, count nothing and return the end of the wait."""
    begun = await transaction.execute(_BEGIN_TRY, {**rule.parameters(key, now), "at_once": rule.at_once})
    if begun.first() is not None:
        return None
    return (await transaction.execute(select(col(Failure.blocked_until)).where(col(Failure.key) == key))).scalar_one()


async def try_failed(transaction: AsyncSession, key: bytes, now: datetime, rule: WaitRule) -> datetime | None:
    """Let the key wait if this was one failure too many; return until when."""
    return (await transaction.execute(_TRY_FAILED, rule.parameters(key, now))).scalar_one_or_none()


async def count_in_window(
    transaction: AsyncSession, key: bytes, now: datetime, *, limit: int, window: timedelta
) -> datetime | None:
    """Count one more failure, beginning a new window when the last one is over; return None.

    With `limit` failures in the window nothing is counted and the window's end is returned.
    """
    if await is_counted(transaction, key, now, limit=limit, window=window):
        return None
    first_at = (await transaction.execute(select(col(Failure.first_at)).where(col(Failure.key) == key))).scalar_one()
    return first_at + window


async def is_counted(transaction: AsyncSession, key: bytes, now: datetime, *, limit: int, window: timedelta) -> bool:
    """Count as `count_in_window` does; False when nothing is counted. One statement either way, so nobody can tell."""
    counted = await transaction.execute(
        _COUNT_IN_WINDOW, {"key": key, "now": now, "begin": now - window, "limit": limit}
    )
    return counted.first() is not None


async def forgive(transaction: AsyncSession, key: bytes) -> None:
    """Take one failure back."""
    await transaction.execute(
        update(Failure).where(col(Failure.key) == key, col(Failure.count) > 0).values(count=col(Failure.count) - 1)
    )


async def take_back(transaction: AsyncSession, key: bytes) -> None:
    """Take a try back, and the wait that it has begun: it was no failure."""
    await transaction.execute(
        update(Failure)
        .where(col(Failure.key) == key, col(Failure.count) > 0)
        .values(count=col(Failure.count) - 1, blocked_until=None)
    )


async def clear(transaction: AsyncSession, key: bytes) -> None:
    """Forget every failure in a row."""
    await transaction.execute(delete(Failure).where(col(Failure.key) == key))
