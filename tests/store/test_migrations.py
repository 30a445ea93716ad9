"""Migrations: planned, applied by one of many, checked before a server starts."""

import asyncio
from types import SimpleNamespace
from uuid import UUID

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from app.migrations import MigrationBusy, SchemaPending, SchemaTooNew, check, pending, runner, upgrade
from app.store import gather_sql, settle_sql
from app.store.application_cache import ApplicationCache
from app.store.hot import Hot
from app.store.hot_pool import HotPool
from app.store.schema import CODE_SCHEMA
from tests.store.scene import NOW, Scene, connected, entry, fetch, redeem, refresh
from tests.support.database import OWNER, RUNTIME, FreshDatabase
from tests.support.earlier_schema import bring_to_schema
from tests.support.earlier_schema import empty as empty
from tests.support.processes import PATIENCE

LOCK_PATIENCE = 0.3
SLOW_MACHINE = 10.0
"""Seconds that nobody has to wait for anybody; whoever really has to wait here does so until the test lets go."""
"""Seconds that a migration waits for a lock in these tests."""

HOT_TABLES = ("application", "user_account", "authorization", "grant_code", "token_family", "access_token", "audit")
"""Tables that every request reads or writes."""

SOMEBODY = """
with person as (
    insert into user_account (id, sub, username, username_key, created_at, updated_at)
    values ('00000000-0000-0000-0000-000000000001', 'ada', 'ada', 'ada', $1, $1))
insert into application (id, client_id, name, kind, auth_method, created_at, updated_at)
values ('00000000-0000-0000-0000-000000000002', 'web', 'Web', 'web', 'client_secret_basic', $1, $1)"""


async def test_an_empty_database_is_planned_then_migrated_then_up_to_date(empty: FreshDatabase) -> None:
    with pytest.raises(SchemaPending, match="assent migrate"):
        await check(empty.owner_url)
    planned = await pending(empty.owner_url)
    assert [revision.id for revision in planned] == ["0001", "0002", "0003", "0004", "0005", "0006", "0007"]
    assert planned[0].title.startswith("Users, applications")
    assert "create table user_account" in planned[0].sql
    assert await fetch(empty.owner_url, "select from pg_class where relname = 'user_account'") == []
    assert await upgrade(empty.owner_url, RUNTIME) == planned
    assert await pending(empty.owner_url) == []
    await check(empty.owner_url)
    await check(empty.runtime_url)


async def test_the_planned_sql_is_what_runs(empty: FreshDatabase) -> None:
    async with connected(empty.owner_url) as connection:
        for revision in await pending(empty.owner_url):
            await connection.execute(revision.sql)
    await check(empty.owner_url)


async def test_many_who_migrate_at_once_apply_it_once(empty: FreshDatabase) -> None:
    applied = await asyncio.gather(*(upgrade(empty.owner_url, RUNTIME) for _ in range(4)))
    assert sorted(len(revisions) for revisions in applied) == [0, 0, 0, 7]


