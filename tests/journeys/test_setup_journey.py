"""The first operator in a real browser: the link of the first terminal, once."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import Onlooker
from tests.support.chromium import PATIENCE, complaints_of, follow
from tests.support.demo import RunningDemo

pytestmark = pytest.mark.slow  # without a browser, `make test` has the same steps

PASSWORD = "meadow lantern orbit crumb"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab of a fresh browser."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def choose(page: Page, username: str, password: str, confirmation: str) -> None:
    """Fill in the setup page."""
    page.fill("#username", username)
    page.fill("#email", f"{username}@example.org")
    page.fill("#password", password)
    page.fill("#password-confirm", confirmation)
    follow(page.locator("#setup-submit"))


def test_the_first_operator_chooses_name_and_password_and_the_link_works_once(
    demo: RunningDemo, page: Page, browser: Browser, onlooker: Onlooker
) -> None:
    complaints = complaints_of(page)
    page.goto(demo.setup_link)
    onlooker.look_at(page, "setup")
    choose(page, "olive", "short", "other")
    expect(page.get_by_role("alert")).to_contain_text("There are 2 problems")
    onlooker.look_at(page, "setup-problems")
    assert complaints == ["Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)"]
    complaints.clear()

    choose(page, "olive", PASSWORD, PASSWORD)

    expect(page).to_have_url(f"{demo.issuer}/account")
    expect(page.get_by_role("heading", level=1)).to_have_text("olive")
    assert complaints == []

    page.goto(demo.setup_link)
    expect(page.get_by_role("heading", level=1)).to_have_text("This link no longer works")
    expect(page.locator("main")).to_contain_text("It works once")
    onlooker.look_at(page, "setup-used")

    stranger = browser.new_page()
    stranger.goto(f"{demo.issuer}/login")
    stranger.fill("#username", "olive")
    stranger.fill("#password", PASSWORD)
    stranger.click("#login-submit")
    expect(stranger).to_have_url(f"{demo.issuer}/account")
    stranger.context.close()
