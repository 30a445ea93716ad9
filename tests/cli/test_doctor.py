"""`assent doctor` on a real server and its data."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.support.server import Server, directory_for_server, running_server

SUBJECTS = (
    *("files", "database", "roles", "schema", "partitions"),
    *("applications", "implicit", "ID tokens", "scopes", "reachable", "clock"),
)
LEGACY = {
    "applications": [
        {
            "client_id": "old-shop",
            "client_name": "Old shop",
            "redirect_uris": ["https://shop.example/cb"],
            "require_pkce": False,
            "rotate_refresh_tokens": False,
        }
    ]
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with directory_for_server() as directory, running_server(directory, durable=True, first_start=True) as running:
        yield running


@pytest.fixture(scope="module")
def fresh(server: Server) -> subprocess.CompletedProcess[str]:
    """What it says about a server with which nothing has been done yet."""
    return server.assent("doctor")


def _lines(server: Server, subject: str) -> list[str]:
    report = server.assent_here("doctor").stdout.splitlines()
    return [line for line in report if line[6:].startswith(subject)]


def test_a_fresh_server_has_nothing_that_fails(fresh: subprocess.CompletedProcess[str]) -> None:
    assert fresh.returncode == 0
    assert "0 failed" in fresh.stdout.splitlines()[-1]
    for subject in (*SUBJECTS, "imported", "system key"):
        found = [line for line in fresh.stdout.splitlines() if line[6:].startswith(subject)]
        assert found, subject
        assert all(line.startswith("ok") for line in found), found


def test_a_plain_issuer_is_something_to_look_at_and_names_its_remedy(
    server: Server, fresh: subprocess.CompletedProcess[str]
) -> None:
    assert f"WARN  issuer        {server.issuer} works on this machine only" in fresh.stdout
    assert "set ASSENT_ISSUER" in fresh.stdout


def test_a_readable_secret_fails_with_the_command_that_mends_it(server: Server) -> None:
    file = server.data_dir / "secret.key"
    file.chmod(0o644)
    try:
        ended = server.assent_here("doctor")
    finally:
        file.chmod(0o600)

    assert ended.exit_code == 1
    assert f"FAIL  files         {file} has mode 0644" in ended.stdout
    assert f"chmod 0600 {file}" in ended.stdout


def test_each_exemption_of_an_application_is_named(server: Server) -> None:
    server.apply(LEGACY)

    found = " ".join(_lines(server, "applications"))

    assert "old-shop is exempt from PKCE" in found
    assert "old-shop keeps its refresh token" in found


def test_that_everybody_may_register_applications_is_told(server: Server) -> None:
    server.environment["ASSENT_REGISTRATION__MODE"] = "open"
    try:
        assert "open: everybody can register" in " ".join(_lines(server, "registration"))
    finally:
        del server.environment["ASSENT_REGISTRATION__MODE"]


def test_resources_are_those_of_the_server_that_runs_whatever_its_port(server: Server) -> None:
    assert f"{server.issuer}/api/v1\tthis server" in server.assent_here("resource", "list").stdout


def test_without_a_server_it_checks_what_it_can(server: Server) -> None:
    server.stop()

    ended = server.assent("doctor", check=False)

    assert "WARN  reachable" in ended.stdout
    assert "ok    schema" in ended.stdout
    assert ended.returncode == 0
