"""Two roles: one owns the tables, the other works with the rows and never rewrites the audit trail."""

import asyncpg
import pytest

from app.store import audit
from tests.store import scene as scenes
from tests.store.scene import NOW, Scene, connected, fetch
from tests.support.database import FreshDatabase


@pytest.mark.parametrize(
    "statement",
    [
        "update audit set event = 'nothing.happened'",
        "delete from audit",
        "truncate audit",
        "update audit_20261101 set event = 'nothing.happened'",
        "delete from audit_20261101",
        "truncate audit_20261101",
        "merge into audit using audit_20261101 other on audit.id = other.id when matched then delete",
        "insert into audit select * from audit limit 1 on conflict (id) do update set event = 'nothing.happened'",
        "select from audit for update",
        "select * from audit_20261101",
        "update decision_trace set outcome = 'granted'",
        "drop table audit",
        "alter table audit disable trigger all",
        "alter table audit detach partition audit_20261101",
        "create table public.mine (id integer)",
        "delete from alembic_version",
        "alter function ensure_partition(text, timestamptz) security invoker",
    ],
)
async def test_the_runtime_role_may_not(scene: Scene, fresh_database: FreshDatabase, statement: str) -> None:
    await scenes.approve(scene, "a")
    async with connected(fresh_database.runtime_url) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)


async def test_the_runtime_role_adds_to_the_audit_trail_and_reads_it(
    scene: Scene, fresh_database: FreshDatabase
) -> None:
    entry = scenes.entry("something.happened", detail="π")
    async with scene.database.transaction() as transaction:
        await audit.record(transaction, entry)
    [row] = await fetch(
        fresh_database.runtime_url, "select event, at, data ->> 'detail' from audit where id = $1", entry.id
    )
    assert tuple(row) == ("something.happened", NOW, "π")


async def test_a_deed_that_is_rolled_back_leaves_no_audit_row(scene: Scene, fresh_database: FreshDatabase) -> None:
    entry = scenes.entry("something.happened")

    async def deed() -> None:
        async with scene.database.transaction() as transaction:
            await audit.record(transaction, entry)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await deed()
    assert await fetch(fresh_database.runtime_url, "select from audit where id = $1", entry.id) == []


async def test_an_audit_row_of_a_month_without_partition_finds_one(scene: Scene, fresh_database: FreshDatabase) -> None:
    entry = scenes.entry("something.happened", NOW.replace(year=2040))
    async with scene.database.transaction() as transaction:
        await audit.record(transaction, entry)
    assert len(await fetch(fresh_database.runtime_url, "select from audit where id = $1", entry.id)) == 1


async def test_partitions_made_by_the_runtime_role_belong_to_the_owner(
    scene: Scene, fresh_database: FreshDatabase
) -> None:
    owners = await fetch(
        fresh_database.superuser_url,
        "select distinct pg_get_userbyid(relowner) from pg_class where relispartition or relkind = 'p'",
    )
    assert [row[0] for row in owners] == ["assent"]


async def test_the_function_for_partitions_cannot_be_led_astray(scene: Scene, fresh_database: FreshDatabase) -> None:
    """Whoever calls it decides neither what its names mean nor which table it works on."""
    async with connected(fresh_database.runtime_url) as connection:
        await connection.execute("create temporary table pg_class (relname text, relnamespace oid)")
        await connection.execute("set search_path = pg_temp, public")
        assert await connection.fetchval("select public.ensure_partition('audit', $1)", NOW) is False
        for table in ("user_account", "audit; drop table audit", '"audit"', ""):
            with pytest.raises(asyncpg.InvalidParameterValueError):
                await connection.fetchval("select public.ensure_partition($1, $2)", table, NOW)
