"""A POST that carries an `Idempotency-Key` does its work once, however often and however much at once it is sent."""

import asyncio
from collections import Counter

import httpx
import pytest

from tests.support.api_person import Person, assert_problem, enter
from tests.support.service import Service

ORGANIZATIONS, TOKENS = "/api/v1/organizations", "/api/v1/tokens"
TOKEN = {"name": "Nightly", "scopes": ["event:read"]}
AT_ONCE = 20


@pytest.fixture
async def sam(site: Service, browser: httpx.AsyncClient) -> Person:
    """Sam, who has signed in just now, and an organization in which he may do everything."""
    person = await enter(browser, "sam")
    await person.browser.post(ORGANIZATIONS, json={"name": "Sam’s", "slug": "sams"}, headers=person.headers)
    return person


async def send(person: Person, path: str, body: object, key: str) -> httpx.Response:
    """Make something with a key."""
    return await person.browser.post(path, json=body, headers=person.headers | {"Idempotency-Key": key})


async def test_what_holds_no_secret_is_answered_alike_each_time(sam: Person) -> None:
    body = {"name": "Often", "slug": "often"}
    answers = await asyncio.gather(*(send(sam, ORGANIZATIONS, body, "often") for _ in range(AT_ONCE)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert {answer.headers["location"] for answer in answers} == {answers[0].headers["location"]}
    assert Counter(answer.headers.get("idempotency-replayed") for answer in answers) == {"true": AT_ONCE - 1, None: 1}
    listed = (await sam.get(ORGANIZATIONS))["items"]
    assert [item["slug"] for item in listed].count("often") == 1


async def test_what_held_a_secret_is_told_once_and_then_by_its_id(sam: Person) -> None:
    answers = await asyncio.gather(*(send(sam, TOKENS, TOKEN, "once") for _ in range(AT_ONCE)))
    [made] = [answer for answer in answers if answer.status_code == 201]
    secret = made.json()["token"]
    for answer in answers:
        if answer is not made:
            assert_problem(answer, 409, "already-done")
            assert answer.json()["resource_id"] == made.json()["id"]
            assert secret not in answer.text
    assert [item["id"] for item in (await sam.get(TOKENS))["items"]].count(made.json()["id"]) == 1


async def test_a_key_is_good_for_one_request_of_one_person_at_one_address(site: Service, sam: Person) -> None:
    assert (await send(sam, ORGANIZATIONS, {"name": "A", "slug": "first-a"}, "key")).status_code == 201
    assert_problem(await send(sam, ORGANIZATIONS, {"name": "B", "slug": "first-b"}, "key"), 422, "key-reused")
    assert (await send(sam, TOKENS, TOKEN, "key")).status_code == 201
    async with site.browser() as other:
        robin = await enter(other, "robin")
        assert (await send(robin, ORGANIZATIONS, {"name": "B", "slug": "first-b"}, "key")).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_that_is_none_or_too_long_is_named(sam: Person, key: str) -> None:
    answer = await send(sam, ORGANIZATIONS, {"name": "A", "slug": "never-made"}, key)
    assert_problem(answer, 400, "invalid-request")
    assert [error["field"] for error in answer.json()["errors"]] == ["Idempotency-Key"]


@pytest.mark.parametrize("key", ["x" * 255, "\u00e4", "a b", "%00", "{}"])
async def test_any_other_key_will_do(sam: Person, key: str) -> None:
    slug = f"key-{key.encode().hex()[:20]}"
    headers = {name.encode(): value.encode() for name, value in sam.headers.items()}
    headers[b"Idempotency-Key"] = key.encode("latin-1")
    for replayed in (None, "true"):
        answer = await sam.browser.post(ORGANIZATIONS, json={"name": "K", "slug": slug}, headers=headers)
        assert (answer.status_code, answer.headers.get("idempotency-replayed")) == (201, replayed)


async def test_a_refused_request_spends_no_key(sam: Person) -> None:
    assert_problem(await send(sam, ORGANIZATIONS, {"name": "", "slug": "later"}, "spent"), 400, "invalid-request")
    assert (await send(sam, ORGANIZATIONS, {"name": "Later", "slug": "later"}, "spent")).status_code == 201
