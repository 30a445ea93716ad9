"""`/api/v1/organizations/{slug}/members` and `…/invitations`: who belongs to an organization, and who may join it."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from app.crypto.hashing import digest
from app.store import users
from app.store.database import Database
from tests.support import membership
from tests.support.api_keys import keeper
from tests.support.api_person import NOBODYS, assert_problem
from tests.support.organization import Inside, events, inside, operator
from tests.support.service import ISSUER, Service, fields_of, service, sign_in

PEOPLE = {"ingrid": "owner", "max": "manager", "ann": "admin", "mo": "member", "mia": "member"}


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """People, and an operator."""
    async with service(database) as running:
        for username in (*PEOPLE, "new", "newer"):
            await running.user(username)
        await operator(running, "otto")
        yield running


class Northquay:
    """A fresh organization with a person of every role."""

    def __init__(self, site: Service, slug: str, id: UUID, people: dict[str, UUID]) -> None:
        self.site, self.slug, self.id, self.people = site, slug, id, people

    async def at(self, username: str) -> Inside:
        """Return somebody at the organization, in a browser of his own."""
        return await inside(self.site.browser(), username, self.slug)


@pytest.fixture
async def org(site: Service, request: pytest.FixtureRequest) -> Northquay:
    """An organization of this test's own."""
    slug = f"org-{digest(request.node.name.encode()).hex()[:16]}"
    organization_id = await membership.found(site.database, slug, site.clock())
    people: dict[str, UUID] = {}
    for username, role in PEOPLE.items():
        people[username] = await _id_of(site, username)
        await membership.join(site.database, organization_id, people[username], role, site.clock())
    return Northquay(site, slug, organization_id, people)


async def _id_of(site: Service, username: str) -> UUID:
    found = await users.find_for_sign_in(site.database, username)
    assert found is not None
    return found.id


async def follow(site: Service, username: str, url: str) -> httpx.Response:
    """Open the link of an invitation, signed in, and press Join."""
    browser = site.browser()
    assert (await sign_in(browser, username)).status_code == 303
    page = await browser.get(urlsplit(url).path)
    if page.status_code != 200 or "invitation-accept" not in page.text:
        return page
    return await browser.post("/invitations", data=fields_of(page))


async def test_every_member_reads_who_the_members_are_and_nobody_else_does(org: Northquay) -> None:
    mo = await org.at("mo")
    assert await mo.roles() == PEOPLE
    content = (await mo.get(f"/members/{org.people['max']}")).json()
    assert (content["username"], content["email"], content["role"], content["version"]) == (
        "max",
        "max@example.com",
        "manager",
        1,
    )
    stranger = await org.at("new")
    assert_problem(await stranger.get("/members"), 404, "not-found")
    assert_problem(await stranger.get(f"/members/{org.people['max']}"), 404, "not-found")


async def test_the_list_of_members_comes_in_pages_by_username(org: Northquay) -> None:
    mo = await org.at("mo")
    seen: list[str] = []
    path: str | None = mo.at("/members?limit=2")
    while path:
        answer = await mo.person.browser.get(path, headers=mo.person.headers)
        seen += [member["username"] for member in answer.json()["items"]]
        link = answer.headers.get("link")
        path = link.partition(">")[0].removeprefix(f"<{ISSUER}") if link else None
    assert seen == sorted(PEOPLE)


@pytest.mark.parametrize(
    ("giver", "whom", "role", "status"),
    [
        ("ingrid", "mo", "owner", 200),
        ("ingrid", "max", "member", 200),
        ("max", "mo", "manager", 200),
        ("max", "mo", "owner", 403),
        ("max", "ingrid", "member", 403),
        ("max", "max", "owner", 403),
        ("max", "max", "member", 200),
        ("ann", "mo", "admin", 403),
        ("mo", "mo", "owner", 403),
        ("mo", "mia", "member", 403),
    ],
)
async def test_nobody_raises_anybody_above_himself_nor_lowers_whoever_stands_above_him(
    org: Northquay, giver: str, whom: str, role: str, status: int
) -> None:
    person = await org.at(giver)
    answer = await person.patch(f"/members/{org.people[whom]}", {"role": role})
    assert answer.status_code == status, answer.text
    assert (await person.roles())[whom] == (role if status == 200 else PEOPLE[whom])


