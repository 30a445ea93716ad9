"""The parent's view of its workers: wait until they are ready, replace the fallen, let them drain.

Everything here runs in the main thread. Signals only wake the loop; what they mean is decided in one place.
"""

import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import orjson
import structlog

from app.cli.worker_process import Worker
from app.telemetry.exposition import WorkerMetrics

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 10.0
_STEADY_SECONDS = 30.0
"""A worker that has lived this long has proved itself: its next fall counts as the first."""
_TICK_SECONDS = 1.0
_MARGIN_SECONDS = 3.0
_GIVE_UP_AFTER = 3

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ending:
    """Why the server ends: the exit status, and a sentence when it did not end as asked."""

    status: int
    sentence: str = ""


class Supervisor:
    """Watches workers until the server ends. `database_alive` is asked about once a second and at each child's end."""

    def __init__(
        self,
        workers: list[Worker],
        *,
        metrics: WorkerMetrics,
        database_alive: Callable[[], bool],
        on_ready: Callable[[], None],
        drain_seconds: float,
    ) -> None:
        self._workers = workers
        self._metrics = metrics
        self._database_alive = database_alive
        self._on_ready = on_ready
        self._drain_seconds = drain_seconds
        self._selector = selectors.DefaultSelector()
        self._announced = False

    def run(self) -> Ending:
        """Supervise until a stop signal, a lost database or a worker that cannot start; then let all workers drain."""
        with _wakeups() as wakeups, self._selector:
            self._selector.register(wakeups, selectors.EVENT_READ)
            for worker in self._workers:
                self._listen_to(worker)
            ending = self._watch(wakeups)
            self._drain(wakeups)
        return ending

    def _watch(self, wakeups: socket.socket) -> Ending:
        while True:
            if self._wait(wakeups, self._timeout()) & set(_STOP_SIGNALS):
                return Ending(0)
            if not self._database_alive():
                return Ending(1, "The database has ended unexpectedly; postgres.log in the data directory says why.")
            for worker in self._workers:
                if (refusal := self._replace_if_fallen(worker)) is not None:
                    return refusal

    def _wait(self, wakeups: socket.socket, timeout: float) -> set[int]:
        """Read what workers and signals have to say; returns the signals that arrived."""
        arrived: set[int] = set()
        for key, _ in self._selector.select(timeout):
            if key.fileobj is wakeups:
                with suppress(BlockingIOError):
                    arrived |= set(wakeups.recv(4096))
            elif key.fileobj is key.data.channel:
                self._read(key.data)
            else:
                self._begin(key.data)
        return arrived

    def _read(self, worker: Worker) -> None:
        data = b""
        if worker.channel is not None:
            with suppress(OSError):
                data = worker.channel.recv(1 << 20)
        if not data:
            self._unlisten(worker)
            return
        *lines, worker.pending = (worker.pending + data).split(b"\n")
        for message in map(orjson.loads, lines):
            if "metrics" in message and worker.process is not None:
                self._metrics.update(worker.process.pid, message["metrics"])
            elif message.get("ready"):
                worker.ever_ready = True
                if not self._announced and worker.essential:
                    self._announced = True
                    self._on_ready()

    def _replace_if_fallen(self, worker: Worker) -> Ending | None:
        if worker.process is None:
            if worker.restart_at is not None and time.monotonic() >= worker.restart_at:
                worker.start()
                self._listen_to(worker)
            return None
        status = worker.process.poll()
        if status is None:
            return None
        if worker.essential and not worker.ever_ready:
            return Ending(1, f"A worker could not start (exit status {status}); its reason stands above.")
        self._end(worker, crashed=True)
        worker.falls = 1 if time.monotonic() - worker.started > _STEADY_SECONDS else worker.falls + 1
        if not worker.essential and worker.falls >= _GIVE_UP_AFTER:
            log.error("worker.given_up", worker=worker.name, status=status)
            return None
        delay = min(_FIRST_DELAY * 2 ** (worker.falls - 1), _LONGEST_DELAY)
        worker.restart_at = time.monotonic() + delay
        log.error("worker.fell", worker=worker.name, status=status, restart_in_seconds=delay)
        return None

    def _drain(self, wakeups: socket.socket) -> None:
        """Ask all workers to end and wait for them; a second stop signal, or too long a wait, ends them at once."""
        for worker in self._workers:
            self._stop_waiting(worker)
            worker.signal(signal.SIGTERM)
        deadline = time.monotonic() + self._drain_seconds + _MARGIN_SECONDS
        while any(worker.process is not None for worker in self._workers):
            impatient = self._wait(wakeups, 0.2) & set(_STOP_SIGNALS) or time.monotonic() > deadline
            for worker in self._workers:
                if impatient:
                    worker.signal(signal.SIGKILL)
                if worker.process is not None and worker.process.poll() is not None:
                    self._end(worker, crashed=False)

    def _end(self, worker: Worker, *, crashed: bool) -> None:
        if worker.process is not None:
            self._metrics.end(worker.process.pid, crashed=crashed)
        self._unlisten(worker)
        worker.forget()

    def _listen_to(self, worker: Worker) -> None:
        if worker.channel is not None:
            self._selector.register(worker.channel, selectors.EVENT_READ, worker)
        elif worker.listeners is not None:
            self._selector.register(worker.listeners.front, selectors.EVENT_READ, worker)

    def _begin(self, worker: Worker) -> None:
        """Start a worker that somebody needs now; the connection waits for it."""
        self._stop_waiting(worker)
        worker.start()
        self._listen_to(worker)

    def _stop_waiting(self, worker: Worker) -> None:
        if worker.listeners is not None:
            with suppress(KeyError, ValueError):
                self._selector.unregister(worker.listeners.front)

    def _unlisten(self, worker: Worker) -> None:
        if worker.channel is not None:
            with suppress(KeyError, ValueError):
                self._selector.unregister(worker.channel)

    def _timeout(self) -> float:
        now = time.monotonic()
        waits = [max(0.0, worker.restart_at - now) for worker in self._workers if worker.restart_at is not None]
        return min([_TICK_SECONDS, *waits])


@contextmanager
def _wakeups() -> Iterator[socket.socket]:
    """Turn signals into bytes on a socket, one byte with the signal's number each."""
    readable, writable = socket.socketpair()
    readable.setblocking(False)
    writable.setblocking(False)
    numbers = (*_STOP_SIGNALS, signal.SIGCHLD)
    previous = {number: signal.signal(number, _only_wake) for number in numbers}
    previous_descriptor = signal.set_wakeup_fd(writable.fileno(), warn_on_full_buffer=False)
    try:
        yield readable
    finally:
        signal.set_wakeup_fd(previous_descriptor)
        for number, handler in previous.items():
            signal.signal(number, handler)
        readable.close()
        writable.close()


def _only_wake(_number: int, _frame: object) -> None:
    """The byte in the wakeup socket says it all; a handler must exist, or the signal would take its default way."""
