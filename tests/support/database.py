"""Databases for tests: one cluster per PostgreSQL and test process, one database per module, cloned from a template.

`engine` names the PostgreSQL that a module runs on: the wheel's, unless the module's conftest asks for every one that
is installed (as tests/store does). Clusters run without fsync: what a crash leaves behind is tested elsewhere.
"""

import asyncio
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from app.migrations import upgrade
from app.store import partitions
from app.store.database import Database
from app.store.embedded import account as accounts
from app.store.embedded import programs
from app.store.embedded.account import Account
from app.store.embedded.process import end_with_parent
from app.store.embedded.programs import Binaries
from tests.support import memory

SUPERUSER, OWNER, RUNTIME = "postgres", "assent", "assent_runtime"
_TEMPLATE = "assent_template"
_SYSTEM = Path("/usr/lib/postgresql")
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "log_statement": "none",
}
_names = itertools.count(1)


@dataclass(frozen=True, slots=True)
class TestCluster:
    """A running PostgreSQL; `directory` is that of its socket. Whoever reaches the socket is let in."""

    __test__ = False

    binaries: Binaries
    directory: Path
    data: Path
    process: subprocess.Popen[bytes]

    def url(self, role: str, database: str) -> str:
        """Return the URL of a role's way to a database."""
        return f"postgresql://{role}@/{database}?host={self.directory}&port=5432"


@dataclass(frozen=True, slots=True)
class FreshDatabase:
    """A migrated database without rows and without partitions."""

    cluster: TestCluster
    name: str

    @property
    def owner_url(self) -> str:
        """As the role that owns the schema."""
        return self.cluster.url(OWNER, self.name)

    @property
    def runtime_url(self) -> str:
        """As the role that serves."""
        return self.cluster.url(RUNTIME, self.name)

    @property
    def superuser_url(self) -> str:
        """As the role that may look at everything."""
        return self.cluster.url(SUPERUSER, self.name)


def engines(*further: pytest.MarkDecorator) -> tuple[object, ...]:
    """Return the PostgreSQLs to be had: the wheel's newest, and the system's newest where it is installed.

    `further` are marks for what runs on any but the first.
    """
    system = sorted(_SYSTEM.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    wheel = pytest.param("wheel")
    return (wheel, pytest.param("system", marks=further)) if system and int(system[-1].parts[-3]) >= 15 else (wheel,)


@pytest.fixture(scope="session")
def engine() -> str:
    """The PostgreSQL that tests run on."""
    return "wheel"


@pytest.fixture(scope="session")
def clusters() -> Iterator[dict[str, TestCluster]]:
    """The clusters of this test process, started when somebody asks for the first database."""
    running: dict[str, TestCluster] = {}
    yield running
    for cluster in running.values():
        end(cluster)


@pytest.fixture(scope="module")
def fresh_database(clusters: dict[str, TestCluster], engine: str) -> Iterator[FreshDatabase]:
    """A database of the module's own."""
    if engine not in clusters:
        clusters[engine] = start(engine)
        asyncio.run(_make_template(clusters[engine]))
    cluster = clusters[engine]
    name = f"test_{next(_names)}"
    asyncio.run(command(cluster, f"create database {name} template {_TEMPLATE} owner {OWNER}"))
    yield FreshDatabase(cluster, name)
    asyncio.run(command(cluster, f"drop database {name} with (force)"))


@pytest.fixture(scope="module")
async def database(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    """The module's database, opened as the server opens it."""
    opened = await Database.open(fresh_database.runtime_url, owner_url=fresh_database.owner_url)
    await partitions.ensure_ahead(opened, datetime.now(UTC))
    yield opened
    await opened.close()


def start(engine: str) -> TestCluster:
    """Start a new cluster in temporary directories, as an unprivileged user; the data in memory where there is room."""
    account = _account()
    home, data_home = (Path(tempfile.mkdtemp(prefix="assent-test-", dir=place)) for place in (None, memory.room()))
    for directory in (home, data_home):
        directory.chmod(0o711)
    run, data = home / "run", data_home / "pg"
    for directory in (run, data):
        directory.mkdir(mode=0o700)
        accounts.give(directory, account)
    binaries = _binaries(engine, account, home)
    made = accounts.spawn(
        [binaries.initdb, "-D", data, "-U", SUPERUSER, "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"], account
    )
    said, _ = made.communicate()
    assert made.returncode == 0, said.decode()
    settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
    return _run(binaries, run, data, [binaries.postgres, "-D", data, "-k", run, *settings])


def restart(cluster: TestCluster, pause_seconds: float = 0.0) -> TestCluster:
    """Shut a cluster down, which breaks off what it is doing, and start it again after a pause."""
    cluster.process.send_signal(signal.SIGINT)
    cluster.process.wait(60)
    time.sleep(pause_seconds)
    command = cluster.process.args
    assert isinstance(command, list)
    return _run(cluster.binaries, cluster.directory, cluster.data, [str(word) for word in command])


def end(cluster: TestCluster) -> None:
    """End a cluster at once, and remove what it leaves."""
    cluster.process.send_signal(signal.SIGQUIT)
    cluster.process.wait(60)
    for directory in (cluster.directory.parent, cluster.data.parent):
        shutil.rmtree(directory, ignore_errors=True)


def _run(binaries: Binaries, run: Path, data: Path, command: Sequence[str | Path]) -> TestCluster:
    log = run.parent / "postgres.log"
    with log.open("ab") as output:
        process = accounts.spawn(
            command,
            _account(),
            output=output,
            new_session=True,
            before_exec=end_with_parent(signal.SIGQUIT),  # a test run that is killed leaves no cluster behind
        )
    cluster = TestCluster(binaries, run, data, process)
    if not asyncio.run(_becomes_ready(cluster)):
        raise AssertionError(f"PostgreSQL did not start:\n{log.read_text()}")
    return cluster


def _account() -> Account:
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), dropped=False)
    return Account(accounts.NOBODY, accounts.NOBODY, dropped=True)


async def _becomes_ready(cluster: TestCluster) -> bool:
    for _ in range(1000):
        if cluster.process.poll() is not None:
            break
        try:
            await command(cluster, "select 1")
        except (OSError, asyncpg.CannotConnectNowError):
            await asyncio.sleep(0.02)
        else:
            return True
    return False


async def _make_template(cluster: TestCluster) -> None:
    await command(
        cluster,
        f"create role {OWNER} login",
        f"create role {RUNTIME} login",
        f"create database {_TEMPLATE} owner {OWNER}",
    )
    await upgrade(cluster.url(OWNER, _TEMPLATE), RUNTIME)


async def command(cluster: TestCluster, *statements: str) -> None:
    """Run statements as the superuser, outside every database of a test."""
    connection = await asyncpg.connect(cluster.url(SUPERUSER, "postgres"))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _binaries(engine: str, account: Account, home: Path) -> Binaries:
    if engine == "system":
        return programs.at(max(_SYSTEM.glob("*/bin"), key=lambda path: int(path.parts[-2])))
    newest = max(programs.find(), key=lambda one: one.major)
    return programs.within_reach(newest, account, home)