@pytest.mark.parametrize(
    ("remover", "whom", "status"),
    [
        ("ingrid", "max", 204),
        ("max", "mo", 204),
        ("max", "ann", 204),
        ("max", "ingrid", 403),
        ("ann", "mo", 403),
        ("mo", "mia", 403),
        ("mo", "mo", 204),
        ("ann", "ann", 204),
    ],
)
async def test_whoever_manages_members_removes_those_not_above_him_and_everybody_may_leave(
    org: Northquay, remover: str, whom: str, status: int
) -> None:
    answer = await (await org.at(remover)).delete(f"/members/{org.people[whom]}")
    assert answer.status_code == status, answer.text
    assert (whom in await (await org.at("ingrid")).roles()) == (status != 204)


async def test_a_removed_member_has_lost_everything_at_once(org: Northquay) -> None:
    mo, ingrid = await org.at("mo"), await org.at("ingrid")
    assert (await mo.get()).status_code == 200
    assert (await ingrid.delete(f"/members/{org.people['mo']}")).status_code == 204
    assert_problem(await mo.get(), 404, "not-found")
    assert_problem(await mo.delete(f"/members/{org.people['mo']}"), 404, "not-found")


async def test_the_last_owner_neither_leaves_nor_steps_down_nor_is_removed(org: Northquay, site: Service) -> None:
    ingrid, otto = await org.at("ingrid"), await org.at("otto")
    own = f"/members/{org.people['ingrid']}"
    for answer in (
        await ingrid.delete(own),
        await ingrid.patch(own, {"role": "manager"}),
        await otto.delete(own),
        await otto.patch(own, {"role": "member"}),
    ):
        assert_problem(answer, 409, "conflict")
    assert (await ingrid.patch(f"/members/{org.people['mo']}", {"role": "owner"})).status_code == 200
    assert (await ingrid.delete(own)).status_code == 204


async def test_an_owner_who_cannot_sign_in_does_not_count_as_the_one_who_stays(org: Northquay, site: Service) -> None:
    ingrid = await org.at("ingrid")
    assert (await ingrid.patch(f"/members/{org.people['mia']}", {"role": "owner"})).status_code == 200
    statement = text("update user_account set disabled_at = :at where id = :id")
    async with site.database.transaction() as transaction:
        await transaction.execute(statement, {"at": site.clock(), "id": org.people["mia"]})
    try:
        assert_problem(await ingrid.delete(f"/members/{org.people['ingrid']}"), 409, "conflict")
    finally:
        async with site.database.transaction() as transaction:
            await transaction.execute(statement, {"at": None, "id": org.people["mia"]})


async def test_a_change_meant_for_another_version_of_a_member_is_refused(org: Northquay) -> None:
    ingrid = await org.at("ingrid")
    path = f"/members/{org.people['mo']}"
    etag = (await ingrid.get(path)).headers["etag"]
    changed = await ingrid.patch(path, {"role": "admin"}, If_Match=etag)
    assert (changed.status_code, changed.headers["etag"], changed.json()["version"]) == (200, '"2"', 2)
    assert_problem(await ingrid.patch(path, {"role": "owner"}, If_Match=etag), 412, "version-changed")
    assert_problem(await ingrid.delete(path, If_Match=etag), 412, "version-changed")
    assert (await ingrid.roles())["mo"] == "admin"
    same = await ingrid.patch(path, {"role": "admin"})
    assert (same.status_code, same.json()["version"]) == (200, 2)


@pytest.mark.parametrize(
    "body", [{"role": "king"}, {"role": ""}, {"role": None}, {"role": "owner", "x": 1}, {}, []], ids=repr
)
async def test_a_role_that_the_settings_do_not_have_is_refused(org: Northquay, body: Any) -> None:
    ingrid = await org.at("ingrid")
    assert_problem(await ingrid.patch(f"/members/{org.people['mo']}", body), 400, "invalid-request")


@pytest.mark.spec("original", "BUG 18")
@pytest.mark.spec("original", "BUG 31")
@pytest.mark.parametrize("person", [NOBODYS, "x", "%00", "0" * 5000, "é", "{0}"])
async def test_bug_18_and_31_who_is_no_member_is_not_found_whoever_it_is(org: Northquay, person: str) -> None:
    ingrid = await org.at("ingrid")
    path = f"/members/{person.format(await _id_of(org.site, 'new'))}"
    for answer in (await ingrid.get(path), await ingrid.delete(path), await ingrid.patch(path, {"role": "member"})):
        assert_problem(answer, 404, "not-found")
    invitation = f"/invitations/{person}"
    for answer in (await ingrid.get(invitation), await ingrid.delete(invitation)):
        assert_problem(answer, 404, "not-found")


