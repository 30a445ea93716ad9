"""Who runs PostgreSQL when the server is started by root, by a user, or by a uid that has no name."""

import asyncio
import os
import pwd
import re
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.store import embedded
from app.store.embedded import Binaries, Cluster, EmbeddedError
from tests.store import embedded_owner
from tests.store.embedded_owner import ask, owning

NAMELESS = next(uid for uid in range(4711, 60000) if uid not in {entry.pw_uid for entry in pwd.getpwall()})
NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def install(folder: Path) -> Path:
    """Copy the wheel's newest programs below a folder and return where they are."""
    newest = max(embedded.find_binaries(), key=lambda one: one.major)
    installation, package = newest.bin_dir.parent, newest.bin_dir.parent.parent
    unneeded = shutil.ignore_patterns("include", "*.a")
    shutil.copytree(installation, folder / package.name / installation.name, ignore=unneeded)
    shutil.copytree(package.parent / f"{package.name}.libs", folder / f"{package.name}.libs")
    return folder / package.name / installation.name / "bin"


@pytest.fixture
def hidden() -> Iterator[Binaries]:
    """Programs below a directory that is closed to others."""
    with embedded_owner.folder(programs=True) as path:
        bin_dir = install(path / "home")
        (path / "home").chmod(0o700)
        yield embedded.binaries_at(bin_dir)


@pytest.fixture(scope="module")
def bin_dir() -> Iterator[str]:
    """Programs that every user reaches, wherever the tests are installed."""
    with embedded_owner.folder(programs=True) as path:
        yield str(install(path / "home"))


@pytest.fixture
def nameless(place: Path, bin_dir: str) -> dict[str, Any]:
    """How a process becomes a uid without a passwd entry and still finds the programs."""
    return {"uid": NAMELESS, "bin_dir": bin_dir, "system_dir": str(place / "system")}


