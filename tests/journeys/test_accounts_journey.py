"""Two people share a browser without scripts: they choose, switch, sign up, and sign out from afar."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.chromium import DESKTOP, PATIENCE, complaints_of, follow
from tests.support.chromium import browser as browser
from tests.support.server import Server, directory_for_server, running_server
from tests.support.service import authorize_url

PASSWORD = "violet anchor plum taxi"
PEOPLE = [
    {
        "username": name,
        "email": f"{name}@example.org",
        "password": PASSWORD,
        "claims": {"name": f"{name.capitalize()} Ashdown"},
    }
    for name in ("robin", "sam")
]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server on which people may make themselves an account; its own home page takes the answers."""
    settings = {"FEATURES__SIGN_UP": "true"}
    with directory_for_server() as directory, running_server(directory, settings=settings) as running:
        application = {
            "client_id": "deploy-diary",
            "client_name": "Deploy Diary",
            "redirect_uris": [f"{running.issuer}/"],
            "token_endpoint_auth_method": "none",
        }
        running.apply({"users": PEOPLE, "applications": [application]})
        yield running


@pytest.fixture
def page(server: Server, browser: Browser) -> Iterator[Page]:
    """The tab that they share."""
    page = tab(server, browser)
    yield page
    page.context.close()


def tab(server: Server, browser: Browser) -> Page:
    """Return a tab of a fresh browser without scripts."""
    context = browser.new_context(
        java_script_enabled=False, base_url=server.issuer, viewport={"width": DESKTOP, "height": 900}
    )
    context.set_default_timeout(PATIENCE)
    return context.new_page()


def ask(server: Server, page: Page, prompt: str) -> None:
    """Come from the application."""
    page.goto(authorize_url("deploy-diary", redirect_uri=f"{server.issuer}/", prompt=prompt))


def sign_in(page: Page, username: str) -> None:
    """Fill in the page."""
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    follow(page.locator("#login-submit"))


def allow(page: Page) -> None:
    """Allow what is asked, and check that the application gets its code."""
    page.click("#consent-approve")
    expect(page).to_have_url(re.compile(r"/\?code="))


def headline(page: Page) -> str:
    """Return what the page is about."""
    return page.get_by_role("heading", level=1).inner_text()


@pytest.mark.spec("standards", "OC-6")
def test_two_people_choose_who_an_application_gets(server: Server, browser: Browser, page: Page) -> None:
    complaints = complaints_of(page)
    page.goto("/login")
    sign_in(page, "robin")
    expect(page).to_have_url(re.compile("/account$"))

    ask(server, page, "select_account")
    assert headline(page) == "Choose an account"
    page.click("#another-account")
    sign_in(page, "sam")
    expect(page.locator(".decision-head")).to_contain_text("sam@example.org")
    allow(page)

    ask(server, page, "select_account")
    expect(page.locator(".choice b")).to_have_text(["Sam Ashdown", "Robin Ashdown"])
    page.get_by_role("button", name="Robin Ashdown").click()
    expect(page.locator(".decision-head")).to_contain_text("robin@example.org")
    page.get_by_role("link", name="Switch account").click()
    page.get_by_role("button", name="Robin Ashdown").click()
    allow(page)

    page.goto("/account")
    assert headline(page) == "Robin Ashdown"
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Switch account").click()
    page.get_by_role("button", name="Sam Ashdown").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sam Ashdown")

    page.goto("/logout")
    follow(page.locator("#logout-confirm"))
    page.goto("/login")
    page.click("#choose-account")
    page.get_by_role("button", name="Robin Ashdown").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Robin Ashdown")
    assert complaints == []


@pytest.mark.spec("standards", "SE-4")
def test_a_browser_is_signed_out_from_another_one(server: Server, browser: Browser, page: Page) -> None:
    complaints = complaints_of(page)
    elsewhere = tab(server, browser)
    for one in (elsewhere, page):
        one.goto("/login")
        sign_in(one, "robin")
        expect(one).to_have_url(re.compile("/account$"))

    follow(page.get_by_role("navigation", name="Main").get_by_role("link", name="Sessions"))
    assert headline(page) == "Sessions"
    rows = page.locator(".rows > li")
    expect(rows.first).to_contain_text("This one")
    others = rows.count() - 1
    follow(rows.nth(1).get_by_role("button"))
    expect(page.get_by_role("status")).to_contain_text("That browser is signed out")
    expect(rows).to_have_count(others)
    if others > 1:
        follow(page.locator("#end-others"))
        expect(page.get_by_role("status")).to_contain_text("signed out everywhere else")
    expect(rows).to_have_count(1)

    elsewhere.reload()
    expect(elsewhere).to_have_url(re.compile("/login"))
    elsewhere.context.close()
    assert complaints == []


def test_somebody_without_an_account_makes_one_on_the_way(server: Server, page: Page) -> None:
    complaints = complaints_of(page)
    ask(server, page, "create")
    assert headline(page) == "Create an account"
    for field, typed in (("username", "jun"), ("email", "jun@example.org"), ("password", "too short")):
        page.fill(f"#{field}", typed)
    follow(page.locator("#sign-up-submit"))
    expect(page.get_by_role("alert")).to_be_visible()
    assert complaints.pop().startswith("Failed to load resource: the server responded with a status of 422")
    for field in ("password", "password-confirm"):
        page.fill(f"#{field}", PASSWORD)
    page.click("#sign-up-submit")
    expect(page.locator(".decision-head")).to_contain_text("jun@example.org")
    allow(page)
    assert complaints == []
