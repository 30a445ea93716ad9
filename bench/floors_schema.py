"""The tables and statements of the floors, in the shape of the product's: what the database has to do at least.

No migrations, no roles, no foreign keys; ids are UUIDv7, partitions go by id, five days of tokens and three months
of audit.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

TABLES = """
create table token (
  id uuid primary key, digest bytea not null, user_id uuid not null, application_id uuid not null,
  scopes text[] not null, expires_at timestamptz not null);
create table grant_code (
  id uuid primary key, digest bytea not null, application_id uuid not null, user_id uuid not null,
  authorization_id uuid not null, record_version int not null, scopes text[] not null, resources text[] not null,
  auth_time timestamptz not null, acr text not null, amr text[] not null, sid uuid, redirect_uri text,
  code_challenge text, nonce text, family_id uuid, used_at timestamptz, expires_at timestamptz not null);
create table token_family (
  id uuid primary key, authorization_id uuid not null, user_id uuid not null, application_id uuid not null,
  record_version int not null, scopes text[] not null, resources text[] not null, digest bytea,
  generation int not null default 0, key_since int[] not null, rotated_at timestamptz not null,
  idle_expires_at timestamptz not null, expires_at timestamptz not null, revoked_at timestamptz,
  revoked_reason text, auth_time timestamptz not null, acr text not null, amr text[] not null, sid uuid, nonce text
) with (fillfactor = 80);
create index on token_family (user_id) where revoked_at is null;
create table access_token (
  id uuid primary key, digest bytea not null, family_id uuid, authorization_id uuid, user_id uuid,
  application_id uuid not null, record_version int not null, scopes text[] not null, resources text[] not null,
  issued_at timestamptz not null, expires_at timestamptz not null, revoked_at timestamptz
) partition by range (id);
create table audit (
  id uuid primary key, at timestamptz not null, event text not null, request_id text not null,
  actor_kind text not null, actor_id text not null, user_id uuid, application_id uuid, subject_id text not null,
  address text not null, data jsonb not null
) partition by range (id);
"""

SELECT_TOKEN = "select digest, user_id, application_id, scopes, expires_at from token where id = $1"

INSERT_TOKEN = """
insert into access_token (id, digest, user_id, application_id, record_version, scopes, resources, issued_at, expires_at)
values ($1, $2, $3, $4, 1, $5, '{}', $6, $7)
"""

EXCHANGE = """
with c as (
  update grant_code set used_at = $2, family_id = $3
   where id = $1 and digest = $4 and used_at is null and expires_at > $2
  returning application_id, user_id, authorization_id, record_version, scopes, resources, auth_time, acr, amr, sid,
            nonce),
f as (
  insert into token_family (id, authorization_id, user_id, application_id, record_version, scopes, resources, digest,
    key_since, rotated_at, idle_expires_at, expires_at, auth_time, acr, amr, sid, nonce)
  select $3, authorization_id, user_id, application_id, record_version, scopes, resources, $5, '{1,1}', $2, $6, $7,
         auth_time, acr, amr, sid, nonce from c),
t as (
  insert into access_token (id, digest, family_id, authorization_id, user_id, application_id, record_version, scopes,
    resources, issued_at, expires_at)
  select $8, $9, $3, authorization_id, user_id, application_id, record_version, scopes, resources, $2, $10 from c),
u as (
  insert into audit (id, at, event, request_id, actor_kind, actor_id, user_id, application_id, subject_id, address,
    data)
  select $11, $2, 'token.issued', $12, 'application', $13, user_id, application_id, $3::uuid::text, $14, '{}' from c)
select exists (select 1 from c) as won
"""


def partitions(now: datetime) -> Iterator[str]:
    """Return the statements that make the partitions around an aware UTC moment."""
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC)
    days = [midnight + timedelta(days=offset) for offset in range(-2, 4)]
    yield from _ranges("access_token", days)
    month = midnight.replace(day=1)
    months = [month]
    for _ in range(3):
        months.append((months[-1] + timedelta(days=32)).replace(day=1))
    yield from _ranges("audit", months)


def _ranges(table: str, bounds: list[datetime]) -> Iterator[str]:
    for number, (low, high) in enumerate(pairwise(bounds)):
        yield (
            f"create table {table}_{number} partition of {table} "
            f"for values from ('{_first_id(low)}') to ('{_first_id(high)}')"
        )


def _first_id(moment: datetime) -> UUID:
    """Return the lowest UUIDv7 of a moment: 48 bits of milliseconds, then zeros."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
