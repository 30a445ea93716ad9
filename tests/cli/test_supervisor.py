"""A parent and its workers, as real processes without a database: who falls, who is replaced, who drains."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest

from tests.support.processes import PATIENCE, alive, children, eventually


@dataclass(slots=True)
class Parent:
    """The running parent; `url` is where its workers listen, `metrics_url` where it does, `waiting_url` where a worker
    will, once somebody needs it."""

    process: subprocess.Popen[str]
    url: str
    metrics_url: str
    waiting_url: str

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
        port, metrics_port, waiting_port = process.stdout.readline().split()
        try:
            here = "http://127.0.0.1"
            yield Parent(process, f"{here}:{port}", f"{here}:{metrics_port}/metrics", f"{here}:{waiting_port}")
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


def test_a_worker_that_waits_is_started_by_its_first_connection_and_replaced_like_any_other(parent: Parent) -> None:
    before = parent.workers()

    first = int(httpx.get(parent.waiting_url, timeout=PATIENCE).text)
    assert parent.workers() - before == {first}
    os.kill(first, signal.SIGKILL)

    second = int(httpx.get(parent.waiting_url, timeout=PATIENCE).text)
    assert second not in {*before, first}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_lets_running_requests_end_and_exits_with_zero(parent: Parent, number: signal.Signals) -> None:
    before, answers = parent.workers(), list[str]()
    begun = threading.Event()

    def ask() -> None:
        with httpx.stream("GET", f"{parent.url}/slow", timeout=PATIENCE) as answer:
            begun.set()
            answers.append(answer.read().decode())

    asking = threading.Thread(target=ask)
    asking.start()
    assert begun.wait(PATIENCE)

    parent.process.send_signal(number)

    assert parent.process.wait(PATIENCE) == 0
    asking.join()
    assert [int(answer) in before for answer in answers] == [True]


def test_ctrl_c_in_the_terminal_reaches_only_the_parent(parent: Parent) -> None:
    assert {os.getpgid(pid) for pid in parent.workers()}.isdisjoint({os.getpgid(parent.process.pid)})


def test_workers_of_a_killed_parent_leave(parent: Parent) -> None:
    workers = parent.workers()

    parent.process.kill()

    assert eventually(lambda: not any(alive(pid) for pid in workers))


def test_counters_of_all_workers_are_served_by_the_parent_and_survive_a_fall(parent: Parent) -> None:
    def counted(name: str) -> float:
        lines = httpx.get(parent.metrics_url, timeout=60).text.splitlines()
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
