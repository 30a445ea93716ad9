"""The outbox of back-channel logout: notices that are due are claimed, and what came of them is written down.

A claim is one statement, and so is the record of what came of it. Between the two lies the request to the application:
a worker that dies there leaves a notice that is due again when its claim has run out, and may so be sent twice.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, text

from app.protocol import openid_settings
from app.protocol.logout_delivery import Done, Verdict
from app.protocol.openid_settings import OpenIdSettings
from app.protocol.telling import Again
from app.store import audit
from app.store.database import Database
from app.store.expiry import lowest_id
from app.store.orders import AuditEntry

LONGEST_CLAIM = timedelta(seconds=30)
"""How long a worker may take for what it claims. A living one is done far sooner."""

_WAITING = "d.done_at is null and d.next_at <= :now"

_FIRST_OF_ITS_LANE = """d.id = (
                select e.id from logout_delivery e
                where e.application_id = d.application_id and e.lane = d.lane and e.done_at is null
                order by e.id limit 1)"""

# The applications that have notices are walked through in the index, one step each, however many notices they have. No
# more are looked into than notices are asked for: those whose oldest due one is the oldest, and whoever has failed last
# behind the others. Of each the oldest due ones are taken, as many as it has places left, and then of all of them the
# first of each before the second of any. In a lane only the first that is not done is ever taken. What somebody else
# claims at this moment is locked, and what he has just claimed is not due any more: both are passed over.
_CLAIM = text(f"""
with recursive busy as (
    select b.application_id, b.places from unnest(cast(:busy as uuid[]), cast(:places as int[]))
        b (application_id, places)),
told as (
    (select application_id from logout_delivery where done_at is null order by application_id limit 1)
    union all
    select (select d.application_id from logout_delivery d
            where d.done_at is null and d.application_id > h.application_id order by d.application_id limit 1)
    from told h where h.application_id is not null),
chosen as (
    select h.application_id, coalesce(b.places, :abreast) places,
        h.application_id = any(cast(:failing as uuid[])) failing
    from told h left join busy b on b.application_id = h.application_id
    cross join lateral (
        select d.id, d.next_at from logout_delivery d
        where d.application_id = h.application_id and {_WAITING} and {_FIRST_OF_ITS_LANE}
        order by d.next_at, d.id limit 1) oldest
    where h.application_id is not null and coalesce(b.places, :abreast) > 0
    order by failing, oldest.next_at, oldest.id limit :most),
candidate as (
    select c.id
    from chosen h cross join lateral (
        select d.id, d.next_at, row_number() over (order by d.next_at, d.id) turn from (
            select d.id, d.next_at from logout_delivery d
            where d.application_id = h.application_id and {_WAITING} and {_FIRST_OF_ITS_LANE}
            order by d.next_at, d.id limit h.places) d) c
    order by h.failing, c.turn, c.next_at, c.id limit :most),
mine as (
    select d.id from logout_delivery d
    where d.id = any(array(select id from candidate)) and {_WAITING}
    order by d.id for update skip locked),
claimed as (
    update logout_delivery d set claimed_until = :until, next_at = :until from mine where d.id = mine.id
    returning d.id, d.application_id, d.user_id, d.subject, d.sid, d.attempts, d.expires_at)
select c.id, c.application_id, c.user_id, c.subject, c.sid, c.attempts, c.expires_at, a.client_id, a.openid,
    a.deleted_at is not null gone
from claimed c left join application a on a.id = c.application_id order by c.id""")  # noqa: S608 -- constants

# What was delivered is delivered, whoever holds the claim by now; anything else counts for who holds it.
_RECORD = text("""
update logout_delivery d set attempts = d.attempts + 1, next_at = coalesce(v.next_at, d.next_at),
    claimed_until = null, outcome = v.outcome,
    done_at = case when v.outcome is not null then cast(:now as timestamptz) end,
    problem = v.problem
from unnest(cast(:ids as uuid[]), cast(:claims as timestamptz[]), cast(:outcomes as text[]),
    cast(:moments as timestamptz[]), cast(:problems as text[])) v (id, claim, outcome, next_at, problem)
where d.id = v.id and d.done_at is null and (d.claimed_until = v.claim or v.outcome = 'delivered')
returning d.id""")

_FORGET = text("""
delete from logout_delivery where id in (
    select id from logout_delivery where id < :below order by id limit :most)""")

_COUNT = text("select count(*) from logout_delivery where done_at is null")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A notice that this process has until `until`. `client_id` is empty when the application is no more."""

    id: UUID
    application_id: UUID
    user_id: UUID
    subject: str
    sid: UUID | None
    attempts: int
    expires_at: datetime
    until: datetime
    client_id: str
    openid: OpenIdSettings


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a notice; `audit` is the row for the trail when the application will never hear of it."""

    notice: Claimed
    verdict: Verdict
    audit: AuditEntry | None = None


async def claim(
    database: Database,
    now: datetime,
    *,
    most: int,
    abreast: int,
    places: Mapping[UUID, int],
    failing: Collection[UUID] = (),
) -> tuple[Claimed, ...]:
    """Claim up to `most` notices that are due, in a fair order, and never two of one application and lane (LB-1).

    `abreast` is how many of one application, unless `places` says how many it has left. Those of `failing`
    applications are claimed when there is room beside the others.
    """
    until = now + LONGEST_CLAIM
    columns = {"now": now, "until": until, "most": most, "abreast": abreast}
    busy = {"busy": [*places], "places": [*places.values()], "failing": [*failing]}
    async with database.transaction() as transaction:
        rows = (await transaction.execute(_CLAIM, {**columns, **busy})).all()
    return tuple(_claimed(row, until) for row in rows)


async def record(database: Database, reports: Sequence[Report], now: datetime) -> None:
    """Write down what came of notices. What somebody else has claimed meanwhile stays his, unless it was delivered."""
    columns = {
        "now": now,
        "ids": [report.notice.id for report in reports],
        "claims": [report.notice.until for report in reports],
        "outcomes": [report.verdict.outcome if isinstance(report.verdict, Done) else None for report in reports],
        "moments": [report.verdict.at if isinstance(report.verdict, Again) else None for report in reports],
        "problems": [report.verdict.problem for report in reports],
    }
    async with database.transaction() as transaction:
        written = set((await transaction.execute(_RECORD, columns)).scalars())
        failures = [report.audit for report in reports if report.audit is not None and report.notice.id in written]
        await audit.record_all(transaction, [(entry, None) for entry in failures])


async def forget(database: Database, *, made_before: datetime, limit: int) -> int:
    """Forget notices that were made before a moment; returns how many, `limit` at most.

    Also those that nobody has done with, as where the feature was switched off: their time is over long ago.
    """
    async with database.transaction() as transaction:
        result = await transaction.execute(_FORGET, {"below": lowest_id(made_before), "most": limit})
        return result.rowcount if isinstance(result, CursorResult) else 0


async def count_waiting(database: Database) -> int:
    """Return how many notices have not arrived yet and are not given up."""
    async with database.transaction() as transaction:
        return int((await transaction.execute(_COUNT)).scalar_one())


def _claimed(row: Any, until: datetime) -> Claimed:
    key, application_id, user_id, subject, sid, attempts, expires_at, client_id, openid, gone = row
    return Claimed(
        id=key,
        application_id=application_id,
        user_id=user_id,
        subject=subject,
        sid=sid,
        attempts=attempts,
        expires_at=expires_at,
        until=until,
        client_id="" if gone or client_id is None else client_id,
        openid=openid_settings.read(openid or {}),
    )
