"""Organizations, API keys, personal tokens, secrets with a history, deletion with a way back.

Only adds: servers of schema 1 go on working beside it. What is added to tables in use takes their locks for a moment
only; indexes over what they hold already are in the next one.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
create table organization (
    id uuid primary key,
    slug text not null unique,
    name text not null,
    version integer not null default 1,
    deleted_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null
)""",
    """
create table organization_member (
    organization_id uuid not null references organization,
    user_id uuid not null references user_account,
    role text not null,
    version integer not null default 1,
    joined_at timestamptz not null,
    primary key (organization_id, user_id)
)""",
    "create index organization_member_user on organization_member (user_id)",
    """
create table organization_invitation (
    id uuid primary key,
    digest bytea not null,
    organization_id uuid not null references organization,
    role text not null,
    note text not null default '',
    invited_by uuid,
    inviting_key_id uuid,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    used_at timestamptz,
    used_by uuid
)""",
    """
create index organization_invitation_open on organization_invitation (organization_id, id)
    where used_at is null and revoked_at is null""",
    """
create table api_key (
    id uuid primary key,
    digest bytea not null,
    last_four text not null,
    retiring_digest bytea,
    retiring_last_four text,
    retiring_last_used_at timestamptz,
    organization_id uuid not null references organization,
    label text not null,
    scopes text[] not null,
    allowed_origins text[] not null default '{}',
    status text not null default 'active' check (status in ('active', 'inactive')),
    version integer not null default 1,
    created_by uuid,
    last_used_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null
)""",
    "create index api_key_organization on api_key (organization_id, id)",
    """
create table personal_token (
    id uuid primary key,
    digest bytea not null,
    last_four text not null,
    user_id uuid not null references user_account,
    user_epoch integer not null,
    name text not null,
    scopes text[] not null,
    version integer not null default 1,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    created_at timestamptz not null
)""",
    "create index personal_token_user on personal_token (user_id, id) where revoked_at is null",
    """
create table application_secret (
    id uuid primary key,
    application_id uuid not null references application,
    digest bytea not null,
    last_four text not null,
    created_by uuid,
    last_used_at timestamptz,
    created_at timestamptz not null
)""",
    "create index application_secret_application on application_secret (application_id, id)",
    "create index application_secret_digest on application_secret (digest)",
    """
insert into application_secret (id, application_id, digest, last_four, created_at)
select gen_random_uuid(), application.id, secret, '', application.created_at
  from application, unnest(secret_digests) secret""",
    "alter table application add column owner_organization_id uuid references organization",
    "alter table application add column allowed_origins text[] not null default '{}'",
    "alter table application add column off_by text not null default '' check (off_by in ('', 'owner', 'operator'))",
    "update application set off_by = 'operator' where status = 'inactive'",
    "alter table application add column delete_after timestamptz",
    "alter table application add column deleted_at timestamptz",
    "alter table application add column checked_at timestamptz",
    "alter table application add column checked_by uuid",
    "alter table application add column checked_note text not null default ''",
    """
create table spent_key (
    digest bytea primary key,
    request_digest bytea not null,
    resource_id text not null,
    created_at timestamptz not null
)""",
    "create index spent_key_created on spent_key (created_at)",
    """
create table legacy_credential (
    digest bytea primary key,
    kind text not null check (kind in ('access_token', 'refresh_token', 'personal_token', 'api_key')),
    target_id uuid not null
)""",
    """
create table legacy_import (
    kind text not null,
    source text not null,
    target_id uuid not null,
    at timestamptz not null,
    primary key (kind, source)
)""",
    """
create table legacy_token (
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
)""",
    "create index legacy_token_expires on legacy_token (expires_at)",
    "create index legacy_credential_target on legacy_credential (target_id)",
    "alter table audit add column organization_id uuid",
    "alter table audit add column actor_label text not null default ''",
    "alter table audit add column user_agent text not null default ''",
)


def upgrade() -> None:
    """Add them."""
    for statement in STATEMENTS:
        op.execute(statement)
