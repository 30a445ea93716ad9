"""Users, applications, authorization records, interactions, grants, tokens, audit.

Hot tables carry no foreign keys (storage.md §2). The tables that are partitioned begin without a partition: they are
made ahead at start and by the job, through `ensure_partition`, which the runtime role may call.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    """
create table user_account (
    id uuid primary key,
    sub text not null unique,
    username text not null,
    username_key text not null unique,
    email text,
    email_key text unique,
    password_hash text,
    claims jsonb not null default '{}',
    operator boolean not null default false,
    epoch integer not null default 0,
    disabled_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null
)""",
    "create index user_account_operator on user_account (id) where operator",
    """
create table browser_session (
    id uuid primary key,
    digest bytea not null,
    user_id uuid not null references user_account,
    user_epoch integer not null,
    auth_time timestamptz not null,
    amr text[] not null default '{}',
    acr text not null default '',
    user_agent text not null default '',
    address text not null default '',
    created_at timestamptz not null,
    last_used_at timestamptz not null,
    idle_expires_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz
)""",
    "create index browser_session_user on browser_session (user_id) where ended_at is null",
    """
create table application (
    id uuid primary key,
    client_id text not null unique,
    name text not null,
    kind text not null check (kind in ('web', 'native', 'browser', 'machine')),
    status text not null default 'active'
        check (status in ('active', 'inactive', 'pending_deletion', 'deletion_in_progress')),
    version integer not null default 1,
    epoch integer not null default 0,
    owner_user_id uuid references user_account,
    owner_name text not null default '',
    client_uri text not null default '',
    auth_method text not null,
    secret_digests bytea[] not null default '{}',
    redirect_uris text[] not null default '{}',
    grant_types text[] not null default '{}',
    response_types text[] not null default '{}',
    scopes text[],
    optional_scopes text[] not null default '{}',
    policy jsonb not null default '{}',
    metadata jsonb not null default '{}',
    unmet text[] not null default '{}',
    self_registered boolean not null default false,
    verified boolean not null default false,
    created_at timestamptz not null,
    updated_at timestamptz not null
)""",
    "create index ix_application_owner_user_id on application (owner_user_id)",
    """
create table "authorization" (
    id uuid primary key,
    user_id uuid not null references user_account,
    application_id uuid not null references application,
    pairs text[] not null,
    since integer[] not null,
    version integer not null default 1,
    last_change uuid not null,
    revoked_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    check (cardinality(pairs) = cardinality(since))
) with (fillfactor = 80)""",
    'create unique index authorization_live on "authorization" (user_id, application_id) where revoked_at is null',
    'create index authorization_application on "authorization" (application_id)',
    """
create table authorization_scope (
    authorization_id uuid not null references "authorization",
    pair text not null,
    first_granted timestamptz not null,
    last_granted timestamptz not null,
    primary key (authorization_id, pair)
)""",
    """
create table interaction (
    id uuid primary key,
    digest bytea not null,
    application_id uuid not null,
    client_id text not null,
    params jsonb not null,
    browser_digest bytea,
    session_id uuid,
    login_at timestamptz,
    request_id text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    closed_at timestamptz
)""",
    """
create table grant_code (
    id uuid primary key,
    digest bytea not null,
    application_id uuid not null,
    user_id uuid not null,
    authorization_id uuid not null,
    record_version integer not null,
    user_epoch integer not null,
    application_epoch integer not null,
    scopes text[] not null,
    resources text[] not null,
    auth_time timestamptz not null,
    acr text not null,
    amr text[] not null,
    sid uuid,
    redirect_uri text,
    code_challenge text,
    nonce text,
    offline boolean not null,
    failed_attempts integer not null default 0,
    family_id uuid,
    used_at timestamptz,
    expires_at timestamptz not null
)""",
    """
