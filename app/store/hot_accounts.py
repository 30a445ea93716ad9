"""The sessions that one browser holds, on the hot path: one method is one round trip."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.protocol.facts import SessionFact
from app.store.gather_sql import find
from app.store.hot_connection import Statement
from app.store.hot_pool import HotPool

_SESSION = "id, digest, user_id, user_epoch, auth_time, amr, last_used_at, idle_expires_at, expires_at, sid"
_COLUMNS = (
    "s.id, s.sid, s.digest, s.user_id, s.user_epoch, u.sub, u.username, coalesce(u.email, ''), "
    "coalesce(u.claims ->> 'name', ''), s.auth_time, array_to_string(s.amr, ' '), s.last_used_at, s.idle_expires_at, "
    "s.expires_at, u.operator, a.sid is not null"
)

# $1 ids, $2 now, $3 the application that asks. There are a handful of sessions: each column comes as one array.
HELD_SESSIONS = Statement(
    "held_sessions",
    f"""
select {", ".join(f"array_agg(c{number})" for number in range(16))}
from (select {_COLUMNS}
    from unnest($1::uuid[]) asked(id)
    join lateral (select {_SESSION.replace("sid", "coalesce(sid, id) as sid")} from browser_session
        where id = asked.id and ended_at is null and idle_expires_at > $2 and expires_at > $2 offset 0) s on true
    join lateral (select sub, username, email, claims, operator from user_account
        where id = s.user_id and epoch = s.user_epoch and disabled_at is null offset 0) u on true
    {find("a", "sid", "session_application", "sid = s.sid and application_id = $3")}
    ) held(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15)""",  # noqa: S608 -- constants
)

STATEMENTS = (HELD_SESSIONS,)
"""What a hot connection may prepare to answer here."""


class Accounts:
    """Those who are signed in on a browser."""

    def __init__(self, pool: HotPool) -> None:
        self._pool = pool

    async def held(
        self, ids: Collection[UUID], application_id: UUID | None, now: datetime
    ) -> list[tuple[SessionFact, bool]]:
        """Return the live ones of these sessions, the latest used first, each with whether it has signed its person in
        to the application."""
        row = await self._pool.read(HELD_SESSIONS, list(ids), now, application_id)
        if row is None or row[0] is None:
            return []
        found = [(_session(one), one[15]) for one in zip(*row, strict=True)]
        return sorted(found, key=lambda held: held[0].last_used_at, reverse=True)


def _session(values: Sequence[Any]) -> SessionFact:
    """Read `_COLUMNS`."""
    return SessionFact(
        id=values[0],
        sid=values[1],
        digest=values[2],
        user_id=values[3],
        user_epoch=values[4],
        subject=values[5],
        username=values[6],
        email=values[7],
        display_name=values[8],
        auth_time=values[9],
        amr=tuple(values[10].split()),
        last_used_at=values[11],
        idle_expires_at=values[12],
        expires_at=values[13],
        operator=values[14],
    )
