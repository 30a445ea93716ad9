"""What the operating system says about processes that a test has started."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 60.0
"""Seconds for what takes a moment, on a machine that has much else to do."""


def children(pid: int) -> set[int]:
    """Return the living children of a process; what has ended and waits to be reaped does not count."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True)
    rows = (line.split() for line in listed.stdout.splitlines())
    return {int(child) for child, parent, state in rows if int(parent) == pid and not state.startswith("Z")}


def alive(pid: int) -> bool:
    """Tell whether a process runs."""
    listed = subprocess.run(["ps", "-p", str(pid), "-o", "stat="], capture_output=True, text=True, check=False)
    return listed.returncode == 0 and not listed.stdout.startswith("Z")


def command_of(pid: int) -> str:
    """Return the command line of a process, "" when it is gone."""
    listed = subprocess.run(["ps", "-p", str(pid), "-o", "args="], capture_output=True, text=True, check=False)
    return listed.stdout.strip()


def processor_seconds(pid: int) -> float:
    """Return the processor time of a process, of its living children and of theirs, and of those that have ended."""
    below = sum(processor_seconds(child) for child in children(pid))
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:  # it has ended meanwhile, and counts with its parent, who is looked at later
        return below
    return below + sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def eventually(condition: Callable[[], bool], *, within: float = PATIENCE) -> bool:
    """Wait until the condition holds; False when it does not within so many seconds."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.03)
    return True
