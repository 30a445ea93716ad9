"""The statements of pushed authorization requests (RFC 9126), one round trip each: as `gather_sql` and `settle_sql`
are. What is granted or denied uses a pushed request up in its own statement (`settle_sql`)."""

from app.store.gather_sql import CLIENT, LIVE_RECORD, SESSION_COLUMNS, client, find, of, session
from app.store.hot_connection import Statement
from app.store.settle_sql import HELD, proved

# ruff: noqa: S608 -- put together from constants; every value is a parameter


_FOUND = f"application where id = $2 and version = $3 and status = 'active' and {HELD.format(2)}"


# $1 id, $2 application, $3 its version, $4 digest, $5 client_id, $6 parameters, $7 whether they were signed, $8 now,
# $9 end, $10 who is counted (null: nobody), $11 the beginning of the oldest window that still counts, $12 how many may
# push in one, then the proof
def place(
    name: str, noted: str = "", unused: str = "", told: str = "", *, found: str = _FOUND, document: str = "null"
) -> Statement:
    """Keep a request of the application that is `found`; `document` is what that is known by, if by one."""
    return Statement(
        name,
        f"""
with {noted}n as (
    insert into failure as f (key, count, first_at, last_at)
    select $10::bytea, 1, $8, $8 where $10::bytea is not null
    on conflict (key) do update
    set count = case when f.first_at > $11 then f.count + 1 else 1 end,
        first_at = case when f.first_at > $11 then f.first_at else $8 end, last_at = $8
    where f.count < $12 or f.first_at <= $11
    returning key),
a as (
    select $2::uuid id from {found} and ($10::bytea is null or exists (select from n)){unused}),
q as (
    insert into pushed_request
        (id, digest, application_id, client_id, params, signed, created_at, expires_at, document)
    select $1, $4, a.id, $5, $6, $7, $8, $9, {document}::jsonb from a
    returning id)
select exists (select from q), $10::bytea is null or exists (select from n),
    (select first_at from failure where key = $10::bytea){told}""",
    )


PLACE_PUSHED = place("place_pushed")
PLACE_PUSHED_PROVED = place("place_pushed.proved", *proved(13))

_PUSHED = "id, digest, application_id, params, signed, expires_at, used_at, document"
GATHER_PUSHED = Statement(
    "gather_pushed",
    f"""
select {of("c", CLIENT)}, {SESSION_COLUMNS}, {of("r", LIVE_RECORD)}, {of("q", _PUSHED)}
from (values (1)) one
{client("client_id = $1")}
{find("q", _PUSHED, "pushed_request", "id = $4")}
{session(2, 3)}""",
)

STATEMENTS = tuple(value for value in globals().values() if isinstance(value, Statement))
"""What a hot connection prepares for pushed requests."""
