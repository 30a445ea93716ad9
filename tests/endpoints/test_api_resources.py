"""Resources by script: operators declare, change and remove the APIs that the server has tokens for."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.store import trail
from app.store.database import Database
from app.store.trail import Place, Selection
from app.views.addresses import segment_of
from tests.support.api_person import Person, assert_problem, enter
from tests.support.service import ISSUER, SECRET, Service, answer_of, authorize_url, obtain_code, redeem, service

PATH = "/api/v1/admin/resources"
DIARY = "https://mcp.example.com/mcp"
SETTLED = "https://settled.example.com"
ONE = f"{PATH}/{segment_of(DIARY)}"
MEMBERS: dict[str, Any] = {
    "name": "Diary tools",
    "scopes": ["project:read"],
    "token_format": "opaque",
    "access_token": 120,
    "signing_alg": "",
    "introspection_clients": ["diary-server"],
}
MACHINE: dict[str, Any] = {"kind": "machine", "redirect_uris": (), "response_types": (), "grant_types": ()}


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server with a resource in its settings, and an operator."""
    async with service(database, resources={SETTLED: {"name": "Settled"}}) as running:
        await running.user("robin")
        await running.user("ada", operator=True)
        await running.application("web")
        await running.application("diary-server", **MACHINE)
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with site.browser() as fresh:
        yield fresh


@pytest.fixture
async def ada(browser: httpx.AsyncClient) -> Person:
    """An operator who has just signed in."""
    return await enter(browser, "ada")


@pytest.fixture
async def diary(ada: Person) -> AsyncIterator[Person]:
    """The operator, when the diary's resource is declared."""
    made = await send(ada, "POST", PATH, {"identifier": DIARY, **MEMBERS})
    assert made.status_code == 201, made.text
    yield ada
    await send(ada, "DELETE", ONE)


async def send(person: Person, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
    """Send a change with everything that it must carry."""
    sent = {} if body is None else {"json": body}
    return await person.browser.request(method, path, headers=person.headers | headers, **sent)


async def told(site: Service, identifier: str) -> list[tuple[str, dict[str, Any]]]:
    """Return what the audit trail says about a resource, the newest first."""
    found = await trail.page(site.database, Selection(subject=identifier), Place(), 50)
    return [(entry.event, dict(entry.data)) for entry in found.entries]


async def test_a_declared_resource_gets_tokens_of_its_own_at_once(site: Service, diary: Person) -> None:
    async with site.browser() as robin:
        code = await obtain_code(robin, "web", "robin", resource=DIARY)
        token = (await redeem(robin, "web", code)).json()
        assert (token["scope"], token["expires_in"]) == ("project:read", 120)
        asked = {"token": token["access_token"]}
        seen = (await robin.post("/oauth/introspect", data=asked, auth=("diary-server", SECRET))).json()
        assert (seen["active"], seen["aud"]) == (True, DIARY)
        changed = await send(diary, "PATCH", ONE, {"introspection_clients": []})
        assert changed.status_code == 200, changed.text
        seen = (await robin.post("/oauth/introspect", data=asked, auth=("diary-server", SECRET))).json()
        assert seen == {"active": False}
        assert (await send(diary, "DELETE", ONE)).status_code == 204
        refused = answer_of(await robin.get(authorize_url("web", resource=DIARY)))
        assert refused["error"] == "invalid_target"


async def test_what_is_told_is_what_was_declared_with_the_document_to_publish(diary: Person) -> None:
    listed = {one["identifier"]: one for one in (await diary.get(PATH))["items"]}
    assert {name: one["declared_by"] for name, one in listed.items()} == {
        f"{ISSUER}/api/v1": "server",
        f"{ISSUER}/oauth/userinfo": "server",
        DIARY: "data",
        SETTLED: "settings",
    }
    one = await diary.get(ONE)
    assert one == listed[DIARY]
    assert {name: one[name] for name in MEMBERS} == MEMBERS
    assert one["metadata_url"] == "https://mcp.example.com/.well-known/oauth-protected-resource/mcp"
    assert one["metadata"]["scopes_supported"] == ["project:read"]
    assert one["id"] == ONE.rpartition("/")[2]


async def test_a_resource_that_is_no_place_has_nowhere_to_publish(ada: Person) -> None:
    made = await send(ada, "POST", PATH, {"identifier": "urn:example:billing"})
    assert (made.status_code, made.json()["metadata_url"]) == (201, None)
    assert made.headers["location"] == f"{ISSUER}{PATH}/{made.json()['id']}"
    assert (await send(ada, "DELETE", made.headers["location"].removeprefix(ISSUER))).status_code == 204


async def test_a_change_meets_the_version_that_was_read_and_each_is_told(site: Service, diary: Person) -> None:
    read = await diary.browser.get(ONE, headers=diary.headers)
    assert read.headers["etag"] == '"1"'
    jwt = {"token_format": "jwt", "signing_alg": "RS256", "scopes": None, "access_token": None}
    changed = await send(diary, "PATCH", ONE, jwt, **{"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert {name: changed.json()[name] for name in jwt} == jwt
    assert changed.json()["name"] == "Diary tools"
    assert_problem(await send(diary, "PATCH", ONE, {"name": "x"}, **{"If-Match": '"1"'}), 412, "version-changed")
    assert_problem(await send(diary, "DELETE", ONE, **{"If-Match": '"1"'}), 412, "version-changed")
    same = await send(diary, "PATCH", ONE, jwt)
    assert same.headers["etag"] == '"2"'
    assert (await send(diary, "DELETE", ONE, **{"If-Match": '"2"'})).status_code == 204
    removed, altered, declared = (await told(site, DIARY))[:3]
    assert (removed[0], altered[0], declared[0]) == ("resource.removed", "resource.changed", "resource.declared")
    assert declared[1]["after"] == MEMBERS
    assert (altered[1]["before"]["token_format"], altered[1]["after"]["token_format"]) == ("opaque", "jwt")
    assert removed[1]["before"]["scopes"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"identifier": "files"}, "identifier"),
        ({"identifier": "https://a.example#b"}, "identifier"),
        ({"identifier": "https://A.example"}, "identifier"),
        ({"scopes": ["fly:high"]}, "scopes"),
        ({"signing_alg": "HS256"}, "signing_alg"),
        ({"token_format": "saml"}, "token_format"),
        ({"access_token": 0}, "access_token"),
        ({"name": None}, "name"),
        ({"anything": 1}, "anything"),
    ],
    ids=["no URI", "fragment", "capitals", "unknown scope", "no key", "format", "lifetime", "null", "unknown"],
)
async def test_what_cannot_be_is_refused_by_member(ada: Person, body: dict[str, Any], field: str) -> None:
    answer = await send(ada, "POST", PATH, {"identifier": "https://new.example.com", **body})
    assert_problem(answer, 400, "invalid-request")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert "https://new.example.com" not in {one["identifier"] for one in (await ada.get(PATH))["items"]}


