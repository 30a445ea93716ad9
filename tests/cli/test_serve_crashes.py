"""kill -9 under load: of a worker, of the parent, of the postmaster. Nothing that was acknowledged is lost."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.demo import free_port
from tests.support.processes import PATIENCE, alive, children, command_of, eventually
from tests.support.refreshing import DATA, Family, load, refresh, sign_in
from tests.support.server import Server, await_ready, directory_for_server, running_server, start

FAMILIES = 4
AFTERWARDS_SECONDS = 1.0
"""For how long the load goes on after a blow."""


@pytest.fixture
def directory() -> Iterator[Path]:
    with directory_for_server() as made:
        yield made


@pytest.fixture
def server(directory: Path) -> Iterator[Server]:
    """A durable server with two workers and a person who has connected an application."""
    port = ("--port", str(free_port()))  # to which the next start comes back
    with running_server(directory, workers=2, durable=True, data=DATA, arguments=port) as running:
        yield running


@pytest.fixture
def families(server: Server) -> list[Family]:
    return [sign_in(server) for _ in range(FAMILIES)]


def _workers(server: Server) -> set[int]:
    return {pid for pid in children(server.process.pid) if "app.cli.worker" in command_of(pid)}


def _postmaster(server: Server) -> int:
    return int((server.data_dir / "pg" / "postmaster.pid").read_text().split("\n", 1)[0])


def _under_load(server: Server, families: list[Family], blow: Callable[[], None]) -> None:
    """Strike while all families refresh, and let the load go on for a while."""
    with load(server, families):
        _every_family_refreshes(families)
        blow()
        time.sleep(AFTERWARDS_SECONDS)


def _every_family_refreshes(families: list[Family]) -> None:
    assert eventually(lambda: all(family.acknowledged for family in families)), [one.refusals for one in families]


def _all_go_on(server: Server, families: list[Family]) -> None:
    with server.client() as client:
        for family in families:
            assert refresh(client, family), family.refusals
    assert [family.refusals for family in families] == [[]] * len(families)


def _start_again(server: Server) -> Server:
    """Start on the same data and the same port, as the restarted service would."""
    again = start(server.directory, workers=2, durable=True, arguments=("--port", str(urlsplit(server.issuer).port)))
    try:
        await_ready(again)
    except BaseException:
        again.process.kill()
        raise
    return again


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_no_family_notices(server: Server, families: list[Family]) -> None:
    before = _workers(server)

    # The first one: it has been ready, as the banner says. Without that its end would be the server's.
    _under_load(server, families, lambda: os.kill(min(before), signal.SIGKILL))

    assert eventually(lambda: len(_workers(server)) == 2)
    assert _workers(server) != before
    _all_go_on(server, families)


@pytest.mark.slow
def test_after_the_parent_is_killed_everything_ends_and_the_next_start_goes_on(
    server: Server, families: list[Family]
) -> None:
    family_of_processes = {*_workers(server), _postmaster(server)}

    _under_load(server, families, server.process.kill)

    assert eventually(lambda: not any(alive(pid) for pid in family_of_processes))
    again = _start_again(server)
    try:
        _all_go_on(again, families)
    finally:
        assert again.stop() == 0


@pytest.mark.slow
def test_after_the_parent_is_killed_a_start_at_once_succeeds(server: Server, families: list[Family]) -> None:
    with load(server, families):
        _every_family_refreshes(families)
        server.process.kill()
    again = _start_again(server)
    try:
        _all_go_on(again, families)
    finally:
        assert again.stop() == 0


@pytest.mark.slow
def test_when_the_postmaster_is_killed_the_server_ends_with_a_sentence_and_the_next_start_goes_on(
    server: Server, families: list[Family]
) -> None:
    _under_load(server, families, lambda: os.kill(_postmaster(server), signal.SIGKILL))

    assert server.process.wait(PATIENCE) == 1
    assert "The database has ended unexpectedly" in server.log
    again = _start_again(server)
    try:
        _all_go_on(again, families)
    finally:
        assert again.stop() == 0