create table token_family (
    id uuid primary key,
    authorization_id uuid not null,
    user_id uuid not null,
    application_id uuid not null,
    record_version integer not null,
    user_epoch integer not null,
    application_epoch integer not null,
    scopes text[] not null,
    resources text[] not null,
    digest bytea,
    generation integer not null default 0,
    key_since integer[] not null,
    rotated_at timestamptz not null,
    idle_expires_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    revoked_reason text,
    auth_time timestamptz not null,
    acr text not null,
    amr text[] not null,
    sid uuid,
    nonce text
) with (fillfactor = 80)""",
    "create index token_family_user on token_family (user_id) where revoked_at is null",
    """
create table access_token (
    id uuid primary key,
    digest bytea not null,
    family_id uuid,
    authorization_id uuid,
    user_id uuid,
    application_id uuid not null,
    record_version integer not null,
    user_epoch integer not null,
    application_epoch integer not null,
    scopes text[] not null,
    resources text[] not null,
    issued_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz
) partition by range (id)""",
    """
create table audit (
    id uuid primary key,
    at timestamptz not null,
    event text not null,
    request_id text not null,
    actor_kind text not null,
    actor_id text not null,
    user_id uuid,
    application_id uuid,
    authorization_id uuid,
    subject_id text not null default '',
    address text not null default '',
    data jsonb not null default '{}'
) partition by range (id)""",
    "create index audit_authorization on audit (authorization_id, id) where authorization_id is not null",
    """
create table decision_trace (
    id uuid primary key,
    request_id text not null,
    at timestamptz not null,
    client_id text not null,
    endpoint text not null,
    outcome text not null,
    steps jsonb not null
) partition by range (id)""",
    "create index decision_trace_request on decision_trace (request_id)",
    """
create table failure (
    key bytea primary key,
    count integer not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    blocked_until timestamptz
)""",
    """
create table one_time_link (
    id uuid primary key,
    digest bytea not null,
    purpose text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
)""",
    "create table server_meta (key text primary key, value text not null)",
)

# PARTITION OF would lock the parent against every reader; LIKE + CHECK + ATTACH does not, since the CHECK spares the
# scan under lock and goes afterwards. Whether a partition is there is asked of the catalogue's rows: to_regclass after
# the lock would answer from a cache that this lock does not refresh. Bounds: the first 48 bits of a UUIDv7 are
# milliseconds since 1970 UTC.
ENSURE_PARTITION = """
create function ensure_partition(parent text, moment timestamptz) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '1s' as $function$
declare
    step text := case parent
        when 'access_token' then 'day' when 'decision_trace' then 'day' when 'audit' then 'month' end;
    first_moment timestamp := date_trunc(step, moment at time zone 'UTC');
    next_moment timestamp := first_moment + ('1 ' || step)::interval;
    partition name := parent || '_' || to_char(first_moment, 'YYYYMMDD');
    first_id uuid := rpad(lpad(to_hex((extract(epoch from first_moment) * 1000)::bigint), 12, '0'), 32, '0')::uuid;
    next_id uuid := rpad(lpad(to_hex((extract(epoch from next_moment) * 1000)::bigint), 12, '0'), 32, '0')::uuid;
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
    execute format('create table public.%I (like public.%I including all, '
                   'constraint bounds check (id >= %L and id < %L))', partition, parent, first_id, next_id);
    execute format('alter table public.%I attach partition public.%I for values from (%L) to (%L)',
                   parent, partition, first_id, next_id);
    execute format('alter table public.%I drop constraint bounds', partition);
    return true;
end
$function$"""

# Workers keep applications in memory; a notification is sent when the change commits, and none when it does not.
APPLICATION_CHANGED = (
    """
create function application_changed() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $function$
begin
    perform pg_notify('assent_application', old.id::text);
    return null;
end
$function$""",
    """
create trigger application_changed after update or delete on application
    for each row execute function application_changed()""",
)


def upgrade() -> None:
    """Make everything."""
    for statement in TABLES:
        op.execute(statement)
    for statement in APPLICATION_CHANGED:
        op.execute(statement)
    op.execute(ENSURE_PARTITION)
    op.execute("revoke all on function ensure_partition(text, timestamptz) from public")
    op.execute("insert into server_meta (key, value) values ('oldest_code', '1')")
