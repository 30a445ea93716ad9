"""What is measured: a server that can be started, asked for its processes, and fed with prepared requests."""

import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.load import Work
from bench.meter import process_tree
from bench.stock import Kind

ROOT = Path(__file__).resolve().parent.parent

_START_SECONDS = 30.0
_STOP_SECONDS = 15.0


class ServerProcess:
    """A server in a child process; its output goes to a file."""

    def __init__(
        self,
        command: Sequence[str | Path],
        port: int,
        *,
        log: Path,
        environment: Mapping[str, str],
        cwd: Path = ROOT,
    ) -> None:
        self.port = port
        self._command = list(map(str, command))
        self._log = log
        self._environment = dict(environment)
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start it and return the seconds until its first answer. Raises RuntimeError with the tail of its output.

        An open port is not enough: a parent may listen before its workers can answer.
        """
        began = time.perf_counter()
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._environment,
                cwd=self._cwd,
                start_new_session=True,
            )
        while not self._answers():
            if self._process.poll() is not None or time.perf_counter() - began > _START_SECONDS:
                self.stop()
                raise RuntimeError(f"{' '.join(self._command)} did not answer:\n{self.log_tail()}")
            time.sleep(0.005)
        return time.perf_counter() - began

    def stop(self) -> None:
        """Ask it to end, wait, and insist; a second time does nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def pids(self) -> tuple[int, ...]:
        """Return the child and everything that descends from it."""
        if self._process is None:
            raise RuntimeError("the server is not running")
        return process_tree(self._process.pid)

    def log_tail(self) -> str:
        """Return the end of its output."""
        return self._log.read_text("utf-8", "replace")[-2000:]

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=_START_SECONDS) as probe:
                probe.sendall(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
                return probe.recv(12).startswith(b"HTTP/1.1")
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class Target:
    """A server under measurement, `processes` of it; `work` makes requests, `database` is where its backends are."""

    name: str
    processes: int
    server: ServerProcess
    database: str
    work: Callable[[Kind, int], Work]

    @property
    def label(self) -> str:
        """Name and number of processes, as tables show it."""
        return f"{self.name} x{self.processes}"


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
