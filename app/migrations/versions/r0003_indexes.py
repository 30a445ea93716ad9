"""Indexes over applications, people and the audit trail.

Made while servers work, however large the tables are: nobody's writes wait. So each is on its own, and one that broke
off is made anew by the next attempt.
"""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INDEXES = {
    "application_owner_organization": "application (owner_organization_id) where owner_organization_id is not null",
    "application_leaving": (
        "application (delete_after) where status in ('pending_deletion', 'deletion_in_progress') and deleted_at is null"
    ),
    "application_unchecked": "application (id) where not verified and (self_registered or owner_name <> '')",
    "application_name_beginning": "application (lower(name) text_pattern_ops)",
    "application_client_id_beginning": "application (client_id text_pattern_ops)",
    "user_account_username_beginning": "user_account (username_key text_pattern_ops)",
    "user_account_email_beginning": "user_account (email_key text_pattern_ops)",
}
"""What each is over: a table, its columns, and which rows."""

AUDIT_INDEXES = {
    "organization": "(organization_id, id) where organization_id is not null",
    "user": "(user_id, id) where user_id is not null and event not in ('code.exchanged', 'token.refreshed')",
    "application": (
        "(application_id, id) where application_id is not null and event not in ('code.exchanged', 'token.refreshed')"
    ),
}
"""The same for the audit trail, without the table."""

_PARTITIONS = "select inhrelid::regclass::text from pg_inherits where inhparent = 'audit'::regclass order by 1"
_BROKEN_OFF = """
select indexrelid::regclass::text from pg_index
where not indisvalid and indexrelid = to_regclass('public.' || quote_ident(:name))"""


def upgrade() -> None:
    """Make them. The SQL that is only written out makes them the plain way."""
    context = op.get_context()
    if not context.as_sql:
        with context.autocommit_block():
            op.execute("set lock_timeout = 0")  # it waits for transactions that began before, and holds up nobody
            for name, where in _large():
                _make(name, where)
            op.execute("reset lock_timeout")
    for name, where in INDEXES.items():
        op.execute(f"create index if not exists {name} on {where}")
    for name, where in AUDIT_INDEXES.items():
        op.execute(f"create index audit_{name} on audit {where}")  # takes over those that its partitions have


def _large() -> Iterator[tuple[str, str]]:
    yield from INDEXES.items()
    partitions = [row[0] for row in op.get_bind().execute(sa.text(_PARTITIONS))]
    for partition in partitions:
        for name, where in AUDIT_INDEXES.items():
            yield f"{partition}_{name}", f"{partition} {where}"


def _make(name: str, where: str) -> None:
    for (broken_off,) in op.get_bind().execute(sa.text(_BROKEN_OFF), {"name": name}):
        op.execute(f"drop index concurrently {broken_off}")
    op.execute(f"create index concurrently if not exists {name} on {where}")
