"""What the runtime role may do: work with rows, never with tables, and never change what the audit trail says."""

import asyncpg
from sqlmodel import SQLModel

import app.models  # noqa: F401 -- registers the tables

RUNTIME = "assent_runtime"

APPEND_ONLY = frozenset({"audit", "decision_trace"})
"""Rows are added and read. Rights on the parent suffice, so partitions carry none of their own."""


async def grant(connection: asyncpg.Connection, role: str) -> bool:
    """Give the role its rights, and take away what it has too much; False when there is no such role.

    The connection is the owner's. Repeating it changes nothing. An owner that is also the runtime role keeps its
    rights: then the audit trail is protected by the code alone, which `doctor` reports.
    """
    owner = await connection.fetchval("select current_user::text")
    if role == owner or not await connection.fetchval("select exists (select from pg_roles where rolname = $1)", role):
        return False
    quoted = await connection.fetchval("select quote_ident($1)", role)
    tables = ", ".join(f'public."{table}"' for table in SQLModel.metadata.tables)
    rows = ", ".join(f'public."{table}"' for table in SQLModel.metadata.tables if table not in APPEND_ONLY)
    added = ", ".join(f'public."{table}"' for table in sorted(APPEND_ONLY))
    async with connection.transaction():
        await connection.execute(f"revoke all on {tables} from {quoted}")
        await connection.execute(f"grant usage on schema public to {quoted}")
        await connection.execute(f"grant select, insert, update, delete on {rows} to {quoted}")
        await connection.execute(f"grant select, insert on {added} to {quoted}")
        await connection.execute(f"grant select on public.alembic_version to {quoted}")
        await connection.execute(f"grant execute on function public.ensure_partition(text, timestamptz) to {quoted}")
    return True
