"""What is kept of clients that introduce themselves: documents beside requests, registrations, and who may register.

Only adds: servers of schema 6 go on working beside it. They show nobody's logo, take a client that registered itself
for one that its operator has not checked, which it is, and know no client by its document unless a grant has made it an
application; an authorization request that waits with a document is one of a client that they do not know.
"""

from contextlib import nullcontext

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COLUMNS = (
    "alter table application add column if not exists introduction jsonb not null default '{}', "
    "add column if not exists name_skeleton text not null default '', "
    "add column if not exists registration_digest bytea",
    "alter table interaction add column if not exists document jsonb",
    "alter table pushed_request add column if not exists document jsonb",
    "alter table \"authorization\" add column if not exists identity text not null default ''",
)
"""Each on its own, and again after one that broke off, as in r0004."""

INDEXES = {
    "application_name_skeleton": "application (name_skeleton) "
    "where name_skeleton <> '' and (verified or not (self_registered or owner_name <> ''))",
    "application_without_skeleton": "application (id) where name_skeleton = '' and deleted_at is null",
    "application_self_registered": "application (created_at) where self_registered",
}

TABLES = (
    """
create table initial_access_token (
    id uuid primary key,
    digest bytea not null,
    label text not null,
    uses_left integer check (uses_left >= 0),
    created_by text not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
)""",
    """
create table application_use (
    application_id uuid primary key,
    last_at timestamptz not null
)""",
)

# A server of schema 6 that renames an application knows nothing of skeletons: the job makes it anew.
SKELETON_OF_BEFORE = (
    """
create function application_name_changed() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $function$
begin
    if new.name <> old.name and new.name_skeleton = old.name_skeleton then
        new.name_skeleton = '';
    end if;
    return new;
end
$function$""",
    """
create trigger application_name_changed before update of name on application
    for each row execute function application_name_changed()""",
)


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
    for statement in SKELETON_OF_BEFORE:
        op.execute(statement)
