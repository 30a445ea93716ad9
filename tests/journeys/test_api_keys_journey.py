"""An owner without scripts in his browser: makes a key, narrows it, changes its secret in three steps, removes it."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.chromium import DESKTOP, PATIENCE, PHONE, follow, screenshot_folder, settle
from tests.support.server import Server, directory_for_server, running_server

pytestmark = pytest.mark.slow  # without a browser, `make test` has the same steps

PASSWORD = "violet anchor plum taxi"
DATA = {
    "users": [{"username": name, "email": f"{name}@example.org", "password": PASSWORD} for name in ("robin", "sam")],
    "organizations": [
        {
            "slug": "northquay",
            "name": "Northquay",
            "members": [{"user": "robin", "role": "owner"}, {"user": "sam", "role": "manager"}],
        }
    ],
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server with an organization, its owner robin and its manager sam."""
    with directory_for_server() as directory, running_server(directory, data=DATA) as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that runs no scripts."""
    page = browser.new_page(java_script_enabled=False, viewport={"width": DESKTOP, "height": 900})
    page.set_default_timeout(PATIENCE)
    yield page
    page.context.close()


def sign_in(page: Page, server: Server, username: str) -> None:
    """Open the keys of the organization, by way of the sign-in page."""
    page.goto(f"{server.issuer}/organizations/northquay/api-keys")
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.click("#login-submit")


def look_at(page: Page, name: str) -> None:
    """Keep screenshots for people to look at, if anywhere."""
    settle(page)
    if (folder := screenshot_folder("journeys")) is not None:
        for width in (PHONE, DESKTOP):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=folder / f"{name}-{width}.png", full_page=True)


def may(server: Server, key: str) -> list[str] | None:
    """Return what a key may do now; None when it is refused."""
    answer = httpx.get(f"{server.issuer}/api/v1/", auth=(key, ""), timeout=60)
    return sorted(answer.json()["auth"]["scopes"]) if answer.status_code == 200 else None


def test_a_key_from_its_making_to_its_end(server: Server, page: Page) -> None:
    sign_in(page, server, "robin")
    expect(page.get_by_role("heading", name="No API keys yet")).to_be_visible()
    page.get_by_role("link", name="Create an API key").click()
    expect(page.locator("#label")).to_have_value("Default")
    expect(page.locator('input[name="scope"]:checked')).to_have_count(5)
    page.fill("#label", "Nightly build")
    page.fill("#allowed_origins", "http://example.com:80")
    page.click("#create-key")
    expect(page.get_by_role("alert")).to_contain_text("http://example.com:80 must have no port")
    look_at(page, "api-key-problem")
    page.fill("#allowed_origins", "*.example.com")
    page.click("#create-key")

    shown = page.locator("#secret")
    first = shown.input_value()
    expect(shown).to_be_focused()
    assert len(may(server, first) or ()) == 5
    look_at(page, "api-key-created")
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("You have seen this key once")
    page.goto(f"{server.issuer}/organizations/northquay/api-keys")
    expect(page.get_by_role("row").filter(has_text="Nightly build")).to_contain_text(f"…{first[-4:]}")
    look_at(page, "api-keys")

    follow(page.get_by_role("link", name="Nightly build", exact=True))
    page.get_by_label("See events").uncheck()
    page.get_by_label("See teams").uncheck()
    follow(page.locator("#save-key"))
    expect(page.get_by_role("status")).to_contain_text("Saved")
    assert may(server, first) == ["member:read", "org:read", "project:read"]
    page.get_by_label("Off").check()
    follow(page.locator("#save-key"))
    assert may(server, first) is None
    page.get_by_label("On", exact=True).check()
    follow(page.locator("#save-key"))
    expect(page.get_by_role("status")).to_contain_text("Saved")

    page.click("#rotate-key")
    second = page.locator("#secret").input_value()
    page.click("#key-copied")
    expect(page.locator("[aria-current=step]")).to_have_text(
        "Put it wherever the key is used, until the one before is no longer used"
    )
    assert [may(server, key) is not None for key in (first, second)] == [True, True]
    look_at(page, "api-key-two-secrets")
    follow(page.locator("#retire-secret"))
    look_at(page, "api-key-retire")
    page.click("#retire-confirm")
    expect(page.get_by_role("status")).to_contain_text("The secret before has ended")
    assert [may(server, key) is not None for key in (first, second)] == [False, True]

    follow(page.locator("#remove-key"))
    look_at(page, "api-key-remove")
    page.click("#remove-confirm")
    expect(page.get_by_role("status")).to_contain_text("Nightly build is removed")
    assert may(server, second) is None


def test_a_manager_is_told_who_can_give_access(server: Server, page: Page) -> None:
    sign_in(page, server, "sam")
    expect(page.get_by_role("heading", level=1)).to_have_text("You can’t see this page")
    expect(page.locator("main")).to_contain_text("“owner” in Northquay")
    look_at(page, "api-keys-no-access")