async def test_whoever_waits_holds_nothing_and_gives_up_in_the_end(empty: FreshDatabase) -> None:
    async with connected(empty.owner_url) as busy:
        await busy.fetchval("select pg_advisory_lock($1)", runner._LOCK)
        waiting = asyncio.create_task(upgrade(empty.owner_url, RUNTIME, patience_seconds=0.5))
        await asyncio.sleep(0.3)
        [row] = await fetch(
            empty.superuser_url,
            """select count(*) from pg_stat_activity
                where datname = $1 and backend_xmin is not null and pid <> pg_backend_pid()""",
            empty.name,
        )
        assert row[0] == 0
        with pytest.raises(MigrationBusy):
            await waiting


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Migrations that give way sooner than usual."""
    monkeypatch.setattr(runner, "_LOCK_PATIENCE", f"{LOCK_PATIENCE * 1000:.0f}ms")
    monkeypatch.setattr(runner, "_PAUSE_SECONDS", 0.1)


@pytest.mark.usefixtures("impatient")
async def test_a_migration_that_does_not_get_its_lock_lets_everybody_by_and_begins_anew(empty: FreshDatabase) -> None:
    await bring_to_schema(empty, 1)
    async with connected(empty.owner_url) as busy, connected(empty.owner_url) as reader:
        begun = busy.transaction()
        await begun.start()
        await busy.execute("select count(*) from application")  # and keeps the table from being altered
        migrating = asyncio.create_task(upgrade(empty.owner_url, RUNTIME))
        clock, longest = asyncio.get_running_loop().time, 0.0
        until = clock() + 5 * LOCK_PATIENCE
        while clock() < until:
            asked = clock()
            await asyncio.wait_for(reader.execute("select count(*) from application"), PATIENCE)
            longest = max(longest, clock() - asked)
            await asyncio.sleep(0.01)
        assert not migrating.done()
        await begun.rollback()
        assert [revision.id for revision in await migrating] == ["0002", "0003", "0004", "0005", "0006", "0007"]
    assert longest < LOCK_PATIENCE + SLOW_MACHINE
    await check(empty.runtime_url)


@pytest.mark.usefixtures("impatient")
async def test_a_lock_that_nobody_lets_go_of_is_told_in_the_end(empty: FreshDatabase) -> None:
    await bring_to_schema(empty, 1)
    async with connected(empty.owner_url) as busy, busy.transaction():
        await busy.execute("select count(*) from application")
        with pytest.raises(MigrationBusy, match="kept a table locked"):
            await upgrade(empty.owner_url, RUNTIME, patience_seconds=LOCK_PATIENCE)
    assert [revision.id for revision in await upgrade(empty.owner_url, RUNTIME)] == [
        "0002",
        "0003",
        "0004",
        "0005",
        "0006",
        "0007",
    ]


async def test_a_migration_that_waits_for_one_table_of_the_hot_path_holds_no_other(empty: FreshDatabase) -> None:
    """Requests read these tables in every order: they and a migration would wait for each other."""
    await bring_to_schema(empty, 3)
    waiting = "select from pg_locks where relation = 'access_token'::regclass and not granted"
    async with connected(empty.owner_url) as request, connected(empty.owner_url) as observer:
        begun = request.transaction()
        await begun.start()
        await request.execute("select count(*) from access_token")
        migrating = asyncio.create_task(upgrade(empty.owner_url, RUNTIME))
        for _ in range(6000):
            if await observer.fetch(waiting):
                break
            await asyncio.sleep(0.01)
        async with asyncio.timeout(SLOW_MACHINE):
            await request.execute("select count(*) from application")
            await request.execute("select count(*) from token_family")
        await begun.rollback()
        assert [revision.id for revision in await migrating] == ["0004", "0005", "0006", "0007"]
    await check(empty.runtime_url)


async def test_an_index_that_broke_off_is_made_anew(empty: FreshDatabase) -> None:
    await bring_to_schema(empty, 1)
    await fetch(empty.owner_url, "select ensure_partition('audit', '2026-11-02T00:00:00Z')")
    async with connected(empty.owner_url) as connection:
        await connection.execute((await pending(empty.owner_url))[0].sql)
        await connection.execute("create index application_unchecked on application (id)")
        await connection.execute("create index audit_20261101_user on audit_20261101 (user_id)")
    await fetch(
        empty.superuser_url,
        """update pg_index set indisvalid = false
            where indexrelid in ('application_unchecked'::regclass, 'audit_20261101_user'::regclass)""",
    )
    assert [revision.id for revision in await upgrade(empty.owner_url, RUNTIME)] == [
        "0003",
        "0004",
        "0005",
        "0006",
        "0007",
    ]
    rows = await fetch(
        empty.owner_url,
        """select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition, indisvalid as valid
            from pg_index where indrelid in ('application'::regclass, 'audit'::regclass, 'audit_20261101'::regclass)""",
    )
    assert all(row["valid"] for row in rows)
    definitions = {row["name"]: row["definition"] for row in rows}
    assert "NOT verified" in definitions["application_unchecked"]
    assert "(user_id, id)" in definitions["audit_20261101_user"]
    assert {name for name in definitions if name.startswith("audit_2026")} >= {
        f"audit_20261101_{name}" for name in ("user", "organization", "application")
    }


async def test_what_the_hot_path_held_before_a_migration_goes_on_with_the_same_rows_after_it(
    empty: FreshDatabase,
) -> None:
    """Migrations add columns to the tables that the hot path reads: its statements name theirs."""
    await upgrade(empty.owner_url, RUNTIME)
    await fetch(empty.owner_url, SOMEBODY, NOW)
    pool = HotPool(empty.runtime_url, 2, (*gather_sql.STATEMENTS, *settle_sql.STATEMENTS))
    hot = Hot(pool, ApplicationCache())
    database = SimpleNamespace(hot=hot)
    scene = Scene(database, UUID(int=1), UUID(int=2), "web")  # type: ignore[arg-type]
    for table in ("access_token", "audit"):
        await pool.ensure_partition(table, NOW)
    try:
        origin, before = await redeem(scene, "a", "b")
        for table in HOT_TABLES:
            await fetch(empty.owner_url, f'alter table "{table}" add column later text')
        assert await hot.settle_refresh(refresh(origin, before.family_id))
        _, token = await hot.gather_token("web", before.token.id)
        assert token is not None
        assert token.origin.scopes == ("a", "b")
        _, after = await redeem(scene, "c")
        _, family = await hot.gather_family("web", after.family_id)
        assert family is not None
        assert await hot.revoke_family(after.family_id, scene.application_id, NOW, "over", entry("family.revoked"))
    finally:
        await pool.close()


async def test_a_schema_that_no_longer_serves_this_code_is_refused(empty: FreshDatabase) -> None:
    await upgrade(empty.owner_url, RUNTIME)
    await fetch(empty.owner_url, "update alembic_version set version_num = '0099'")
    await check(empty.runtime_url)  # a newer schema that still serves us
    assert await upgrade(empty.owner_url, RUNTIME) == []
    await fetch(empty.owner_url, "update server_meta set value = $1 where key = 'oldest_code'", str(CODE_SCHEMA + 1))
    for refused in (check(empty.runtime_url), pending(empty.owner_url), upgrade(empty.owner_url)):
        with pytest.raises(SchemaTooNew, match="newer version of Assent"):
            await refused


async def test_a_runtime_role_that_appears_later_gets_its_rights_with_the_next_upgrade(empty: FreshDatabase) -> None:
    await upgrade(empty.owner_url, "late_role")
    await fetch(empty.superuser_url, "create role late_role login")
    try:
        await upgrade(empty.owner_url, "late_role")
        url = empty.cluster.url("late_role", empty.name)
        assert await fetch(url, "select id from user_account") == []
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await fetch(url, "delete from audit")
    finally:
        await fetch(empty.superuser_url, "drop owned by late_role")
        await fetch(empty.superuser_url, "drop role late_role")


async def test_rights_that_somebody_added_to_the_audit_trail_are_taken_back(empty: FreshDatabase) -> None:
    await upgrade(empty.owner_url, RUNTIME)
    await fetch(empty.owner_url, f"grant update, delete on audit to {RUNTIME}")
    await upgrade(empty.owner_url, RUNTIME)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await fetch(empty.runtime_url, "delete from audit")


async def test_an_owner_that_is_also_the_runtime_role_keeps_its_rights(empty: FreshDatabase) -> None:
    await upgrade(empty.owner_url, OWNER)
    assert await fetch(empty.owner_url, "select id from audit") == []


async def test_models_and_migrations_describe_the_same_tables(fresh_database: FreshDatabase) -> None:
    def differences(connection: Connection) -> list[object]:
        partitions = {row[0] for row in connection.exec_driver_sql("select inhrelid::regclass::text from pg_inherits")}

        def ours(_: object, name: str | None, kind: str, *__: object) -> bool:
            return not (kind == "table" and name in {*partitions, "alembic_version"})

        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": ours})
        return list(compare_metadata(context, SQLModel.metadata))

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(fresh_database.owner_url)
    )
    try:
        async with engine.connect() as connection:
            assert await connection.run_sync(differences) == []
    finally:
        await engine.dispose()


async def test_every_column_has_the_nullability_that_its_model_says(fresh_database: FreshDatabase) -> None:
    rows = await fetch(
        fresh_database.owner_url,
        """select table_name, column_name, is_nullable = 'YES' from information_schema.columns
            where table_schema = 'public'""",
    )
    nullable = {(table, column): allowed for table, column, allowed in rows}
    for table in SQLModel.metadata.tables.values():
        for column in table.columns:
            assert nullable[table.name, column.name] == column.nullable, f"{table.name}.{column.name}"
