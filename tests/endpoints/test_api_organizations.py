"""`/api/v1/organizations`: founded, listed, read with what one may do there, renamed, deleted."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.store.database import Database
from tests.support import membership
from tests.support.api_keys import keeper, two_organizations
from tests.support.api_person import HERE, assert_problem
from tests.support.organization import ORGANIZATIONS, Inside, events, inside, operator
from tests.support.service import ISSUER, Service, obtain_code, redeem, service


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """Northquay, with a person of every role called like it, and saltbarn, which is olga's; ada belongs to none."""
    async with service(database) as running:
        await two_organizations(running)
        await running.user("ada")
        await operator(running, "otto")
        await running.application("web")
        yield running


@pytest.fixture
async def ada(site: Service) -> AsyncIterator[Inside]:
    """Ada at her desk."""
    async with site.browser() as browser:
        yield await inside(browser, "ada", "northquay")


async def at(site: Service, username: str, slug: str) -> Inside:
    """Return a person at an organization, in a browser of his own."""
    return await inside(site.browser(), username, slug)


async def found(person: Inside, slug: str, name: str = "Saltbarn Works", **headers: str) -> httpx.Response:
    """Found an organization."""
    more = {header.replace("_", "-"): value for header, value in headers.items()}
    body = {"slug": slug, "name": name}
    return await person.person.browser.post(ORGANIZATIONS, json=body, headers=person.person.headers | more)


async def token_of(site: Service, username: str, scope: str) -> dict[str, str]:
    """Return the headers of a request with an access token that somebody has allowed an application."""
    async with site.browser() as browser:
        tokens = (await redeem(browser, "web", await obtain_code(browser, "web", username, scope=scope))).json()
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def read_with(site: Service, path: str, headers: dict[str, str]) -> httpx.Response:
    """Read something with a credential, from no browser."""
    async with site.browser() as script:
        return await script.get(path, headers=headers)


def slugs(answer: httpx.Response) -> list[str]:
    """Return the organizations of a list."""
    assert answer.status_code == 200, answer.text
    return [item["slug"] for item in answer.json()["items"]]


async def test_whoever_founds_an_organization_is_its_first_member_with_the_top_role(ada: Inside) -> None:
    answer = await found(ada, "ada-works")
    content = answer.json()
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{ISSUER}{ORGANIZATIONS}/ada-works"
    assert answer.headers["etag"] == '"1"'
    assert (content["slug"], content["name"], content["version"]) == ("ada-works", "Saltbarn Works", 1)
    assert content["access"]["role"] == "owner"
    assert len(content["access"]["scopes"]) == 16
    own = Inside(ada.person, "ada-works")
    assert (await own.get()).json() == content
    assert await own.roles() == {"ada": "owner"}
    listed = await ada.person.browser.get(ORGANIZATIONS, headers=HERE)
    assert {"slug": "ada-works", "role": "owner"}.items() <= listed.json()["items"][0].items()


async def test_founding_and_all_that_follows_is_written_down(site: Service, ada: Inside) -> None:
    made = (await found(ada, "remembered")).json()
    own = Inside(ada.person, "remembered")
    assert (await own.patch("", {"name": "Remembered"})).status_code == 200
    assert (await own.delete()).status_code == 204
    told = await events(site.database, UUID(made["id"]))
    assert told == [
        ("organization.created", "user", {"after": {"slug": "remembered", "name": "Saltbarn Works"}}),
        ("member.added", "user", {"after": {"role": "owner"}}),
        ("organization.changed", "user", {"before": {"name": "Saltbarn Works"}, "after": {"name": "Remembered"}}),
        ("organization.deleted", "user", {"before": {"slug": "remembered", "name": "Remembered"}}),
    ]


@pytest.mark.parametrize(
    ("slug", "detail"),
    [
        ("ab", "Use 3 to 40 characters"),
        ("a" * 41, "Use 3 to 40 characters"),
        ("Saltbarn", "Use small letters a to z, digits, and single hyphens between them"),
        ("salt--barn", "Use small letters a to z, digits, and single hyphens between them"),
        ("-salt", "Use small letters a to z, digits, and single hyphens between them"),
        ("sält", "Use small letters a to z, digits, and single hyphens between them"),
        ("salt\n", "Use small letters a to z, digits, and single hyphens between them"),
        ("admin", "Choose another word: this one is reserved"),
        ("", "Choose a short name"),
    ],
)
async def test_a_slug_that_cannot_stand_in_addresses_is_refused(ada: Inside, slug: str, detail: str) -> None:
    answer = await found(ada, slug)
    assert_problem(answer, 400, "invalid-request")
    assert answer.json()["errors"] == [{"field": "slug", "detail": detail}]


@pytest.mark.parametrize("name", ["", " ", "a" * 65, "a\nb", "a\u202eb", " a"])
async def test_a_name_that_cannot_stand_on_a_page_is_refused(ada: Inside, name: str) -> None:
    answer = await found(ada, "nameless", name)
    assert_problem(answer, 400, "invalid-request")
    assert [error["field"] for error in answer.json()["errors"]] == ["name"]


