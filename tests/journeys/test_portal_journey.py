"""A developer in a real browser without scripts: from no application at all to one that people sign in to, and back."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys.conftest import PASSWORD, Onlooker
from tests.support.chromium import PATIENCE, complaints_of, follow
from tests.support.demo import RunningDemo
from tests.support.facts import CHALLENGE, VERIFIER
from tests.views.loopback import Answer, running_site

pytestmark = pytest.mark.slow

NAME = "Deploy Diary"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh browser in which our pages must do without scripts."""
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Its first tab."""
    return context.new_page()


@pytest.fixture(scope="module")
def callback() -> Iterator[str]:
    """Where the program that is being written is called back."""
    with running_site() as site:
        site.routes["/callback"] = lambda query, body: Answer("<!doctype html><title>Back</title>", {})
        yield f"{site.origin}/callback"


def sign_in(page: Page, demo: RunningDemo, username: str) -> None:
    """Ask for the developer pages and sign in on the way."""
    page.goto(f"{demo.issuer}/apps")
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.click("#login-submit")
    expect(page).to_have_url(f"{demo.issuer}/apps")


def register(page: Page, callback: str) -> tuple[str, str]:
    """Create a web application from the list; return its client_id and its secret."""
    page.get_by_role("link", name="New application").click()
    page.fill("#name", NAME)
    page.get_by_label("Web").check()
    page.fill("#redirect_uris", callback)
    page.click("#create-application")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{NAME} is registered")
    return page.locator("#client-id").inner_text(), page.input_value("#secret")


def exchange(demo: RunningDemo, page: Page, callback: str, client_id: str, secret: str) -> httpx.Response:
    """Have the person in the browser allow the application something, and redeem the code as the application."""
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": callback,
        "scope": "project:read",
        "state": "xyz",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    page.goto(f"{demo.issuer}/oauth/authorize?{urlencode(asked)}")
    if page.locator("#consent-approve").count():
        page.click("#consent-approve")
    expect(page).to_have_title("Back")
    code = parse_qs(urlsplit(page.url).query)["code"][0]
    return httpx.post(
        f"{demo.issuer}/oauth/token",
        data={
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback,
            "code_verifier": VERIFIER,
        },
        auth=(client_id, secret),
        timeout=60,
    )


def me(demo: RunningDemo, answer: httpx.Response) -> int:
    """Call the API with the access token of an answer and return the status."""
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    return httpx.get(f"{demo.issuer}/api/v1/me", headers=headers, timeout=60).status_code


def wait_for_use(page: Page, url: str) -> None:
    """Look at the application until it shows that the new secret is in use: that is written down in batches."""
    for _ in range(300):
        page.goto(url)
        if "Remove the old one" in page.locator(".steps [aria-current]").inner_text():
            return
        page.wait_for_timeout(200)
    raise AssertionError("the use of the new secret was never shown")


def test_an_application_is_created_used_given_a_new_secret_deleted_and_restored(
    demo: RunningDemo, page: Page, callback: str
) -> None:
    sign_in(page, demo, "kim")
    expect(page.locator("main")).to_contain_text("You have no application yet")
    client_id, old = register(page, callback)

    first = exchange(demo, page, callback, client_id, old)
    assert first.status_code == 200, first.text
    assert me(demo, first) == 200

    url = f"{demo.issuer}/apps/{client_id}"
    page.goto(url)
    expect(page.locator("main")).to_contain_text("1 person connected")
    assert old not in page.content()
    page.click("#add-secret")
    new = page.input_value("#secret")
    follow(page.locator("#secret-copied"))
    expect(page.locator(".steps [aria-current]")).to_have_text(re.compile("^Put it into your application"))
    for secret in (old, new):
        assert exchange(demo, page, callback, client_id, secret).status_code == 200
    wait_for_use(page, url)
    page.get_by_role("link", name=f"Remove the secret ending in {old[-4:]}").click()
    page.click("#remove-secret-confirm")
    expect(page.get_by_role("status")).to_have_text("Secret removed. It stopped working at once.")
    refused = exchange(demo, page, callback, client_id, old)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    last = exchange(demo, page, callback, client_id, new)
    assert me(demo, last) == 200

    page.goto(url)
    page.get_by_role("link", name="Delete").click()
    expect(page.locator("main")).to_contain_text("1 person loses the connection")
    page.fill("#name", "Dairy")
    page.press("#name", "Enter")
    expect(page.get_by_role("alert")).to_contain_text("Type the name as it stands above")
    page.fill("#name", NAME)
    page.click("#delete-confirm")
    expect(page.locator("main")).to_contain_text("Deleted. You can restore it until")
    assert me(demo, last) == 401

    page.click("#restore-application")
    expect(page.get_by_role("status")).to_have_text("Restored. People sign in to it anew.")
    assert me(demo, last) == 401
    assert me(demo, exchange(demo, page, callback, client_id, new)) == 200


def test_a_reload_of_the_secret_shows_it_no_second_time(demo: RunningDemo, page: Page, callback: str) -> None:
    sign_in(page, demo, "lee")
    client_id, secret = register(page, callback)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("You have seen this secret once")
    assert secret not in page.content()
    page.get_by_role("link", name="Go to the application").click()
    expect(page.locator("#client-id")).to_have_text(client_id)
    page.get_by_role("link", name="Your applications").first.click()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_every_page_of_a_developer_is_accessible_and_the_browser_complains_of_nothing(
    demo: RunningDemo, browser: Browser, callback: str, onlooker: Onlooker
) -> None:
    page = browser.new_page()
    complaints = complaints_of(page)
    sign_in(page, demo, "noa")
    onlooker.look_at(page, "portal-empty")
    follow(page.get_by_role("link", name="New application"))
    onlooker.look_at(page, "portal-new")
    follow(page.locator("#create-application"))
    expect(page.get_by_role("alert")).to_contain_text("There is 1 problem")
    assert complaints == ["Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)"]
    complaints.clear()
    page.fill("#redirect_uris", callback)
    page.click("#create-application")
    expect(page.locator("#secret")).to_be_focused()
    onlooker.look_at(page, "portal-created")
    follow(page.locator("#secret-copied"))
    follow(page.locator("#add-secret"))
    follow(page.locator("#secret-copied"))
    onlooker.look_at(page, "portal-application")
    follow(page.get_by_role("link", name="Remove the secret").first)
    onlooker.look_at(page, "portal-remove-secret")
    follow(page.get_by_role("link", name="Keep it"))
    follow(page.get_by_role("link", name="Turn off"))
    onlooker.look_at(page, "portal-off")
    follow(page.locator("#off-confirm"))
    onlooker.look_at(page, "portal-turned-off")
    follow(page.get_by_role("link", name="Delete"))
    onlooker.look_at(page, "portal-delete")
    page.fill("#name", page.locator("h1 bdi").inner_text())
    follow(page.locator("#delete-confirm"))
    onlooker.look_at(page, "portal-deleted")
    page.goto(f"{demo.issuer}/apps")
    onlooker.look_at(page, "portal-list")
    assert complaints == []
    page.context.close()
