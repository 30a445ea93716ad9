"""Client assertions that were used (CA-7), on the hot path: one method is one round trip."""

from app.protocol.single_use import SingleUse
from app.store.hot_connection import Statement
from app.store.hot_pool import HotPool

# $1 the hours in which it could be shown, ascending; $2 its digest. Whoever finds a mark of his made comes second.
NOTE_ASSERTION = Statement(
    "note_assertion",
    """
with p as (
    insert into proof (at, digest) select hour, $2 from unnest($1::timestamptz[]) hour on conflict do nothing
    returning 1)
select count(*) = cardinality($1::timestamptz[]) from p""",
)

STATEMENTS = (NOTE_ASSERTION,)


class Assertions:
    """What marks assertions as used, shared by all workers."""

    def __init__(self, pool: HotPool) -> None:
        self._pool = pool

    async def note(self, use: SingleUse) -> bool:
        """Note an assertion; False when it, or another one of the client with its `jti`, was used before."""
        row = await self._pool.write(NOTE_ASSERTION, list(use.hours), use.digest)
        return row is not None and bool(row[0])