async def test_operators_alone_make_somebody_a_member_without_asking_him(org: Northquay) -> None:
    body = {"username": "New", "role": "member"}
    assert_problem(await (await org.at("ingrid")).post("/members", body), 403, "not-allowed")
    assert_problem(await (await org.at("mo")).post("/members", body), 403, "insufficient-scope")
    otto = await org.at("otto")
    added = await otto.post("/members", body, Idempotency_Key="k")
    assert (added.status_code, added.json()["username"], added.headers["etag"]) == (201, "new", '"1"')
    assert added.headers["location"].endswith(f"/members/{added.json()['id']}")
    again = await otto.post("/members", body, Idempotency_Key="k")
    assert (again.status_code, again.json(), again.headers["idempotency-replayed"]) == (201, added.json(), "true")
    assert_problem(await otto.post("/members", body), 409, "conflict")
    assert_problem(await otto.post("/members", {"username": "nobody", "role": "member"}), 400, "invalid-request")
    assert (await events(org.site.database, org.id))[-1] == (
        "member.added",
        "operator",
        {"after": {"role": "member"}},
    )


async def test_every_change_of_members_is_written_down_with_before_and_after(org: Northquay) -> None:
    ingrid = await org.at("ingrid")
    path = f"/members/{org.people['mo']}"
    assert (await ingrid.patch(path, {"role": "admin"})).status_code == 200
    assert (await ingrid.delete(path)).status_code == 204
    assert await events(org.site.database, org.id) == [
        ("member.changed", "user", {"before": {"role": "member"}, "after": {"role": "admin"}}),
        ("member.removed", "user", {"before": {"role": "admin"}}),
    ]


async def test_an_invitation_makes_one_person_a_member_once(org: Northquay, site: Service) -> None:
    ingrid = await org.at("ingrid")
    made = await ingrid.invited("admin")
    assert made["url"].startswith(f"{ISSUER}/invitations/asiv_")
    assert (made["role"], made["note"], made["invited_by"]) == ("admin", "Jun, from design", "ingrid")
    listed = (await ingrid.get("/invitations")).json()["items"]
    assert listed == [{name: value for name, value in made.items() if name != "url"}]
    assert (await ingrid.get(f"/invitations/{made['id']}")).json() == listed[0]
    joined = await follow(site, "new", made["url"])
    assert (joined.status_code, joined.headers["location"]) == (303, f"/organizations/{org.slug}")
    assert (await ingrid.roles())["new"] == "admin"
    assert (await ingrid.get("/invitations")).json()["items"] == []
    late = await follow(site, "newer", made["url"])
    assert late.status_code == 404
    assert "newer" not in await ingrid.roles()
    told = await events(site.database, org.id)
    assert [(event, actor_kind) for event, actor_kind, _ in told] == [
        ("invitation.created", "user"),
        ("invitation.accepted", "user"),
        ("member.added", "user"),
    ]
    assert "asiv_" not in repr(told)


async def test_a_member_who_follows_a_link_is_told_so_and_spends_nothing(org: Northquay, site: Service) -> None:
    ingrid = await org.at("ingrid")
    made = await ingrid.invited("owner")
    page = await follow(site, "mo", made["url"])
    assert page.status_code == 200
    assert "already" in page.text
    assert (await ingrid.roles())["mo"] == "member"
    assert len((await ingrid.get("/invitations")).json()["items"]) == 1
    assert (await follow(site, "new", made["url"])).status_code == 303


@pytest.mark.parametrize("role", ["owner", "king"])
async def test_nobody_invites_to_a_role_above_his_own_or_to_none(org: Northquay, role: str) -> None:
    answer = await (await org.at("max")).post("/invitations", {"role": role})
    assert answer.status_code == {"owner": 403, "king": 400}[role], answer.text
    for username in ("ann", "mo"):
        assert_problem(
            await (await org.at(username)).post("/invitations", {"role": "member"}), 403, "insufficient-scope"
        )


