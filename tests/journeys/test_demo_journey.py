"""A person in a real browser: the demo application, the pages of the server, and what is taken back afterwards."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys.conftest import PASSWORD, Onlooker
from tests.support.chromium import PATIENCE, complaints_of, follow
from tests.support.demo import RunningDemo
from tests.support.facts import CHALLENGE
from tests.views.loopback import Answer, LoopbackSite, running_site

FIRST = ["openid", "profile", "email", "project:read", "team:read"]
"""What the demo asks for at first."""


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
def elsewhere() -> Iterator[LoopbackSite]:
    """A second application: a page to come back to."""
    with running_site() as site:
        site.routes["/callback"] = lambda query, body: Answer("<!doctype html><title>Back</title>", {})
        yield site


def sign_in(page: Page, username: str, password: str = PASSWORD) -> None:
    """Fill in the sign-in page."""
    page.fill("#username", username)
    page.fill("#password", password)
    follow(page.locator("#login-submit"))


def connect(page: Page, demo: RunningDemo, username: str) -> None:
    """Connect the demo application for somebody who has not signed in yet."""
    page.goto(demo.url)
    page.click("#connect")
    sign_in(page, username)
    page.click("#consent-approve")
    expect(page.locator("#api-status")).to_have_text("200 OK")


def access_token(page: Page) -> str:
    """Return the access token that the demo application shows."""
    return page.locator(".secret .whole").nth(1).text_content() or ""


def me(demo: RunningDemo, token: str) -> httpx.Response:
    """Call the protected endpoint as any API client would."""
    return httpx.get(f"{demo.issuer}/api/v1/me", headers={"Authorization": f"Bearer {token}"}, timeout=60)


def expect_scopes(page: Page, expected: list[str]) -> None:
    """Wait until the demo application shows a token of these scopes."""
    expect(page.locator("#scopes li")).to_have_text(expected)


def authorize_url(demo: RunningDemo, client_id: str, redirect_uri: str, **more: str) -> str:
    """Return the address of an authorization request."""
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": "project:read",
        "state": "of-this-tab",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **more,
    }
    return f"{demo.issuer}/oauth/authorize?{urlencode(asked)}"


def clause(page: Page, heading: str) -> str:
    """Return the text beside a heading in the margin."""
    return page.locator(".clause").filter(has=page.get_by_role("heading", name=heading, exact=True)).inner_text()


def test_a_person_connects_the_demo_asks_for_more_and_takes_it_all_back(demo: RunningDemo, page: Page) -> None:
    page.goto(demo.url)
    page.click("#connect")
    expect(page).to_have_title(re.compile("^Sign in"))
    expect(page.locator("#for")).to_have_text("to continue to Release Board")
    sign_in(page, demo.username, demo.password)

    expect(page.get_by_role("heading", level=1)).to_have_text(
        re.compile("^Allow Release Board to use your .+ account\\?$")
    )
    card = page.locator("form.card")
    expect(card).to_contain_text(urlsplit(demo.url).netloc)
    expect(card).to_contain_text("by Assent examples")
    assert "See projects" in clause(page, "It asks to")
    assert "Until you sign out or disconnect it." in clause(page, "For how long")
    assert "Connected applications" in clause(page, "To undo it")
    page.click("#consent-approve")

    expect(page.get_by_role("status")).to_contain_text(f"Signed in. New: {', '.join(FIRST)}.")
    expect(page.locator("#api-status")).to_have_text("200 OK")
    expect(page.locator("#api-answer")).to_contain_text('"username": "demo"')
    expect_scopes(page, FIRST)
    first_token = access_token(page)

    page.click("#ask-more")
    expect(page.get_by_role("heading", level=1)).to_have_text("Release Board asks for 1 more permission")
    assert "Manage project releases" in clause(page, "It also asks to")
    assert "See projects" in clause(page, "Already allowed")
    page.click("#consent-approve")
    expect_scopes(page, [*FIRST, "project:releases"])
    assert me(demo, first_token).json()["scopes"] == FIRST

    follow(page.locator("#refresh"))
    expect(page.get_by_role("status")).to_contain_text("A new access token")
    token = access_token(page)

    page.goto(f"{demo.issuer}/account")
    page.get_by_role("link", name="Release Board", exact=True).click()
    page.get_by_role("button", name="Remove: See projects").click()
    expect(page.get_by_role("status")).to_contain_text("“See projects” removed from Release Board")
    left = [scope for scope in FIRST if scope != "project:read"]
    assert me(demo, token).json()["scopes"] == [*left, "project:releases"]
    assert me(demo, first_token).json()["scopes"] == left

    page.get_by_role("link", name="Disconnect", exact=True).click()
    page.get_by_role("button", name="Disconnect Release Board").click()
    expect(page.get_by_role("status")).to_contain_text("Release Board is disconnected")
    assert me(demo, token).status_code == 401
    page.goto(demo.url)
    expect(page.locator("#api-status")).to_have_text("401 Unauthorized")


@pytest.mark.slow
def test_every_page_of_the_journey_is_accessible_and_the_browser_complains_of_nothing(
    demo: RunningDemo, browser: Browser, onlooker: Onlooker
) -> None:
    page = browser.new_page()
    complaints = complaints_of(page)
    page.goto(demo.issuer)
    onlooker.look_at(page, "home")
    page.goto(demo.url)
    onlooker.look_at(page, "demo")
    follow(page.locator("#connect"))
    onlooker.look_at(page, "login")
    sign_in(page, "robin", "not the password")
    onlooker.look_at(page, "login-failed")
    assert complaints == ["Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)"]
    complaints.clear()
    sign_in(page, "robin")
    onlooker.look_at(page, "consent-first")
    follow(page.locator("#consent-approve"))
    onlooker.look_at(page, "demo-connected")
    follow(page.locator("#ask-more"))
    onlooker.look_at(page, "consent-incremental")
    follow(page.locator("#consent-approve"))
    page.goto(f"{demo.issuer}/account")
    onlooker.look_at(page, "account")
    follow(page.get_by_role("link", name="Connected applications").last)
    onlooker.look_at(page, "connected-applications")
    follow(page.get_by_role("link", name="Release Board", exact=True))
    onlooker.look_at(page, "connected-application")
    follow(page.get_by_role("link", name="Disconnect", exact=True))
    onlooker.look_at(page, "disconnect")
    page.goto(f"{demo.issuer}/logout")
    onlooker.look_at(page, "sign-out")
    follow(page.locator("#logout-confirm"))
    onlooker.look_at(page, "signed-out")
    assert complaints == []
    page.context.close()


def test_who_does_not_allow_it_is_back_and_nothing_is_connected(demo: RunningDemo, page: Page) -> None:
    page.goto(demo.url)
    page.click("#connect")
    sign_in(page, "sam")
    page.click("#consent-deny")

    expect(page.get_by_role("alert")).to_have_text("You did not allow it. Nothing was connected.")
    page.goto(f"{demo.issuer}/account/applications")
    expect(page.get_by_role("heading", name="Nothing is connected")).to_be_visible()


def test_after_sign_out_the_account_asks_for_the_password_and_the_application_has_heard_of_it(
    demo: RunningDemo, page: Page
) -> None:
    connect(page, demo, "kim")
    session = {cookie["name"]: cookie["value"] for cookie in page.context.cookies(demo.issuer)}

    page.goto(f"{demo.issuer}/logout")
    page.click("#logout-confirm")
    expect(page).to_have_title(re.compile("^Signed out"))
    page.go_back()
    page.goto(f"{demo.issuer}/account")
    expect(page).to_have_url(f"{demo.issuer}/login")

    answer = httpx.get(f"{demo.issuer}/account", cookies=session, timeout=60)
    assert answer.headers["location"] == "/login"
    for _ in range(300):  # it is told in the background
        page.goto(demo.url)
        if page.locator("#connect").count():
            break
        page.wait_for_timeout(200)
    expect(page.get_by_role("status")).to_have_text("You were signed out at the server, and so here.")


def test_what_was_allowed_once_is_not_asked_again(demo: RunningDemo, page: Page) -> None:
    connect(page, demo, "lee")

    page.goto(f"{demo.url}/connect")

    expect(page.get_by_role("status")).to_contain_text("Signed in. Nothing new.")


def test_a_wrong_redirect_uri_ends_on_a_page_that_says_whose_fault_it_is(
    demo: RunningDemo, browser: Browser, onlooker: Onlooker
) -> None:
    page = browser.new_page()
    page.goto(authorize_url(demo, "assent-demo", "https://attacker.example/callback"))

    expect(page.get_by_role("heading", level=1)).to_have_text("We stopped: Release Board sent an address we don’t know")
    assert "makers of Release Board" in clause(page, "Who can fix it")
    expect(page.locator("code.id")).to_have_text(re.compile("^req_[0-9a-f]{20}$"))
    assert page.locator("a[href*='attacker']").count() == 0
    onlooker.look_at(page, "error-redirect-uri")
    page.context.close()


def test_two_tabs_approve_two_applications_each_its_own(
    demo: RunningDemo, context: BrowserContext, elsewhere: LoopbackSite
) -> None:
    back = f"{elsewhere.origin}/callback"
    demo.server.apply(
        {
            "applications": [
                {
                    "client_id": "deploy-diary",
                    "client_name": "Deploy Diary",
                    "owner": "toni",
                    "redirect_uris": [back],
                    "grant_types": ["authorization_code"],
                    "token_endpoint_auth_method": "none",
                }
            ]
        }
    )
    first, second = context.new_page(), context.new_page()
    first.goto(demo.url)
    first.click("#connect")
    second.goto(authorize_url(demo, "deploy-diary", back, scope="event:read"))
    sign_in(first, "noa")
    expect(first.get_by_role("heading", level=1)).to_contain_text("Release Board")
    sign_in(second, "noa")
    expect(second.get_by_role("heading", level=1)).to_contain_text("Deploy Diary")
    expect(second.locator("form.card")).to_contain_text("by toni")
    assert "See events" in clause(second, "It asks to")

    first.click("#consent-approve")
    expect(first.locator("#api-status")).to_have_text("200 OK")
    expect_scopes(first, FIRST)
    second.click("#consent-approve")
    second.wait_for_url(f"{back}?*")
    answer = parse_qs(urlsplit(second.url).query)
    assert answer["state"] == ["of-this-tab"]
    assert answer["iss"] == [demo.issuer]
    second.goto(f"{demo.issuer}/account/applications")
    listed = second.locator("tbody tr").all_inner_texts()
    assert sorted("Deploy Diary" in line for line in listed) == [False, True]


def test_keyboard_alone_signs_in_and_allows(demo: RunningDemo, page: Page) -> None:
    page.goto(demo.url)
    page.locator("#connect").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#username")).to_be_focused()
    page.keyboard.type("jo")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#consent-approve")).to_be_visible()
    for _ in range(30):
        if page.locator("#consent-approve:focus").count():
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.locator("#api-answer")).to_contain_text('"username": "jo"')
