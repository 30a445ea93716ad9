"""A parent and its workers, as real processes without a database: who falls, who is replaced, who drains."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest

from tests.support.processes import PATIENCE, alive, children, eventually


@dataclass(slots=True)
class Parent:
    """The running parent; `url` is where its workers listen, `metrics_url` where it does."""

    process: subprocess.Popen[str]
    url: str
    metrics_url: str

    def workers(self) -> set[int]:
        """Return the process ids of the workers that live."""
        return children(self.process.pid)

    def answered_by(self) -> int:
        """Return the process id of the worker that answered."""
        return int(httpx.get(self.url, timeout=PATIENCE).text)


@contextmanager
def _parent(count: int) -> Iterator[Parent]:
    command = [sys.executable, "-m", "tests.support.supervised", str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        port, metrics_port = process.stdout.readline().split()
        try:
            yield Parent(process, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{metrics_port}/metrics")
        finally:
            process.kill()


@pytest.fixture
def parent() -> Iterator[Parent]:
    with _parent(2) as running:
        assert eventually(lambda: len(running.workers()) == 2)
        yield running


def test_a_killed_worker_is_replaced_while_the_other_serves(parent: Parent) -> None:
    before = parent.workers()
    victim = parent.answered_by()

    os.kill(victim, signal.SIGKILL)

    assert parent.answered_by() != victim
    assert eventually(lambda: len(parent.workers() - {victim}) == 2)
    assert before - {victim} < parent.workers()


def test_a_worker_that_falls_again_and_again_is_replaced_ever_more_slowly_and_the_server_lives(parent: Parent) -> None:
    for _ in range(4):
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"{parent.url}/exit", timeout=PATIENCE)
        assert parent.answered_by()

    assert parent.process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_lets_running_requests_end_and_exits_with_zero(parent: Parent, number: signal.Signals) -> None:
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(httpx.get(f"{parent.url}/slow", timeout=5).status_code))
    asking.start()
    time.sleep(0.3)

    parent.process.send_signal(number)

    assert parent.process.wait(PATIENCE) == 0
    asking.join()
    assert answers == [200]


def test_ctrl_c_in_the_terminal_reaches_only_the_parent(parent: Parent) -> None:
    assert {os.getpgid(pid) for pid in parent.workers()}.isdisjoint({os.getpgid(parent.process.pid)})


def test_workers_of_a_killed_parent_leave(parent: Parent) -> None:
    workers = parent.workers()

    parent.process.kill()

    assert eventually(lambda: not any(alive(pid) for pid in workers))


def test_counters_of_all_workers_are_served_by_the_parent_and_survive_a_fall(parent: Parent) -> None:
    def counted(name: str) -> float:
        lines = httpx.get(parent.metrics_url).text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    victims = [parent.answered_by() for _ in range(10)]
    assert eventually(lambda: counted("assent_requests_total{") == 10)

    os.kill(victims[0], signal.SIGKILL)

    assert eventually(lambda: counted("assent_worker_restarts_total") == 1)
    assert counted("assent_requests_total{") == 10


def test_a_worker_that_cannot_start_ends_the_server_with_a_sentence() -> None:
    command = [sys.executable, "-m", "tests.support.supervised", "1", "tests.support.supervised:broken"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)

    assert ended.returncode == 1
    assert "no application today" in ended.stderr
    assert "A worker could not start" in ended.stderr.splitlines()[-1]
