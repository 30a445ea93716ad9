"""Who owns the cluster: kernel locks, because a pid in a file may be a zombie's or belong to another process by now.

Three files, only ever locked, never deleted:

- `start.lock` is held while starting, joining or taking over: one at a time.
- `owner.lock` is held through one open file that postgres and all its children inherit. Whoever gets it has the proof
  that no process of the cluster lives. Its content (pid, label) tells people who the owner is; no decision rests on it.
- `parent.lock` is held by the owner alone. Free while `owner.lock` is held: the owner is dead and postgres an orphan.
"""

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.store.embedded.errors import AlreadyRunning, EmbeddedError
from app.store.embedded.layout import Layout

START_PATIENCE = 120.0
ORPHAN_PATIENCE = 60.0
"""Seconds that an orphan has for its last checkpoint before it is stopped without one."""

ORPHAN_LIMIT = 75.0
STRANGER_PATIENCE = 1.0
"""Seconds; the kernel closes the locks of a dying process a moment before its working directory."""

STEP = 0.005
PROC = Path("/proc")


@dataclass(slots=True)
class Ownership:
    """The two locks of an owner; `descriptor` is what its child processes inherit."""

    descriptor: int
    parent: int

    def release(self) -> None:
        """Let go. First the proof that the owner lives, so that nobody ever sees an owner without a cluster."""
        for held in (self.parent, self.descriptor):
            with contextlib.suppress(OSError):
                os.close(held)


@contextlib.contextmanager
def starting(layout: Layout) -> Iterator[None]:
    """Hold the right to start, join or take over; waits for whoever is at it."""
    descriptor = _open(layout.start_lock)
    try:
        deadline = time.monotonic() + START_PATIENCE
        while not _take(descriptor):
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"Another start has been holding {layout.start_lock} for {START_PATIENCE:.0f} s: "
                    "find and end that process, then start again."
                )
            time.sleep(STEP)
        yield
    finally:
        os.close(descriptor)


def become_owner(layout: Layout, label: str) -> Ownership:
    """Take the cluster, stopping an orphan first; call it under `starting`.

    Raises AlreadyRunning when another live process owns it, EmbeddedError when an orphan does not end.
    """
    parent = _open(layout.parent_lock)
    descriptor = -1
    try:
        if not _take(parent):
            raise AlreadyRunning(layout.data, *holder(layout))
        descriptor = _open(layout.owner_lock)
        if not _take(descriptor):
            _end_orphan(layout, descriptor)
        _refuse_stranger(layout)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "label": label}).encode(), 0)
    except BaseException:
        Ownership(descriptor, parent).release()
        raise
    return Ownership(descriptor, parent)


def owner_lives(layout: Layout) -> bool:
    """Whether a live process owns the cluster; call it under `starting`, where a probe disturbs nobody."""
    descriptor = _open(layout.parent_lock)
    try:
        return not _take(descriptor)
    finally:
        os.close(descriptor)


def holder(layout: Layout) -> tuple[int, str]:
    """Return pid and label that the owner left in its lock, (0, "") when it left none."""
    try:
        said = json.loads(layout.owner_lock.read_bytes())
        return int(said["pid"]), str(said["label"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0, ""


def postmaster_pid(cluster: Path) -> int | None:
    """Return the pid in postmaster.pid when that process works in this cluster.

    Linux tells by the working directory, which a zombie has not and a process that got the pid later has elsewhere.
    Other systems are taken at their word.
    """
    try:
        pid = int((cluster / "postmaster.pid").read_text().split("\n", 1)[0])
        if pid <= 1:
            return None
        if PROC.is_dir():
            return pid if os.path.samestat(os.stat(PROC / str(pid) / "cwd"), os.stat(cluster)) else None
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    return pid


def _end_orphan(layout: Layout, descriptor: int) -> None:
    """Stop a cluster whose owner is dead, cleanly if it can, and wait until its last process is gone."""
    begun = time.monotonic()
    sent: set[tuple[int, signal.Signals]] = set()
    while not _take(descriptor):
        waited = time.monotonic() - begun
        pid = postmaster_pid(layout.pg)
        if waited > ORPHAN_LIMIT:
            raise EmbeddedError(
                f"Processes of an earlier start still hold {layout.owner_lock}"
                f"{f' (postgres has pid {pid})' if pid else ', maybe in another container'}: end them first."
            )
        order = (pid or 0, signal.SIGINT if waited < ORPHAN_PATIENCE else signal.SIGQUIT)
        if pid is not None and order not in sent:  # it may only now be writing its pid
            sent.add(order)
            with contextlib.suppress(ProcessLookupError):
                os.kill(*order)
        time.sleep(STEP)


def _refuse_stranger(layout: Layout) -> None:
    """Refuse a cluster in which a postgres works that somebody started by hand: it does not hold our lock."""
    deadline = time.monotonic() + STRANGER_PATIENCE
    while PROC.is_dir() and (pid := postmaster_pid(layout.pg)) is not None:
        if time.monotonic() > deadline:
            raise EmbeddedError(
                f"A postgres that Assent did not start (pid {pid}) works in {layout.pg}: run `kill -INT {pid}`."
            )
        time.sleep(STEP)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise EmbeddedError(
            f"{path} cannot be opened ({error.strerror}): run as the user who made the data directory, "
            f"or give it to uid {os.geteuid()} with `chown -R`."
        ) from None


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise EmbeddedError(
            f"The data directory's file system does not support locks ({error.strerror}): it must be on a local disk."
        ) from None
    return True
