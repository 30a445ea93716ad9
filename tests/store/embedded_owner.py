"""A process that owns an embedded database until its input ends: what the launcher's tests start, kill and compare."""

import asyncio
import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import asyncpg

from app.store import embedded
from app.store.embedded import ConnectionTarget
from tests.support import memory

ROOT = os.geteuid() == 0
REPOSITORY = Path(__file__).parents[2]


@dataclass(slots=True)
class Owner:
    """A child process and the first thing it said: {"pid", "host"} of its database, or {"refused"} or {"error"}."""

    process: subprocess.Popen[str]
    said: dict[str, Any]

    @classmethod
    def begin(cls, data_dir: Path, *, env: dict[str, str] | None = None, **options: Any) -> Self:
        """Start the process; `options` are those of `main`, the others go to `embedded.start`."""
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.store.embedded_owner", json.dumps({"data_dir": str(data_dir), **options})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env={**os.environ, **(env or {})},
        )
        return cls(process, {})

    def listen(self) -> Self:
        """Wait for the first thing it says."""
        assert self.process.stdout is not None
        self.said = json.loads(self.process.stdout.readline() or '{"error": "it died"}')
        return self

    def end(self) -> None:
        """Let it stop its database and end; nothing happens when it has ended before."""
        with contextlib.suppress(BrokenPipeError, ValueError):
            self.process.communicate(timeout=60)

    def kill(self) -> None:
        """End it without giving it the chance to do anything."""
        self.process.kill()
        self.end()


@contextlib.contextmanager
def owning(data_dir: Path, **options: Any) -> Iterator[Owner]:
    """Run an owner that has said something, and end it."""
    owner = Owner.begin(data_dir, **options)
    try:
        yield owner.listen()
    finally:
        owner.end()


@contextlib.contextmanager
def folder(*, programs: bool = False) -> Iterator[Path]:
    """Make a temporary directory that other users can pass through, unlike pytest's when we are root.

    It is in memory where there is room; not for `programs`, as memory may be mounted without the right to run any.
    """
    path = Path(tempfile.mkdtemp(prefix="assent-", dir=None if programs else memory.room()))
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path)


@contextlib.contextmanager
def stopped() -> Iterator[Path]:
    """Make a data directory whose database has run and been stopped, for tests to copy."""
    with folder() as path:
        embedded.start(path / "data", durable=False).stop()
        yield path / "data"


def copy(made: Path, data_dir: Path) -> Path:
    """Copy a data directory with owners and modes, and return the copy."""
    subprocess.run(["cp", "-a", made, data_dir], check=True)
    return data_dir


def query(target: ConnectionTarget, statement: str, *arguments: Any) -> Any:
    """Return the first value that a statement gives."""
    return asyncio.run(ask(target, statement, *arguments))


async def ask(target: ConnectionTarget, statement: str, *arguments: Any) -> Any:
    """Connect, run one statement and return the first value of its first row."""
    connection = await asyncpg.connect(**target.asyncpg_kwargs())
    try:
        return await connection.fetchval(statement, *arguments)
    finally:
        await connection.close()


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def main(options: dict[str, Any]) -> None:
    """Own the database, or be its `guest`, and say so; stop it when the input ends.

    `uid` is whom to become first: here and not before, since others may not reach the interpreter of root's tests.
    `largest_file` (bytes) is the nearest to a full disk that needs no privilege.
    """
    data_dir, uid, largest = Path(options.pop("data_dir")), options.pop("uid", None), options.pop("largest_file", None)
    guest, bin_dir = options.pop("guest", False), options.pop("bin_dir", None)
    if "system_dir" in options:
        options["system_dir"] = Path(options["system_dir"])
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    if largest is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    try:
        if guest:
            print(json.dumps({"host": embedded.guest(data_dir).owner.host}), flush=True)
            return
        binaries = None if bin_dir is None else embedded.binaries_at(Path(bin_dir))
        cluster = embedded.start(data_dir, binaries=binaries, **options)
    except embedded.AlreadyRunning as refusal:
        print(json.dumps({"refused": str(refusal), "pid": refusal.pid, "label": refusal.label}), flush=True)
    except embedded.EmbeddedError as error:
        print(json.dumps({"error": str(error)}), flush=True)
    else:
        print(json.dumps({"pid": cluster.pid, "host": cluster.owner_dsn.host}), flush=True)
        sys.stdin.read()
        cluster.stop()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