@pytest.mark.parametrize("lost", ["role", "membership", "account"])
async def test_an_invitation_of_somebody_who_could_not_give_the_role_any_more_is_refused_and_not_spent(
    org: Northquay, site: Service, lost: str
) -> None:
    ingrid, inviter = await org.at("ingrid"), org.people["max"]
    made = await (await org.at("max")).invited("manager")
    disabled = text("update user_account set disabled_at = :at where id = :id")
    match lost:
        case "role":
            assert (await ingrid.patch(f"/members/{inviter}", {"role": "admin"})).status_code == 200
        case "membership":
            assert (await ingrid.delete(f"/members/{inviter}")).status_code == 204
        case _:
            async with site.database.transaction() as transaction:
                await transaction.execute(disabled, {"at": site.clock(), "id": inviter})
    refused = await follow(site, "new", made["url"])
    async with site.database.transaction() as transaction:
        await transaction.execute(disabled, {"at": None, "id": inviter})
    assert (refused.status_code, "can’t be accepted" in refused.text) == (403, True)
    assert "new" not in await ingrid.roles()
    assert [item["id"] for item in (await ingrid.get("/invitations")).json()["items"]] == [made["id"]]


async def test_a_revoked_an_old_a_foreign_and_a_mistyped_link_get_one_and_the_same_page(
    org: Northquay, site: Service
) -> None:
    ingrid = await org.at("ingrid")
    revoked, old, used = [await ingrid.invited() for _ in range(3)]
    assert (await ingrid.delete(f"/invitations/{revoked['id']}")).status_code == 204
    assert_problem(await ingrid.delete(f"/invitations/{revoked['id']}"), 404, "not-found")
    assert (await follow(site, "new", used["url"])).status_code == 303
    site.clock.forward(7 * 86_400)
    pages = [await follow(site, "newer", made["url"]) for made in (revoked, old, used)]
    pages += [await follow(site, "newer", f"{ISSUER}/invitations/{link}") for link in ("x", "asiv_" + "A" * 70, "%00")]
    assert {page.status_code for page in pages} == {404}
    assert {page.text.partition("What happened")[2].partition("Reference")[0] for page in pages} != {""}
    assert len({page.text.partition("What happened")[2].partition("Reference")[0] for page in pages}) == 1


async def test_the_link_is_told_once_and_a_repeated_request_gets_the_id_alone(org: Northquay) -> None:
    ingrid = await org.at("ingrid")
    made = await ingrid.invited(Idempotency_Key="once")
    again = await ingrid.post("/invitations", {"role": "member", "note": "Jun, from design"}, Idempotency_Key="once")
    assert_problem(again, 409, "already-done")
    assert again.json()["resource_id"] == made["id"]
    assert "asiv_" not in again.text


@pytest.mark.parametrize("note", ["a" * 201, "two\nlines", "a\u202eb", 5], ids=["long", "lines", "reversed", "number"])
async def test_a_note_that_cannot_stand_in_a_list_is_refused(org: Northquay, note: Any) -> None:
    answer = await (await org.at("ingrid")).post("/invitations", {"role": "member", "note": note})
    assert_problem(answer, 400, "invalid-request")


async def test_a_key_invites_within_its_scopes_until_it_is_gone(org: Northquay, site: Service) -> None:
    async with site.browser() as browser:
        keys = await keeper(browser, org.slug, "ingrid")
        key = await keys.made(label="Onboarding", scopes=["member:write", *_member_scopes(site)])
        async with site.browser() as script:
            path, auth = f"/api/v1/organizations/{org.slug}/invitations", (key["key"], "")
            first = await script.post(path, json={"role": "member"}, auth=auth)
            second = await script.post(path, json={"role": "member"}, auth=auth)
            assert_problem(await script.post(path, json={"role": "manager"}, auth=auth), 403, "not-allowed")
        assert (first.status_code, first.json()["invited_by"]) == (201, "Onboarding")
        assert (await follow(site, "new", first.json()["url"])).status_code == 303
        assert (await keys.delete(keys.of(key))).status_code == 204
    assert (await follow(site, "newer", second.json()["url"])).status_code == 403


def _member_scopes(site: Service) -> list[str]:
    return sorted(site.server.roles.scopes_of("member"))


async def test_open_invitations_die_with_their_organization(org: Northquay, site: Service) -> None:
    ingrid = await org.at("ingrid")
    made = await ingrid.invited()
    assert (await ingrid.delete()).status_code == 204
    assert (await follow(site, "new", made["url"])).status_code == 404
