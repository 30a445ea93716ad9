"""What demanding profiles keep: pushed requests, requests to a person's phone, details of permissions, managed grants.

Only adds: servers of schema 5 go on working beside it. Tokens that a request with details led to carry none at them, a
grant that was made beside the one of person and application counts as revoked there, and an application that demands
pushed or signed requests is refused there as before.
"""

from contextlib import nullcontext

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COLUMNS = (
    "alter table application add column if not exists requests jsonb not null default '{}'",
    "alter table interaction add column if not exists pushed_id uuid, "
    "add column if not exists signed boolean not null default false",
    "alter table grant_code add column if not exists details text, add column if not exists grant_action text",
    "alter table token_family add column if not exists details text",
    "alter table access_token add column if not exists details text",
    "alter table legacy_token add column if not exists details text",
    "alter table \"authorization\" add column if not exists details jsonb not null default '{}', "
    "add column if not exists refresh_since integer not null default 0",
    "alter table device_grant add column if not exists details text, add column if not exists grant_action text, "
    "add column if not exists grant_id uuid",
)
"""Each on its own, and again after one that broke off, as in r0004."""

INDEXES = {
    "authorization_beside": "\"authorization\" (user_id, application_id) where revoked_at = 'infinity'",
}
"""A live record that stands beside the implicit one is revoked at infinity: the index of one live record for each
person and application does not count it, and servers of schema 5 take it for revoked."""

TABLES = (
    """
create table pushed_request (
    id uuid primary key,
    digest bytea not null,
    application_id uuid not null,
    client_id text not null,
    params jsonb not null,
    signed boolean not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
)""",
    """
create table backchannel_request (
    id uuid primary key,
    digest bytea not null,
    application_id uuid not null,
    application_epoch integer not null,
    user_id uuid,
    user_epoch integer,
    scopes text[] not null,
    resources text[] not null,
    acr_values text[] not null default '{}',
    details text,
    grant_action text,
    grant_id uuid,
    binding_message text not null default '',
    cnf text,
    notification bytea,
    counted bytea[] not null default '{}',
    status text not null default 'pending' check (status in ('pending', 'approved', 'denied', 'used')),
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
    used_at timestamptz,
    call text check (call in ('person', 'client')),
    call_at timestamptz,
    call_attempts integer not null default 0,
    call_claimed_until timestamptz
)""",
    "create index backchannel_request_waiting on backchannel_request (user_id, expires_at) where status = 'pending'",
    "create index backchannel_request_call on backchannel_request (call_at) where call is not null",
)

# What ClientMetadata.requests and RequestSettings.stored make of the registered members.
REQUESTS_OF = """
create function requests_of(registered jsonb) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $function$
    select jsonb_strip_nulls(jsonb_build_object(
        'object_alg', nullif(registered->>'request_object_signing_alg', ''),
        'object_required', nullif(registered->'require_signed_request_object', 'false'),
        'push_required', nullif(registered->'require_pushed_authorization_requests', 'false'),
        'request_uris', nullif(registered->'request_uris', '[]'),
        'answer_alg', nullif(nullif(registered->>'authorization_signed_response_alg', ''), 'RS256'),
        'answer_encryption', case when registered->>'authorization_encrypted_response_alg' is not null
            then jsonb_build_array(registered->>'authorization_encrypted_response_alg',
                coalesce(nullif(registered->>'authorization_encrypted_response_enc', ''), 'A128CBC-HS256')) end,
        'details_types', nullif(registered->'authorization_details_types', '[]'),
        'ciba_mode', nullif(registered->>'backchannel_token_delivery_mode', ''),
        'ciba_endpoint', nullif(registered->>'backchannel_client_notification_endpoint', ''),
        'ciba_alg', nullif(registered->>'backchannel_authentication_request_signing_alg', '')))
$function$"""

# Servers of schema 5 go on registering and changing applications for as long as they run, and know nothing of the
# column. What they note as out of their reach keeps them from serving an application, and is no obstacle here; and what
# this version has noted for them they forget when an owner changes something, so that they would serve it after all.
APPLICATION_OF_BEFORE = (
    """
create function application_requests_of_before() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $function$
declare
    told jsonb := public.requests_of(new.metadata);
    demanded text := 'profile ' || (new.metadata->>'profile');
begin
    if tg_op = 'INSERT' then
        if new.requests = '{}' then
            new.requests = told;
        end if;
    elsif new.requests = old.requests and told <> public.requests_of(old.metadata) then
        new.requests = told;
    end if;
    if demanded in ('profile fapi2', 'profile fapi2-message-signing') then
        new.policy = new.policy || '{"fapi": true}';
        if demanded = 'profile fapi2-message-signing' then
            new.policy = new.policy || '{"signs_messages": true}';
        end if;
        new.unmet = array_replace(new.unmet, 'profile', demanded);
        if tg_op = 'UPDATE' and demanded = any (old.unmet) and demanded <> all (new.unmet) then
            new.unmet = new.unmet || demanded;
        end if;
    end if;
    return new;
end
$function$""",
    """
create trigger application_requests_of_before before insert or update on application
    for each row execute function application_requests_of_before()""",
    """
update application set requests = requests_of(metadata), version = version + 1
 where requests = '{}' and requests_of(metadata) <> '{}'
    or metadata->>'profile' in ('fapi2', 'fapi2-message-signing')""",
)
"""From now on, and for those that are there. The trigger can go as soon as no server of schema 5 is served."""


def upgrade() -> None:
    """Add them. The SQL that is only written out adds columns and indexes the plain way."""
    context = op.get_context()
    with nullcontext() if context.as_sql else context.autocommit_block():
        for statement in COLUMNS:
            op.execute(statement)
        if not context.as_sql:
            op.execute("set lock_timeout = 0")  # it waits for transactions that began before, and holds up nobody
            for name, what in INDEXES.items():
                op.execute(f"drop index concurrently if exists {name}")  # one that broke off
                op.execute(f"create index concurrently {name} on {what}")
            op.execute("reset lock_timeout")
    if context.as_sql:
        for name, what in INDEXES.items():
            op.execute(f"create index {name} on {what}")
    for statement in TABLES:
        op.execute(statement)
    op.execute(REQUESTS_OF)
    for statement in APPLICATION_OF_BEFORE:
        op.execute(statement)
