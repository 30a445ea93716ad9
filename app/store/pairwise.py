"""What people are called in sectors: given out once, kept for good. One method is one round trip."""

from datetime import datetime
from uuid import UUID

from app.store.hot_connection import Statement
from app.store.hot_pool import HotPool

# $1 sector, $2 user, $3 the subject if he has none there, $4 now. Of several who are first, the one waits for the
# other: what is there then is what all of them are told, and not what each has worked out.
SUBJECT_OF = Statement(
    "subject_of",
    """
with known as (select sub from pairwise_subject where sector = $1 and user_id = $2),
made as (
    insert into pairwise_subject (sector, user_id, sub, created_at)
    select $1, $2, $3, $4 where not exists (select from known)
    on conflict (sector, user_id) do update set sub = pairwise_subject.sub
    returning sub)
select sub from known union all select sub from made""",
)


class PairwiseSubjects:
    """The subjects that all workers share."""

    def __init__(self, pool: HotPool) -> None:
        self._pool = pool

    async def of(self, sector: str, user_id: UUID, computed: str, now: datetime) -> str:
        """Return what a person is called in a sector: as ever, and `computed` from now on if that was never asked.

        The key that it is computed with may be another one by now; the name stays.
        """
        row = await self._pool.write(SUBJECT_OF, sector, user_id, computed, now)
        return computed if row is None else str(row[0])
