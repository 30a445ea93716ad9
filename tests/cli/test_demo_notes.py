"""What the demo opens for agents, and what it leaves to the operator."""

import json

import pytest

from app.cli import demo_notes
from app.cli.banner import Banner, Demo, render
from app.protocol.features import Feature
from app.protocol.scopes import DEFAULT
from app.settings import Settings, load

URL = "http://localhost:8003/mcp"


def opened(**environment: str) -> Settings:
    """Return the settings of a demo whose operator has set these variables."""
    return demo_notes.opened(load(environment={f"ASSENT_{name}": value for name, value in environment.items()}))


def test_registration_is_closed_but_in_the_demo() -> None:
    assert Feature.DYNAMIC_REGISTRATION not in load(environment={}).feature_set()
    assert Feature.DYNAMIC_REGISTRATION in opened().feature_set()
    assert opened().registration.mode == "open"


def test_a_demo_that_strangers_reach_lets_none_of_them_register() -> None:
    assert opened(ISSUER="https://id.example").registration.mode == "closed"
    assert opened(ISSUER="http://127.0.0.1:9000").registration.mode == "open"


@pytest.mark.parametrize("mode", ["closed", "token"])
def test_what_the_operator_said_about_registration_stays(mode: str) -> None:
    assert opened(REGISTRATION__MODE=mode).registration.mode == mode


@pytest.mark.parametrize(("mode", "told"), [("open", "registers itself"), ("closed", demo_notes.CLIENT_ID)])
def test_the_banner_says_how_an_agent_comes_to_be_known(mode: str, told: str) -> None:
    demo = Demo("http://localhost:8001", "demo", URL, tuple(demo_notes.snippets(URL)), mode, "secret")
    shown = render(Banner("http://localhost:8000", 1.0, 1, "./data", demo=demo))
    [line] = [line for line in shown.splitlines() if line.startswith("Connect an agent")]
    assert told in line


def test_its_scopes_stand_beside_those_that_there_are() -> None:
    registry = opened().scope_registry()
    for definition in DEFAULT:
        assert registry.get(definition.name) == definition
    assert {name for name in demo_notes.SCOPES if name in registry} == demo_notes.SCOPES.keys()


def test_scopes_of_the_operator_stay_as_they_are() -> None:
    own = {"files:read": {"description": "See files"}, "notes:read": {"description": "Look at notes"}}
    registry = opened(SCOPES=json.dumps(own)).scope_registry()
    titles = {name: definition.title for name in ("files:read", "notes:read") if (definition := registry.get(name))}
    assert titles == {"files:read": "See files", "notes:read": "Look at notes"}
    assert "notes:write" in registry


def test_every_command_names_the_server_and_the_one_for_vs_code_is_json() -> None:
    commands = demo_notes.snippets(URL)
    assert all(URL in command for command in commands)
    [settings] = [command.split("'")[1] for command in commands if command.startswith("code ")]
    assert json.loads(settings)["url"] == URL
