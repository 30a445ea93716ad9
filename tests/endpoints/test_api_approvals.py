"""The JSON API over what applications ask a person elsewhere (CIBA)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.models import Application
from app.store.database import Database
from tests.support.api_person import HERE, NOBODYS, Person, assert_problem, enter
from tests.support.approvals import ask, asking_application, outcome
from tests.support.credentials import change
from tests.support.service import Service, service
from tests.support.signing import keep_keys

PATH = "/api/v1/approvals"


@pytest.fixture
async def till(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """An application that asks people elsewhere."""
    if await site.database.hot.gather_client("till") is None:
        await keep_keys(site.server)
        await asking_application(site, "till", client_uri="https://till.example/", optional_scopes=("member:read",))
    async with site.browser() as fresh:
        yield fresh


async def newcomer(site: Service, browser: httpx.AsyncClient, name: str) -> Person:
    """Register somebody and have him sign in."""
    await site.user(name)
    return await enter(browser, name)


async def decide(person: Person, item: dict[str, Any], **body: Any) -> httpx.Response:
    """Send a decision."""
    return await person.browser.post(f"{PATH}/{item['id']}", json=body, headers=person.headers)


async def test_the_list_tells_who_asks_what(site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient) -> None:
    drew = await newcomer(site, browser, "drew")
    assert await drew.get(PATH) == {"items": []}
    await ask(till, "till", "drew", scope="openid project:read member:read", binding_message="W4SCT")
    site.clock.forward(1)
    await ask(till, "till", "drew")
    second, first = (await drew.get(PATH))["items"]
    assert second["binding_message"] == ""
    assert first == {
        "id": first["id"],
        "status": "pending",
        "application": {
            "client_id": "till",
            "name": "Deploy Diary",
            "host": "till.example",
            "owner": "Saltbarn",
            "verified": True,
        },
        "binding_message": "W4SCT",
        "scopes": [
            {"scope": "openid", "title": "Know that it is you", "kind": "see", "optional": False},
            {"scope": "project:read", "title": first["scopes"][1]["title"], "kind": "see", "optional": False},
            {"scope": "member:read", "title": first["scopes"][2]["title"], "kind": "see", "optional": True},
        ],
        "resources": [],
        "authorization_details": [],
        "grant_management_action": None,
        "address": "127.0.0.1",
        "asked_at": first["asked_at"],
        "expires_at": first["expires_at"],
    }
    assert await drew.get(f"{PATH}/{first['id']}") == first
    page = await browser.get(f"{PATH}?limit=1", headers=HERE)
    assert page.json()["items"] == [second]
    rest = await browser.get(page.links["next"]["url"], headers=HERE)
    assert (rest.json()["items"], rest.links) == ([first], {})


@pytest.mark.parametrize(
    ("body", "status", "got"),
    [
        pytest.param({"decision": "approve"}, "approved", "openid project:read", id="approve"),
        pytest.param(
            {"decision": "approve", "scopes": ["member:read", "org:admin"]},
            "approved",
            "openid project:read member:read",
            id="approve more",
        ),
        pytest.param({"decision": "deny"}, "denied", "access_denied", id="deny"),
    ],
)
async def test_a_decision_is_carried_out_once(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient, body: dict[str, Any], status: str, got: str
) -> None:
    emery = await newcomer(site, browser, f"emery-{got.replace(' ', '-').replace(':', '-')}")
    auth_req_id = await ask(
        till, "till", (await emery.get("/api/v1/session"))["username"], scope="openid project:read member:read"
    )
    [item] = (await emery.get(PATH))["items"]
    answer = await decide(emery, item, **body)
    assert (answer.status_code, answer.json()["status"]) == (200, status), answer.text
    assert await outcome(till, "till", auth_req_id) == got
    assert_problem(await decide(emery, item, **body), 409, "conflict")
    assert await emery.get(PATH) == {"items": []}
    assert (await emery.get(f"{PATH}/{item['id']}"))["status"] == status


async def test_of_many_decisions_at_once_one_counts(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    drew = await newcomer(site, browser, "dale")
    await ask(till, "till", "dale")
    [item] = (await drew.get(PATH))["items"]
    bodies = [{"decision": "approve"}, {"decision": "deny"}] * 4
    answers = await asyncio.gather(*(decide(drew, item, **body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 7]


async def test_what_is_over_is_told_and_not_decided(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    finley = await newcomer(site, browser, "finley")
    await ask(till, "till", "finley")
    [item] = (await finley.get(PATH))["items"]
    site.clock.forward(301)
    assert_problem(await decide(finley, item, decision="approve"), 409, "conflict")
    assert (await finley.get(f"{PATH}/{item['id']}"))["status"] == "expired"


async def test_nobody_sees_or_decides_what_somebody_else_is_asked(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    gray = await newcomer(site, browser, "gray")
    auth_req_id = await ask(till, "till", "gray")
    [item] = (await gray.get(PATH))["items"]
    async with site.browser() as stranger:
        sam = await newcomer(site, stranger, "harper")
        assert await sam.get(PATH) == {"items": []}
        for one in (item["id"], NOBODYS, "nonsense"):
            assert_problem(await stranger.get(f"{PATH}/{one}", headers=HERE), 404, "not-found")
            assert_problem(await decide(sam, {"id": one}, decision="deny"), 404, "not-found")
    assert await outcome(till, "till", auth_req_id) == "authorization_pending"


async def test_tokens_and_other_sites_open_nothing(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    indigo = await newcomer(site, browser, "indigo")
    await ask(till, "till", "indigo")
    [item] = (await indigo.get(PATH))["items"]
    path, body = f"{PATH}/{item['id']}", {"decision": "approve"}
    bearer = indigo.headers | {"Authorization": "Bearer x"}
    assert_problem(await browser.post(path, json=body, headers=bearer), 403, "session-only")
    assert_problem(await browser.post(path, json=body, headers=HERE), 403, "csrf-token")
    elsewhere = indigo.headers | {"Sec-Fetch-Site": "cross-site"}
    assert_problem(await browser.post(path, json=body, headers=elsewhere), 403, "other-site")
    assert_problem(await decide(indigo, item, decision="maybe"), 400, "invalid-request")
    assert [one["status"] for one in (await indigo.get(PATH))["items"]] == ["pending"]


async def test_what_the_application_may_not_have_any_more_is_a_conflict(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await asking_application(site, "narrowed")
    jules = await newcomer(site, browser, "jules")
    await ask(till, "narrowed", "jules")
    [item] = (await jules.get(PATH))["items"]
    client = await site.database.hot.gather_client("narrowed")
    assert client is not None
    await change(site, Application, client.id, scopes=["openid"], version=client.version + 1)
    assert_problem(await decide(jules, item, decision="approve"), 409, "conflict")
    await change(site, Application, client.id, status="inactive", version=client.version + 2)
    assert_problem(await decide(jules, item, decision="approve"), 404, "not-found")


async def test_a_sign_in_that_is_worth_too_little_is_made_again(database: Database) -> None:
    levels = {"recent": {"methods": ["pwd"], "max_age": 60}, "known": {"methods": ["pwd"]}}
    async with service(database, assurance=levels) as strict, strict.browser() as till, strict.browser() as phone:
        await asking_application(strict, "vault")
        kit = await newcomer(strict, phone, "kit")
        strict.clock.forward(100)
        await ask(till, "vault", "kit", acr_values="recent")
        [item] = (await kit.get(PATH))["items"]
        answer = await decide(kit, item, decision="approve")
        assert (answer.status_code, answer.json()["type"].partition("#")[2]) == (403, "problem-login-too-old")
        assert (await decide(kit, item, decision="deny")).json()["status"] == "denied"


async def test_without_the_feature_there_is_nothing(database: Database) -> None:
    async with service(database, features={"backchannel_authentication": False}) as plain, plain.browser() as browser:
        await newcomer(plain, browser, "lane")
        assert (await browser.get(PATH, headers=HERE)).status_code == 404
        assert (await browser.get("/approvals")).status_code == 404
        account = await browser.get("/account")
        assert (account.status_code, "Approvals" in account.text) == (200, False)
