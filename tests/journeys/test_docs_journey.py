"""A developer in a real browser: the API explorer, its Authorize button, and a call with the token it brings."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys.conftest import Onlooker
from tests.support.chromium import PATIENCE, complaints_of
from tests.support.demo import RunningDemo

pytestmark = pytest.mark.slow  # without a browser, `make test` has the same steps


@pytest.fixture
def explorer(browser: Browser, demo: RunningDemo) -> Page:
    """The API explorer."""
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{demo.issuer}/docs")
    return page


def hosts_asked_by(context: BrowserContext) -> set[str]:
    """Collect the hosts that any window of the context sends a request to."""
    hosts: set[str] = set()
    context.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    return hosts


def press_authorize(page: Page) -> Page:
    """Press Authorize in the dialog and return the window that opens."""
    page.get_by_role("button", name="Authorize").first.click()
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Apply given OAuth2 credentials").click()
    return opened.value


def test_authorize_signs_in_asks_and_brings_a_token_that_try_it_out_sends(demo: RunningDemo, browser: Browser) -> None:
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    hosts = hosts_asked_by(context)
    page = context.new_page()
    complaints = complaints_of(page)
    page.goto(f"{demo.issuer}/docs")

    window = press_authorize(page)
    expect(window).to_have_title(re.compile("^Sign in"))
    window.fill("#username", demo.username)
    window.fill("#password", demo.password)
    window.click("#login-submit")
    expect(window.get_by_role("heading", level=1)).to_contain_text("API reference")
    with window.expect_event("close"):
        window.click("#consent-approve")
    expect(page.get_by_role("button", name="Remove authorization")).to_be_visible()
    page.get_by_role("button", name="Close").first.click()

    operation = page.locator("#operations-api-me")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    with page.expect_response("**/api/v1/me") as called:
        operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table .response").first).to_contain_text("200")
    answer = called.value.json()
    assert (answer["username"], answer["client_id"]) == (demo.username, "assent-docs")

    assert hosts == {urlsplit(demo.issuer).netloc}
    assert complaints == []
    context.close()


def test_denying_in_the_window_is_told_in_the_dialog(demo: RunningDemo, explorer: Page) -> None:
    window = press_authorize(explorer)
    window.fill("#username", "kim")
    window.fill("#password", "violet anchor plum taxi")
    window.click("#login-submit")
    with window.expect_event("close"):
        window.click("#consent-deny")

    expect(explorer.locator(".auth-container").first).to_contain_text("access_denied")
    explorer.context.close()


def test_every_protocol_endpoint_stands_there_with_every_grant(explorer: Page) -> None:
    for name in ("authorize", "authorize_by_post", "token", "introspect", "revoke", "metadata"):
        expect(explorer.locator(f"#operations-protocol-{name}")).to_be_visible()
    token = explorer.locator("#operations-protocol-token")
    token.locator(".opblock-summary-control").click()

    expect(token).to_contain_text("authorization_code")
    expect(token).to_contain_text("refresh_token")
    expect(token).to_contain_text("invalid_grant")
    explorer.context.close()


def test_the_explorer_fits_light_and_dark_and_phones(explorer: Page, onlooker: Onlooker) -> None:
    expect(explorer.locator("#operations-protocol-token")).to_be_visible()
    for scheme in ("light", "dark"):
        explorer.emulate_media(color_scheme=scheme)
        if onlooker.folder:
            explorer.screenshot(path=onlooker.folder / f"docs-{scheme}.png", full_page=True)
    explorer.set_viewport_size({"width": 390, "height": 900})
    assert explorer.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    explorer.context.close()
