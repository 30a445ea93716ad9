"""`assent serve` as an operator meets it: the first start, the second one, refusals, and a clean end."""

import json
import re
import signal
import socket
import ssl
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from app.cli.banner import command_as_typed
from app.protocol.features import Feature
from tests.support.processes import children, command_of, eventually, processor_seconds
from tests.support.server import (
    ASSENT,
    PATIENCE,
    NotStarted,
    Server,
    await_ready,
    begin,
    directory_for_server,
    running_server,
    start,
)

FIRST_START_SECONDS = 5.0


@pytest.fixture
def directory() -> Iterator[Path]:
    with directory_for_server() as made:
        yield made


@dataclass(frozen=True, slots=True)
class FirstStart:
    """A server after its first start, and how long that took: by the clock, and of processor time."""

    server: Server
    waited: float
    used: float


@pytest.fixture(scope="module")
def first_start() -> Iterator[FirstStart]:
    """A first start on a disk that is waited for, with a data file."""
    begun, metrics = time.monotonic(), ("--metrics-port", "0")
    data = {"users": [{"username": "robin"}]}
    with (
        directory_for_server(on_disk=True) as directory,
        running_server(directory, tls=True, durable=True, data=data, arguments=metrics, first_start=True) as running,
    ):
        yield FirstStart(running, time.monotonic() - begun, processor_seconds(running.process.pid))


@pytest.fixture(scope="module")
def server(first_start: FirstStart) -> Server:
    """The same, for tests that only look."""
    return first_start.server


def _refusal(server: Server) -> str:
    """Return the sentence with which a server refused to start."""
    assert server.process.wait(PATIENCE) == 1
    (sentence,) = [line for line in server.log.splitlines() if line.startswith("assent: ")]
    return sentence


def test_a_first_start_is_ready_within_five_seconds(first_start: FirstStart) -> None:
    """By the clock; on processors that others use, by what all its processes together have used of them."""
    assert min(first_start.waited, first_start.used) < FIRST_START_SECONDS


def test_the_banner_says_what_to_do_first(server: Server) -> None:
    link = re.search(rf"{re.escape(server.issuer)}/setup/\S+", server.said)

    assert link is not None
    with server.client() as client:
        assert client.get(link[0]).status_code == 200
    assert server.told("API reference") == f"{server.issuer}/docs"
    assert server.told("Data") == str(server.data_dir)
    assert re.search(rf"^  {re.escape(command_as_typed(str(ASSENT)))} doctor  ", server.said, re.MULTILINE)


def test_the_banner_names_the_command_alone_when_the_shell_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "assent"
    program.touch(0o755)
    monkeypatch.setenv("PATH", "/usr/bin")
    assert command_as_typed(str(program)) == str(program)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command_as_typed(str(program)) == "assent"
    assert command_as_typed("app/cli/__main__.py") == "assent"


def test_the_metadata_is_served_under_the_issuer_that_was_printed(server: Server) -> None:
    with server.client() as client:
        assert client.get("/.well-known/oauth-authorization-server").json()["issuer"] == server.issuer
        assert client.get("/health/live").json() == {"status": "live"}
        assert client.get("/health/ready").json() == {"status": "ready"}


def test_the_metrics_are_on_a_port_of_their_own(server: Server) -> None:
    with server.client() as client:
        client.get("/health/live")
        assert client.get("/metrics").status_code == 404
    counted = 'assent_requests_total{method="GET",route="/health/live",status="200"}'

    assert eventually(lambda: counted in httpx.get(server.told("Metrics"), timeout=60).text)


def test_no_secret_stands_in_a_command_line_or_an_environment(server: Server) -> None:
    secret = (server.data_dir / "secret.key").read_text().strip()
    passwords = re.findall(r'"([^"]{20,})"', (server.data_dir / "postgres.password").read_text())
    processes = {server.process.pid, *children(server.process.pid)}

    for pid in processes:
        environment = Path(f"/proc/{pid}/environ")
        seen = command_of(pid) + (environment.read_text(errors="replace") if environment.exists() else "")
        assert not [hidden for hidden in (secret, *passwords) if hidden in seen]


def test_what_is_secret_on_disk_is_ours_alone(server: Server) -> None:
    for name in ("secret.key", "postgres.password"):
        assert stat.S_IMODE((server.data_dir / name).stat().st_mode) == 0o600


def test_a_second_start_on_the_same_data_says_who_runs_already(server: Server) -> None:
    second = start(server.directory, arguments=("--port", str(urlsplit(server.issuer).port)))

    sentence = _refusal(second)

    assert str(server.process.pid) in sentence
    assert server.issuer in sentence


