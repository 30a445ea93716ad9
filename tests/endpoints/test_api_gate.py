"""The gate into an organization, for every kind of caller (original behaviour §3.4, §4.1, P01-P08).

A route that does nothing stands behind it, so that the gate alone is seen.
"""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
from fastapi import Depends, FastAPI

from app.models import User
from app.protocol import permissions
from app.routers.api.gate import Anyone, Granted, Known, at_organization, identified_with
from app.routers.api.problems import api_router
from app.telemetry.requests import Requests
from tests.support.api_person import HERE, Person, assert_problem
from tests.support.credentials import api_key, basic, bearer, change, personal_token
from tests.support.membership import found, join
from tests.support.service import ISSUER, Service, obtain_code, redeem, sign_in

ROLES = ("member", "admin", "manager", "owner")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PROBE = "/api/v1/organizations/northquay/probe"
NOWHERE = "/api/v1/organizations/nowhere/probe"
ELSEWHERE = "/api/v1/organizations/saltbarn/probe"


def told(granted: Granted) -> dict[str, Any]:
    """Return what a route behind the gate learns."""
    actor = granted.occasion.actor
    assert actor is not None
    return {
        "organization": granted.organization.slug,
        "role": granted.role,
        "scopes": sorted(granted.scopes),
        "actor": [actor.kind, actor.label],
        "person": granted.user_id is not None,
    }


Organization = Annotated[Granted, Depends(at_organization(permissions.ORGANIZATION))]
Keys = Annotated[Granted, Depends(at_organization(permissions.API_KEYS, session_only=True, recent=True))]
Member = Annotated[Granted, Depends(at_organization(permissions.MEMBERS))]
WithScope = Annotated[Known, Depends(identified_with(permissions.ORGANIZATION))]


async def probe(granted: Organization) -> dict[str, Any]:
    """Stand behind the gate."""
    return told(granted)


async def probe_keys(granted: Keys) -> dict[str, Any]:
    """Stand behind the gate for credentials."""
    return told(granted)


async def probe_both(organization: Organization, members: Member) -> dict[str, Any]:
    """Stand behind two gates at once."""
    return told(organization)


async def probe_anyone(known: Anyone) -> dict[str, Any]:
    """Be called by whomever."""
    return {"caller": type(known.caller).__name__, "person": known.user_id is not None}


async def probe_scope(known: WithScope) -> dict[str, Any]:
    """Be called by whoever holds a scope."""
    return {"caller": type(known.caller).__name__}


@pytest.fixture(scope="module")
async def people(site: Service) -> dict[str, UUID]:
    """Northquay with a person of every role, saltbarn without anybody, and an operator; ids by name."""
    ids = {slug: await found(site.database, slug, site.clock()) for slug in ("northquay", "saltbarn")}
    for role in ROLES:
        ids[role] = await site.user(role)
        await join(site.database, ids["northquay"], ids[role], role, site.clock())
    ids["operator"] = await site.user("operator")
    await change(site, User, ids["operator"], operator=True)
    return ids


