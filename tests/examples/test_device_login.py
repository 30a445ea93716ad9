"""The example of a device beside a real server: it waits as it is told, and says why it was refused."""

from collections.abc import Iterator

import httpx
import pytest

from examples.device_login.main import SLOWER_BY, Refused, log_in, main
from tests.support.devices import GRANT_TYPE
from tests.support.server import Server, directory_for_server, running_server
from tests.support.service import PASSWORD, fields_of

_DATA = {
    "users": [{"username": "robin", "password": PASSWORD}],
    "applications": [
        {
            "client_id": "device-login",
            "client_name": "Terminal Tool",
            "grant_types": [GRANT_TYPE],
            "token_endpoint_auth_method": "none",
        }
    ],
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with directory_for_server() as directory, running_server(directory, data=_DATA) as running:
        yield running


def decide(server: Server, user_code: str, decision: str) -> None:
    """Decide as the person, in a browser."""
    with server.client() as browser:
        form = {**fields_of(browser.get("/login")), "username": "robin", "password": PASSWORD}
        assert browser.post("/login", data=form).status_code == 303
        typed = {**fields_of(browser.get("/device")), "user_code": user_code}
        page = browser.get(browser.post("/device", data=typed).headers["location"])
        clicked = {**fields_of(page), "decision": decision, "holds": "yes"}
        assert browser.post("/device/confirm", data=clicked).status_code == 303


def test_it_slows_down_when_it_is_told_to_and_then_gets_its_token(server: Server) -> None:
    said: list[str] = []
    waited: list[float] = []

    def hurry(seconds: float) -> None:
        """Wait for nothing, and have the person decide after a few questions."""
        waited.append(seconds)
        if len(waited) == 4:
            decide(server, said[0].split()[-1], "approve")

    token = log_in(server.issuer, "device-login", "project:read", say=said.append, wait=hurry)
    assert waited == [5, 5, 5 + SLOWER_BY, 5 + 2 * SLOWER_BY]
    assert token["scope"] == "project:read"
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    assert httpx.get(f"{server.issuer}/api/v1/me", headers=headers, timeout=60).json()["username"] == "robin"


def test_it_says_that_its_person_did_not_allow_it(server: Server) -> None:
    said: list[str] = []
    with pytest.raises(Refused, match="you did not allow it"):
        log_in(
            server.issuer,
            "device-login",
            "project:read",
            say=said.append,
            wait=lambda _: decide(server, said[0].split()[-1], "deny"),
        )


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        pytest.param(["--client-id", "nobody"], "client authentication failed", id="unknown application"),
        pytest.param(["--scope", "no:such"], "scope", id="unknown scope"),
        pytest.param(["--issuer", "http://127.0.0.1:9"], "refused", id="no server"),
    ],
)
def test_it_says_why_it_cannot_begin(
    server: Server, capsys: pytest.CaptureFixture[str], arguments: list[str], why: str
) -> None:
    assert main(["--issuer", server.issuer, *arguments]) == 1
    assert why in capsys.readouterr().err
