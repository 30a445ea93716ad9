"""The life of the embedded PostgreSQL: made on first use, found again, owned once, closed to everybody else."""

import asyncio
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.engine import make_url

from app.store import embedded
from app.store.embedded import AlreadyRunning, Binaries, Cluster, ConnectionTarget, EmbeddedError
from tests.store import embedded_owner
from tests.store.embedded_owner import Owner, alive, ask, query

SYSTEM = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
INSTALLED = [*embedded.find_binaries(), *(embedded.binaries_at(path.parent) for path in SYSTEM)]


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Path, Cluster]]:
    """One database for the tests that only look, and its data directory."""
    with embedded_owner.folder() as path:
        cluster = embedded.start(path / "data", owner_label="http://localhost:8000", durable=False)
        yield path / "data", cluster
        cluster.stop()


def mode(path: Path) -> int:
    """Return the permission bits of a path."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("binaries", INSTALLED, ids=lambda one: one.version)
def test_a_later_start_finds_what_an_earlier_one_wrote(
    place: Path, start: Callable[..., Cluster], binaries: Binaries
) -> None:
    first = start(place / "data", binaries=binaries)
    query(first.owner_dsn, "create table kept as select 'word' as value")
    query(first.owner_dsn, "grant select on kept to assent_runtime")
    first.stop()
    second = start(place / "data", binaries=binaries)
    assert query(second.runtime_dsn, "select value from kept") == "word"
    assert query(second.runtime_dsn, "show server_version").startswith(binaries.version)


def test_a_new_database_is_of_the_newest_major_in_the_wheel(running: tuple[Path, Cluster]) -> None:
    newest = max(one.major for one in embedded.find_binaries())
    assert (running[0] / "pg" / "PG_VERSION").read_text() == f"{newest}\n"


def test_a_start_works_inside_a_running_event_loop(data: Path, start: Callable[..., Cluster]) -> None:
    async def inside() -> Any:
        return await ask(start(data).owner_dsn, "select 1")

    assert asyncio.run(inside()) == 1


def test_a_second_start_is_told_who_owns_the_database(running: tuple[Path, Cluster]) -> None:
    data, cluster = running
    with pytest.raises(
        AlreadyRunning, match=re.escape(f"{data} is already running (pid {os.getpid()}, http://loc")
    ) as refusal:
        embedded.start(data)
    assert (refusal.value.pid, refusal.value.label) == (os.getpid(), "http://localhost:8000")
    assert query(cluster.owner_dsn, "select 1") == 1


@pytest.mark.parametrize("existing", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_of_six_simultaneous_starts_one_owns_and_five_are_told(
    place: Path, start: Callable[..., Cluster], existing: bool
) -> None:
    if existing:
        start(place / "data").stop()
    owners = [Owner.begin(place / "data", owner_label="http://localhost:8000", durable=False) for _ in range(6)]
    try:
        winners = [owner for owner in owners if "host" in owner.listen().said]
        assert len(winners) == 1
        losers = [owner.said for owner in owners if owner is not winners[0]]
        assert {(said["pid"], said["label"]) for said in losers} == {(winners[0].process.pid, "http://localhost:8000")}
    finally:
        for owner in owners:
            owner.end()


def test_a_guest_joins_through_the_socket(running: tuple[Path, Cluster]) -> None:
    data, cluster = running
    assert embedded.guest(data) == cluster.targets
    assert query(embedded.guest(data).runtime, "select current_user::text") == "assent_runtime"


def test_a_guest_is_told_that_nobody_is_at_home(place: Path, start: Callable[..., Cluster]) -> None:
    with pytest.raises(EmbeddedError, match=r"No server runs on .*assent serve"):
        embedded.guest(place / "data")
    assert not (place / "data").exists()
    start(place / "data").stop()
    with pytest.raises(EmbeddedError, match=r"No server runs on .*assent serve"):
        embedded.guest(place / "data")


def test_files_and_directories_are_closed(running: tuple[Path, Cluster]) -> None:
    data, _ = running
    assert mode(data) == 0o711
    assert [mode(data / name) for name in ("pg", "run")] == [0o700, 0o700]
    files = [path for path in data.iterdir() if path.is_file()]
    assert {path.name for path in files} >= {"start.lock", "owner.lock", "postgres.password", "postgres.log"}
    assert {mode(path) for path in files} == {0o600}
    assert mode(data / "run" / ".s.PGSQL.5432") == 0o700


def test_no_port_is_open(running: tuple[Path, Cluster]) -> None:
    _data, cluster = running
    held = {os.readlink(path) for path in Path(f"/proc/{cluster.pid}/fd").iterdir()}
    tables = [Path(f"/proc/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    assert any(name.startswith("socket:") for name in held)
    assert not held & {f"socket:[{line.split()[9]}]" for table in tables for line in table}
    assert query(cluster.superuser_dsn, "show listen_addresses") == ""


def test_every_way_in_asks_for_a_password(running: tuple[Path, Cluster]) -> None:
    cluster = running[1]
    rules = "select string_agg(distinct type || ' ' || auth_method, ', ') from pg_hba_file_rules"
    assert query(cluster.superuser_dsn, rules) == "host reject, local scram-sha-256"
    kinds = "select array_agg(distinct left(rolpassword, 13)) from pg_authid where rolcanlogin"
    assert query(cluster.superuser_dsn, kinds) == ["SCRAM-SHA-256"]
    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(asyncpg.connect(**cluster.owner_dsn.asyncpg_kwargs() | {"password": "guess"}))


def test_the_roles_may_do_what_they_are_for_and_no_more(running: tuple[Path, Cluster]) -> None:
    cluster = running[1]
    privileges = (
        "select rolsuper or rolcreaterole or rolcreatedb or rolreplication from pg_roles where rolname = current_user"
    )
    assert query(cluster.owner_dsn, privileges) is False
    assert query(cluster.runtime_dsn, privileges) is False
    owner = "select pg_get_userbyid(datdba)::text from pg_database where datname = current_database()"
    assert query(cluster.runtime_dsn, owner) == "assent"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        query(cluster.runtime_dsn, "create table mine ()")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        query(cluster.runtime_dsn, "create temporary table mine ()")


def test_passwords_stay_out_of_representations_logs_and_process_lists(running: tuple[Path, Cluster]) -> None:
    data, cluster = running
    said = (
        repr(cluster.targets) + (data / "postgres.log").read_text() + Path(f"/proc/{cluster.pid}/cmdline").read_text()
    )
    assert "assent_runtime" in said
    assert not [target for target in embedded_targets(cluster) if target.password in said]
    assert len({target.password for target in embedded_targets(cluster)}) == 3


def embedded_targets(cluster: Cluster) -> list[ConnectionTarget]:
    """Return the targets of all roles."""
    return [cluster.owner_dsn, cluster.runtime_dsn, cluster.superuser_dsn]


def test_a_target_reads_the_same_as_a_url_and_as_arguments() -> None:
    untyped: Any = dialect
    target = ConnectionTarget("/srv/a b%\"'/run", 5432, "assent", "p/w:@?", "assent")
    _, arguments = untyped().create_connect_args(make_url(target.url("postgresql+asyncpg")))
    assert arguments | {"ssl": False} == target.asyncpg_kwargs()


def test_postgres_has_a_session_of_its_own_so_that_an_interrupt_is_not_for_it(running: tuple[Path, Cluster]) -> None:
    assert os.getsid(running[1].pid) == running[1].pid != os.getsid(0)


def test_every_process_of_the_cluster_holds_the_lock(running: tuple[Path, Cluster]) -> None:
    data, cluster = running
    children = Path(f"/proc/{cluster.pid}/task/{cluster.pid}/children").read_text().split()
    held_by = [_held_by(pid) for pid in [str(cluster.pid), *children]]
    living = [held for held in held_by if held]  # the backend of an earlier test may be leaving
    assert len(living) > 2
    for held in living:
        assert str(data / "owner.lock") in held
        assert not held & {str(data / "start.lock"), str(data / "parent.lock")}


def _held_by(pid: str) -> set[str]:
    """Return the files that a process holds open; none when it is gone."""
    try:
        return {os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()}
    except (FileNotFoundError, ProcessLookupError):
        return set()


def test_only_tests_do_without_fsync(data: Path, start: Callable[..., Cluster]) -> None:
    for durable, value in ((True, "on"), (False, "off")):
        cluster = start(data, durable=durable)
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert query(cluster.owner_dsn, f"show {name}") == value
        cluster.stop()


def test_the_settings_of_the_cluster_are_ours(running: tuple[Path, Cluster]) -> None:
    names = ("wal_level", "max_wal_senders", "max_connections", "io_method", "log_checkpoints", "server_encoding")
    found = [query(running[1].owner_dsn, f"show {name}") for name in names]
    assert found == ["minimal", "0", "60", "sync", "off", "UTF8"]


def test_stop_returns_after_the_end_and_may_be_repeated(data: Path, start: Callable[..., Cluster]) -> None:
    cluster = start(data)
    assert cluster.poll() is None
    cluster.stop()
    assert not alive(cluster.pid)
    assert cluster.poll() == 0
    assert not list((data / "run").iterdir())
    again = start(data)
    cluster.stop()
    assert query(again.owner_dsn, "select 1") == 1


def test_stop_does_not_wait_for_open_connections(data: Path, start: Callable[..., Cluster]) -> None:
    cluster = start(data)

    async def hold() -> None:
        connection = await asyncpg.connect(**cluster.owner_dsn.asyncpg_kwargs())
        await connection.execute("begin; create table t ()")
        cluster.stop()
        connection.terminate()

    asyncio.run(hold())
    assert cluster.poll() == 0


def test_two_spellings_of_a_directory_are_one_database(place: Path, running: tuple[Path, Cluster]) -> None:
    (place / "alias").symlink_to(running[0])
    with pytest.raises(AlreadyRunning):
        embedded.start(place / "alias")


def test_an_older_major_that_the_wheel_has_is_served_by_its_own_programs(
    place: Path, start: Callable[..., Cluster]
) -> None:
    oldest = min(embedded.find_binaries(), key=lambda one: one.major)
    start(place / "data", binaries=oldest).stop()
    assert query(start(place / "data").owner_dsn, "show server_version").startswith(oldest.version)


def test_a_half_made_cluster_is_made_again(place: Path, start: Callable[..., Cluster]) -> None:
    (place / "data" / "pg.new" / "base").mkdir(parents=True)
    (place / "data" / "pg.new" / "PG_VERSION").write_text("18\n")
    (place / "data" / "initdb.password").write_text("left over")
    assert query(start(place / "data").owner_dsn, "select 1") == 1
    assert not (place / "data" / "pg.new").exists()
    assert not (place / "data" / "initdb.password").exists()


def test_a_start_that_was_killed_between_roles_and_database_is_finished(
    data: Path, start: Callable[..., Cluster]
) -> None:
    first = start(data)
    query(first.superuser_dsn, "drop database assent")
    query(first.superuser_dsn, "drop role assent_runtime")
    query(first.superuser_dsn, "alter role assent password null")
    first.stop()
    second = start(data)
    assert query(second.owner_dsn, "select 1") == 1
    assert query(second.runtime_dsn, "select 1") == 1
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        query(second.runtime_dsn, "create temporary table mine ()")


def test_what_the_operator_granted_is_left_alone(data: Path, start: Callable[..., Cluster]) -> None:
    first = start(data)
    query(first.superuser_dsn, "alter system set max_connections = 61")
    verifier = query(first.superuser_dsn, "select rolpassword from pg_authid where rolname = 'assent'")
    first.stop()
    second = start(data)
    assert query(second.owner_dsn, "show max_connections") == "61"
    assert query(second.superuser_dsn, "select rolpassword from pg_authid where rolname = 'assent'") == verifier


def test_the_password_file_is_one_that_postgresql_clients_read(running: tuple[Path, Cluster]) -> None:
    data, cluster = running
    arguments = cluster.owner_dsn.asyncpg_kwargs() | {"password": None, "passfile": str(data / "postgres.password")}

    async def connect() -> Any:
        connection = await asyncpg.connect(**arguments)
        await connection.close()
        return True

    assert asyncio.run(connect())
