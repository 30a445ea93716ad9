"""People in real browsers without scripts: an organization founded, somebody invited, raised, removed, and the end."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import PASSWORD, Onlooker
from tests.support.chromium import PATIENCE, complaints_of, follow
from tests.support.demo import RunningDemo

pytestmark = pytest.mark.slow  # without a browser, `make test` has the same steps

Entering = Callable[..., Page]


@pytest.fixture
def someone(browser: Browser, demo: RunningDemo) -> Iterator[Entering]:
    """Return a function that gives somebody a browser of his own, in which he is signed in."""
    with ExitStack() as stack:

        def enter(
            username: str, at: str = "/organizations", *, password: str = PASSWORD, scripts: bool = False
        ) -> Page:
            context = browser.new_context(java_script_enabled=scripts)
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE)
            page = context.new_page()
            page.goto(demo.issuer + at)
            page.fill("#username", username)
            page.fill("#password", password)
            follow(page.locator("#login-submit"))
            return page

        yield enter


def test_an_organization_from_its_founding_to_its_end(someone: Entering, demo: RunningDemo) -> None:
    robin = someone("robin")
    complaints = complaints_of(robin)
    expect(robin.get_by_role("heading", name="You belong to no organization")).to_be_visible()
    robin.click("#found-organization")
    expect(robin.get_by_role("alert")).to_contain_text("There are 2 problems")
    robin.fill("#name", "Northquay")
    robin.fill("#slug", "northquay")
    robin.click("#found-organization")
    expect(robin.get_by_role("heading", level=1)).to_have_text("Northquay")
    expect(robin.get_by_text("Manage organization members")).to_be_visible()

    robin.get_by_role("navigation", name="Main").get_by_role("link", name="Members").click()
    robin.get_by_label("For whom").fill("Sam, from design")
    robin.get_by_label("Role", exact=True).select_option("member")
    robin.click("#create-invitation")
    link = robin.locator("#secret").input_value()
    robin.click("#link-copied")
    expect(robin.get_by_text("Sam, from design")).to_be_visible()

    sam = someone("sam", link.removeprefix(demo.issuer))
    expect(sam.get_by_role("heading", level=1)).to_have_text("Join Northquay?")
    expect(sam.get_by_text("robin invites you")).to_be_visible()
    sam.click("#invitation-accept")
    expect(sam.get_by_role("heading", level=1)).to_have_text("Northquay")
    sam.goto(link)
    expect(sam.get_by_role("heading", level=1)).to_have_text("You are a member of Northquay already")
    kim = someone("kim", link.removeprefix(demo.issuer))
    expect(kim.get_by_role("heading", level=1)).to_have_text("This invitation no longer works")

    robin.goto(f"{demo.issuer}/organizations/northquay/members")
    expect(robin.locator("#open")).to_contain_text("None.")
    robin.get_by_label("Role of sam", exact=True).select_option("owner")
    robin.get_by_role("button", name="Save role of sam").click()
    expect(robin.get_by_role("status")).to_contain_text("The role is changed")

    robin.goto(f"{demo.issuer}/organizations/northquay")
    robin.get_by_role("link", name="Leave").click()
    robin.click("#leave-confirm")
    expect(robin.get_by_role("status")).to_contain_text("You are not a member of it any more")
    robin.goto(f"{demo.issuer}/organizations/northquay")
    expect(robin.get_by_role("heading", level=1)).to_have_text("There is nothing here")

    sam.goto(f"{demo.issuer}/organizations/northquay/leave")
    sam.click("#leave-confirm")
    expect(sam.get_by_role("alert")).to_contain_text("Nobody else has the role “owner”")
    sam.goto(f"{demo.issuer}/organizations/northquay/delete")
    sam.fill("#slug", "northquay")
    sam.click("#delete-confirm")
    expect(sam.get_by_role("heading", name="You belong to no organization")).to_be_visible()
    assert [complaint for complaint in complaints if "404" not in complaint and "422" not in complaint] == []


def test_a_member_sees_what_he_may_and_a_removed_one_nothing(someone: Entering, demo: RunningDemo) -> None:
    lee = someone("lee")
    lee.fill("#name", "Saltbarn")
    lee.fill("#slug", "saltbarn")
    follow(lee.locator("#found-organization"))
    lee.goto(f"{demo.issuer}/organizations/saltbarn/members")
    lee.click("#create-invitation")
    link = lee.locator("#secret").input_value()
    noa = someone("noa", link.removeprefix(demo.issuer))
    noa.click("#invitation-accept")
    follow(noa.get_by_role("navigation", name="Main").get_by_role("link", name="Members"))
    expect(noa.get_by_role("combobox")).to_have_count(0)
    expect(noa.get_by_role("link", name="Remove")).to_have_count(0)
    expect(noa.get_by_role("navigation", name="Main").get_by_role("link", name="API keys")).to_have_count(0)
    noa.goto(f"{demo.issuer}/organizations/saltbarn/delete")
    expect(noa.get_by_role("heading", level=1)).to_have_text("You can’t see this page")
    lee.goto(f"{demo.issuer}/organizations/saltbarn/members")
    lee.get_by_role("link", name="Remove noa").click()
    lee.click("#remove-confirm")
    expect(lee.get_by_role("status")).to_contain_text("not a member any more")
    noa.goto(f"{demo.issuer}/organizations/saltbarn")
    expect(noa.get_by_role("heading", level=1)).to_have_text("There is nothing here")


def test_the_demo_user_owns_an_organization_from_the_start(someone: Entering, demo: RunningDemo) -> None:
    page = someone(demo.username, password=demo.password)
    page.get_by_role("main").get_by_role("link", name="Assent examples").click()
    expect(page.get_by_text("Owner", exact=True)).to_be_visible()


def test_the_pages_are_accessible_as_they_are_lived_in(
    someone: Entering, demo: RunningDemo, onlooker: Onlooker
) -> None:
    toni = someone("toni", scripts=True)
    toni.fill("#name", "Onlookers")
    toni.fill("#slug", "onlookers")
    onlooker.look_at(toni, "organizations-empty")
    follow(toni.locator("#found-organization"))
    onlooker.look_at(toni, "organization-founded")
    toni.goto(f"{demo.issuer}/organizations/onlookers/members")
    onlooker.look_at(toni, "organization-members")
    follow(toni.locator("#create-invitation"))
    link = toni.locator("#secret").input_value()
    onlooker.look_at(toni, "organization-invitation-made")
    jo = someone("jo", link.removeprefix(demo.issuer), scripts=True)
    onlooker.look_at(jo, "organization-invitation")
    follow(jo.locator("#invitation-accept"))
    onlooker.look_at(jo, "organization-joined")
