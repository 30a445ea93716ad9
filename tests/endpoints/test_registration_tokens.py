"""Registration tokens in the hands of operators: by script and in the browser, told once, kept as a digest."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.crypto.hashing import digest
from app.protocol.registration import PATH as REGISTER
from app.protocol.token_format import Credential, Prefix, parse_credential
from app.store.database import Database
from tests.store.scene import fetch
from tests.support.api_person import HERE, NOBODYS, Person, assert_problem, enter
from tests.support.database import FreshDatabase
from tests.support.service import ISSUER, Service, fields_of, service

API, PAGE = "/api/v1/admin/registration-tokens", "/admin/registration-tokens"
WANTED = {"label": "Partner  portal", "uses": 2}
METADATA = {"client_name": "Tide Table", "redirect_uris": ["https://tides.example/callback"]}


@pytest.fixture(scope="module")
async def operators(site: Service) -> dict[str, UUID]:
    return {"ada": await site.user("ada", operator=True)}


@pytest.fixture
async def ada(browser: httpx.AsyncClient, operators: dict[str, UUID]) -> Person:
    """An operator who has just signed in."""
    return await enter(browser, "ada")


async def make(person: Person, body: Any = WANTED, **headers: str) -> httpx.Response:
    """Have a token made by script."""
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return await person.browser.post(API, json=body, headers=person.headers | more)


async def made(person: Person, **changes: Any) -> dict[str, Any]:
    answer = await make(person, WANTED | changes)
    assert answer.status_code == 201, answer.text
    content: dict[str, Any] = answer.json()
    return content


async def deeds(fresh: FreshDatabase, token_id: str) -> list[Any]:
    """Return what the trail tells of a token, the oldest first."""
    return list(await fetch(fresh.superuser_url, "select * from audit where subject_id = $1 order by id", token_id))


def credential_of(text: str) -> Credential:
    found = parse_credential(Prefix.INITIAL_ACCESS, text)
    assert found is not None
    return found


@pytest.mark.spec("standards", "DR-2")
async def test_a_token_is_told_once_and_kept_as_a_digest(ada: Person, fresh_database: FreshDatabase) -> None:
    answer = await make(ada)
    content = answer.json()
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    assert answer.headers["location"] == f"{ISSUER}{API}/{content['id']}"
    told = {"label": "Partner portal", "uses_left": 2, "created_by": "ada", "good": True, "last_used_at": None}
    assert told.items() <= content.items()
    credential = credential_of(content["token"])
    assert str(credential.id) == content["id"]
    assert await ada.get(f"{API}/{content['id']}") == {name: content[name] for name in content if name != "token"}
    assert content["token"] not in (await ada.browser.get(API, headers=HERE)).text

    [row] = await fetch(
        fresh_database.superuser_url, "select * from initial_access_token where id = $1", UUID(content["id"])
    )
    assert row["digest"] == digest(credential.secret)
    [deed] = await deeds(fresh_database, content["id"])
    assert (deed["event"], deed["actor_kind"]) == ("initial_token.created", "user")
    for known in (repr(dict(row)), repr(dict(deed))):
        assert content["token"] not in known
        assert repr(credential.secret) not in known


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [({}, 7 * 86_400), ({"expires_in": 60}, 60), ({"never_expires": True}, None)],
    ids=["usual", "said", "never"],
)
async def test_it_ends_when_it_was_said_or_after_a_week(
    site: Service, ada: Person, asked: dict[str, Any], seconds: int | None
) -> None:
    ends = (await made(ada, **asked))["expires_at"]
    expected = None if seconds is None else (site.clock() + timedelta(seconds=seconds)).isoformat()
    assert ends == (expected and expected.replace("+00:00", "Z"))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"label": " "}, "label"),
        ({"label": "x" * 101}, "label"),
        ({"label": "a\u202eb"}, "label"),
        ({"label": "x", "uses": 0}, "uses"),
        ({"label": "x", "uses": 100_001}, "uses"),
        ({"label": "x", "uses": "2"}, "uses"),
        ({"label": "x", "expires_in": 60, "never_expires": True}, "never_expires"),
        ({"label": "x", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"label": "x", "token": "mine"}, "token"),
    ],
    ids=["blank", "long", "invisible", "none", "too-many", "text", "two-ends", "past", "unknown"],
)
async def test_what_is_wrong_is_named(ada: Person, body: dict[str, Any], field: str) -> None:
    answer = await make(ada, body)
    assert_problem(answer, 400, "invalid-request")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_repeated_request_makes_no_second_one(ada: Person) -> None:
    first = (await make(ada, Idempotency_Key="one-partner")).json()
    again = await make(ada, Idempotency_Key="one-partner")
    assert_problem(again, 409, "already-done")
    assert first["token"] not in again.text


async def test_one_that_was_revoked_is_gone_and_one_cannot_revoke_it_twice(
    ada: Person, fresh_database: FreshDatabase
) -> None:
    content = await made(ada)
    path = f"{API}/{content['id']}"
    assert (await ada.delete(path)).status_code == 204
    for answer in (await ada.delete(path), await ada.browser.get(path, headers=HERE)):
        assert_problem(answer, 404, "not-found")
    assert_problem(await ada.delete(f"{API}/{NOBODYS}"), 404, "not-found")
    assert content["id"] not in {item["id"] for item in (await ada.get(API))["items"]}
    told = [deed["event"] for deed in await deeds(fresh_database, content["id"])]
    assert told == ["initial_token.created", "initial_token.revoked"]


async def test_the_list_goes_on_behind_its_pages(ada: Person) -> None:
    ids = [(await made(ada, label=f"Partner {number}"))["id"] for number in range(3)]
    first = await ada.browser.get(f"{API}?limit=2", headers=HERE)
    assert [item["id"] for item in first.json()["items"]] == ids[:0:-1]
    assert 'rel="next"' in first.headers["link"]


async def test_to_everybody_else_nothing_is_served_here(browser: httpx.AsyncClient, operators: dict[str, UUID]) -> None:
    sam = await enter(browser, "sam")
    for path in (PAGE, f"{PAGE}/new", f"{PAGE}/{NOBODYS}/revoke"):
        assert (await browser.get(path)).status_code == 404
    form = fields_of(await browser.get("/logout"))
    for path in (PAGE, f"{PAGE}/{NOBODYS}/revoke"):
        assert (await browser.post(path, data={"csrf": form["csrf"], "label": "x"})).status_code == 404
    assert_problem(await make(sam), 404, "not-found")
    assert_problem(await browser.get(API, headers=HERE), 404, "not-found")


async def send(browser: httpx.AsyncClient, **typed: str) -> httpx.Response:
    """Fill in the form of the page."""
    fields = fields_of(await browser.get(PAGE))
    return await browser.post(PAGE, data={**fields, "label": "Night shift", "uses": "10", "ends": "30", **typed})


async def test_an_operator_makes_one_on_the_page_sees_it_once_and_revokes_it(
    browser: httpx.AsyncClient, ada: Person
) -> None:
    form = fields_of(await browser.get(PAGE))
    sent = {**form, "label": "Night shift", "uses": "10", "ends": "30"}
    page = await browser.post(PAGE, data=sent)
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    [text] = re.findall(r'<textarea[^>]* id="secret"[^>]*>([^<]+)</textarea>', page.text)
    token_id = str(credential_of(unescape(text)).id)
    assert "Good for 10 applications." in page.text
    assert "Registration is closed" in page.text
    seen = await browser.post(PAGE, data=sent)
    assert "You have seen this token once" in seen.text
    listed = await browser.get(PAGE)
    assert "Night shift" in listed.text
    assert text not in listed.text + seen.text

    asked = await browser.get(f"{PAGE}/{token_id}/revoke")
    assert "Revoke “<bdi>Night shift</bdi>”?" in asked.text
    answer = await browser.post(f"{PAGE}/{token_id}/revoke", data=fields_of(asked))
    gone = await browser.get(answer.headers["location"])
    assert "“<bdi>Night shift</bdi>” is revoked" in gone.text
    assert (await browser.get(f"{PAGE}/{token_id}/revoke")).status_code == 404


@pytest.mark.parametrize(
    ("typed", "fields"),
    [({"label": ""}, ["label"]), ({"uses": "7", "ends": "soon"}, ["uses", "ends"])],
    ids=["label", "choices"],
)
async def test_what_is_wrong_stands_beside_what_was_typed(
    browser: httpx.AsyncClient, ada: Person, typed: dict[str, str], fields: list[str]
) -> None:
    page = await send(browser, **typed)
    assert page.status_code == 422
    assert re.findall(r'<li><a href="#([^"]+)">', page.text) == fields


async def test_whoever_signed_in_long_ago_confirms_that_it_is_he(
    site: Service, browser: httpx.AsyncClient, ada: Person
) -> None:
    form = fields_of(await browser.get(PAGE))
    token = await made(ada)
    site.clock.forward(3600)
    try:
        assert "You signed in a while ago" in (await browser.get(PAGE)).text
        for answer in (
            await browser.get(f"{PAGE}/new"),
            await browser.post(PAGE, data={**form, "label": "x", "uses": "1", "ends": "7"}),
            await browser.get(f"{PAGE}/{token['id']}/revoke"),
        ):
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/login")
        assert_problem(await make(ada), 403, "login-too-old")
    finally:
        site.clock.forward(-3600)


@pytest.mark.spec("standards", "DR-2")
async def test_it_lets_as_many_register_as_it_says_until_it_is_revoked(
    database: Database,
) -> None:
    async with service(database, registration={"mode": "token"}) as site, site.browser() as browser:
        await site.user("grace", operator=True)
        grace = await enter(browser, "grace")
        twice, endless = await made(grace), await made(grace, uses=None)

        async def register(token: dict[str, Any]) -> int:
            headers = {"Authorization": f"Bearer {token['token']}"}
            async with site.browser() as program:
                return (await program.post(REGISTER, json=METADATA, headers=headers)).status_code

        assert [await register(twice) for _ in range(3)] == [201, 201, 401]
        left = await grace.get(f"{API}/{twice['id']}")
        assert (left["uses_left"], left["good"], left["last_used_at"] is None) == (0, False, False)
        assert await register(endless) == 201
        assert (await grace.delete(f"{API}/{endless['id']}")).status_code == 204
        assert await register(endless) == 401