async def test_what_stands_in_the_settings_is_changed_there_alone(diary: Person) -> None:
    for identifier in (SETTLED, f"{ISSUER}/api/v1"):
        one = f"{PATH}/{segment_of(identifier)}"
        assert (await diary.browser.get(one, headers=diary.headers)).json()["identifier"] == identifier
        assert_problem(await send(diary, "PATCH", one, {"name": "x"}), 409, "conflict")
        assert_problem(await send(diary, "DELETE", one), 409, "conflict")
        assert_problem(await send(diary, "POST", PATH, {"identifier": identifier}), 409, "conflict")
    assert_problem(await send(diary, "POST", PATH, {"identifier": DIARY}), 409, "conflict")
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        assert_problem(await send(diary, method, f"{PATH}/nothing", body), 404, "not-found")


async def test_of_twenty_who_declare_one_resource_one_does(site: Service, ada: Person) -> None:
    body = {"identifier": "https://raced.example.com"}
    answers = await asyncio.gather(*(send(ada, "POST", PATH, body) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    one = f"{PATH}/{segment_of(body['identifier'])}"
    changes = await asyncio.gather(
        *(send(ada, "PATCH", one, {"name": f"number {n}"}, **{"If-Match": '"1"'}) for n in range(20))
    )
    assert sorted(answer.status_code for answer in changes) == [200] + [412] * 19
    removals = await asyncio.gather(*(send(ada, "DELETE", one) for _ in range(20)))
    assert sorted(answer.status_code for answer in removals) == [204] + [404] * 19
    assert [event for event, _ in await told(site, body["identifier"])] == [
        *("resource.removed", "resource.changed", "resource.declared"),
    ]


async def test_a_declaration_whose_answer_was_lost_can_be_sent_again(ada: Person) -> None:
    body, key = {"identifier": "https://again.example.com", "name": "Again"}, {"Idempotency-Key": "once"}
    first, second = [await send(ada, "POST", PATH, body, **key) for _ in range(2)]
    assert [answer.status_code for answer in (first, second)] == [201, 201]
    assert (first.json(), first.headers["etag"]) == (second.json(), second.headers["etag"])
    assert second.headers["idempotency-replayed"] == "true"
    assert_problem(await send(ada, "POST", PATH, {**body, "name": "Other"}, **key), 422, "key-reused")
    one = f"{PATH}/{first.json()['id']}"
    assert (await send(ada, "DELETE", one)).status_code == 204
    assert_problem(await send(ada, "POST", PATH, body, **key), 404, "not-found")


async def test_what_one_worker_was_told_the_others_know_at_their_next_look(site: Service, diary: Person) -> None:
    async with service(site.database) as other:
        assert other.server.resources.current.get(DIARY) is None
        await other.server.resources.refresh()
        known = other.server.resources.current.get(DIARY)
        assert known is not None
        assert known.introspection_clients == {"diary-server"}
