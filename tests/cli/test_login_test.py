"""`assent login-test` against a real server: it passes on a good one, and names the step at which a bad one fails."""

from collections.abc import Iterator

import pytest

from tests.support.refreshing import CLIENT_ID, CLIENT_SECRET, DATA, PASSWORD, REDIRECT_URI
from tests.support.server import Server, directory_for_server, running_server

STEPS = (
    *("discover the server", "ask for authorization", "sign in", "give consent", "exchange the code"),
    *("introspect the token", "call the API", "refresh", "revoke"),
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with (
        directory_for_server() as directory,
        running_server(directory, workers=2, tls=True, data=DATA) as running,
    ):
        yield running


def _options(server: Server, **changed: str) -> list[str]:
    (server.directory / "password").write_text(f"{changed.pop('password', PASSWORD)}\n")
    (server.directory / "secret").write_text(f"{changed.pop('client_secret', CLIENT_SECRET)}\n")
    options = {
        "url": server.issuer,
        "username": "robin",
        "password-file": str(server.directory / "password"),
        "client-id": CLIENT_ID,
        "client-secret-file": str(server.directory / "secret"),
        "redirect-uri": REDIRECT_URI,
        "scope": "project:read",
    } | changed
    return ["login-test", *(word for name, value in options.items() for word in (f"--{name}", value))]


@pytest.mark.slow
def test_every_step_passes_with_a_stand_in_over_https(server: Server) -> None:
    ended = server.assent("login-test")

    assert ended.returncode == 0
    assert [line[2:26].strip() for line in ended.stdout.splitlines() if line.startswith("✓")] == list(STEPS)
    assert ended.stdout.splitlines()[-1] == "The server passed."


@pytest.mark.slow
def test_it_can_be_repeated_and_leaves_its_stand_ins_switched_off(server: Server) -> None:
    for _ in range(2):
        assert "✓ give consent" in server.assent("login-test").stdout

    users = server.assent("user", "list").stdout.splitlines()
    applications = server.assent("application", "list").stdout.splitlines()
    assert len([line for line in users if "login-test" in line]) == 1
    assert "disabled" in next(line for line in users if "login-test" in line)
    assert len([line for line in applications if "assent-login-test" in line]) == 1


@pytest.mark.slow
def test_it_pushes_and_manages_its_grant_where_a_server_demands_it() -> None:
    demands = {"REQUIRE_PUSHED_REQUESTS": "true", "GRANT_MANAGEMENT__REQUIRED": "true"}
    with directory_for_server() as directory, running_server(directory, settings=demands) as strict:
        assert strict.assent("login-test").stdout.splitlines()[-1] == "The server passed."


def test_an_existing_user_and_application_can_walk(server: Server) -> None:
    ended = server.assent_here(*_options(server))

    assert "✓ sign in" in ended.stdout
    assert "as robin" in ended.stdout
    assert ended.exit_code == 0


@pytest.mark.parametrize(
    ("changed", "step", "reason"),
    [
        ({"password": "not the password of robin"}, "sign in", "did not accept the name and the password"),
        ({"client_secret": "not-the-secret"}, "exchange the code", "invalid_client"),
        ({"redirect-uri": "https://other.invalid/"}, "ask for authorization", "status 400 instead of 200"),
        ({"scope": "no:such:scope"}, "ask for authorization", "invalid_scope"),
        ({"url": "http://127.0.0.1:1"}, "discover the server", "does not answer"),
    ],
)
def test_the_failing_step_is_named_with_its_reason(
    server: Server, changed: dict[str, str], step: str, reason: str
) -> None:
    ended = server.assent_here(*_options(server, **changed))

    assert ended.exit_code == 1
    (failed,) = [line for line in ended.stdout.splitlines() if line.startswith("✗")]
    assert failed[2:26].strip() == step
    assert reason in failed
    assert PASSWORD not in ended.stdout + ended.stderr
    assert CLIENT_SECRET not in ended.stdout + ended.stderr


def test_half_a_cast_is_refused(server: Server) -> None:
    ended = server.assent_here("login-test", "--username", "robin")

    assert ended.exit_code == 2
    assert "--client-id" in ended.stderr
