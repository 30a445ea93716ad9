"""The example page without a server: what it consists of. What it does is a journey (`test_openid_clients`)."""

import re
import tomllib
from typing import Any

import pytest

from app.cli import demo
from app.settings import load
from tests.support import node_packages
from tests.support.example_page import HOME

NOTES = "http://localhost:8003/mcp"


def test_its_library_is_the_published_one() -> None:
    published = node_packages.installed("oidc-client-ts") / "dist" / "browser" / "oidc-client-ts.min.js"
    assert (HOME / "vendor" / published.name).read_bytes() == published.read_bytes()


@pytest.mark.parametrize("name", ["index.html", "board.css", "app.js", "settings.js"])
def test_it_loads_nothing_from_elsewhere(name: str) -> None:
    source = (HOME / name).read_text()
    assert not re.findall(r"""(?:src|href)="(?:https?:)?//|@import|url\(|from "https?:""", source)


def test_its_policy_lets_no_script_in_from_elsewhere() -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', (HOME / "index.html").read_text())
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert (rules["default-src"], rules["script-src"]) == ("'none'", "'self'")
    assert "unsafe" not in policy[1]


def test_the_demo_registers_it_as_its_own_file_does() -> None:
    settings = load(environment={})
    made_up = demo.MadeUp("a password", "a secret")
    registered: Any = demo.data_of_demo(settings, made_up, "http://localhost:8001", NOTES)["applications"]
    [by_demo] = [application for application in registered if application["client_id"] == demo.PAGE_CLIENT_ID]
    [by_file] = tomllib.loads((HOME / "application.toml").read_text())["applications"]
    assert by_demo == {**by_file, "owner": demo.OWNER}
    settings_file = (HOME / "settings.js").read_text()
    assert f'clientId = "{demo.PAGE_CLIENT_ID}"' in settings_file
    assert f'issuer = "{settings.issuer_url}"' in settings_file
