"""What work cost: instructions where `perf` counts them, CPU time always, memory at its peak. Linux only.

Requests per second on a shared machine say more about the neighbours than about the code; the cost of a request in
the server and in its PostgreSQL backends repeats.
"""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Unit = Literal["kI", "µs"]
"""Thousand instructions, or microseconds of user and system time."""

_EVENTS = ("instructions", "instructions:u")
"""Kernel included, or user space alone where the kernel's counters are closed to us."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What the server and its database backends used."""

    server: float
    database: float

    @property
    def total(self) -> float:
        """Both together."""
        return self.server + self.database

    def scaled(self, factor: float) -> "Cost":
        """Return the cost in another unit, or of one request out of many."""
        return Cost(self.server * factor, self.database * factor)


@dataclass(slots=True)
class Measured:
    """Filled when the measured block ends: CPU seconds, and instructions unless they cannot be counted."""

    cpu: Cost = Cost(0.0, 0.0)
    instructions: Cost | None = None


def countable_event() -> str | None:
    """Return the event that `perf` counts here, or None: no perf, no permission, or a machine without counters."""
    if shutil.which("perf") is None:
        return None
    for event in _EVENTS:
        command = ["perf", "stat", "-x", ";", "-e", event, "true"]
        trial = subprocess.run(command, capture_output=True, text=True, check=False)
        if trial.returncode == 0 and _count(trial.stderr, event) is not None:
            return event
    return None


@contextlib.contextmanager
def measure(server: Sequence[int], database: Sequence[int], event: str | None) -> Iterator[Measured]:
    """Measure what these processes use while the block runs. Raises RuntimeError when one of them ends meanwhile."""
    measured = Measured()
    with contextlib.ExitStack() as counters:
        counts = [counters.enter_context(_perf(pids, event)) for pids in (server, database)] if event else []
        before = cpu_seconds(server), cpu_seconds(database)
        yield measured
        after = cpu_seconds(server), cpu_seconds(database)
    measured.cpu = Cost(after[0] - before[0], after[1] - before[1])
    if counts:
        measured.instructions = Cost(counts[0].count, counts[1].count)


def cpu_seconds(pids: Sequence[int]) -> float:
    """Return the user and system time that all threads of these processes have used.

    From the scheduler's nanoseconds; `/proc/PID/stat` counts in ticks of 10 ms.
    """
    return sum(_thread_seconds(task) for pid in pids for task in _tasks(pid))


def peak_memory(pid: int) -> int:
    """Return the largest resident set that the process ever had, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"process {pid} has ended")


def proportional_memory(pid: int) -> int:
    """Return the resident set now, pages shared with other processes counted by share (PSS), in bytes."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"process {pid} has ended")


def process_tree(pid: int) -> tuple[int, ...]:
    """Return the process and everything that descends from it."""
    found = [pid]
    for parent in found:
        for task in _tasks(parent):
            found += map(int, (task / "children").read_text("ascii").split())
    return tuple(found)


def _tasks(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except FileNotFoundError:
        raise RuntimeError(f"process {pid} ended during the measurement") from None


def _thread_seconds(task: Path) -> float:
    try:
        return int((task / "schedstat").read_text("ascii").split()[0]) / 1e9
    except FileNotFoundError:
        return 0.0  # the thread ended between the listing and here


@dataclass(slots=True)
class _Count:
    count: int = 0


@contextlib.contextmanager
def _perf(pids: Sequence[int], event: str) -> Iterator[_Count]:
    """Count one event in these processes; counting begins and ends by acknowledged commands, not by timing."""
    control_read, control = os.pipe()
    answers, answers_write = os.pipe()
    command = ["perf", "stat", "-x", ";", "-D", "-1", "-e", event, "-p", ",".join(map(str, pids))]
    command += ["--control", f"fd:{control_read},{answers_write}"]
    perf = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, pass_fds=(control_read, answers_write)
    )
    os.close(control_read)
    os.close(answers_write)
    counted = _Count()
    try:
        _tell(control, answers, b"enable\n")
        yield counted
        _tell(control, answers, b"disable\n")
    finally:
        perf.send_signal(signal.SIGINT)
        _, report = perf.communicate()
        os.close(control)
        os.close(answers)
    count = _count(report, event)
    if count is None:
        raise RuntimeError(f"perf counted nothing: {report}")
    counted.count = count


def _tell(control: int, answers: int, command: bytes) -> None:
    os.write(control, command)
    if not os.read(answers, 16).startswith(b"ack"):
        raise RuntimeError("perf ended early")


def _count(report: str, event: str) -> int | None:
    """Read `perf stat -x ;`: value;unit;event;…, one line per event; `<not supported>` instead of a value."""
    for line in report.splitlines():
        fields = line.split(";")
        if len(fields) > 2 and fields[2] == event and fields[0].isdigit():
            return int(fields[0])
    return None
