"""A person without scripts in his browser: makes a token, sees it once, renames it and deletes it."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from app.protocol.token_format import Prefix, parse_credential
from tests.support.chromium import DESKTOP, PATIENCE
from tests.support.server import Server, directory_for_server, running_server

pytestmark = pytest.mark.slow  # without a browser, `make test` has the same steps

PASSWORD = "violet anchor plum taxi"
_SETTINGS = """
[scopes."notes:read"]
description = "See your notes"
set = "notes"

[scopes."notes:write"]
description = "Change your notes"
kind = "change"
set = "notes"

[scopes."org:admin"]
description = "Manage your organizations"

[roles]
owner = ["org:admin"]
"""
"""Notes belong to no organization: anybody may give a token of his those scopes."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server with a person."""
    with directory_for_server() as directory:
        (directory / "assent.toml").write_text(_SETTINGS)
        people = [{"username": "robin", "email": "robin@example.org", "password": PASSWORD}]
        with running_server(directory, data={"users": people}) as running:
            yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that runs no scripts."""
    page = browser.new_page(java_script_enabled=False, viewport={"width": DESKTOP, "height": 900})
    page.set_default_timeout(PATIENCE)
    yield page
    page.context.close()


def test_a_token_from_its_making_to_its_end(server: Server, page: Page) -> None:
    page.goto(f"{server.issuer}/account/tokens")
    page.fill("#username", "robin")
    page.fill("#password", PASSWORD)
    page.click("#login-submit")
    expect(page.get_by_role("heading", level=1)).to_have_text("Personal tokens")
    expect(page.get_by_label("Manage your organizations")).to_have_count(0)

    page.click("#create-token")
    expect(page).to_have_title(re.compile("^Error: "))
    page.get_by_role("link", name="Give the token a name").click()
    expect(page.locator("#name")).to_be_focused()
    page.keyboard.type("Nightly export")
    page.get_by_label("See your notes").check()
    page.get_by_label("Ends").select_option(label="Never, until you delete it")
    page.click("#create-token")

    shown = page.locator("#secret")
    token = shown.input_value()
    assert parse_credential(Prefix.PERSONAL_TOKEN, token)
    expect(shown).to_be_focused()
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("You have seen this token once")
    page.get_by_role("link", name="Go to your tokens").click()
    expect(page.get_by_role("row").filter(has_text="Nightly export")).to_contain_text("notes:read")
    assert token not in page.content()

    page.get_by_role("link", name="Nightly export", exact=True).click()
    page.fill("#name", "Laptop")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("status")).to_contain_text("Laptop")
    page.get_by_role("link", name="Delete", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Laptop")
    page.click("#delete-confirm")
    expect(page.get_by_role("status")).to_contain_text("“Laptop” is deleted")
    expect(page.get_by_role("heading", name="You have no tokens")).to_be_visible()
