"""The statements behind tokens that a JWT or another token pays for: one round trip each (RFC 7523, RFC 8693)."""

from app.store.gather_sql import CLIENT, client, find, of
from app.store.hot_connection import Statement
from app.store.settle_sql import HELD, paid_audit, proved

# ruff: noqa: S608 -- put together from constants; every value is a parameter

_PERSON = "id, sub, username, disabled_at, epoch"


def _gather_person(name: str, key: str) -> Statement:
    """Find the application that asks, the user with this name, and whether what pays was used before.

    $1 client_id, $2 the user's name, $3 and $4 moments and digest under which a use is noted.
    """
    return Statement(
        f"gather_person.{name}",
        f"""
select {of("c", CLIENT)}, u.id, u.sub, u.username, u.disabled_at is null, u.epoch,
    exists (select from proof where at = any($3::timestamptz[]) and digest = $4)
from (values (1)) one
{client("client_id = $1")}
{find("u", _PERSON, "user_account", f"{key} = $2")}""",
    )


GATHER_PERSON_BY_SUB = _gather_person("sub", "sub")
GATHER_PERSON_BY_USERNAME = _gather_person("username", "username_key")
GATHER_PERSON_BY_EMAIL = _gather_person("email", "email_key")


# $1 application, $2 its version, $3 now, $4-$11 the audit row, $12 and $13 moments and digest of the use, $14-$25 the
# token, then the proof. What pays is noted only when the application is what was decided on, and every mark is new.
def _settle(name: str, noted: str = "", unused: str = "", told: str = "") -> Statement:
    return Statement(
        name,
        f"""
with {noted}ok as (
    select id, epoch from application
    where id = $1 and version = $2 and status = 'active'{unused} and {HELD.format(1)}),
q as (
    insert into proof (at, digest) select at, $13 from ok, unnest($12::timestamptz[]) at
    on conflict do nothing returning 1),
a as (
    select id application_id, epoch, $16::uuid user_id from ok
    where (select count(*) from q) = cardinality($12::timestamptz[])),
t as (
    insert into access_token
        (id, digest, family_id, authorization_id, user_id, application_id, record_version, user_epoch,
         application_epoch, scopes, resources, issued_at, expires_at, cnf, act, basis)
    select $14, $15, $17::uuid, $18::uuid, user_id, application_id, $19, $20, epoch, $21, $22, $3, $23, $24::text,
        $25::jsonb, $26::jsonb
    from a),
l as ({paid_audit(4, "a", "$3")})
select exists (select from a){told}""",
    )


SETTLE_DELEGATED = _settle("settle_delegated")
SETTLE_DELEGATED_PROVED = _settle("settle_delegated.proved", *proved(27))

STATEMENTS = tuple(value for value in globals().values() if isinstance(value, Statement))
"""Prepared by the connection that needs one first."""
