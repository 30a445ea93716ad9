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

_COUNT_IN_A_ROW = text("""
insert into failure as f (key, count, first_at, last_at, blocked_until)
values (:key, 1, :now, :now, case when :limit <= 1 then :now + :first_wait end)
on conflict (key) do update
   set count = f.count + 1, last_at = :now,
       blocked_until = case when f.count + 1 >= :limit
         then :now + least(:first_wait * power(2, least(f.count + 1 - :limit, 30)), :longest_wait) end
 where f.blocked_until is null or f.blocked_until <= :now
returning blocked_until
""").bindparams(*_TYPES, bindparam("first_wait", type_=Interval), bindparam("longest_wait", type_=Interval))

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
class Counted:
    """`admitted`: counted as one more failure, after which the key waits until `wait_until`, or not at all. Otherwise
    nothing was counted, and `wait_until` is the end of the wait that is on."""

    admitted: bool
    wait_until: datetime | None


async def count_in_a_row(
    transaction: AsyncSession, key: bytes, now: datetime, *, limit: int, first_wait: timedelta, longest_wait: timedelta
) -> Counted:
    """Count one more failure in a row unless the key waits; from the `limit`-th on each doubles the wait."""
    row = (
        await transaction.execute(
            _COUNT_IN_A_ROW,
            {"key": key, "now": now, "limit": limit, "first_wait": first_wait, "longest_wait": longest_wait},
        )
    ).one_or_none()
    if row is not None:
        return Counted(admitted=True, wait_until=row[0])
    return Counted(admitted=False, wait_until=await _waits_until(transaction, key))


async def count_in_window(
    transaction: AsyncSession, key: bytes, now: datetime, *, limit: int, window: timedelta
) -> datetime | None:
    """Count one more failure, beginning a new window when the last one is over; return None.

    With `limit` failures in the window nothing is counted and the window's end is returned.
    """
    begin = now - window
    counted = await transaction.execute(_COUNT_IN_WINDOW, {"key": key, "now": now, "begin": begin, "limit": limit})
    if counted.first() is not None:
        return None
    first_at = (await transaction.execute(select(col(Failure.first_at)).where(col(Failure.key) == key))).scalar_one()
    return first_at + window


async def forgive(transaction: AsyncSession, key: bytes) -> None:
    """Take one failure back."""
    await transaction.execute(
        update(Failure).where(col(Failure.key) == key, col(Failure.count) > 0).values(count=col(Failure.count) - 1)
    )


async def clear(transaction: AsyncSession, key: bytes) -> None:
    """Forget every failure in a row."""
    await transaction.execute(delete(Failure).where(col(Failure.key) == key))


async def _waits_until(transaction: AsyncSession, key: bytes) -> datetime | None:
    statement = select(col(Failure.blocked_until)).where(col(Failure.key) == key)
    return (await transaction.execute(statement)).scalar_one_or_none()
