"""Whose applications they are: managed by their owner and whom an organization's roles let, invisible to all others."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.store import organizations
from app.store.database import Database
from tests.support import membership
from tests.support.api_person import assert_problem
from tests.support.own_applications import PATH, Developer, developer, of
from tests.support.service import Service, obtain_code, redeem, service


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """The application; robin owns northquay and saltbarn, sam belongs to northquay as a manager."""
    async with service(database) as running:
        people = {name: await running.user(name) for name in ("robin", "sam")}
        for slug in ("northquay", "saltbarn"):
            organization = await membership.found(database, slug, running.clock())
            await membership.join(database, organization, people["robin"], "owner", running.clock())
            if slug == "northquay":
                await membership.join(database, organization, people["sam"], "manager", running.clock())
        await running.application("web")
        yield running


@pytest.fixture
async def robin(site: Service) -> AsyncIterator[Developer]:
    """Robin, signed in just now."""
    async with site.browser() as browser:
        yield await developer(browser, "robin")


@pytest.fixture
async def sam(site: Service) -> AsyncIterator[Developer]:
    """Sam, signed in just now."""
    async with site.browser() as browser:
        yield await developer(browser, "sam")


async def test_an_organizations_applications_are_managed_by_whom_its_roles_let(
    site: Service, robin: Developer, sam: Developer
) -> None:
    made = await robin.made(client_name="Harbour", organization="northquay")
    assert made["organization"] == "northquay"
    assert_problem(await sam.get(of(made)), 404, "not-found")
    assert_problem(await sam.send("POST", PATH, {"organization": "northquay"}), 400, "invalid-request")
    fact = await site.database.hot.gather_client(made["client_id"])
    assert fact is not None
    assert fact.owner_name == "Northquay"


async def test_an_application_is_handed_over_to_an_organization_and_back(site: Service, robin: Developer) -> None:
    made = await robin.made()
    given = await robin.send("PATCH", of(made), {"organization": "northquay", "client_name": "Harbour"})
    assert (given.json()["organization"], given.json()["client_name"]) == ("northquay", "Harbour")
    moved = await robin.send("PATCH", of(made), {"organization": "saltbarn"})
    assert moved.json()["organization"] == "saltbarn"
    back = await robin.send("PATCH", of(made), {"organization": None})
    assert back.json()["organization"] is None
    site.clock.forward(3600)
    assert_problem(await robin.send("PATCH", of(made), {"organization": "saltbarn"}), 403, "login-too-old")
    assert (await robin.send("PATCH", of(made), {"client_name": "Later"})).status_code == 200


async def test_what_is_somebody_elses_is_answered_like_what_never_was(robin: Developer, sam: Developer) -> None:
    personal, owned = await robin.made(), await robin.made(organization="northquay")
    [secret] = (await robin.get(of(owned, "/secrets"))).json()["items"]
    for below in ("", "/secrets"):
        seen = {one.pop("instance") and str(one) for one in await told(sam, "GET", below, personal, owned)}
        assert len(seen) == 1
    deeds = [
        ("PATCH", "", {"client_name": "Mine"}),
        ("PATCH", "", {"organization": None}),
        ("DELETE", "", None),
        ("POST", "/secrets", None),
        ("DELETE", f"/secrets/{secret['id']}", None),
        ("DELETE", "/secrets/nonsense", None),
        *(("POST", f"/{deed}", None) for deed in ("disable", "enable", "restore")),
    ]
    for method, below, body in deeds:
        answers = await told(sam, method, below, personal, owned, body=body)
        assert {answer["status"] for answer in answers} == {404}, (method, below)
        assert len({(answer["type"], answer["detail"]) for answer in answers}) == 1
    assert (await robin.read(personal))["version"] == personal["version"]
    assert (await robin.read(owned))["version"] == owned["version"]


async def test_the_operators_applications_are_nobodys_here(robin: Developer) -> None:
    assert_problem(await robin.get(f"{PATH}/web"), 404, "not-found")


@pytest.mark.parametrize("path", ["", "/secrets", "/disable"])
@pytest.mark.parametrize("client_id", ["x" * 5000, "%00", "%ff", "..%2f..", "\u202e", "{0}"])
async def test_no_address_below_the_list_breaks_anything(robin: Developer, client_id: str, path: str) -> None:
    for method in ("GET", "DELETE", "PATCH", "POST"):
        answer = await robin.send(method, f"{PATH}/{client_id}{path}", {} if method == "PATCH" else None)
        assert answer.status_code in {404, 405}, (method, answer.text)


@pytest.mark.parametrize(
    ("method", "below"),
    [("POST", None), ("DELETE", ""), ("POST", "/secrets"), ("DELETE", "/secrets/{secret}")],
)
async def test_making_and_ending_credentials_needs_a_recent_sign_in(
    site: Service, robin: Developer, method: str, below: str | None
) -> None:
    made = await robin.made()
    added = (await robin.send("POST", of(made, "/secrets"))).json()
    path = PATH if below is None else of(made, below.format(secret=added["id"]))
    site.clock.forward(3600)
    assert_problem(await robin.send(method, path), 403, "login-too-old")
    assert (await robin.read(made))["status"] == "active"


async def test_tokens_and_keys_open_none_of_it(robin: Developer) -> None:
    made = await robin.made()
    tokens = await redeem(robin.browser, "web", await obtain_code(robin.browser, "web", "robin"))
    bearer = {"Authorization": f"Bearer {tokens.json()['access_token']}"}
    for method, path in (("GET", PATH), ("POST", PATH), ("GET", of(made)), ("POST", of(made, "/secrets"))):
        answer = await robin.browser.request(method, path, headers=robin.person.headers | bearer)
        assert_problem(answer, 403, "session-only")


async def test_whoever_lost_his_role_has_lost_the_applications(site: Service, robin: Developer) -> None:
    slug = "lostquay"
    organization = await membership.found(site.database, slug, site.clock())
    async with site.browser() as browser:
        person = await site.user("lena")
        await membership.join(site.database, organization, person, "owner", site.clock())
        lena = await developer(browser, "lena")
        made = await lena.made(organization=slug)
        async with site.database.transaction() as transaction:
            await organizations.close(transaction, organization, site.clock())
        for answer in (await lena.get(of(made)), await lena.send("POST", of(made, "/disable"))):
            assert_problem(answer, 404, "not-found")
        assert_problem(await lena.send("POST", PATH, {"organization": slug}), 400, "invalid-request")


async def told(
    person: Developer, method: str, below: str, *made: dict[str, Any], body: Any = None
) -> list[dict[str, Any]]:
    """Return the answers about applications of somebody else, and about one that never was."""
    never = {"client_id": "0" * 32}
    answers = [await person.send(method, of(one, below), body) for one in (*made, never)]
    return [answer.json() for answer in answers]