def status(pid: int) -> dict[str, str]:
    """Return what the kernel says of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def usable(cluster: Cluster) -> bool:
    """Whether the database answers its owner."""
    return bool(asyncio.run(ask(cluster.owner_dsn, "select 1")) == 1)


@as_root
def test_under_root_postgres_is_nobody_with_no_groups_and_no_rights(place: Path, start: Callable[..., Cluster]) -> None:
    cluster = start(place / "data")
    found = status(cluster.pid)
    assert found["Uid"].split() == found["Gid"].split() == [str(NOBODY)] * 4
    assert found["Groups"] == ""
    assert int(found["CapEff"], 16) == int(found["CapPrm"], 16) == 0
    assert found["Umask"] == "0077"
    assert {(place / "data" / name).stat().st_uid for name in ("pg", "run")} == {NOBODY}
    assert {(place / "data" / name).stat().st_uid for name in (".", "postgres.password", "postgres.log")} == {0}


@as_root
def test_under_root_the_owner_of_a_cluster_goes_on_running_it(place: Path, start: Callable[..., Cluster]) -> None:
    start(place / "data").stop()
    subprocess.run(["chown", "-R", f"{NAMELESS}:{NAMELESS}", place / "data" / "pg"], check=True)
    cluster = start(place / "data")
    assert status(cluster.pid)["Uid"].split() == [str(NAMELESS)] * 4
    assert usable(cluster)


@as_root
def test_a_cluster_that_root_owns_is_refused_with_the_cure(place: Path, start: Callable[..., Cluster]) -> None:
    start(place / "data").stop()
    subprocess.run(["chown", "-R", "0:0", place / "data" / "pg"], check=True)
    with pytest.raises(EmbeddedError, match=r"belongs to root.*run `(chown -R .*)`\.") as error:
        start(place / "data")
    cure = re.search("`(.*)`", str(error.value))
    assert cure is not None
    subprocess.run(cure[1].split(), check=True)
    assert usable(start(place / "data"))


@as_root
def test_programs_under_a_closed_directory_are_copied_once(
    place: Path, start: Callable[..., Cluster], hidden: Binaries
) -> None:
    system = hidden.bin_dir.parents[3] / "system"
    first = start(place / "data", binaries=hidden, system_dir=system)
    assert usable(first)
    first.stop()
    copy = system / f"pg-{hidden.version}"
    assert [path.name for path in system.iterdir()] == [copy.name]
    modes = {stat.S_IMODE(path.lstat().st_mode) for path in [copy, *copy.rglob("*")]}
    assert modes == {0o755, 0o644}
    again = start(place / "data", binaries=hidden, system_dir=system)
    assert usable(again)
    assert Path(os.readlink(f"/proc/{again.pid}/exe")).is_relative_to(copy)


@as_root
def test_a_copy_that_somebody_else_could_change_is_refused(
    place: Path, start: Callable[..., Cluster], hidden: Binaries
) -> None:
    system = hidden.bin_dir.parents[3] / "system"
    (system / f"pg-{hidden.version}").mkdir(parents=True)
    (system / f"pg-{hidden.version}").chmod(0o777)
    with pytest.raises(EmbeddedError, match="could be changed by others"):
        start(place / "data", binaries=hidden, system_dir=system)


@as_root
def test_programs_that_can_be_reached_are_not_copied(
    place: Path, start: Callable[..., Cluster], hidden: Binaries
) -> None:
    system = hidden.bin_dir.parents[3] / "system"
    hidden.bin_dir.parents[2].chmod(0o711)
    start(place / "data", binaries=hidden, system_dir=system)
    assert not system.exists()


@as_root
def test_a_data_directory_below_a_closed_one_is_refused(place: Path, start: Callable[..., Cluster]) -> None:
    closed = place / "closed"
    (closed / "deep").mkdir(parents=True)
    closed.chmod(0o700)
    with pytest.raises(
        EmbeddedError, match=rf"cannot be reached by uid {NOBODY}.*because of {closed} \(mode 0700\)"
    ) as error:
        start(closed / "deep" / "data")
    assert not (closed / "deep" / "data").exists()
    cure = re.search("`(.*)`", str(error.value))
    assert cure is not None
    subprocess.run(cure[1].split(), check=True)
    assert usable(start(closed / "deep" / "data"))


@as_root
def test_the_default_data_directory_moves_to_where_it_can_be_reached(place: Path) -> None:
    (place / "closed").mkdir(mode=0o700)
    assert embedded.default_data_dir(place / "closed" / "data", place / "system") == place / "system" / "data"
    assert embedded.default_data_dir(place / "data", place / "system") == place / "data"


@as_root
def test_directories_on_the_way_are_made_passable_whatever_the_umask(
    place: Path, start: Callable[..., Cluster]
) -> None:
    before = os.umask(0o077)
    try:
        assert usable(start(place / "a" / "b" / "data"))
    finally:
        os.umask(before)


@as_root
def test_a_user_runs_his_own_database(place: Path, nameless: dict[str, Any]) -> None:
    os.chown(place, NOBODY, NOBODY)
    for _ in range(2):
        with owning(place / "data", **{**nameless, "uid": NOBODY}, durable=False) as owner:
            assert status(owner.said["pid"])["Uid"].split() == [str(NOBODY)] * 4
    assert {path.stat().st_uid for path in (place / "data").rglob("*")} == {NOBODY}


@as_root
def test_a_user_is_told_why_he_cannot_start_what_root_made(
    place: Path, nameless: dict[str, Any], start: Callable[..., Cluster]
) -> None:
    start(place / "data").stop()
    with owning(place / "data", **nameless) as owner:
        assert f"belongs to uid {NOBODY} and this is uid {NAMELESS}" in owner.said["error"]
        assert f"run `chown -R {NAMELESS} {place / 'data'}` as root" in owner.said["error"]
    subprocess.run(["chown", "-R", str(NAMELESS), place / "data"], check=True)
    with owning(place / "data", **nameless) as owner:
        assert "host" in owner.said


@as_root
def test_a_directory_where_a_user_may_not_write_is_refused(place: Path, nameless: dict[str, Any]) -> None:
    with owning(place / "data", **nameless) as owner:
        assert f"The data directory {place / 'data'} cannot be used (Permission denied" in owner.said["error"]


@as_root
def test_root_takes_over_an_orphan_of_a_user(
    place: Path, nameless: dict[str, Any], start: Callable[..., Cluster]
) -> None:
    os.chown(place, NOBODY, NOBODY)
    with owning(place / "data", **{**nameless, "uid": NOBODY}, die_with_parent=False) as orphan:
        orphan.kill()
        assert embedded_owner.alive(orphan.said["pid"])
        assert usable(start(place / "data"))
        assert not embedded_owner.alive(orphan.said["pid"])


@as_root
def test_a_uid_without_a_name_gets_its_cluster_from_the_template(place: Path, nameless: dict[str, Any]) -> None:
    made = embedded.make_template(system_dir=place / "system")
    os.chown(place, NAMELESS, NAMELESS)
    with owning(place / "data", **nameless, env={"PATH": "/nowhere"}) as owner:
        assert status(owner.said["pid"])["Uid"].split() == [str(NAMELESS)] * 4
        targets = embedded.guest(place / "data")
        assert asyncio.run(ask(targets.runtime, "select 1")) == 1
        with pytest.raises(asyncpg.InvalidPasswordError):
            asyncio.run(ask(replace(targets.superuser, password="template"), "select 1"))
    with tarfile.open(made) as archive:
        assert "./PG_VERSION" in archive.getnames()
    modes = {path.is_dir(): stat.S_IMODE(path.stat().st_mode) for path in (place / "data" / "pg").rglob("*")}
    assert modes == {True: 0o700, False: 0o600}


def damaged(path: Path) -> None:
    """Write what is no archive."""
    path.write_bytes(b"\x1f\x8b damaged")


def empty(path: Path) -> None:
    """Write an archive without a cluster."""
    tarfile.open(path, "w:gz").close()


def escaping(path: Path) -> None:
    """Write an archive with a file outside of it."""
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("../outside"))


def linking(path: Path) -> None:
    """Write an archive with a link."""
    link = tarfile.TarInfo("PG_VERSION")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(link)


@as_root
@pytest.mark.parametrize("spoil", [damaged, empty, escaping, linking])
def test_a_template_that_is_none_is_refused(
    place: Path, nameless: dict[str, Any], spoil: Callable[[Path], None]
) -> None:
    major = max(one.major for one in embedded.find_binaries())
    (place / "system").mkdir()
    spoil(place / "system" / f"template-pg{major}.tar.gz")
    os.chown(place, NAMELESS, NAMELESS)
    with owning(place / "data", **nameless) as owner:
        assert re.fullmatch(
            "The template cluster .* cannot be unpacked .* make the template again.", owner.said["error"]
        )
    assert not (place / "data" / "pg.new").exists()
    assert not (place / "data" / "outside").exists()


@as_root
def test_a_uid_without_a_name_and_without_a_template_is_told_both_cures(place: Path, nameless: dict[str, Any]) -> None:
    os.chown(place, NAMELESS, NAMELESS)
    with owning(place / "data", **nameless, env={"PATH": "/nowhere"}) as owner:
        assert (
            f"as uid {NAMELESS}, which has no passwd entry: add one (`useradd --uid {NAMELESS}" in owner.said["error"]
        )
        assert f"template cluster {place}/system/template-pg" in owner.said["error"]


@as_root
def test_a_uid_without_a_name_borrows_one_where_the_kernel_allows_it(place: Path, nameless: dict[str, Any]) -> None:
    probe = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "true"]
    allowed = (
        shutil.which("unshare") and subprocess.run(probe, user=NAMELESS, group=NAMELESS, check=False).returncode == 0
    )
    os.chown(place, NAMELESS, NAMELESS)
    with owning(place / "data", **nameless, durable=False) as owner:
        assert ("host" in owner.said) == allowed
    if allowed:
        assert {path.stat().st_uid for path in (place / "data").rglob("*")} == {NAMELESS}


@as_root
def test_a_guest_who_may_not_read_is_told_as_whom_to_come(
    place: Path, nameless: dict[str, Any], start: Callable[..., Cluster]
) -> None:
    start(place / "data")
    with owning(place / "data", **nameless, guest=True) as guest:
        assert re.search("cannot be opened .Permission denied.: run as the user who made", guest.said["error"])
    place.chmod(0o700)
    with owning(place / "data", **nameless, guest=True) as guest:
        assert re.search("cannot be reached .Permission denied.: run as the user who runs", guest.said["error"])
