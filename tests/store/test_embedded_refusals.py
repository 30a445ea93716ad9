"""What the embedded PostgreSQL makes good by itself, and what it refuses with one sentence that names the remedy."""

import os
import re
import shutil
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from app.store import embedded
from app.store.embedded import Cluster, EmbeddedError, layout
from tests.store import embedded_owner
from tests.store.embedded_owner import query


def mode(path: Path) -> int:
    """Return the permission bits of a path."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("name", ["long" * 40, "a,b:c"])
def test_a_path_that_no_socket_can_have_is_made_good_by_a_private_directory(
    place: Path, start: Callable[..., Cluster], name: str
) -> None:
    data = place / name
    cluster = start(data)
    private = Path(cluster.owner_dsn.host)
    assert re.fullmatch(r"assent-[0-9a-f]{16}", private.name)
    assert mode(private) == 0o700
    assert embedded.guest(data) == cluster.targets
    assert query(cluster.owner_dsn, "select 1") == 1
    cluster.stop()
    assert not private.exists()


def test_other_characters_in_the_path_do_no_harm(place: Path, start: Callable[..., Cluster]) -> None:
    data = place / 'a b "quoted" per%cent ünïcode'
    cluster = start(data)
    assert cluster.owner_dsn.host == str(data / "run")
    assert query(cluster.owner_dsn, "select 1") == 1
    assert embedded.guest(data) == cluster.targets


@pytest.mark.parametrize("planted", ["link", "open"])
def test_a_private_directory_that_somebody_planted_is_refused(place: Path, planted: str) -> None:
    data = place / ("long" * 40)
    private = layout.private_directory(layout.of(data))
    if planted == "link":
        (place / "elsewhere").mkdir(mode=0o700)
        private.symlink_to(place / "elsewhere")
    else:
        private.mkdir()
        private.chmod(0o777)
    try:
        with pytest.raises(EmbeddedError, match=rf"{private} is not a directory of uid .* remove it"):
            embedded.start(data)
    finally:
        private.unlink() if planted == "link" else private.rmdir()


def test_a_database_of_another_major_is_refused_before_anything_is_touched(
    data: Path, start: Callable[..., Cluster]
) -> None:
    (data / "pg" / "PG_VERSION").write_text("13\n")
    before = {path: path.stat().st_mtime_ns for path in (data / "pg").rglob("*")}
    with pytest.raises(EmbeddedError, match=r"was made by PostgreSQL 13 and only .* is installed"):
        start(data)
    assert {path: path.stat().st_mtime_ns for path in (data / "pg").rglob("*")} == before


def test_a_directory_without_a_cluster_in_the_clusters_place_is_refused(place: Path) -> None:
    (place / "data" / "pg").mkdir(parents=True)
    shutil.chown(place / "data" / "pg", 65534 if embedded_owner.ROOT else os.geteuid())
    with pytest.raises(EmbeddedError, match=r"data/pg holds no PostgreSQL cluster .* move it away"):
        embedded.start(place / "data")


def test_lost_passwords_are_reported_with_the_remedy(data: Path, start: Callable[..., Cluster]) -> None:
    passwords = data / "postgres.password"
    kept = passwords.read_text()
    passwords.unlink()
    with pytest.raises(EmbeddedError, match=r"passwords are lost: put .*postgres.password back from a backup"):
        start(data)
    passwords.write_text(re.sub(r"(?<=:postgres:).*", "other", kept))
    with pytest.raises(EmbeddedError, match=r"does not accept the superuser's password: put postgres.password"):
        start(data)
    passwords.write_text("")
    with pytest.raises(EmbeddedError, match=r"postgres.password lacks the password"):
        start(data)


def test_a_setting_that_postgres_refuses_is_quoted_from_its_log(data: Path, start: Callable[..., Cluster]) -> None:
    with (data / "pg" / "postgresql.auto.conf").open("a") as file:
        file.write("shared_buffers = nonsense\n")
    with pytest.raises(EmbeddedError, match=r"shared_buffers.*the whole story is in .*postgres\.log") as error:
        start(data)
    assert "\n" not in str(error.value)


def test_a_start_outside_the_main_thread_is_a_mistake_of_the_caller(place: Path) -> None:
    raised: list[BaseException] = []

    def begin() -> None:
        try:
            embedded.start(place / "data", durable=False)
        except RuntimeError as error:
            raised.append(error)

    thread = threading.Thread(target=begin)
    thread.start()
    thread.join()
    assert "main thread" in str(raised[0])


def test_programs_that_do_not_run_here_are_refused_with_the_way_out(place: Path) -> None:
    (place / "postgres").write_text("#!/bin/sh\necho wrong platform >&2\nexit 1\n")
    (place / "postgres").chmod(0o755)
    with pytest.raises(EmbeddedError, match=r"does not run on this machine .wrong platform.*ASSENT_DATABASE_URL"):
        embedded.binaries_at(place)
    with pytest.raises(EmbeddedError, match=r"cannot be run as uid .*No such file.*ASSENT_DATABASE_URL"):
        embedded.binaries_at(place / "nowhere")


def test_a_shared_directory_is_no_data_directory(place: Path) -> None:
    (place / "data").mkdir()
    (place / "data").chmod(0o1777)
    with pytest.raises(EmbeddedError, match="is shared"):
        embedded.start(place / "data")
    assert mode(place / "data") == 0o1777
    assert not list((place / "data").iterdir())


def test_a_file_in_the_way_is_named(place: Path) -> None:
    (place / "file").write_text("")
    with pytest.raises(EmbeddedError, match=f"The data directory {place}/file/data cannot be used .Not a directory"):
        embedded.start(place / "file" / "data")
    with pytest.raises(EmbeddedError, match="line break"):
        embedded.start(place / "a\nb")
