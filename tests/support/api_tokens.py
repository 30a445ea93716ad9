"""Personal tokens as a script of our own pages asks for them, and what is kept of them."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from app.store.database import Database
from tests.support import membership
from tests.support.api_person import Person, assert_problem, enter
from tests.support.service import Service, service

TOKENS = "/api/v1/tokens"
WANTED: dict[str, Any] = {"name": "Nightly export", "scopes": ["event:read"]}


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """The application; robin is an admin somewhere and sam a member; ada belongs to no organization."""
    async with service(database) as running:
        organization = await membership.found(database, "northquay", running.clock())
        for username, role in (("robin", "admin"), ("sam", "member")):
            person = await running.user(username)
            await membership.join(database, organization, person, role, running.clock())
        await running.user("ada")
        await running.application("web")
        yield running


@pytest.fixture
async def robin(site: Service) -> AsyncIterator[Person]:
    """Robin, signed in just now, without tokens."""
    async with site.browser() as browser:
        yield await without_tokens(await enter(browser, "robin"))


@pytest.fixture
async def sam(site: Service) -> AsyncIterator[Person]:
    """Sam, signed in just now, without tokens."""
    async with site.browser() as browser:
        yield await without_tokens(await enter(browser, "sam"))


async def without_tokens(person: Person) -> Person:
    """Revoke what an earlier test has left."""
    while items := (await person.get(f"{TOKENS}?limit=100"))["items"]:
        for item in items:
            assert (await person.delete(f"{TOKENS}/{item['id']}")).status_code == 204
    return person


async def make(person: Person, headers: dict[str, str] | None = None, **changes: Any) -> httpx.Response:
    """POST a token, changed by keyword; None leaves a member out."""
    body = {name: value for name, value in (WANTED | changes).items() if value is not None}
    return await person.browser.post(TOKENS, json=body, headers=person.headers | (headers or {}))


async def made(person: Person, **changes: Any) -> dict[str, Any]:
    """Return what is told of a new token."""
    answer = await make(person, **changes)
    assert answer.status_code == 201, answer.text
    content: dict[str, Any] = answer.json()
    return content


async def rename(person: Person, token: str, name: Any, **headers: str) -> httpx.Response:
    """PATCH a name; `If_Match` stands for the header."""
    more = {header.replace("_", "-"): value for header, value in headers.items()}
    return await person.browser.patch(f"{TOKENS}/{token}", json={"name": name}, headers=person.headers | more)


async def stored(site: Service, token: str) -> Any:
    """Return the row of a token."""
    async with site.database.transaction() as transaction:
        row = await transaction.execute(text("select * from personal_token where id = :id"), {"id": UUID(token)})
        return row.one()


async def deeds(site: Service, token: str) -> list[tuple[str, dict[str, Any]]]:
    """Return what the audit trail has about a token, the oldest first."""
    query = text("select event, data from audit where subject_id = :id order by id")
    async with site.database.transaction() as transaction:
        return [(event, data) for event, data in await transaction.execute(query, {"id": token})]


def errors_of(answer: httpx.Response) -> dict[str, str]:
    """Return what is wrong by member, of a request that is refused for that."""
    assert_problem(answer, 400, "invalid-request")
    return {error["field"]: error["detail"] for error in answer.json().get("errors", [])}
