"""The pages of organizations: founded, looked at, renamed, left, deleted; members and invitations."""

import re
from collections.abc import AsyncIterator
from html import unescape
from urllib.parse import urlsplit

import httpx
import pytest

from app.store import organizations
from app.store.database import Database
from tests.support.api_keys import two_organizations
from tests.support.membership import join
from tests.support.organization import Inside, inside, operator
from tests.support.service import Service, fields_of, follow, service, sign_in

NORTHQUAY = "/organizations/northquay"
HOSTILE = ["%00", "%ff", "x" * 5000, "%2e%2e%2fadmin", "NORTHQUAY", "é"]


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """Northquay, with a person of every role called like it; saltbarn, which olga owns; otto, an operator."""
    async with service(database) as running:
        await two_organizations(running)
        for username in ("ada", "jun", "kofi"):
            await running.user(username)
        await operator(running, "otto")
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without cookies."""
    async with site.browser() as fresh:
        yield fresh


async def press(browser: httpx.AsyncClient, page: str, to: str, **typed: str) -> httpx.Response:
    """Open a page, and send a form of it to `to` with what was typed."""
    shown = await browser.get(page)
    assert shown.status_code == 200, shown.text
    return await browser.post(to, data={"csrf": fields_of(shown)["csrf"], **typed})


def link_on(page: httpx.Response) -> str:
    """Return the path of the link that a page shows once."""
    found = re.search(r'<textarea[^>]*id="secret"[^>]*>([^<]+)</textarea>', page.text)
    assert found, page.text
    return urlsplit(unescape(found.group(1))).path


async def test_a_person_founds_an_organization_and_finds_it_in_his_list(browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "ada")
    empty = await browser.get("/organizations")
    assert "You belong to no organization" in empty.text
    answer = await press(browser, "/organizations", "/organizations", name="Ada &amp; Co", slug="ada-co")
    assert (answer.status_code, answer.headers["location"]) == (303, "/organizations/ada-co")
    page = await follow(browser, answer)
    assert "Ada &amp;amp; Co" in page.text
    assert "Owner" in page.text
    assert 'href="/organizations/ada-co"' in (await browser.get("/organizations")).text


@pytest.mark.parametrize(
    ("name", "slug", "told"),
    [
        ("", "abc", "Give the organization a name"),
        ("Abc", "A", "Use 3 to 40 characters"),
        ("Abc", "northquay", "Choose another short name: this one is taken"),
    ],
    ids=["no name", "short slug", "taken"],
)
async def test_what_was_typed_stays_when_founding_fails(
    browser: httpx.AsyncClient, name: str, slug: str, told: str
) -> None:
    await sign_in(browser, "kofi")
    answer = await press(browser, "/organizations", "/organizations", name=name, slug=slug)
    assert answer.status_code == 422
    assert told in answer.text
    assert "<title>Error: " in answer.text
    assert f'value="{slug}"' in answer.text


async def test_the_navigation_shows_what_a_person_may_open(site: Service) -> None:
    seen: dict[str, list[str]] = {}
    for role in ("member", "manager", "owner"):
        async with site.browser() as browser:
            await sign_in(browser, role)
            page = (await browser.get(NORTHQUAY)).text
        seen[role] = re.findall(rf'<li><a href="{NORTHQUAY}(/[a-z-]*)?"', page)
    assert seen == {
        "member": ["", "/members", "/audit"],
        "manager": ["", "/members", "/audit"],
        "owner": ["", "/members", "/api-keys", "/applications", "/audit"],
    }


@pytest.mark.parametrize(
    ("path", "stranger", "member"),
    [
        ("", 404, 200),
        ("/members", 404, 200),
        ("/leave", 404, 200),
        ("/delete", 404, 403),
    ],
)
async def test_strangers_find_nothing_and_members_are_told_who_can_give_access(
    site: Service, path: str, stranger: int, member: int
) -> None:
    for username, status in (("olga", stranger), ("member", member)):
        async with site.browser() as browser:
            await sign_in(browser, username)
            page = await browser.get(NORTHQUAY + path)
        assert page.status_code == status, username
        if status == 403:
            assert "Whoever has the role “owner” in" in page.text


async def test_whoever_is_signed_out_signs_in_and_comes_to_the_page(browser: httpx.AsyncClient) -> None:
    asked = await browser.get(f"{NORTHQUAY}/members")
    assert asked.status_code == 303
    page = await follow(browser, await sign_in(browser, "member", await follow(browser, asked)))
    assert "Members of <bdi>Northquay</bdi>" in page.text


@pytest.mark.parametrize("slug", HOSTILE)
async def test_a_slug_that_nobody_has_is_the_404_page_however_it_is_spelled(
    browser: httpx.AsyncClient, slug: str
) -> None:
    await sign_in(browser, "owner")
    for path in ("", "/members", "/leave", "/delete"):
        assert (await browser.get(f"/organizations/{slug}{path}")).status_code == 404


async def test_a_rename_is_seen_at_once_and_one_that_comes_too_late_is_told_so(browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "olga")
    path = "/organizations/saltbarn"
    version = fields_of(await browser.get(path))["version"]
    saved = await press(browser, path, f"{path}/name", name="Saltbarn Works", version=version)
    assert saved.headers["location"] == f"{path}?saved"
    assert "Saltbarn Works" in (await follow(browser, saved)).text
    late = await press(browser, path, f"{path}/name", name="Mine", version=version)
    assert (late.status_code, "Somebody else has changed it" in late.text) == (422, True)
    long = await press(browser, path, f"{path}/name", name="x" * 65, version="2")
    assert (long.status_code, "Use 64 characters or fewer" in long.text) == (422, True)


async def test_deleting_needs_the_short_name_typed(browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "ada")
    await press(browser, "/organizations", "/organizations", name="Brief", slug="brief")
    path = "/organizations/brief"
    wrong = await press(browser, f"{path}/delete", f"{path}/delete", slug="Brief")
    assert (wrong.status_code, "Type the short name exactly" in wrong.text) == (422, True)
    gone = await press(browser, f"{path}/delete", f"{path}/delete", slug="brief")
    assert gone.headers["location"] == "/organizations?left"
    assert (await browser.get(path)).status_code == 404


async def test_an_organization_with_applications_is_not_deleted_and_the_page_says_why(
    site: Service, browser: httpx.AsyncClient
) -> None:
    person = await inside(browser, "ada", "kept")
    await press(browser, "/organizations", "/organizations", name="Kept", slug="kept")
    kept = (await person.get()).json()
    await site.application("of-kept", owner_organization_id=kept["id"])
    answer = await press(browser, "/organizations/kept/delete", "/organizations/kept/delete", slug="kept")
    assert (answer.status_code, "It owns applications still" in answer.text) == (422, True)


async def test_the_last_owner_cannot_leave_and_is_told_what_to_do(browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "olga")
    path = "/organizations/saltbarn/leave"
    answer = await press(browser, path, path)
    assert (answer.status_code, "Nobody else has the role “owner”" in answer.text) == (422, True)


async def test_an_operator_who_belongs_to_none_looks_in_and_cannot_leave(browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "otto")
    assert "You are no member" in (await browser.get(NORTHQUAY)).text
    assert (await browser.get(f"{NORTHQUAY}/leave")).status_code == 404


async def test_an_operator_who_is_a_member_reads_what_his_role_allows_and_that_he_may_do_more(site: Service) -> None:
    user_id = await operator(site, "oda")
    found = await organizations.find_with_role(site.database, "northquay", user_id)
    assert found
    await join(site.database, found[0].id, user_id, "member", site.clock())
    async with site.browser() as browser:
        await sign_in(browser, "oda")
        page = (await browser.get(NORTHQUAY)).text
    assert "As an operator you may do everything here" in page
    assert "See your organizations" in page
    assert "Manage your organizations" not in page
    async with site.browser() as browser:
        await sign_in(browser, "member")
        assert "As an operator" not in (await browser.get(NORTHQUAY)).text


async def test_a_row_offers_only_what_the_person_may_do(site: Service) -> None:
    async with site.browser() as browser:
        await sign_in(browser, "manager")
        page = (await browser.get(f"{NORTHQUAY}/members")).text
    rows = dict(re.findall(r"<bdi>(member|admin|manager|owner)</bdi>(.*?)</tr>", page, re.DOTALL))
    assert "<select" in rows["member"]
    assert re.findall(r'<option value="([a-z]*)"', rows["member"]) == ["member", "admin", "manager"]
    assert "<select" not in rows["owner"]
    assert "Remove" in rows["member"]
    assert "Remove" not in rows["owner"]
    assert "Leave" in rows["manager"]
    async with site.browser() as browser:
        await sign_in(browser, "member")
        page = (await browser.get(f"{NORTHQUAY}/members")).text
    assert "<select" not in page
    assert "Remove" not in page
    assert 'id="invite"' not in page


async def test_roles_are_changed_and_people_removed_on_the_page(site: Service, browser: httpx.AsyncClient) -> None:
    owner = await inside(browser, "owner", "northquay")
    made = await owner.invited("member")
    async with site.browser() as other:
        await sign_in(other, "jun")
        joined = await press(other, f"/invitations/{made['url'].rpartition('/')[2]}", "/invitations", link=_token(made))
        assert joined.status_code == 303
    jun = next(one for one in (await owner.get("/members")).json()["items"] if one["username"] == "jun")
    path = f"{NORTHQUAY}/members/{jun['id']}"
    raised = await press(browser, f"{NORTHQUAY}/members", path, role="manager", version="1")
    assert raised.headers["location"] == f"{NORTHQUAY}/members?done=role"
    assert "The role is changed" in (await follow(browser, raised)).text
    late = await press(browser, f"{NORTHQUAY}/members", path, role="admin", version="1")
    assert (late.status_code, "Somebody else has changed this" in late.text) == (422, True)
    none = await press(browser, f"{NORTHQUAY}/members", path, role="", version="2")
    assert (none.status_code, "Choose a role" in none.text) == (422, True)
    gone = await press(browser, f"{path}/remove", f"{path}/remove", version="2")
    assert gone.headers["location"] == f"{NORTHQUAY}/members?done=removed"
    assert "jun" not in await owner.roles()
    assert (await browser.get(f"{path}/remove")).status_code == 404


async def test_a_form_that_was_made_up_gives_no_more_than_the_page_offers(browser: httpx.AsyncClient) -> None:
    manager = await inside(browser, "manager", "northquay")
    ids = {one["username"]: one["id"] for one in (await manager.get("/members")).json()["items"]}
    for whom, role in (("manager", "owner"), ("member", "owner"), ("owner", "member")):
        answer = await press(
            browser, f"{NORTHQUAY}/members", f"{NORTHQUAY}/members/{ids[whom]}", role=role, version="1"
        )
        assert (answer.status_code, "allows more than you may do here" in answer.text) == (422, True)
    removed = await press(browser, f"{NORTHQUAY}/members", f"{NORTHQUAY}/members/{ids['owner']}/remove", version="1")
    assert (removed.status_code, "allows more than you may do here" in removed.text) == (422, True)
    invited = await press(browser, f"{NORTHQUAY}/members", f"{NORTHQUAY}/invitations", role="owner", once="a")
    assert (invited.status_code, "allows more than you may do here" in invited.text) == (422, True)


async def test_the_link_of_an_invitation_is_shown_once_and_joins_whoever_signs_in_on_the_way(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await sign_in(browser, "manager")
    members = f"{NORTHQUAY}/members"
    once = fields_of(await browser.get(members))["once"]
    made = await press(browser, members, f"{NORTHQUAY}/invitations", role="admin", note="Kofi", once=once)
    assert (made.status_code, made.headers["cache-control"]) == (200, "no-store")
    link = link_on(made)
    again = await press(browser, members, f"{NORTHQUAY}/invitations", role="admin", note="Kofi", once=once)
    assert "You have seen this link once" in again.text
    assert "asiv_" not in again.text
    listed = await browser.get(members)
    assert "<bdi>Kofi</bdi>" in listed.text
    assert "asiv_" not in listed.text
    async with site.browser() as kofi:
        asked = await kofi.get(link)
        assert asked.status_code == 303
        assert "asiv_" not in asked.headers["location"]
        page = await follow(kofi, await sign_in(kofi, "kofi", await follow(kofi, asked)))
        assert "Join <bdi>Northquay</bdi>?" in page.text
        assert "<bdi>manager</bdi></b> invites you" in page.text
        assert page.headers["referrer-policy"] == "same-origin"
        assert page.headers["cache-control"] == "no-store"
        joined = await kofi.post("/invitations", data=fields_of(page))
        assert (joined.status_code, joined.headers["location"]) == (303, NORTHQUAY)
        assert (await kofi.get(link)).status_code == 200
        left = await press(kofi, f"{NORTHQUAY}/leave", f"{NORTHQUAY}/leave")
        assert left.headers["location"] == "/organizations?left"
        assert (await kofi.get(NORTHQUAY)).status_code == 404


async def test_a_revoked_invitation_is_gone_from_the_page_and_revoking_it_again_finds_nothing(
    browser: httpx.AsyncClient,
) -> None:
    owner: Inside = await inside(browser, "owner", "northquay")
    made = await owner.invited()
    members, path = f"{NORTHQUAY}/members", f"{NORTHQUAY}/invitations/{made['id']}/revoke"
    assert made["id"] in (await browser.get(members)).text
    answer = await press(browser, members, path)
    assert answer.headers["location"] == f"{members}?done=revoked"
    assert made["id"] not in (await browser.get(members)).text
    assert (await press(browser, members, path)).status_code == 404
    assert (await press(browser, members, f"{NORTHQUAY}/invitations/x/revoke")).status_code == 404


def _token(made: dict[str, str]) -> str:
    return made["url"].rpartition("/")[2]