async def test_a_slug_is_never_given_out_again_even_after_its_organization_is_gone(ada: Inside) -> None:
    assert_problem(await found(ada, "northquay"), 409, "conflict")
    assert (await found(ada, "short-lived")).status_code == 201
    gone = Inside(ada.person, "short-lived")
    assert (await gone.delete()).status_code == 204
    assert_problem(await gone.get(), 404, "not-found")
    assert "short-lived" not in slugs(await ada.person.browser.get(ORGANIZATIONS, headers=HERE))
    assert_problem(await found(ada, "short-lived"), 409, "conflict")


async def test_a_repeated_founding_does_its_work_once(ada: Inside) -> None:
    first = await found(ada, "only-once", Idempotency_Key="k1")
    again = await found(ada, "only-once", Idempotency_Key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert_problem(await found(ada, "only-twice", Idempotency_Key="k1"), 422, "key-reused")
    assert (await Inside(ada.person, "only-once").delete()).status_code == 204
    assert_problem(await found(ada, "only-once", Idempotency_Key="k1"), 404, "not-found")


async def test_where_operators_alone_found_nobody_else_does(database: Database) -> None:
    async with service(database, organization_founders="operators") as strict:
        await strict.user("nobody-special")
        await operator(strict, "in-charge")
        async with strict.browser() as first, strict.browser() as second:
            assert_problem(await found(await inside(first, "nobody-special", "x"), "by-anybody"), 403, "not-allowed")
            made = await found(await inside(second, "in-charge", "x"), "by-the-operator")
            assert made.status_code == 201


async def test_the_list_comes_in_pages_the_newest_first(site: Service) -> None:
    await site.user("many")
    async with site.browser() as browser:
        many = await inside(browser, "many", "x")
        for number in range(3):
            assert (await found(many, f"many-{number}")).status_code == 201
            site.clock.forward(1)
        first = await browser.get(f"{ORGANIZATIONS}?limit=2", headers=HERE)
        following = first.headers["link"].partition(">")[0].removeprefix(f"<{ISSUER}")
        rest = await browser.get(following, headers=HERE)
    assert slugs(first) == ["many-2", "many-1"]
    assert slugs(rest) == ["many-0"]
    assert "link" not in rest.headers


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=", "cursor=x", "cursor=", "limit=%00"])
@pytest.mark.spec("original", "BUG 18")
async def test_bug_18_a_page_that_nobody_can_ask_for_is_refused_and_breaks_nothing(ada: Inside, query: str) -> None:
    for path in (ORGANIZATIONS, f"{ORGANIZATIONS}/northquay/members", f"{ORGANIZATIONS}/northquay/invitations"):
        answer = await ada.person.browser.get(f"{path}?{query}", headers=HERE)
        assert answer.status_code in (400, 404), (path, answer.text)


@pytest.mark.parametrize("slug", ["%00", "%ff", "%2e%2e", "a" * 5000, "%F0%9F%92%A9", "NORTHQUAY", "northquay%20"])
@pytest.mark.spec("original", "BUG 18")
async def test_bug_18_a_slug_that_nobody_has_is_not_found_however_it_is_spelled(site: Service, slug: str) -> None:
    owner = await at(site, "owner", slug)
    for answer in (await owner.get(), await owner.get("/members"), await owner.delete()):
        assert answer.status_code == 404, answer.text


@pytest.mark.spec("original", "BUG 20")
@pytest.mark.parametrize(
    ("username", "scope", "left"),
    [
        ("member", "org:read org:write org:admin project:write", ["org:read"]),
        ("manager", "org:admin org:write org:read member:admin", ["org:write", "org:read", "member:admin"]),
        ("owner", "org:read", ["org:read"]),
        ("owner", "org:admin", ["org:admin"]),
    ],
)
async def test_bug_20_a_tokens_scopes_are_cut_down_to_the_role_and_told_to_resource_servers(
    site: Service, username: str, scope: str, left: list[str]
) -> None:
    answer = await read_with(site, f"{ORGANIZATIONS}/northquay", await token_of(site, username, scope))
    assert answer.status_code == 200, answer.text
    assert answer.json()["access"] == {"role": username, "scopes": left}


@pytest.mark.spec("original", "BUG 20")
async def test_bug_20_a_wide_token_of_a_plain_member_changes_nothing_that_he_cannot_change(site: Service) -> None:
    wide = await token_of(site, "member", "org:admin org:write member:admin")
    path = f"{ORGANIZATIONS}/northquay"
    async with site.browser() as script:
        for answer in (
            await script.patch(path, json={"name": "Mine"}, headers=wide),
            await script.delete(path, headers=wide),
            await script.post(f"{path}/invitations", json={"role": "owner"}, headers=wide),
            await script.get(f"{path}/invitations", headers=wide),
        ):
            assert_problem(answer, 403, "insufficient-scope")


async def test_a_token_lists_the_organizations_that_it_reaches(site: Service) -> None:
    assert slugs(await read_with(site, ORGANIZATIONS, await token_of(site, "member", "org:read"))) == ["northquay"]
    assert slugs(await read_with(site, ORGANIZATIONS, await token_of(site, "member", "org:admin"))) == []
    without = await read_with(site, ORGANIZATIONS, await token_of(site, "member", "member:read"))
    assert_problem(without, 403, "insufficient-scope")


async def test_an_api_key_lists_its_own_organization_and_reads_what_it_may_do_there(site: Service) -> None:
    async with site.browser() as browser:
        key = await (await keeper(browser, "northquay", "owner")).made(scopes=["org:read", "team:read"])
    async with site.browser() as script:
        listed = await script.get(ORGANIZATIONS, auth=(key["key"], ""))
        read = await script.get(f"{ORGANIZATIONS}/northquay", auth=(key["key"], ""))
    assert slugs(listed) == ["northquay"]
    assert listed.json()["items"][0]["role"] is None
    assert read.json()["access"] == {"role": None, "scopes": ["org:read", "team:read"]}


async def test_nobody_founds_with_a_token(site: Service) -> None:
    headers = await token_of(site, "owner", "org:admin")
    async with site.browser() as script:
        answer = await script.post(ORGANIZATIONS, json={"slug": "by-token", "name": "x"}, headers=headers)
    assert_problem(answer, 403, "session-only")


async def test_a_rename_meant_for_another_version_is_refused(site: Service, ada: Inside) -> None:
    assert (await found(ada, "renamed-once")).status_code == 201
    own = Inside(ada.person, "renamed-once")
    etag = (await own.get()).headers["etag"]
    renamed = await own.patch("", {"name": "One"}, If_Match=etag)
    assert (renamed.status_code, renamed.json()["version"], renamed.headers["etag"]) == (200, 2, '"2"')
    assert_problem(await own.patch("", {"name": "Two"}, If_Match=etag), 412, "version-changed")
    assert_problem(await own.delete(If_Match=etag), 412, "version-changed")
    assert (await own.get()).json() == renamed.json()
    same = await own.patch("", {"name": "One"})
    assert (same.status_code, same.json()["version"]) == (200, 2)


@pytest.mark.parametrize(
    "body", [{"name": "x", "slug": "other"}, {"slug": "other"}, {}, {"name": None}, {"name": 1}, []], ids=repr
)
async def test_nothing_but_the_name_of_an_organization_can_be_changed(site: Service, body: Any) -> None:
    owner = await at(site, "owner", "northquay")
    assert_problem(await owner.patch("", body), 400, "invalid-request")


async def test_managers_rename_and_owners_alone_delete(site: Service) -> None:
    manager = await at(site, "manager", "northquay")
    assert (await manager.patch("", {"name": "Northquay"})).status_code == 200
    assert_problem(await manager.delete(), 403, "insufficient-scope")
    for username in ("member", "admin"):
        weaker = await at(site, username, "northquay")
        assert_problem(await weaker.patch("", {"name": "Mine"}), 403, "insufficient-scope")
        assert_problem(await weaker.delete(), 403, "insufficient-scope")


async def test_an_organization_that_owns_applications_is_not_deleted(site: Service, ada: Inside) -> None:
    made = (await found(ada, "busy")).json()
    await site.application("of-busy", owner_organization_id=UUID(made["id"]))
    own = Inside(ada.person, "busy")
    assert_problem(await own.delete(), 409, "conflict")
    assert (await own.get()).status_code == 200


async def test_its_keys_die_with_an_organization(site: Service, ada: Inside) -> None:
    assert (await found(ada, "keyed")).status_code == 201
    async with site.browser() as browser:
        key = await (await keeper(browser, "keyed", "ada")).made(scopes=["org:read"])
    async with site.browser() as script:
        assert (await script.get(f"{ORGANIZATIONS}/keyed", auth=(key["key"], ""))).status_code == 200
        assert (await Inside(ada.person, "keyed").delete()).status_code == 204
        assert (await script.get(f"{ORGANIZATIONS}/keyed", auth=(key["key"], ""))).status_code in (401, 404)


async def test_an_operator_reads_and_manages_every_organization_and_the_trail_says_who_did_it(site: Service) -> None:
    organization_id = await membership.found(site.database, "watched", site.clock())
    otto = await at(site, "otto", "watched")
    content = (await otto.get()).json()
    assert content["access"]["role"] is None
    assert len(content["access"]["scopes"]) == 16
    assert (await otto.patch("", {"name": "Watched over"})).status_code == 200
    [(event, actor_kind, _)] = await events(site.database, organization_id)
    assert (event, actor_kind) == ("organization.changed", "operator")
    token = await token_of(site, "otto", "org:read")
    assert_problem(await read_with(site, f"{ORGANIZATIONS}/watched", token), 404, "not-found")