def test_a_taken_port_is_named(directory: Path) -> None:
    begin(directory)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"Port {port} on 127.0.0.1 is taken" in _refusal(start(directory, arguments=("--port", str(port))))


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, *(pytest.param(number, marks=pytest.mark.slow) for number in (signal.SIGINT, signal.SIGHUP))],
)
def test_a_stop_signal_ends_workers_and_database_and_the_status_is_zero(
    directory: Path, number: signal.Signals
) -> None:
    with running_server(directory) as server:
        processes = children(server.process.pid)
        assert len(processes) == 2

        assert server.stop(number) == 0

        assert not [pid for pid in processes if command_of(pid)]
        assert not (server.data_dir / "pg" / "postmaster.pid").exists()


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.3, 0.8, 1.3])
def test_a_stop_signal_during_the_start_leaves_nothing_behind(directory: Path, delay: float) -> None:
    server = start(directory)
    time.sleep(delay)
    assert server.stop() in (0, -signal.SIGTERM)
    with running_server(directory) as server:
        assert httpx.get(f"{server.issuer}/health/ready", timeout=60).status_code == 200


@pytest.mark.slow
def test_a_changed_or_lost_secret_is_refused_and_the_right_one_is_accepted_again(directory: Path) -> None:
    begin(directory)
    file = directory / "data" / "secret.key"
    secret = file.read_text()

    file.write_text("x" * 43 + "\n")
    assert "not the one that this database was begun with" in _refusal(start(directory))
    file.unlink()
    assert "is gone" in _refusal(start(directory))
    assert not file.exists()

    file.write_text(secret)
    with running_server(directory):
        pass


def test_pending_migrations_are_refused_without_migrate(directory: Path) -> None:
    server = start(directory, migrate=False)

    assert "run `assent migrate`, or start with `assent serve --migrate`" in _refusal(server)


def test_broken_settings_are_refused_by_the_name_of_the_key(directory: Path) -> None:
    sentence = _refusal(start(directory, settings={"ISSUER": "http://auth.example.com"}))

    assert "issuer (ASSENT_ISSUER) must use https" in sentence


@pytest.mark.slow
def test_a_demo_to_which_nobody_could_sign_in_is_refused(directory: Path) -> None:
    without = [feature.key for feature in Feature if feature is Feature.OPENID or "openid" in feature.value.requires]
    settings = {"FEATURES": json.dumps(dict.fromkeys(without, False))}

    sentence = _refusal(start(directory, settings=settings, arguments=("--demo",)))

    assert "switch features.openid on, or start without --demo" in sentence


@pytest.mark.spec("standards", "NS-2")
def test_https_works_with_a_certificate_and_no_version_of_tls_that_is_broken(server: Server) -> None:
    assert server.issuer.startswith("https://localhost:")
    assert _speaks(server, ssl.TLSVersion.TLSv1_2)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        assert not _speaks(server, ssl.TLSVersion.TLSv1_1)


def _speaks(server: Server, version: ssl.TLSVersion) -> bool:
    """Tell whether a client that knows this version of TLS and no other gets a connection."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.set_ciphers("ALL:@SECLEVEL=0")
    client.minimum_version = client.maximum_version = version
    try:
        with socket.create_connection(("127.0.0.1", urlsplit(server.issuer).port or 443)) as raw:
            client.wrap_socket(raw).close()
    except ssl.SSLError:
        return False
    return True


def test_a_data_file_is_applied_before_the_first_request(server: Server) -> None:
    assert "+ user robin" in server.said
    assert "user robin password " in server.said
    assert "robin" in server.assent_here("user", "list").stdout


def test_a_broken_data_file_ends_the_start_and_names_the_member(directory: Path) -> None:
    begin(directory)
    assert "users[robin].emial is unknown" in _refusal(
        start(directory, data={"users": [{"username": "robin", "emial": "robin@example.com"}]})
    )


def test_a_worker_that_crashes_during_the_start_ends_the_server(directory: Path) -> None:
    begin(directory)
    server = start(directory)

    def workers() -> list[int]:
        return [pid for pid in children(server.process.pid) if "app.cli.worker" in command_of(pid)]

    assert eventually(lambda: bool(workers()))  # it imports for longer than this takes
    for pid in workers():
        subprocess.run(["kill", "-9", str(pid)], check=True)
    assert "A worker could not start" in _refusal(server)


@pytest.mark.slow
def test_an_external_database_needs_its_secret_configured(directory: Path) -> None:
    server = start(directory, settings={"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"})

    assert "secret_key is required with database_url" in _refusal(server)


@pytest.mark.slow
def test_an_external_database_that_is_away_is_named_without_its_password(directory: Path) -> None:
    settings = {
        "DATABASE_URL": "postgresql://me:hidden-word@127.0.0.1:1/nothing",
        "SECRET_KEY": "0123456789abcdefghij" * 2,
    }
    server = start(directory, settings=settings)

    assert "hidden-word" not in _refusal(server)
    with pytest.raises(NotStarted):
        await_ready(server)
