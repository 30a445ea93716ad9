"""What is killed, and when, leaves nothing acknowledged lost, no process behind, and a next start that works."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.store import embedded
from app.store.embedded import AlreadyRunning, Cluster, ConnectionTarget, EmbeddedError
from tests.store import embedded_owner
from tests.store.embedded_owner import Owner, alive, owning, query


@pytest.fixture
def start() -> Iterator[Callable[..., Cluster]]:
    """Start databases that keep what they acknowledge, and stop those that still run at the end."""
    started: list[Cluster] = []

    def begin(data_dir: Path, **options: Any) -> Cluster:
        started.append(embedded.start(data_dir, **options))
        return started[-1]

    yield begin
    for cluster in started:
        cluster.stop()


def write(target: ConnectionTarget) -> None:
    """Have a row acknowledged."""
    query(target, "create table kept as select 'word' as value")


def kept(target: ConnectionTarget) -> bool:
    """Whether the row is there."""
    return bool(query(target, "select value from kept") == "word")


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Wait until the condition holds; False when it does not within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_when_the_owner_is_killed_postgres_ends_cleanly(data: Path, start: Callable[..., Cluster]) -> None:
    with owning(data) as owner:
        write(embedded.guest(data).owner)
        owner.kill()
        assert wait_for(lambda: not alive(owner.said["pid"]))
    assert "database system is shut down" in (data / "postgres.log").read_text()
    with pytest.raises(EmbeddedError, match="No server runs"):
        embedded.guest(data)
    assert kept(start(data).owner_dsn)


def test_a_start_right_after_the_owners_death_waits_for_the_shutdown(data: Path, start: Callable[..., Cluster]) -> None:
    with owning(data) as owner:
        write(embedded.guest(data).owner)
        owner.kill()
        assert kept(start(data).owner_dsn)


def test_when_the_postmaster_is_killed_the_owner_sees_it_and_starts_again(
    data: Path, start: Callable[..., Cluster]
) -> None:
    first = start(data)
    write(first.owner_dsn)
    os.kill(first.pid, signal.SIGKILL)
    assert wait_for(lambda: first.poll() == -signal.SIGKILL)
    first.stop()
    assert kept(start(data).owner_dsn)


def test_while_the_owner_of_a_dead_postmaster_lives_nobody_takes_over(data: Path) -> None:
    with owning(data) as owner:
        os.kill(owner.said["pid"], signal.SIGKILL)
        assert wait_for(lambda: not alive(owner.said["pid"]))
        with pytest.raises(AlreadyRunning):
            embedded.start(data)


def test_a_guest_of_an_owner_that_lost_its_database_is_told_so(data: Path, start: Callable[..., Cluster]) -> None:
    again = start(data)
    os.kill(again.pid, signal.SIGTERM)
    assert wait_for(lambda: again.poll() is not None)
    with pytest.raises(EmbeddedError, match=rf"\(pid {os.getpid()}\) has lost its database"):
        embedded.guest(data)


def test_when_all_are_killed_the_next_start_recovers(data: Path, start: Callable[..., Cluster]) -> None:
    with owning(data) as owner:
        write(embedded.guest(data).owner)
        os.kill(owner.said["pid"], signal.SIGKILL)
        owner.kill()
    assert kept(start(data).owner_dsn)


def test_an_orphan_is_stopped_cleanly_and_taken_over(data: Path, start: Callable[..., Cluster]) -> None:
    with owning(data, die_with_parent=False) as owner:
        write(embedded.guest(data).owner)
        owner.kill()
        assert alive(owner.said["pid"])
        with pytest.raises(EmbeddedError, match="No server runs"):
            embedded.guest(data)
        cluster = start(data)
    assert not alive(owner.said["pid"])
    assert kept(cluster.owner_dsn)
    log = (data / "postgres.log").read_text()
    assert "received fast shutdown request" in log
    assert "automatic recovery" not in log


@pytest.mark.slow
def test_six_starts_over_an_orphan_make_one_owner(data: Path) -> None:
    with owning(data, die_with_parent=False) as orphan:
        orphan.kill()
    owners = [Owner.begin(data) for _ in range(6)]
    try:
        assert sorted("host" in owner.listen().said for owner in owners) == [False] * 5 + [True]
    finally:
        for owner in owners:
            owner.end()


@pytest.fixture(params=["alive", "zombie"])
def foreign(request: pytest.FixtureRequest) -> Iterator[int]:
    """The pid of a process that has nothing to do with the database: running, or ended and not reaped."""
    with subprocess.Popen(["sleep", "60"]) as process:
        if request.param == "zombie":
            process.kill()
            assert wait_for(lambda: not alive(process.pid))
        yield process.pid
        process.kill()


def test_left_over_files_that_name_a_foreign_process_do_not_hold_a_start_back(
    data: Path, start: Callable[..., Cluster], foreign: int
) -> None:
    first = start(data)
    write(first.owner_dsn)
    stale = {path: path.read_text() for path in (first_file(data), data / "run/.s.PGSQL.5432.lock")}
    first.stop()
    before = alive(foreign)
    for path, content in stale.items():
        path.write_text(re.sub(r"\A\d+", str(foreign), content))
        path.chmod(0o644)
    (data / "run/.s.PGSQL.5432").touch()
    assert kept(start(data).owner_dsn)
    assert alive(foreign) == before


def first_file(data: Path) -> Path:
    """Return the file in which PostgreSQL notes its pid."""
    return data / "pg" / "postmaster.pid"


def test_an_orphan_hunt_spares_the_process_that_a_stale_file_names(data: Path, start: Callable[..., Cluster]) -> None:
    with owning(data, die_with_parent=False) as orphan, subprocess.Popen(["sleep", "60"]) as bystander:
        orphan.kill()
        true = first_file(data).read_text()
        first_file(data).write_text(re.sub(r"\A\d+", str(bystander.pid), true))
        os.kill(orphan.said["pid"], signal.SIGTERM)  # smart shutdown: ends by itself, as nobody is connected
        start(data)
        assert bystander.poll() is None
        bystander.kill()


def test_a_postgres_that_somebody_started_by_hand_is_left_alone(data: Path, start: Callable[..., Cluster]) -> None:
    binaries = max(embedded.find_binaries(), key=lambda one: one.major)
    owner = (data / "pg").stat()
    with subprocess.Popen(
        [binaries.postgres, "-D", data / "pg", "-c", f"unix_socket_directories={data}/run"],
        user=owner.st_uid if embedded_owner.ROOT else None,
        stderr=subprocess.DEVNULL,
    ) as by_hand:
        assert wait_for(lambda: first_file(data).exists() and "ready" in first_file(data).read_text())
        with pytest.raises(EmbeddedError, match=rf"did not start .pid {by_hand.pid}. .* run `kill -INT {by_hand.pid}`"):
            start(data)
        assert by_hand.poll() is None
        by_hand.send_signal(signal.SIGINT)
    start(data)


@pytest.mark.parametrize(
    "delay", [0.0, 0.3, *(pytest.param(delay, marks=pytest.mark.slow) for delay in (0.1, 0.2, 0.4, 0.6))]
)
def test_a_first_start_may_be_killed_at_any_moment(place: Path, start: Callable[..., Cluster], delay: float) -> None:
    owner = Owner.begin(place / "data")
    assert wait_for((place / "data" / "start.lock").exists)
    time.sleep(delay)
    owner.kill()
    cluster = start(place / "data")
    assert query(cluster.owner_dsn, "select current_user::text") == "assent"
    assert query(cluster.runtime_dsn, "select current_user::text") == "assent_runtime"
    assert not {"pg.new", "initdb.password", "postgres.password.new"} & {
        path.name for path in (place / "data").iterdir()
    }


def test_what_stands_in_the_lock_is_only_for_people(data: Path, start: Callable[..., Cluster]) -> None:
    start(data)
    for content in (b"", b"\xff", b"[]", b'{"pid": null, "label": 1}'):
        (data / "owner.lock").write_bytes(content)
        with pytest.raises(AlreadyRunning) as refusal:
            embedded.start(data)
        assert refusal.value.pid == 0


def test_a_start_that_fails_leaves_the_data_directory_free(data: Path, start: Callable[..., Cluster]) -> None:
    settings = data / "pg" / "postgresql.auto.conf"
    good = settings.read_text()
    settings.write_text(good + "max_connections = many\n")
    with pytest.raises(EmbeddedError):
        start(data)
    settings.write_text(good)
    assert query(start(data).owner_dsn, "select 1") == 1


def test_a_full_disk_at_the_first_start_is_one_sentence_and_no_rest(place: Path, start: Callable[..., Cluster]) -> None:
    with owning(place / "data", largest_file=1 << 20) as owner:
        assert re.match(r"PostgreSQL could not make a database in .*\(.+\): .*ASSENT_DATABASE_URL", owner.said["error"])
        assert "\n" not in owner.said["error"]
    assert not (place / "data" / "pg.new").exists()
    assert query(start(place / "data").owner_dsn, "select 1") == 1
