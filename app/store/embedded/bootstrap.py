"""Roles and database of the product, seen to at every start: one that was killed half-way is finished by the next.

Passwords travel as verifiers, so that no statement and no log carries one.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
from asyncpg import Connection

from app.store.embedded import passwords as stored
from app.store.embedded.errors import EmbeddedError
from app.store.embedded.targets import DATABASE, OWNER, RUNTIME, SUPERUSER, ConnectionTarget

ATTRIBUTES = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
PATIENCE = 60.0


def ensure(superuser: ConnectionTarget, passwords: Mapping[str, str]) -> None:
    """Make roles and database where they are missing, and set the passwords that differ from ours."""
    _finish(_ensure(superuser, passwords), superuser)


def change_password(superuser: ConnectionTarget, password: str) -> None:
    """Give the superuser another password than the one it is connected with."""
    _finish(_change_password(superuser, password), superuser)


def _finish(work: Coroutine[Any, Any, None], superuser: ConnectionTarget) -> None:
    """Run it to its end in an event loop and a thread of its own: our caller may already stand in a loop."""
    try:
        with ThreadPoolExecutor(1, "bootstrap") as pool:
            pool.submit(asyncio.run, work).result()
    except asyncpg.InvalidPasswordError:
        raise EmbeddedError(
            f"The database behind {superuser.host} does not accept the superuser's password: "
            "put postgres.password of the same data directory back from a backup."
        ) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise EmbeddedError(
            f"The database behind {superuser.host} could not be prepared ({error}): "
            "put that right and start again; postgres.log of the data directory says more."
        ) from None


async def _ensure(superuser: ConnectionTarget, passwords: Mapping[str, str]) -> None:
    connection = await asyncpg.connect(**superuser.asyncpg_kwargs(), timeout=PATIENCE)
    try:
        rows = await connection.fetch("select rolname, rolpassword from pg_authid")
        present = {row["rolname"]: row["rolpassword"] for row in rows}
        for role in (OWNER, RUNTIME):
            if role not in present:
                await connection.execute(f"create role {role} {ATTRIBUTES}")
            if not stored.verifies(present.get(role), passwords[role]):
                await _set_password(connection, role, passwords[role])
        if not await connection.fetchval("select exists (select 1 from pg_database where datname = $1)", DATABASE):
            await connection.execute(f"create database {DATABASE} owner {OWNER}")
        if await connection.fetchval("select has_database_privilege('public', $1, 'connect')", DATABASE):
            await connection.execute(f"grant connect on database {DATABASE} to {RUNTIME}")
            await connection.execute(f"revoke all on database {DATABASE} from public")
    finally:
        await connection.close()


async def _change_password(superuser: ConnectionTarget, password: str) -> None:
    connection = await asyncpg.connect(**superuser.asyncpg_kwargs(), timeout=PATIENCE)
    try:
        await _set_password(connection, SUPERUSER, password)
    finally:
        await connection.close()


async def _set_password(connection: Connection, role: str, password: str) -> None:
    verifier = stored.verifier(password)  # base64: no quote can stand in it
    await connection.execute(f"alter role {role} password '{verifier}'")
