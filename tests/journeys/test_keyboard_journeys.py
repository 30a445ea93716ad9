"""What people come for, from end to end, with the keyboard alone and without scripts."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.journeys.conftest import PASSWORD
from tests.support.chromium import PATIENCE
from tests.support.demo import RunningDemo
from tests.support.facts import CHALLENGE
from tests.views.conftest import site as site
from tests.views.loopback import Answer, LoopbackSite

TABS = 120
"""How often somebody presses Tab before he gives up."""


@dataclass(frozen=True, slots=True)
class Hands:
    """Somebody who has no mouse, at a page."""

    page: Page
    issuer: str

    def go(self, path: str) -> None:
        """Type an address."""
        self.page.goto(path if "://" in path else self.issuer + path)

    def reach(self, target: Locator) -> None:
        """Press Tab until something has the focus."""
        for _ in range(TABS):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {target}")

    def press(self, target: str | Locator) -> None:
        """Press a button, or follow a link, and wait for the page that comes."""
        self.reach(self._one(target))
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def type(self, target: str | Locator, text: str) -> None:
        """Write into a field, or begin a word of a list."""
        self.reach(self._one(target))
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def tick(self, target: str | Locator) -> None:
        """Tick a box."""
        self.reach(self._one(target))
        self.page.keyboard.press("Space")

    def sign_in(self, username: str, password: str = PASSWORD) -> None:
        """Fill in the sign-in page, whose first field has the focus."""
        expect(self.page.locator("#username")).to_be_focused()
        self.page.keyboard.type(username)
        self.type("#password", password)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def link(self, name: str) -> Locator:
        """Return the first link of this name in the content."""
        return self.page.get_by_role("main").get_by_role("link", name=name).first

    def menu(self, name: str) -> Locator:
        """Return an entry of the navigation."""
        return self.page.get_by_role("navigation", name="Main").get_by_role("link", name=name, exact=True)

    @property
    def headline(self) -> Locator:
        """What the page is about."""
        return self.page.get_by_role("heading", level=1)

    @property
    def done(self) -> Locator:
        """What has just been done."""
        return self.page.get_by_role("status")

    def _one(self, target: str | Locator) -> Locator:
        return self.page.locator(target) if isinstance(target, str) else target


Sitting = Callable[[], Hands]


@pytest.fixture
def somebody(browser: Browser, demo: RunningDemo) -> Iterator[Sitting]:
    """Return a function that seats somebody at a browser of his own."""
    with ExitStack() as stack:

        def sit() -> Hands:
            context = browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE)
            return Hands(context.new_page(), demo.issuer)

        yield sit


def me(demo: RunningDemo, token: str) -> int:
    """Call the API with a token and return the status."""
    return httpx.get(f"{demo.issuer}/api/v1/", headers={"Authorization": f"Bearer {token}"}, timeout=60).status_code


@pytest.mark.slow
def test_an_application_is_connected_narrowed_and_disconnected_and_its_history_stays(
    somebody: Sitting, demo: RunningDemo
) -> None:
    jo = somebody()
    jo.go(demo.url)
    jo.press("#connect")
    jo.sign_in("jo")
    jo.press("#consent-approve")

    jo.go("/account/applications")
    jo.press(jo.link("Release Board"))
    jo.press(jo.page.get_by_role("button", name="Remove: See teams"))
    expect(jo.done).to_contain_text("removed from Release Board")
    expect(jo.page.get_by_role("button", name="Remove: See teams")).to_have_count(0)
    jo.press(jo.link("Disconnect"))
    expect(jo.headline).to_have_text("Disconnect Release Board?")
    jo.press("#disconnect-confirm")
    expect(jo.done).to_contain_text("Release Board")
    jo.press(jo.link("Release Board"))
    expect(jo.page.locator(".timeline > li")).to_contain_text(
        [
            "You disconnected Release Board",
            "You removed 1 permission: See teams",
            "You connected Release Board with 5 permissions",
        ]
    )


@pytest.mark.slow
def test_a_personal_token_is_made_used_and_revoked(somebody: Sitting, demo: RunningDemo) -> None:
    owner = somebody()
    owner.go("/account/tokens")
    owner.sign_in(demo.username, demo.password)
    owner.type("#name", "Nightly export")
    owner.tick(owner.page.get_by_label("See projects"))
    owner.press("#create-token")
    expect(owner.page.locator("#secret")).to_be_focused()
    token = owner.page.locator("#secret").input_value()
    assert me(demo, token) == 200

    owner.press("#secret-copied")
    owner.press(owner.link("Nightly export"))
    owner.press(owner.link("Delete this token"))
    owner.press("#delete-confirm")
    expect(owner.done).to_contain_text("“Nightly export” is deleted")
    assert me(demo, token) == 401


@pytest.mark.slow
def test_an_organization_is_founded_joined_and_given_a_key_and_its_log_tells_it(
    somebody: Sitting, demo: RunningDemo
) -> None:
    robin, sam = somebody(), somebody()
    robin.go("/organizations")
    robin.sign_in("robin")
    robin.type("#name", "Northquay")
    robin.type("#slug", "northquay-by-hand")
    robin.press("#found-organization")
    robin.press(robin.menu("Members"))
    robin.type("#note", "Sam, from design")
    robin.press("#create-invitation")

    sam.go(robin.page.locator("#secret").input_value())
    sam.sign_in("sam")
    expect(sam.headline).to_have_text("Join Northquay?")
    sam.press("#invitation-accept")
    expect(sam.headline).to_have_text("Northquay")
    expect(sam.menu("API keys")).to_have_count(0)

    robin.press("#link-copied")
    robin.type(robin.page.get_by_label("Role of sam", exact=True), "Owner")
    robin.press(robin.page.get_by_role("button", name="Save role of sam"))
    expect(robin.done).to_contain_text("The role is changed")

    sam.press(sam.menu("Overview").last)
    sam.press(sam.menu("API keys"))
    sam.press(sam.link("Create an API key"))
    sam.type("#label", "Nightly build")
    sam.press("#create-key")
    key = sam.page.locator("#secret").input_value()
    assert httpx.get(f"{demo.issuer}/api/v1/", auth=(key, ""), timeout=60).status_code == 200

    sam.press(sam.menu("Audit log"))
    log = sam.page.locator("tbody tr:not(.group)")
    expect(log.nth(0)).to_contain_text("Made API key “Nightly build”")
    expect(log.nth(0)).to_contain_text("sam")
    expect(log.nth(1)).to_contain_text("robin")
    expect(sam.page.locator("main")).to_contain_text("Founded Northquay")


@pytest.mark.slow
def test_an_application_says_that_nobody_checked_it_until_an_operator_has(
    somebody: Sitting, demo: RunningDemo, site: LoopbackSite
) -> None:
    callback = f"{site.origin}/callback"
    site.routes["/callback"] = lambda query, body: Answer("<!doctype html><title>Back</title>", {})
    kim, noa, toni, operator = somebody(), somebody(), somebody(), somebody()
    kim.go("/apps/new")
    kim.sign_in("kim")
    kim.type("#name", "Deploy Diary")
    kim.type("#redirect_uris", callback)
    kim.press("#create-application")
    expect(kim.headline).to_have_text("Deploy Diary is registered")
    asked = {
        "response_type": "code",
        "client_id": kim.page.locator("#client-id").inner_text(),
        "redirect_uri": callback,
        "scope": "project:read",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }

    noa.go(f"/oauth/authorize?{urlencode(asked)}")
    noa.sign_in("noa")
    expect(noa.headline).to_have_text("Allow an application that calls itself “Deploy Diary” to use your account?")
    expect(noa.page.locator("main")).to_contain_text("by “kim”")
    expect(noa.page.locator("main")).to_contain_text("Nobody at Assent has checked it")
    noa.press("#consent-approve")
    expect(noa.page).to_have_title("Back")
    assert "code" in dict(parse_qsl(urlsplit(noa.page.url).query))

    operator.go(demo.setup_link)
    expect(operator.page.locator("#username")).to_be_focused()
    for field, text in (("username", "ada"), ("email", "ada@example.org")):
        operator.type(f"#{field}", text)
    operator.type("#password", PASSWORD)
    operator.type("#password-confirm", PASSWORD)
    operator.press(operator.page.get_by_role("button", name="Become the operator"))
    operator.press(operator.menu("All applications"))
    operator.press(operator.link("Deploy Diary"))
    operator.type("#note", "Spoke to kim")
    operator.press("#check")
    expect(operator.done).to_contain_text("is marked as checked")

    toni.go(f"/oauth/authorize?{urlencode(asked)}")
    toni.sign_in("toni")
    expect(toni.headline).to_have_text("Allow Deploy Diary to use your Assent account?")
    expect(toni.page.locator("main")).to_contain_text("Checked by Assent")
    expect(toni.page.locator("main")).to_contain_text("by kim")
    expect(toni.page.locator("main")).not_to_contain_text("Nobody at Assent has checked it")
