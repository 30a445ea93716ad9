"""The statements of device authorization (RFC 8628), one round trip each: as `gather_sql` and `settle_sql` are."""

from app.store import polled_sql
from app.store.gather_sql import CLIENT, LIVE_RECORD, client, find, of
from app.store.hot_connection import Statement
from app.store.record_sql import IMPLICIT, Into
from app.store.settle_sql import HELD, authorization, proved

# ruff: noqa: S608 -- put together from constants; every value is a parameter


# $1 id, $2 application, $3 its version, $4 digest of the code, $5 that of the user code, $6 the application's epoch,
# $7 scopes, $8 resources, $9 key, $10 seconds between polls, $11 address, $12 request, $13 now, $14 end, $15 and $16
# the target of Grant Management, $17 details, then the proof
def _place(name: str, noted: str = "", unused: str = "", told: str = "") -> Statement:
    return Statement(
        name,
        f"""
with {noted}a as (
    select id from application where id = $2 and version = $3 and status = 'active'{unused} and {HELD.format(2)}),
d as (
    insert into device_grant
        (id, digest, user_code_digest, application_id, application_epoch, scopes, resources, cnf, poll_seconds, address,
         request_id, created_at, expires_at, grant_action, grant_id, details)
    select $1, $4, $5, a.id, $6, $7, $8, $9::text, $10, $11, $12, $13, $14, $15::text, $16::uuid, $17::text
    from a
    on conflict (user_code_digest) do nothing
    returning id)
select exists (select from d), exists (select from a){told}""",
    )


PLACE_DEVICE = _place("place_device")
PLACE_DEVICE_PROVED = _place("place_device.proved", *proved(18))

GATHER_DEVICE, GATHER_DEVICE_ALONE = polled_sql.gather("gather_device", "device_grant")

FIND_USER_CODE = Statement(
    "find_user_code",
    "select id from device_grant where user_code_digest = any($1::bytea[]) and status = 'pending' and expires_at > $2",
)

_ASKED = (
    "id, application_id, application_epoch, status, scopes, resources, user_id, address, created_at, expires_at, "
    "grant_action, grant_id, authorization_id, details"
)
GATHER_DEVICE_REQUEST = Statement(
    "gather_device_request",
    f"""
select {of("c", CLIENT)}, {of("r", LIVE_RECORD)}, {of("g", _ASKED)}
from (values (1)) one
{find("g", _ASKED, "device_grant", "id = $1")}
{client("id = g.application_id")}
{find("r", LIVE_RECORD, '"authorization"', "user_id = $2 and application_id = c.id and revoked_at is null")}""",
)


# $24 the scopes that were approved, $25-$28 how the person signed in, $29 the details that were approved
def approve_device(name: str, into: Into = IMPLICIT) -> Statement:
    """Write the record, and approve the device code that waits."""
    return authorization(
        name,
        """
g as (
    update device_grant
    set status = 'approved', user_id = $3, user_epoch = $4, authorization_id = m.id, record_version = m.version,
        scopes = $24, auth_time = $25, acr = $26, amr = $27, sid = $28::uuid, details = $29::text,
        decided_at = $2
    from m where device_grant.id = $1::uuid and device_grant.status = 'pending')""",
        waited="""
    select id from device_grant
    where id = $1::uuid and application_id = $5 and application_epoch = $6 and status = 'pending' and expires_at > $2
        and exists (select from who)
    for update""",
        into=into,
    )


APPROVE_DEVICE = approve_device("approve_device")

DENY_DEVICE = polled_sql.deny("deny_device", "device_grant", "user_id = $3, decided_at = $2")
NOTE_POLL = polled_sql.note_poll("note_poll", "device_grant")
SLOW_DOWN = polled_sql.slow_down("slow_down", "device_grant")
SETTLE_DEVICE, SETTLE_DEVICE_PROVED = polled_sql.settle("settle_device", "device_grant")

STATEMENTS = tuple(value for value in globals().values() if isinstance(value, Statement))
"""What a hot connection prepares for devices."""