@pytest.fixture
async def client(site: Service, people: dict[str, UUID]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the routes behind the gate, without cookies."""
    router, pages = api_router(), FastAPI()
    router.add_api_route("/organizations/{slug}/probe", probe, methods=[*METHODS, "PURGE"])
    router.add_api_route("/organizations/{slug}/probe-keys", probe_keys, methods=["GET", "POST"])
    router.add_api_route("/organizations/{slug}/probe-both", probe_both, methods=["GET"])
    router.add_api_route("/probe", probe_anyone, methods=["GET", "POST"])
    router.add_api_route("/probe-scope", probe_scope, methods=["GET"])
    pages.include_router(router)
    pages.state.server = site.server
    async with httpx.AsyncClient(transport=httpx.ASGITransport(Requests(pages)), base_url=ISSUER) as running:
        yield running


async def person(site: Service, client: httpx.AsyncClient, username: str) -> Person:
    """Sign somebody in, and let him call the routes behind the gate."""
    async with site.browser() as browser:
        await sign_in(browser, username)
        csrf = (await browser.get("/api/v1/session", headers=HERE)).json()["csrf"]
        client.cookies.update(browser.cookies)
    return Person(client, csrf)


async def statuses(client: httpx.AsyncClient, headers: dict[str, str], path: str = PROBE) -> dict[str, int]:
    return {method: (await client.request(method, path, headers=headers)).status_code for method in METHODS}


@pytest.mark.spec("original", "P01")
async def test_to_somebody_who_is_no_member_the_organization_does_not_exist(
    site: Service, client: httpx.AsyncClient
) -> None:
    robin = await person(site, client, "robin")
    for method in METHODS:
        foreign = await client.request(method, PROBE, headers=robin.headers)
        absent = await client.request(method, NOWHERE, headers=robin.headers)
        assert_problem(foreign, 404, "not-found")
        for answer in (foreign, absent):
            del answer.headers["x-request-id"]
        assert foreign.headers == absent.headers
        assert foreign.json() | {"instance": ""} == absent.json() | {"instance": ""}


@pytest.mark.spec("original", "P02")
async def test_an_operator_in_his_own_session_may_do_everything_and_is_named_as_one(
    site: Service, client: httpx.AsyncClient
) -> None:
    operator = await person(site, client, "operator")
    assert set((await statuses(client, operator.headers)).values()) == {200}
    body = (await client.get(PROBE, headers=HERE)).json()
    assert (body["role"], body["actor"]) == (None, ["operator", "operator"])


async def test_an_operators_token_is_cut_down_like_anybodys(
    site: Service, client: httpx.AsyncClient, people: dict[str, UUID]
) -> None:
    _, token = await personal_token(site, people["operator"], "org:read", "openid")
    assert_problem(await client.get(PROBE, headers=bearer(token)), 403, "insufficient-scope")


@pytest.mark.spec("original", "P03")
@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("member", {"GET"}),
        ("admin", {"GET"}),
        ("manager", {"GET", "POST", "PUT", "PATCH"}),
        ("owner", set(METHODS)),
    ],
)
async def test_a_session_may_do_what_its_role_allows(
    site: Service, client: httpx.AsyncClient, role: str, allowed: set[str]
) -> None:
    somebody = await person(site, client, role)
    found = await statuses(client, somebody.headers)
    assert found == {method: 200 if method in allowed else 403 for method in METHODS}
    body = (await client.get(PROBE, headers=HERE)).json()
    assert (body["role"], body["actor"], body["person"]) == (role, ["user", role], True)


@pytest.mark.spec("original", "P04")
@pytest.mark.spec("original", "P08")
async def test_a_key_reads_its_organization_and_changes_nothing_with_a_reading_scope(
    site: Service, client: httpx.AsyncClient, people: dict[str, UUID]
) -> None:
    _, key = await api_key(site, people["northquay"], "org:read")
    for headers in (basic(key), bearer(key)):
        found = await statuses(client, headers)
        assert found == {"GET": 200, "POST": 403, "PUT": 403, "PATCH": 403, "DELETE": 403}
    body = (await client.get(PROBE, headers=basic(key))).json()
    assert body == {
        "organization": "northquay", "role": None, "scopes": ["org:read"], "actor": ["api_key", "Deploys …beef"],
        "person": False,
    }  # fmt: skip


@pytest.mark.spec("original", "P05")
async def test_to_the_key_of_another_organization_there_is_none(
    site: Service, client: httpx.AsyncClient, people: dict[str, UUID]
) -> None:
    """403 in the original: that told strangers which organizations exist."""
    _, key = await api_key(site, people["saltbarn"], "org:read", "org:admin")
    for path in (PROBE, NOWHERE):
        assert_problem(await client.get(path, headers=basic(key)), 404, "not-found")
    assert (await client.get(ELSEWHERE, headers=basic(key))).status_code == 200


@pytest.mark.spec("original", "P06")
@pytest.mark.spec("original", "P07")
@pytest.mark.parametrize("scopes", [(), ("team:read",)], ids=["none", "another family"])
async def test_a_key_without_a_scope_of_the_map_is_told_which_are_needed(
    site: Service, client: httpx.AsyncClient, people: dict[str, UUID], scopes: tuple[str, ...]
) -> None:
    _, key = await api_key(site, people["northquay"], *scopes)
    for path in (PROBE, ELSEWHERE, NOWHERE):  # whichever organization: the first gate asks the credential alone
        answer = await client.get(path, headers=basic(key))
        assert_problem(answer, 403, "insufficient-scope")
        assert answer.headers["www-authenticate"].endswith('scope="org:admin org:read org:write"')
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
        assert "org:admin org:read org:write" in answer.json()["detail"]


async def test_a_token_may_do_what_it_holds_and_its_persons_role_allows(
    site: Service, client: httpx.AsyncClient, people: dict[str, UUID]
) -> None:
    reading, writing = {"GET": 200}, {"POST": 403, "PUT": 403, "PATCH": 403, "DELETE": 403}
    for scopes in (("org:read",), ("org:read", "org:write", "org:admin")):
        _, token = await personal_token(site, people["member"], *scopes)
        assert await statuses(client, bearer(token)) == reading | writing
    _, token = await personal_token(site, people["owner"], "org:admin")
    assert set((await statuses(client, bearer(token))).values()) == {200}
    body = (await client.get(PROBE, headers=bearer(token))).json()
    assert (body["role"], body["scopes"]) == ("owner", ["org:admin"])
    assert body["actor"] == ["personal_token", "nightly of owner"]


@pytest.mark.spec("original", "BUG 20")
@pytest.mark.spec("original", "N19")
async def test_bug_20_a_token_is_cut_down_to_the_role_in_this_organization(
    site: Service, client: httpx.AsyncClient, people: dict[str, UUID]
) -> None:
    await join(site.database, people["saltbarn"], people["member"], "owner", site.clock())
    _, token = await personal_token(site, people["member"], "org:write", "org:read")
    assert (await client.put(ELSEWHERE, headers=bearer(token))).status_code == 200
    answer = await client.put(PROBE, headers=bearer(token))
    assert_problem(answer, 403, "insufficient-scope")
    assert 'scope="org:admin org:write"' in answer.headers["www-authenticate"]


async def test_an_applications_token_speaks_for_its_person(site: Service, client: httpx.AsyncClient) -> None:
    async with site.browser() as browser:
        code = await obtain_code(browser, "web", "manager", scope="org:read org:write org:admin")
        token = (await redeem(browser, "web", code)).json()["access_token"]
    found = await statuses(client, bearer(token))
    assert found == {"GET": 200, "POST": 200, "PUT": 200, "PATCH": 200, "DELETE": 403}
    assert (await client.get(PROBE, headers=bearer(token))).json()["actor"] == ["application", "web for manager"]
    assert_problem(await client.get(ELSEWHERE, headers=bearer(token)), 404, "not-found")


async def test_methods_outside_the_map_are_for_nobody(
    site: Service, client: httpx.AsyncClient, people: dict[str, UUID]
) -> None:
    owner = await person(site, client, "owner")
    _, key = await api_key(site, people["northquay"], "org:admin")
    for headers in (owner.headers, basic(key)):
        assert_problem(await client.request("PURGE", PROBE, headers=headers), 403, "insufficient-scope")


async def test_two_gates_on_one_route_are_both_asked(
    site: Service, client: httpx.AsyncClient, people: dict[str, UUID]
) -> None:
    path = "/api/v1/organizations/northquay/probe-both"
    for scopes, status in ((("org:read",), 403), (("member:read",), 403), (("org:read", "member:read"), 200)):
        _, key = await api_key(site, people["northquay"], *scopes)
        assert (await client.get(path, headers=basic(key))).status_code == status


@pytest.mark.spec("original", "N18")
async def test_what_manages_credentials_is_for_sessions_that_have_just_begun(
    site: Service, client: httpx.AsyncClient, people: dict[str, UUID]
) -> None:
    path = "/api/v1/organizations/northquay/probe-keys"
    _, key = await api_key(site, people["northquay"], "org:admin")
    _, token = await personal_token(site, people["owner"], "org:admin")
    for headers in (basic(key), bearer(token), {"Authorization": ""}):
        assert_problem(await client.get(path, headers=headers), 403, "session-only")
    owner = await person(site, client, "owner")
    assert (await client.post(path, headers=owner.headers)).status_code == 200
    site.clock.forward(901)
    assert_problem(await client.post(path, headers=owner.headers), 403, "login-too-old")
    assert (await client.post(PROBE, headers=owner.headers)).status_code == 200


async def test_a_session_is_for_our_own_pages_and_changes_need_their_token(
    site: Service, client: httpx.AsyncClient
) -> None:
    assert_problem(await client.get(PROBE, headers=HERE), 401, "not-signed-in")
    await person(site, client, "owner")
    elsewhere = {"Origin": "https://attacker.example"}
    assert_problem(await client.get(PROBE, headers=elsewhere), 403, "other-site")
    assert_problem(await client.post(PROBE, headers=HERE), 403, "csrf-token")
    assert_problem(await client.post(PROBE, headers=HERE | elsewhere), 403, "other-site")


async def test_a_bad_credential_beside_a_session_is_refused(site: Service, client: httpx.AsyncClient) -> None:
    owner = await person(site, client, "owner")
    for header in ("Bearer nonsense", "Basic eDp5"):
        answer = await client.get(PROBE, headers=owner.headers | {"Authorization": header})
        assert_problem(answer, 401, "invalid-credential")
        assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert_problem(await client.get(PROBE, headers={"Authorization": ""}), 400, "invalid-request")


async def test_a_header_that_decides_comes_once(
    site: Service, client: httpx.AsyncClient, people: dict[str, UUID]
) -> None:
    _, key = await api_key(site, people["northquay"], "org:read")
    [(name, value)] = basic(key).items()
    for twice in ([(name, value), (name, value)], [(name, value), ("Origin", ISSUER), ("Origin", ISSUER)]):
        assert_problem(await client.get(PROBE, headers=twice), 400, "invalid-request")


async def test_routes_outside_organizations_know_every_caller(
    site: Service, client: httpx.AsyncClient, people: dict[str, UUID]
) -> None:
    _, key = await api_key(site, people["northquay"], "team:read")
    _, token = await personal_token(site, people["member"], "team:read", "org:read")
    for credential, caller, status in ((key, "KeyCaller", 403), (token, "PersonalCaller", 200)):
        answer = await client.post("/api/v1/probe", headers=bearer(credential))
        assert answer.json() == {"caller": caller, "person": caller == "PersonalCaller"}
        assert (await client.get("/api/v1/probe-scope", headers=bearer(credential))).status_code == status
    assert_problem(await client.get("/api/v1/probe"), 401, "not-signed-in")
    member = await person(site, client, "member")
    for path in ("/api/v1/probe", "/api/v1/probe-scope"):
        assert (await client.get(path, headers=member.headers)).json()["caller"] == "PersonCaller"
