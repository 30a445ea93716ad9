"""Signing keys, resources, proofs of possession, device codes, tokens bound to a key.

Only adds: servers of schema 3 go on working beside it, and take a bound token for what it would be without its key.
"""

from contextlib import nullcontext

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = (
    """
create table signing_key (
    id uuid primary key,
    kid text not null unique,
    alg text not null,
    public_jwk jsonb not null,
    sealed bytea not null,
    created_at timestamptz not null,
    active_from timestamptz not null,
    retired_at timestamptz
)""",
    """
create table resource (
    identifier text primary key,
    name text not null default '',
    scopes text[],
    token_format text not null default 'opaque' check (token_format in ('opaque', 'jwt')),
    access_token integer,
    signing_alg text not null default '',
    introspection_clients text[] not null default '{}',
    version integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null
)""",
    """
create table proof (
    at timestamptz not null,
    digest bytea not null,
    primary key (at, digest)
) partition by range (at)""",
    """
create table device_grant (
    id uuid primary key,
    digest bytea not null,
    user_code_digest bytea not null unique,
    application_id uuid not null,
    application_epoch integer not null,
    scopes text[] not null,
    resources text[] not null,
    cnf text,
    status text not null default 'pending' check (status in ('pending', 'approved', 'denied', 'used')),
    user_id uuid,
    user_epoch integer,
    authorization_id uuid,
    record_version integer,
    auth_time timestamptz,
    acr text not null default '',
    amr text[] not null default '{}',
    sid uuid,
    poll_seconds integer not null,
    polled_at timestamptz,
    address text not null default '',
    request_id text not null default '',
    created_at timestamptz not null,
    expires_at timestamptz not null,
    decided_at timestamptz,
    family_id uuid,
    used_at timestamptz
)""",
    "create table revoked_token (id uuid primary key, expires_at timestamptz not null)",
    "create index revoked_token_expires on revoked_token (expires_at)",
)

_OF_TOKENS = (
    "add column if not exists cnf text, add column if not exists act jsonb, add column if not exists basis jsonb"
)
COLUMNS = (
    "alter table application add column if not exists key_material jsonb not null default '{}'",
    "alter table application_secret add column if not exists sealed bytea",
    "alter table grant_code add column if not exists cnf text",
    "alter table token_family add column if not exists cnf text",
    f"alter table access_token {_OF_TOKENS}",
    f"alter table legacy_token {_OF_TOKENS}",
)
"""Each on its own, and again after one that broke off: whoever holds one of these tables while he waits for another
stands in a circle with requests, which read them in every order."""

# As before, and proofs: theirs are by the hour, and their bounds are moments instead of ids.
ENSURE_PARTITION = """
create or replace function ensure_partition(parent text, moment timestamptz) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '1s' as $function$
declare
    step text := case parent
        when 'access_token' then 'day' when 'decision_trace' then 'day' when 'audit' then 'month'
        when 'proof' then 'hour' end;
    bounded name := case parent when 'proof' then 'at' else 'id' end;
    first_moment timestamp := date_trunc(step, moment at time zone 'UTC');
    next_moment timestamp := first_moment + ('1 ' || step)::interval;
    partition name := parent || '_' || to_char(first_moment, case step
        when 'hour' then 'YYYYMMDDHH24' else 'YYYYMMDD' end);
    first_bound text := to_char(first_moment, 'YYYY-MM-DD HH24:MI:SS"+00"');
    next_bound text := to_char(next_moment, 'YYYY-MM-DD HH24:MI:SS"+00"');
begin
    if step is null then
        raise exception 'table % is not partitioned', parent using errcode = 'invalid_parameter_value';
    end if;
    if exists (select from pg_class where relnamespace = 'public'::regnamespace and relname = partition) then
        return false;
    end if;
    perform pg_advisory_xact_lock(hashtext('assent ' || parent));
    if exists (select from pg_class where relnamespace = 'public'::regnamespace and relname = partition) then
        return false;
    end if;
    if bounded = 'id' then
        first_bound := rpad(lpad(to_hex((extract(epoch from first_moment) * 1000)::bigint), 12, '0'), 32, '0')::uuid;
        next_bound := rpad(lpad(to_hex((extract(epoch from next_moment) * 1000)::bigint), 12, '0'), 32, '0')::uuid;
    end if;
    execute format('create table public.%I (like public.%I including all, '
                   'constraint bounds check (%I >= %L and %I < %L))',
                   partition, parent, bounded, first_bound, bounded, next_bound);
    execute format('alter table public.%I attach partition public.%I for values from (%L) to (%L)',
                   parent, partition, first_bound, next_bound);
    execute format('alter table public.%I drop constraint bounds', partition);
    return true;
end
$function$"""


# What an exchanged token rests on: applications by id, each with the epoch that it must still have.
APPLICATIONS_STAND = """
create function applications_stand(basis jsonb) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $function$
begin
    return not exists (
        select from jsonb_each_text(basis -> 'applications') b (id, epoch)
        left join public.application x on x.id = b.id::uuid
        where (x.status = 'active' and x.epoch = b.epoch::integer) is not true);
end
$function$"""


def upgrade() -> None:
    """Add them. The SQL that is only written out adds the columns the plain way."""
    context = op.get_context()
    with nullcontext() if context.as_sql else context.autocommit_block():
        for statement in COLUMNS:
            op.execute(statement)
    for statement in TABLES:
        op.execute(statement)
    op.execute(ENSURE_PARTITION)
    op.execute(APPLICATIONS_STAND)
