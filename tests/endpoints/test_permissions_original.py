"""Who may do what in an organization: the acceptance lines of the original system, over HTTP.

The original answered "no" with 403. Here whoever has no business in an organization is told that there is none (404),
and a member who may not do this is told so (403).
"""

from collections.abc import AsyncIterator

import httpx
import pytest

from app.store.database import Database
from tests.support.api_keys import ROLES, two_organizations
from tests.support.api_person import HERE, assert_problem
from tests.support.organization import ORGANIZATIONS, inside, operator
from tests.support.service import Service, service

NORTHQUAY = f"{ORGANIZATIONS}/northquay"
NOBODYS_SLUG = f"{ORGANIZATIONS}/nobodys"


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """Northquay, with a person of every role called like it; saltbarn, which olga owns; otto, an operator."""
    async with service(database) as running:
        await two_organizations(running)
        await operator(running, "otto")
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without cookies."""
    async with site.browser() as fresh:
        yield fresh


@pytest.mark.spec("original", "P01")
async def test_p01_an_organization_is_not_there_for_whoever_does_not_belong_to_it(browser: httpx.AsyncClient) -> None:
    olga = await inside(browser, "olga", "northquay")
    foreign, absent = await olga.get(), await browser.get(NOBODYS_SLUG, headers=HERE)
    assert_problem(foreign, 404, "not-found")
    assert_problem(absent, 404, "not-found")
    told = [{name: value for name, value in one.json().items() if name != "instance"} for one in (foreign, absent)]
    assert told[0] == told[1]
    page, nothing = await browser.get("/organizations/northquay"), await browser.get("/organizations/nobodys")
    assert (page.status_code, nothing.status_code) == (404, 404)


@pytest.mark.spec("original", "P02")
async def test_p02_an_operator_in_his_session_reads_every_organization(browser: httpx.AsyncClient) -> None:
    otto = await inside(browser, "otto", "northquay")
    assert (await otto.get()).status_code == 200
    assert (await browser.get("/organizations/northquay")).status_code == 200


@pytest.mark.spec("original", "P03")
async def test_p03_a_member_reads_his_organization_and_changes_nothing(browser: httpx.AsyncClient) -> None:
    member = await inside(browser, "member", "northquay")
    assert (await member.get()).status_code == 200
    assert_problem(await member.patch("", {"name": "Mine"}), 403, "insufficient-scope")
    assert_problem(await member.delete(), 403, "insufficient-scope")
    assert_problem(await member.post("/invitations", {"role": "member"}), 403, "insufficient-scope")
    assert_problem(await member.post("/members", {"username": "olga", "role": "member"}), 403, "insufficient-scope")


@pytest.mark.spec("original", "P18")
async def test_p18_who_is_signed_out_has_no_access_anywhere(browser: httpx.AsyncClient) -> None:
    for path in (ORGANIZATIONS, NORTHQUAY, NOBODYS_SLUG, f"{NORTHQUAY}/members"):
        assert_problem(await browser.get(path, headers=HERE), 401, "not-signed-in")


@pytest.mark.spec("original", "P18")
async def test_p18_without_membership_there_is_no_access_and_no_scope(browser: httpx.AsyncClient) -> None:
    olga = await inside(browser, "olga", "northquay")
    listed = (await browser.get(ORGANIZATIONS, headers=HERE)).json()["items"]
    assert [item["slug"] for item in listed] == ["saltbarn"]
    for path in ("", "/members", "/invitations", "/api-keys", "/audit"):
        assert_problem(await olga.get(path), 404, "not-found")


@pytest.mark.spec("original", "P18")
@pytest.mark.parametrize("role", ROLES)
async def test_p18_a_member_has_what_his_role_allows_and_the_owner_everything(
    site: Service, browser: httpx.AsyncClient, role: str
) -> None:
    person = await inside(browser, role, "northquay")
    access = (await person.get()).json()["access"]
    assert access["role"] == role
    assert set(access["scopes"]) == site.server.roles.scopes_of(role)
    assert (len(access["scopes"]) == 16) == (role == "owner")
