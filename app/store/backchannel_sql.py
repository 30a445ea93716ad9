"""The statements of backchannel authentication requests (CIBA), one round trip each: as `device_sql` has them."""

from app.store import polled_sql
from app.store.gather_sql import CLIENT, LIVE_RECORD, client, find, of
from app.store.hot_connection import Statement
from app.store.record_sql import IMPLICIT, Into
from app.store.settle_sql import HELD, audit, authorization, proved

# ruff: noqa: S608 -- put together from constants; every value is a parameter

# $1 name as names are compared, $2 subject, $3 sector: the subject is that of the sector if there is one; $4 who asks.
# A subject goes before names: people choose those, and could choose the subject of somebody else. Whoever is known and
# whoever is not, the same rows are looked for (CB-11).
FIND_ASKED_PERSON = Statement(
    "find_asked_person",
    f"""
select u.id, u.epoch,
    exists (
        select from "authorization"
        where user_id = u.id and application_id = $4 and revoked_at is null and pairs <> '{{}}')
    or exists (
        select from "authorization"
        where user_id = u.id and application_id = $4 and revoked_at = 'infinity' and pairs <> '{{}}')
from (values (1)) one
{find("n", "id", "user_account", "username_key = $1::text")}
{find("e", "id", "user_account", "email_key = $1::text")}
{find("s", "id", "user_account", "sub = $2::text and $3::text is null")}
{find("p", "user_id", "pairwise_subject", "sub = $2::text and sector = $3::text")}
{find("u", "id, epoch", "user_account", "id = coalesce(s.id, p.user_id, n.id, e.id) and disabled_at is null")}""",
)


# $1 id, $2 application, $3 its version, $4 digest, $5 the application's epoch, $6 person, $7 his epoch, $8 scopes,
# $9 resources, $10 classes of sign-in, $11 details, $12 and $13 what is asked of Grant Management, $14 the binding
# message, $15 key, $16 notification, $17 seconds between polls, $18 address, $19 request, $20 now, $21 end,
# $22 counters, $23 who is told of it, $24-$34 the audit row, then the proof
def _place(name: str, noted: str = "", unused: str = "", told: str = "") -> Statement:
    return Statement(
        name,
        f"""
with {noted}b as (
    insert into backchannel_request
        (id, digest, application_id, application_epoch, user_id, user_epoch, scopes, resources, acr_values, details,
         grant_action, grant_id, binding_message, cnf, notification, poll_seconds, address, request_id, created_at,
         expires_at, counted, call, call_at)
    select $1, $4, $2, $5, $6::uuid, $7::int, $8, $9, $10, $11::text, $12::text, $13::uuid, $14, $15::text,
        $16::bytea, $17, $18, $19, $20, $21, $22, $23::text, case when $23::text is not null then $20::timestamptz end
    where exists (
        select from application where id = $2 and version = $3 and status = 'active' and {HELD.format(2)}){unused}
    returning id),
l as ({audit(24, "b")})
select exists (select from b){told}""",
    )


PLACE_BACKCHANNEL = _place("place_backchannel")
PLACE_BACKCHANNEL_PROVED = _place("place_backchannel.proved", *proved(35))

GATHER_BACKCHANNEL, GATHER_BACKCHANNEL_ALONE = polled_sql.gather("gather_backchannel", "backchannel_request")

_ASKED = (
    "id, application_id, application_epoch, user_id, user_epoch, status, scopes, resources, acr_values, details, "
    "grant_action, grant_id, authorization_id, binding_message, address, created_at, expires_at"
)
_RECORD = find(
    "r", LIVE_RECORD, '"authorization"', "user_id = g.user_id and application_id = c.id and revoked_at is null"
)
GATHER_BACKCHANNEL_QUESTION = Statement(
    "gather_backchannel_question",
    f"""
select {of("c", CLIENT)}, {of("r", LIVE_RECORD)}, {of("g", _ASKED)}
from (values (1)) one
{find("g", _ASKED, "backchannel_request", "id = $1 and user_id = $2")}
{client("id = g.application_id")}
{_RECORD}""",
)
# $1 person, $2 now: those of his that he can decide about, the oldest first
WAITING_BACKCHANNEL = Statement(
    "waiting_backchannel",
    f"""
select {of("c", CLIENT)}, {of("r", LIVE_RECORD)}, {of("g", _ASKED)}
from (
    select {of("b", _ASKED)}
    from backchannel_request b
    join lateral (select epoch from user_account where id = $1 and disabled_at is null offset 0) u
        on u.epoch = b.user_epoch
    where b.user_id = $1 and b.status = 'pending' and b.expires_at > $2) g
join lateral (
    select {CLIENT} from application
    where id = g.application_id and status = 'active' and epoch = g.application_epoch offset 0) c on true
{_RECORD}
order by g.id""",
)

