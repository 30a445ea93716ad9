"""Wrong secrets of applications, counted on the hot path: one method is one round trip."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.store.hot_connection import Statement
from app.store.hot_pool import HotPool

# $1 keys, $2 now, $3 the beginning of the oldest window that still counts. Whoever counts several names them from the
# widest to the narrowest, so that no two statements ever wait for each other crosswise.
COUNT_GUESS = Statement(
    "count_guess",
    """
with c as (
    insert into failure as f (key, count, first_at, last_at)
    select k.key, 1, $2, $2 from unnest($1::bytea[]) with ordinality k (key, place) order by k.place
    on conflict (key) do update
       set count = case when f.first_at > $3 then f.count + 1 else 1 end,
           first_at = case when f.first_at > $3 then f.first_at else $2 end,
           last_at = $2
    returning key, count, first_at)
select array_agg(c.count order by k.place), array_agg(c.first_at order by k.place)
  from unnest($1::bytea[]) with ordinality k (key, place) join c on c.key = k.key""",
)


@dataclass(frozen=True, slots=True)
class Counted:
    """How many failures there are under a key, since when."""

    count: int
    first_at: datetime


class Guesses:
    """The counters that all workers share."""

    def __init__(self, pool: HotPool) -> None:
        self._pool = pool

    async def count(self, keys: Sequence[bytes], now: datetime, window: timedelta) -> tuple[Counted, ...]:
        """Count one failure under each key, the widest first; return what there is under each now.

        A key whose window is over begins a new one.
        """
        row = await self._pool.write(COUNT_GUESS, list(keys), now, now - window)
        return () if row is None else tuple(map(Counted, *row))
