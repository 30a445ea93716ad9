"""The administration by script: operators find, shut out and check; to everybody else nothing is served there."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.crypto.secrets import new_id
from app.models import Application
from app.routers.api.admin_models import ApplicationSummary, UserAnswer
from app.store import administration, trail
from app.store.trail import Place, Selection
from tests.support import credentials
from tests.support.api_person import HERE, NOBODYS, Person, assert_problem, enter
from tests.support.service import ISSUER, Service, authorize_url, follow, obtain_code, redeem, sign_in

USERS, APPLICATIONS, REQUESTS = "/api/v1/admin/users", "/api/v1/admin/applications", "/api/v1/admin/requests"
OFF, ON = "/disable", "/enable"


@pytest.fixture(scope="module")
async def ids(site: Service) -> dict[str, UUID]:
    """Operators `ada` and `grace`, and people whose names begin alike."""
    made = {name: await site.user(name, operator=True) for name in ("ada", "grace")}
    for name in ("rob", "roberta", "r_b"):
        made[name] = await site.user(name)
    await site.application("owned", name="Übung Notes", owner_user_id=made["rob"], owner_name="rob")
    async with site.database.transaction() as transaction:
        await administration.mark(transaction, "owned", verified=False, by=made["ada"], note="", now=site.clock())
    await site.application("100%", name="100% Pure")
    agent = await site.application("agent", name="Some Agent")
    await credentials.change(site, Application, agent, self_registered=True)
    return made


@pytest.fixture
async def ada(site: Service, browser: httpx.AsyncClient, ids: dict[str, UUID]) -> Person:
    """An operator who has just signed in."""
    return await enter(browser, "ada")


async def change(person: Person, path: str, body: Any = None, method: str = "POST", **headers: str) -> httpx.Response:
    """Send a change with everything that it must carry."""
    sent = {} if body is None else {"json": body}
    return await person.browser.request(method, path, headers=person.headers | headers, **sent)


def requests_of(ids: dict[str, UUID]) -> list[tuple[str, str, Any]]:
    """Return every kind of request of the administration, each of something that exists."""
    user, application = f"{USERS}/{ids['roberta']}", f"{APPLICATIONS}/owned"
    return [
        ("GET", USERS, None),
        ("GET", user, None),
        ("POST", user + OFF, None),
        ("GET", APPLICATIONS, None),
        ("GET", application, None),
        ("POST", application + OFF, None),
        ("PUT", f"{application}/check", {"checked": True}),
        ("GET", f"{REQUESTS}/req_x", None),
    ]


async def test_to_everybody_but_operators_nothing_is_served_here(
    site: Service, browser: httpx.AsyncClient, ids: dict[str, UUID]
) -> None:
    async def answers(client: httpx.AsyncClient, headers: dict[str, str]) -> list[dict[str, Any]]:
        absent = await client.get("/api/v1/admin/nothing", headers=headers)
        found = []
        for method, path, body in requests_of(ids):
            answer = await client.request(method, path, json=body, headers=headers)
            assert_problem(answer, 404, "not-found")
            assert set(answer.headers) == set(absent.headers)
            found.append({name: value for name, value in answer.json().items() if name != "instance"})
        assert {str(one) for one in found} == {
            str({name: value for name, value in absent.json().items() if name != "instance"})
        }
        return found

    await answers(browser, HERE)
    sam = await enter(browser, "sam")
    token = (await redeem(browser, "web", await obtain_code(browser, "web", "sam"))).json()["access_token"]
    await answers(browser, sam.headers)
    await answers(browser, HERE)
    async with site.browser() as script:
        await answers(script, {"Authorization": f"Bearer {token}"})
    read = (await sam.browser.get("/api/v1/session", headers=HERE)).json()
    assert read["username"] == "sam"


async def test_an_operators_token_is_no_operator(site: Service, ada: Person) -> None:
    token = (await redeem(ada.browser, "web", await obtain_code(ada.browser, "web", "ada"))).json()["access_token"]
    async with site.browser() as script:
        answer = await script.get(USERS, headers={"Authorization": f"Bearer {token}"})
    assert_problem(answer, 404, "not-found")
    beside = await ada.browser.get(USERS, headers=HERE | {"Authorization": f"Bearer {token}"})
    assert_problem(beside, 403, "session-only")


async def test_changes_need_our_own_pages_and_a_recent_sign_in(
    site: Service, ada: Person, ids: dict[str, UUID]
) -> None:
    changes = [request for request in requests_of(ids) if request[0] != "GET"]
    for method, path, body in changes:
        answer = await ada.browser.request(method, path, json=body, headers=HERE)
        assert_problem(answer, 403, "csrf-token")
        answer = await change(ada, path, body, method, Origin="https://attacker.example")
        assert_problem(answer, 403, "other-site")
    site.clock.forward(3 * 3600)
    for method, path, body in changes:
        assert_problem(await change(ada, path, body, method), 403, "login-too-old")
    assert (await ada.browser.get(USERS, headers=HERE)).status_code == 200


@pytest.mark.parametrize(
    ("beginning", "found"),
    [
        ("rob", {"rob", "roberta", "robin"}),
        ("ROBERTA", {"roberta"}),
        ("roberta@", {"roberta"}),
        ("Ｒｏｂｅｒｔａ", {"roberta"}),  # noqa: RUF001 - full width letters
        ("r_", {"r_b"}),
        ("r%", set()),
        ("%", set()),
        ("\\", set()),
        ("erta", set()),
        ("example.com", set()),
    ],
)
async def test_people_are_found_by_the_beginning_of_a_name_or_address(
    ada: Person, beginning: str, found: set[str]
) -> None:
    answer = await ada.browser.get(USERS, params={"q": beginning, "limit": "100"}, headers=HERE)
    assert {item["username"] for item in answer.json()["items"]} == found


async def test_the_list_of_people_has_pages_newest_first(ada: Person) -> None:
    path, seen = f"{USERS}?q=r&limit=2", []
    while path:
        answer = await ada.browser.get(path, headers=HERE)
        seen += [item["username"] for item in answer.json()["items"]]
        link = answer.headers.get("link", "")
        path = link.removeprefix(f"<{ISSUER}").partition(">")[0] if link else ""
        assert "q=r" in path or not path
    assert seen == ["r_b", "roberta", "rob", "robin"]


async def test_a_disabled_person_is_out_at_once_and_comes_back_without_what_he_had(
    site: Service, ada: Person, ids: dict[str, UUID]
) -> None:
    path = f"{USERS}/{ids['roberta']}"
    async with site.browser() as hers:
        await sign_in(hers, "roberta")
        token = (await redeem(hers, "web", await obtain_code(hers, "web", "roberta"))).json()["access_token"]
        before = await ada.get(path)
        assert (before["sessions"], before["authorizations"]) == (1, 1)
        answer = await change(ada, path + OFF)
        assert answer.status_code == 200
        assert answer.json()["status"] == "disabled"
        assert answer.json()["sessions"] == 0
        assert (await hers.get("/api/v1/session", headers=HERE)).status_code == 401
        async with site.browser() as script:
            refused = await script.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
        assert refused.status_code == 401
        assert (await sign_in(hers, "roberta")).status_code == 422
        assert (await change(ada, path + OFF)).json()["disabled_at"] == answer.json()["disabled_at"]
        assert (await change(ada, path + ON)).json()["status"] == "active"
        assert (await hers.get("/api/v1/session", headers=HERE)).status_code == 401
        assert (await sign_in(hers, "roberta")).status_code == 303
    events = await deeds_on(site, str(ids["roberta"]))
    assert events == [("user.disabled", str(ids["ada"]), "ada"), ("user.enabled", str(ids["ada"]), "ada")]


async def test_no_operator_shuts_himself_out(ada: Person, ids: dict[str, UUID]) -> None:
    answer = await change(ada, f"{USERS}/{ids['ada']}" + OFF)
    assert_problem(answer, 409, "conflict")
    assert "yourself" in answer.json()["detail"]
    assert (await ada.get(f"{USERS}/{ids['ada']}"))["status"] == "active"


@pytest.mark.parametrize(
    ("query", "present", "absent"),
    [
        ({"q": "Übung"}, {"owned"}, {"web"}),
        ({"q": "ÜBUNG n"}, {"owned"}, {"web"}),
        ({"q": "own"}, {"owned"}, {"web"}),
        ({"q": "100%"}, {"100%"}, {"web"}),
        ({"q": "1%"}, set(), {"100%"}),
        ({"unchecked": "true"}, {"owned"}, {"web", "spa"}),
        ({"self_registered": "true"}, {"agent"}, {"owned", "web"}),
        ({"status": "active"}, {"owned", "web"}, set()),
        ({"status": "inactive"}, set(), {"owned", "web"}),
    ],
)
async def test_applications_are_found_by_name_and_state(
    ada: Person, query: dict[str, str], present: set[str], absent: set[str]
) -> None:
    answer = await ada.browser.get(APPLICATIONS, params=query | {"limit": "100"}, headers=HERE)
    found = {item["client_id"] for item in answer.json()["items"]}
    assert present <= found
    assert not absent & found


async def test_a_disabled_application_is_out_at_once_with_all_it_holds(site: Service, ada: Person) -> None:
    await site.application("doomed")
    path = f"{APPLICATIONS}/doomed"
    async with site.browser() as hers:
        token = (await redeem(hers, "doomed", await obtain_code(hers, "doomed", "sam"))).json()["access_token"]
        assert (await change(ada, path + OFF)).json()["off_by"] == "operator"
        async with site.browser() as script:
            refused = await script.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
            assert refused.status_code == 401
            assert (await script.get(authorize_url("doomed"))).status_code == 400
        assert (await change(ada, path + ON)).json()["status"] == "active"
        async with site.browser() as script:
            refused = await script.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
            assert refused.status_code == 401
            assert (await script.get(authorize_url("doomed"))).status_code == 303
    assert [event for event, _, _ in await deeds_on(site, "doomed")] == ["application.disabled", "application.enabled"]


async def test_an_application_whose_client_id_is_an_address_has_an_address_here_too(site: Service, ada: Person) -> None:
    client_id = "https://app.example/client.json?v=1"
    await site.application(client_id)
    path = f"{APPLICATIONS}/={urlsafe_b64encode(client_id.encode()).decode().rstrip('=')}"
    assert (await ada.browser.get(path, headers=HERE)).json()["client_id"] == client_id
    assert (await change(ada, path + OFF)).json()["status"] == "inactive"
    assert_problem(await ada.browser.get(f"{APPLICATIONS}/=AA", headers=HERE), 404, "not-found")


async def test_a_check_says_who_when_and_why_and_can_be_taken_back(site: Service, ada: Person) -> None:
    path = f"{APPLICATIONS}/owned/check"
    checked = (await change(ada, path, {"checked": True, "note": "Known to us"}, "PUT")).json()
    assert (checked["checked"], checked["checked_by"], checked["checked_note"]) == (True, "ada", "Known to us")
    again = (await change(ada, path, {"checked": True, "note": "Once more"}, "PUT")).json()
    assert again["checked_note"] == "Known to us"
    back = (await change(ada, path, {"checked": False, "note": "Sold"}, "PUT")).json()
    assert (back["checked"], back["checked_at"], back["checked_by"], back["checked_note"]) == (False, None, None, "")
    assert [event for event, _, _ in await deeds_on(site, "owned")] == ["application.checked", "application.unchecked"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"checked": "yes"}, "checked"),
        ({}, "checked"),
        ({"checked": True, "note": "x" * 501}, "note"),
        ({"checked": True, "note": "a\u202eb"}, "note"),
        ({"checked": True, "by": "me"}, "by"),
    ],
)
async def test_what_is_wrong_with_a_check_is_named(ada: Person, body: Any, field: str) -> None:
    answer = await change(ada, f"{APPLICATIONS}/owned/check", body, "PUT")
    assert_problem(answer, 400, "invalid-request")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_what_is_not_there_is_not_found(ada: Person) -> None:
    for path in (
        f"{USERS}/{NOBODYS}",
        f"{USERS}/x",
        f"{APPLICATIONS}/nothing",
        f"{REQUESTS}/req_nothing",
        f"{REQUESTS}/{'x' * 5000}",
    ):
        assert_problem(await ada.browser.get(path, headers=HERE), 404, "not-found")
    assert_problem(await change(ada, f"{USERS}/{new_id(datetime.now(UTC))}" + OFF), 404, "not-found")
    assert_problem(await change(ada, f"{APPLICATIONS}/nothing" + OFF), 404, "not-found")


async def test_a_request_id_leads_to_why_it_was_answered_so(site: Service, ada: Person) -> None:
    async with site.browser() as stranger:
        refused = await stranger.get(authorize_url("web", scope="no:such"))
        asked = await follow(stranger, await stranger.get(authorize_url("web")))
        assert 'id="login-submit"' in asked.text
    await site.server.traces.flush()
    told = await ada.get(f"{REQUESTS}/{refused.headers['x-request-id']}")
    [decision] = told["decisions"]
    assert decision["outcome"] == "refused: invalid_scope"
    assert decision["client_id"] == "web"
    assert [check["outcome"] for check in decision["checks"]][-1] == "refused"
    assert decision["checks"][-1]["section"] == "RFC 6749 §3.3"


async def test_the_examples_of_the_document_are_answers(browser: httpx.AsyncClient) -> None:
    schemas = (await browser.get("/openapi.json")).json()["components"]["schemas"]
    for model in (UserAnswer, ApplicationSummary):
        for example in schemas[model.__name__]["examples"]:
            model.model_validate(example, extra="forbid")


async def deeds_on(site: Service, subject_id: str) -> list[tuple[str, str, str]]:
    """Return what was done to somebody or something: event, actor, and what he was called; the oldest first."""
    found = await trail.page(site.database, Selection(subject=subject_id), Place(), 50)
    return [
        (entry.event, entry.actor_id, entry.actor_label)
        for entry in reversed(found.entries)
        if entry.event.startswith(("user.", "application."))
    ]
