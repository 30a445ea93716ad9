"""The example of a call centre beside a real server: it waits as it is told, and says who is calling, or why not."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.services import data_file
from app.settings import load
from examples.call_centre.main import GRANT_TYPE, SECRET_VARIABLE, SLOWER_BY, Centre, Refused, main, recognise
from tests.support.server import Server, directory_for_server, running_server
from tests.support.service import PASSWORD, SECRET

REGISTRATION = Path(__file__).parents[2] / "examples" / "call_centre" / "application.toml"
_DATA = {
    "users": [
        {"username": name, "password": PASSWORD, "claims": {"name": f"{name.capitalize()} Ashdown"}}
        for name in ("robin", "sam")
    ],
    "applications": [
        {
            "client_id": "call-centre",
            "client_name": "Call Centre",
            "client_secret": SECRET,
            "grant_types": [GRANT_TYPE],
            "token_endpoint_auth_method": "client_secret_basic",
            "backchannel_token_delivery_mode": "poll",
        }
    ],
}
_SETTINGS = {"DEVICE__INTERVAL": "1", "CIBA__DANGER_AUTO_APPROVE": "robin", "CIBA__DANGER_AUTO_DENY": "sam"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server on which one person always says yes, and one always no."""
    with directory_for_server() as directory, running_server(directory, data=_DATA, settings=_SETTINGS) as running:
        yield running


def test_it_slows_down_when_it_is_told_to_and_then_gets_its_token(server: Server) -> None:
    said: list[str] = []
    waited: list[float] = []

    def hurry(seconds: float) -> None:
        """Ask four times at once, and then give the other side time to decide."""
        waited.append(seconds)
        time.sleep(0 if len(waited) < 4 else 1)

    centre = Centre(server.issuer, "call-centre", SECRET)
    token = recognise(centre, "robin", "openid profile", say=said.append, wait=hurry)
    assert token["scope"] == "openid profile"
    assert waited == sorted(waited)
    assert set(waited) <= {1 + SLOWER_BY * times for times in range(len(waited))}
    assert len(said[0].split()[-1].rstrip(".")) == 4


def test_it_says_who_is_calling(
    server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, SECRET)
    assert main(["--issuer", server.issuer, "robin"]) == 0
    assert "It is Robin Ashdown who calls." in capsys.readouterr().out


def test_it_says_that_the_customer_does_not_call(server: Server) -> None:
    centre = Centre(server.issuer, "call-centre", SECRET)
    with pytest.raises(Refused, match="says that he does not call"):
        recognise(centre, "sam", "openid", say=lambda _: None, wait=lambda _: time.sleep(1))


@pytest.mark.parametrize(
    ("secret", "arguments", "why"),
    [
        pytest.param("wrong", ["robin"], "client authentication failed", id="wrong secret"),
        pytest.param(SECRET, ["robin", "--scope", "profile"], "openid", id="no openid"),
        pytest.param(SECRET, ["robin", "--issuer", "http://127.0.0.1:9"], "refused", id="no server"),
    ],
)
def test_it_says_why_it_cannot_ask(
    server: Server,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    secret: str,
    arguments: list[str],
    why: str,
) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, secret)
    assert main(["--issuer", server.issuer, *arguments]) == 1
    assert why in capsys.readouterr().err


def test_the_registration_in_its_folder_can_be_applied() -> None:
    settings = load(environment={})
    known = settings.scope_registry(), settings.role_set(), settings.signing.algorithms
    [application] = data_file.read(REGISTRATION, *known).applications
    assert application.client_id == "call-centre"
