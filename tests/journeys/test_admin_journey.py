"""An operator at work in a browser without scripts: shuts somebody out, checks an application, explains a refusal."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.chromium import DESKTOP, PATIENCE, complaints_of, follow
from tests.support.chromium import browser as browser
from tests.support.server import Server, directory_for_server, running_server

pytestmark = pytest.mark.slow  # without a browser, `make test` has the same steps

OPERATOR, PASSWORD = "ada", "violet anchor plum taxi"
CALLBACK = "http://localhost:9/callback"
DATA = {
    "users": [{"username": "robin", "email": "robin@example.org", "password": PASSWORD}],
    "applications": [
        {
            "client_id": "deploy-diary",
            "client_name": "Deploy Diary",
            "owner": "robin",
            "redirect_uris": [CALLBACK],
            "token_endpoint_auth_method": "none",
        }
    ],
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server with an operator, a person, and an application of that person's."""
    with directory_for_server() as directory, running_server(directory, data=DATA) as running:
        file = directory / "password"
        file.write_text(PASSWORD)
        running.assent("user", "create", OPERATOR, "--operator", "--password-file", str(file))
        yield running


@pytest.fixture
def operator(server: Server, browser: Browser) -> Iterator[Page]:
    """The tab of the operator, who signs in on the way to what he asked for."""
    page = tab(server, browser)
    sign_in(page, OPERATOR)
    yield page
    page.context.close()


def tab(server: Server, browser: Browser) -> Page:
    """Return a tab of a fresh browser without scripts."""
    context = browser.new_context(
        java_script_enabled=False, base_url=server.issuer, viewport={"width": DESKTOP, "height": 900}
    )
    context.set_default_timeout(PATIENCE)
    return context.new_page()


def sign_in(page: Page, username: str) -> None:
    """Sign in."""
    page.goto("/login")
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    follow(page.locator("#login-submit"))


def headline(page: Page) -> str:
    """Return what the page is about."""
    return page.get_by_role("heading", level=1).inner_text()


def test_a_person_is_found_shut_out_and_let_in_again(server: Server, browser: Browser, operator: Page) -> None:
    complaints = complaints_of(operator)
    person = tab(server, browser)
    sign_in(person, "robin")
    expect(person).to_have_url(re.compile("/account$"))

    operator.get_by_role("link", name="Users").click()
    operator.get_by_label("Beginning of a username or email address").fill("ROB")
    operator.get_by_role("button", name="Find").click()
    operator.get_by_role("link", name="robin", exact=True).click()
    follow(operator.locator("#user-disable"))
    assert headline(operator) == "Disable robin?"
    expect(operator.locator("main")).to_contain_text("1 session ends at once")
    operator.click("#disable-confirm")
    expect(operator.get_by_role("status")).to_contain_text("robin is disabled")

    person.reload()
    expect(person).to_have_url(re.compile("/login"))
    sign_in(person, "robin")
    expect(person.get_by_role("alert")).to_contain_text("don’t match")

    operator.click("#user-enable")
    expect(operator.get_by_role("status")).to_contain_text("may sign in")
    sign_in(person, "robin")
    expect(person).to_have_url(re.compile("/account$"))
    person.context.close()
    assert complaints == []


def test_an_application_is_unchecked_checked_and_turned_off(operator: Page) -> None:
    complaints = complaints_of(operator)
    operator.get_by_role("link", name="All applications").click()
    operator.get_by_role("link", name="Deploy Diary").click()
    operator.get_by_label("Note").fill("Sold to somebody else")
    operator.click("#uncheck")
    expect(operator.get_by_role("status")).to_contain_text("no longer marked as checked")

    follow(operator.get_by_role("navigation", name="Main").get_by_role("link", name="All applications"))
    operator.get_by_label("Show").select_option("Not checked")
    follow(operator.get_by_role("button", name="Filter"))
    expect(operator.get_by_role("row", name="Deploy Diary")).to_contain_text("Not checked")
    operator.get_by_role("link", name="Deploy Diary").click()
    operator.get_by_label("Note").fill("Spoke to the new owner")
    operator.click("#check")
    expect(operator.get_by_role("status")).to_contain_text("is marked as checked")
    expect(operator.locator("main")).to_contain_text("Checked by ada on")
    expect(operator.locator("main")).to_contain_text("Spoke to the new owner")

    follow(operator.locator("#application-disable"))
    assert headline(operator) == "Disable Deploy Diary?"
    operator.click("#disable-confirm")
    expect(operator.get_by_role("status")).to_contain_text("Deploy Diary is disabled")
    operator.click("#application-enable")
    expect(operator.get_by_role("status")).to_contain_text("Deploy Diary is enabled")
    assert complaints == []


def test_the_reference_of_an_error_page_leads_to_what_would_mend_it(
    server: Server, browser: Browser, operator: Page
) -> None:
    person = tab(server, browser)
    person.goto(f"/oauth/authorize?response_type=code&client_id=deploy-diary&redirect_uri={CALLBACK}/")
    reference = re.search(r"req_[0-9a-f]{20}", person.locator("main").inner_text())
    assert reference is not None
    person.context.close()

    follow(operator.get_by_role("link", name="Requests"))
    for _ in range(240):  # traces are written in the background
        operator.get_by_label("Request ID").fill(reference[0])
        follow(operator.get_by_role("button", name="Find"))
        if headline(operator) != "Nothing is recorded under this ID":
            break
        operator.wait_for_timeout(250)
    complaints = complaints_of(operator)
    assert headline(operator) == "Refused: redirect_uri is not registered for this application"
    failed = operator.locator(".trace .failed")
    expect(failed).to_contain_text(f"Received\n{CALLBACK}/", use_inner_text=True)
    expect(failed).to_contain_text(f"Closest\n{CALLBACK}", use_inner_text=True)
    expect(failed).to_contain_text("To mend it")
    follow(operator.get_by_role("link", name="Deploy Diary"))
    assert headline(operator).startswith("Deploy Diary")
    assert complaints == []


def test_to_everybody_else_there_is_no_administration(server: Server, browser: Browser) -> None:
    page = tab(server, browser)
    for step in ("nobody", "robin"):
        if step == "robin":
            sign_in(page, "robin")
            expect(page.get_by_role("navigation", name="Main")).not_to_contain_text("Administration")
        for path in ("/admin", "/admin/users", "/admin/applications", "/admin/requests", "/admin/requests/req_x"):
            answer = page.goto(path)
            assert answer is not None
            assert answer.status == 404
            assert headline(page) == "There is nothing here"
    page.context.close()