# Whoever asked to be told of the decision is told of it; there is nothing to tell the person any more.
_DECIDED = (
    "decided_at = $2, call = case when notification is not null then 'client' end, "
    "call_at = case when notification is not null then $2 end, call_attempts = 0, call_claimed_until = null"
)


# $24 the scopes that were approved, $25-$28 how the person signed in, $29 the details that were approved. What he has
# approved was no nuisance: it is taken back where it was counted, in the order in which it was counted.
def approve_backchannel(name: str, into: Into = IMPLICIT) -> Statement:
    """Write the record, and approve the request that waits."""
    return authorization(
        name,
        f"""
g as (
    update backchannel_request
    set status = 'approved', authorization_id = m.id, record_version = m.version, scopes = $24, auth_time = $25,
        acr = $26, amr = $27, sid = $28::uuid, details = $29::text, {_DECIDED}
    from m where backchannel_request.id = $1::uuid and backchannel_request.status = 'pending'
    returning counted),
k as (
    select f.key
    from (select c.key from g cross join lateral unnest(g.counted) with ordinality c (key, place) order by c.place) c
    cross join lateral (select key from failure where key = c.key for update) f),
t as (update failure set count = count - 1 where key = any(array(select key from k)) and count > 0)""",
        waited="""
    select id from backchannel_request
    where id = $1::uuid and user_id = $3 and user_epoch = $4 and application_id = $5 and application_epoch = $6
        and status = 'pending' and expires_at > $2 and exists (select from who)
    for update""",
        into=into,
    )


APPROVE_BACKCHANNEL = approve_backchannel("approve_backchannel")

DENY_BACKCHANNEL = polled_sql.deny("deny_backchannel", "backchannel_request", _DECIDED, " and user_id = $3")
NOTE_BACKCHANNEL_POLL = polled_sql.note_poll("note_backchannel_poll", "backchannel_request")
SLOW_DOWN_BACKCHANNEL = polled_sql.slow_down("slow_down_backchannel", "backchannel_request")
SETTLE_BACKCHANNEL, SETTLE_BACKCHANNEL_PROVED = polled_sql.settle("settle_backchannel", "backchannel_request")

_DUE = "call is not null and call_at <= $1 and (call = 'client' or expires_at > $1)"
# $1 now, $2 until when they are claimed, $3 how many at most, $4 who is to be called (null: whoever it is), $5 how many
# of one application at most (null: any number), but for the applications $6, which have the places $7 left. Each has
# its turn: those of one that asks a lot, or does not answer, wait for the first ones of all others. There is nothing to
# tell a person about a request that he cannot decide any more: it is passed over until it is deleted.
CLAIM_CALLS = Statement(
    "claim_calls",
    f"""
with due as (
    select id, call_at, row_number() over (partition by application_id order by call_at, id) turn,
        coalesce(($7::int[])[array_position($6::uuid[], application_id)], $5::int) places
    from backchannel_request
    where {_DUE} and call = coalesce($4, call)),
mine as (
    select id from backchannel_request
    where id = any(array(
        select id from due where turn <= coalesce(places, turn) order by turn, call_at, id limit $3)) and {_DUE}
    order by id for update skip locked),
claimed as (
    update backchannel_request b set call_claimed_until = $2, call_at = $2
    from mine where b.id = mine.id
    returning b.id, b.call, b.status, b.user_id, b.user_epoch, b.application_id, b.scopes, b.binding_message,
        b.notification, b.call_attempts, b.created_at, b.expires_at)
select g.id, g.call, g.status, g.application_id, c.client_id, c.name, c.requests, g.user_id, u.sub, u.username, u.email,
    g.scopes, g.binding_message, g.notification, g.call_attempts, g.created_at, g.expires_at
from claimed g
{find("c", "client_id, name, requests", "application", "id = g.application_id and status = 'active'")}
{find("u", "sub, username, email", "user_account", "id = g.user_id and epoch = g.user_epoch and disabled_at is null")}
order by g.id""",
)
# $1 request, $2 who was called, $3 until when it was claimed, $4 when to call again (null: no more), $5-$15 the audit
# row ($5 null: none). What was decided meanwhile is another call, which somebody else may have claimed.
RECORD_CALL = Statement(
    "record_call",
    f"""
with c as (
    update backchannel_request
    set call_attempts = call_attempts + 1, call_claimed_until = null, call_at = $4::timestamptz,
        call = case when $4::timestamptz is not null then call end
    where id = $1 and call = $2::text and call_claimed_until = $3
    returning id),
w as (select id from c where $5::uuid is not null),
l as ({audit(5, "w")})
select exists (select from c)""",
)

STATEMENTS = tuple(value for value in globals().values() if isinstance(value, Statement))
"""What a hot connection prepares for requests to people elsewhere."""
