"""Settings about requests to people: who tells them, and whose decide themselves."""

import pytest

from app.protocol.ciba_calls import CallRules
from app.settings import load
from tests.settings.test_load import told, write

SECRET = "correct-horse-battery-staple-0123456789"
URL = "https://tell.example/asked"


def test_without_settings_nobody_is_told_and_everybody_decides() -> None:
    assert load(environment={}).configuration().calls == CallRules()


def test_a_service_tells_people_and_knows_this_server_by_a_secret_from_a_file() -> None:
    file = write(f"{SECRET}\n", "secret")
    settings = load(
        environment={"ASSENT_CIBA__NOTIFICATION_URL": URL, "ASSENT_CIBA__NOTIFICATION_SECRET_FILE": str(file)}
    )
    assert settings.configuration().calls == CallRules(URL, SECRET)
    assert SECRET not in f"{settings!r} {settings.configuration()!r} {settings.model_dump_json()}"


def test_the_names_of_people_are_compared_as_at_sign_in() -> None:
    rules = load(environment={"ASSENT_CIBA__DANGER_AUTO_APPROVE": "Ada, ROBIN"}).configuration().calls
    assert rules.approved == {"ada", "robin"}


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        pytest.param({"NOTIFICATION_URL": "http://tell.example/"}, "notification_url", id="plain"),
        pytest.param({"NOTIFICATION_URL": "https://10.0.0.1/"}, "must name a public host", id="private"),
        pytest.param({"NOTIFICATION_SECRET": SECRET}, "makes no sense without notification_url", id="no service"),
        pytest.param({"NOTIFICATION_URL": URL, "NOTIFICATION_SECRET": "short"}, "32 characters", id="short secret"),
        pytest.param({"NOTIFICATION_URL": URL, "NOTIFICATION_SECRET": f"{SECRET} ä"}, "no header", id="odd secret"),
        pytest.param({"DANGER_AUTO_APPROVE": "ada", "DANGER_AUTO_DENY": "Ada"}, "also names ada", id="both"),
    ],
)
def test_what_cannot_be_is_refused(variables: dict[str, str], why: str) -> None:
    assert why in told(**{f"ASSENT_CIBA__{name}": value for name, value in variables.items()})


def test_a_service_in_the_own_network_has_to_be_allowed() -> None:
    variables = {"ASSENT_CIBA__NOTIFICATION_URL": "http://127.0.0.1:9000/", "ASSENT_OUTBOUND__ALLOW": "127.0.0.1:9000"}
    assert load(environment=variables).configuration().calls.url == "http://127.0.0.1:9000/"


def test_a_secret_that_is_given_twice_is_refused() -> None:
    file = write(SECRET, "secret")
    said = told(ASSENT_CIBA__NOTIFICATION_SECRET=SECRET, ASSENT_CIBA__NOTIFICATION_SECRET_FILE=str(file))
    assert "ciba.notification_secret (ASSENT_CIBA__NOTIFICATION_SECRET_FILE) is given twice" in said


def test_a_secret_in_a_file_that_is_too_short_is_told_by_its_variable() -> None:
    file = write("short", "secret")
    said = told(ASSENT_CIBA__NOTIFICATION_URL=URL, ASSENT_CIBA__NOTIFICATION_SECRET_FILE=str(file))
    assert "ciba.notification_secret (ASSENT_CIBA__NOTIFICATION_SECRET_FILE) must have 32 characters" in said
