"""The statements of Grant Management: into which record an approval goes, where the request says so (GM-2), and which
grants an application has.

Each is made and prepared by whoever needs it first: most servers never do.
"""

from functools import cache
from uuid import UUID

from app.protocol.grant_management import MOST, GrantAction, GrantTarget
from app.store import backchannel_sql, device_sql, settle_sql
from app.store.gather_sql import LIVE_RECORD, find
from app.store.hot_connection import Statement
from app.store.record_sql import INTO, LIVE

# ruff: noqa: S608 -- put together from constants; every value is a parameter

FIND_GRANT = Statement(
    "find_grant",
    f"""
select {LIVE_RECORD} from "authorization"
where id = $1 and application_id = $2 and user_id = $3 and {LIVE}""",
)

_IS_THERE = f'select from "authorization" where id = $1 and application_id = $2 and {LIVE}'
IS_THERE = Statement("is_grant_there", f"select exists ({_IS_THERE})")


# A range of the index: there is no more to count than there may be, but for some that began at the same moment.
HAS_ROOM = Statement(
    "has_room_for_grant",
    f"""
select count(*) < {MOST} from "authorization"
where application_id = $1 and user_id = $2 and revoked_at = 'infinity'""",
)

READ_GRANT = Statement(
    "read_grant",
    f"""
select r.pairs, r.details, r.created_at, r.updated_at, coalesce(a.event, '')
from (values (1)) one
join lateral (
    select pairs, details, created_at, updated_at, last_change from "authorization"
    where id = $1 and application_id = $2 and {LIVE} offset 0) r on true
{find("a", "event", "audit", "id = r.last_change")}""",
)


@cache
def settle_authorization(action: GrantAction, *, with_token: bool) -> Statement:
    """Return the statement that writes a code, and a token through the browser beside it, with the record of a
    target."""
    if with_token:
        parts = (settle_sql.CODE_PART, settle_sql.FRONT_TOKEN_PART)
        return settle_sql.authorization(f"settle_code_and_token.{action}", *parts, into=INTO[action])
    return settle_sql.authorization(f"settle_authorization.{action}", settle_sql.CODE_PART, into=INTO[action])


@cache
def approve_device(action: GrantAction) -> Statement:
    """Return the statement that approves a device code with the record of a target."""
    return device_sql.approve_device(f"approve_device.{action}", INTO[action])


@cache
def approve_backchannel(action: GrantAction) -> Statement:
    """Return the statement that approves a backchannel request with the record of a target."""
    return backchannel_sql.approve_backchannel(f"approve_backchannel.{action}", INTO[action])


def record_id(target: GrantTarget | None, new_record_id: UUID) -> UUID:
    """Return the id of the record that is written: a new one, unless the target names one that is there."""
    return new_record_id if target is None or target.record_id is None else target.record_id


STATEMENTS = (FIND_GRANT, IS_THERE, HAS_ROOM, READ_GRANT)
"""Those that only read."""
