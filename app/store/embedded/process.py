"""The postgres process: started in its own session, watched until it is ready, stopped before its owner ends."""

import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from app.store.embedded import account as accounts
from app.store.embedded.account import Account
from app.store.embedded.errors import EmbeddedError
from app.store.embedded.programs import Binaries

READY_PATIENCE = 300.0
"""Seconds for recovery after a crash."""

STOP_PATIENCE = 60.0
"""Seconds for the last checkpoint of a fast shutdown."""

STEP = 0.003
PR_SET_PDEATHSIG = 1
LOG_PREFIX = re.compile(r"^\S+ \S+ \S+ \[\d+\] ")
ROUTINE = re.compile(r"LOG:  (starting PostgreSQL|listening on|database system)")
UNSAFE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class Postmaster:
    """A running postgres, our child."""

    __slots__ = ("_child", "_lock", "socket_dir")

    def __init__(self, child: subprocess.Popen[bytes], socket_dir: Path) -> None:
        self._child = child
        self._lock = threading.Lock()
        self.socket_dir = socket_dir

    @property
    def pid(self) -> int:
        """The process id of the postmaster."""
        return self._child.pid

    def poll(self) -> int | None:
        """Return the exit status when it has ended (negative: the signal that ended it), else None."""
        return self._child.poll()

    def stop(self) -> None:
        """Shut down (sessions are ended, the last checkpoint is written) and return when it has ended."""
        with self._lock:
            for order, patience in ((signal.SIGINT, STOP_PATIENCE), (signal.SIGQUIT, 10.0), (signal.SIGKILL, None)):
                if self._child.poll() is not None:
                    return
                self._child.send_signal(order)
                try:
                    self._child.wait(patience)
                except subprocess.TimeoutExpired:
                    continue


def launch(
    cluster: Path,
    socket_dir: Path,
    log: Path,
    account: Account,
    binaries: Binaries,
    lock: int,
    *,
    durable: bool = True,
    die_with_parent: bool = True,
) -> Postmaster:
    """Start postgres on a cluster and return when it accepts connections.

    `lock` is the owner lock's descriptor, which every process of the cluster inherits. With `die_with_parent` the
    kernel (Linux) shuts postgres down when we die.
    Raises EmbeddedError with postgres's own words when it ends early.
    """
    quoted = str(socket_dir).replace('"', '""')
    settings = [f'unix_socket_directories="{quoted}"', *(() if durable else UNSAFE)]
    command = [binaries.postgres, "-D", cluster, *(word for setting in settings for word in ("-c", setting))]
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "ab") as output:
        begin = os.fstat(descriptor).st_size
        child = accounts.spawn(
            command,
            account,
            output=output,
            pass_fds=(lock,),
            new_session=True,  # a Ctrl-C in the terminal is for us; we stop postgres after the workers
            before_exec=end_with_parent(signal.SIGINT) if die_with_parent else None,
        )
    postmaster = Postmaster(child, socket_dir)
    try:
        _await_ready(postmaster, cluster, log, begin)
    except BaseException:
        postmaster.stop()
        raise
    return postmaster


def end_with_parent(order: signal.Signals) -> Callable[[], None] | None:
    """Return what a child runs before exec so that the kernel sends it `order` when its parent dies; None elsewhere.

    It must run after the change of uid, which clears the request: subprocess keeps to that order.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up before the fork: no import between fork and exec
    parent = os.getpid()

    def ask() -> None:
        if prctl(PR_SET_PDEATHSIG, int(order), 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
        if os.getppid() != parent:  # it died before the request was in force
            os._exit(1)

    return ask


def socket_directory_of(cluster: Path) -> Path | None:
    """Return where a ready postgres of this cluster has its socket (out of postmaster.pid), None while it is not."""
    lines = _pid_file(cluster)
    return Path(lines[4]) if len(lines) >= 8 and lines[7].strip() == "ready" else None


def _await_ready(postmaster: Postmaster, cluster: Path, log: Path, begin: int) -> None:
    """Wait until postmaster.pid carries our child's pid and says ready."""
    deadline = time.monotonic() + READY_PATIENCE
    while not (socket_directory_of(cluster) and _pid_file(cluster)[0] == str(postmaster.pid)):
        status = postmaster.poll()
        if status is not None:
            raise EmbeddedError(
                f"PostgreSQL ended at its start on {cluster} (status {status}; {_complaints(log, begin)}): "
                f"put that right, the whole story is in {log}."
            )
        if time.monotonic() > deadline:
            raise EmbeddedError(
                f"PostgreSQL on {cluster} was not ready in {READY_PATIENCE:.0f} s: {log} says what it does."
            )
        time.sleep(STEP)


def _pid_file(cluster: Path) -> list[str]:
    try:
        return os.fsdecode((cluster / "postmaster.pid").read_bytes()).split("\n")
    except FileNotFoundError:
        return []


def _complaints(log: Path, begin: int) -> str:
    """Return the end of what postgres said since `begin`, without times and routine."""
    with log.open("rb") as file:
        file.seek(begin)
        lines = [LOG_PREFIX.sub("", line).strip() for line in file.read().decode(errors="replace").splitlines()]
    return "; ".join([line for line in lines if line and not ROUTINE.match(line)][-3:]) or "it said nothing"
