"""What OpenID Connect keeps: who was told what, which applications a session has, and who waits to hear of its end.

Only adds: servers of schema 4 go on working beside it. They refuse the scope `openid`, and end sessions without telling
anybody.
"""

from contextlib import nullcontext

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COLUMNS = (
    "alter table application add column if not exists openid jsonb not null default '{}'",
    "alter table grant_code add column if not exists claims text",
    "alter table token_family add column if not exists claims text",
    'alter table "authorization" add column if not exists subject text',
    "alter table browser_session add column if not exists sid uuid",
    "alter table interaction add column if not exists account_at timestamptz",
)
"""Each on its own, and again after one that broke off, as in r0004."""

FAMILIES = "token_family_sid on token_family (sid) where revoked_at is null and sid is not null"
"""A session ends the families that hang on it. What a rotation writes is not in it: updates stay HOT."""

TABLES = (
    """
create table session_application (
    sid uuid not null,
    application_id uuid not null,
    user_id uuid not null,
    subject text not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    primary key (sid, application_id)
)""",
    """
create table logout_delivery (
    id uuid primary key,
    application_id uuid not null,
    user_id uuid not null,
    lane uuid not null,
    subject text not null,
    sid uuid,
    attempts integer not null default 0,
    next_at timestamptz not null,
    claimed_until timestamptz,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    done_at timestamptz,
    outcome text check (outcome in ('delivered', 'refused', 'gave_up')),
    problem text not null default ''
)""",
    "create index logout_delivery_due on logout_delivery (next_at) where done_at is null",
    "create index logout_delivery_lane on logout_delivery (application_id, lane, id) where done_at is null",
    "create index logout_delivery_done on logout_delivery (done_at) where done_at is not null",
    """
create table pairwise_subject (
    sector text not null,
    user_id uuid not null,
    sub text not null unique,
    created_at timestamptz not null,
    primary key (sector, user_id)
)""",
)

# Called where somebody's claims are asked for, and not otherwise: what is not called costs nothing.
PERSON = """
create function person_document(person uuid) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $function$
    select jsonb_build_object(
        'username', u.username, 'email', u.email, 'claims', u.claims, 'updated_at', extract(epoch from u.updated_at),
        'memberships', coalesce((
            select jsonb_agg(jsonb_build_array(o.slug, o.name, m.role) order by o.slug)
            from public.organization_member m
            join public.organization o on o.id = m.organization_id and o.deleted_at is null
            where m.user_id = u.id), '[]'))
    from public.user_account u where u.id = person
$function$"""


def upgrade() -> None:
    """Add them. The SQL that is only written out adds columns and index the plain way."""
    context = op.get_context()
    with nullcontext() if context.as_sql else context.autocommit_block():
        for statement in COLUMNS:
            op.execute(statement)
        if not context.as_sql:
            op.execute("set lock_timeout = 0")  # it waits for transactions that began before, and holds up nobody
            op.execute("drop index concurrently if exists token_family_sid")  # one that broke off
            op.execute(f"create index concurrently {FAMILIES}")
            op.execute("reset lock_timeout")
    if context.as_sql:
        op.execute(f"create index {FAMILIES}")
    for statement in TABLES:
        op.execute(statement)
    op.execute(PERSON)
