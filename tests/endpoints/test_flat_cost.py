"""Lists cost the same however much there is: no statement for each row, and no walk through a table."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import httpx
import pytest
import sqlalchemy as sa

from app.store.database import Database
from app.store.hot_connection import counting_trips
from tests.store.scene import connected
from tests.support.crowd import Sizes, crowd
from tests.support.database import FreshDatabase
from tests.support.service import Service, service
from tests.support.worlds import Visit, World, a_world, visit

LITTLE = Sizes(own=2, others=3, audit=3)
MUCH = Sizes(own=100, others=40_000, audit=20_000)
BIG = {"application", "audit", "authorization", "authorization_scope", "token_family", "user_account"}
"""Tables that grow with everybody's use."""

PATHS = (
    *("/account", "/account/applications", "/account/tokens", "/account/activity", "/apps", "/organizations"),
    *("/account/applications/{record}", "/account/applications/{record}/history", "/apps/{client}"),
    *("/organizations/{slug}", "/organizations/{slug}/members", "/organizations/{slug}/api-keys"),
    *("/organizations/{slug}/applications", "/organizations/{slug}/audit"),
    *("/admin/users", "/admin/users/{user}", "/admin/applications", "/admin/requests", "/admin/audit"),
    *("/api/v1/authorizations", "/api/v1/authorizations/ended", "/api/v1/authorizations/{record}"),
    *("/api/v1/authorizations/{record}/history", "/api/v1/authorizations/{record}/families"),
    *("/api/v1/applications", "/api/v1/applications/{client}/secrets", "/api/v1/tokens", "/api/v1/organizations"),
    *("/api/v1/organizations/{slug}/members", "/api/v1/organizations/{slug}/invitations"),
    *("/api/v1/organizations/{slug}/api-keys", "/api/v1/organizations/{slug}/audit", "/api/v1/audit"),
    *("/api/v1/admin/audit", "/api/v1/admin/users", "/api/v1/admin/applications"),
)
"""Every page and every answer with a list in it."""

HISTORIES = ("/account/applications/{record}", "/api/v1/authorizations/{record}")


@pytest.fixture(scope="module")
async def crowded(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[tuple[Service, World, World]]:
    """The application with two worlds of operators: one has little, the other much."""
    async with service(database) as site:
        little = await a_world(site, "Little", operator=True)
        much = await a_world(site, "Much", operator=True)
        async with connected(fresh_database.superuser_url) as connection:
            await crowd(connection, little, LITTLE, site.clock())
            await crowd(connection, much, MUCH, site.clock())
        yield site, little, much


@pytest.fixture
async def client(crowded: tuple[Service, World, World]) -> AsyncIterator[httpx.AsyncClient]:
    site, _, _ = crowded
    async with site.browser() as fresh:
        yield fresh


async def statements_for(client: httpx.AsyncClient, world: World, path: str) -> list[str]:
    """Open a page as the person of a world; return what was sent to the database."""
    person: Visit = await visit(client, world.secrets["session"])
    with counting_trips() as trips:
        answer = await person.get(path.format(**world.ids))
    assert answer.status_code == 200, answer.text
    return trips


@pytest.mark.parametrize("path", PATHS)
async def test_a_list_takes_the_same_statements_however_long_it_is(
    crowded: tuple[Service, World, World], client: httpx.AsyncClient, path: str
) -> None:
    """But for one: a history that leaves rows out looks for where its next page begins, unless the page is full."""
    _, little, much = crowded
    few, many = [await statements_for(client, world, path) for world in (little, much)]
    assert abs(len(many) - len(few)) <= path.startswith(HISTORIES)


@pytest.mark.parametrize("path", PATHS)
async def test_no_list_walks_through_a_table(
    crowded: tuple[Service, World, World], client: httpx.AsyncClient, fresh_database: FreshDatabase, path: str
) -> None:
    _, _, much = crowded
    person = await visit(client, much.secrets["session"])
    with executed() as statements:
        assert (await person.get(path.format(**much.ids))).status_code == 200
    async with connected(fresh_database.owner_url) as connection:
        walked = [found for sent in statements async for found in walks(connection, *sent)]
    assert not walked


@contextmanager
def executed() -> Iterator[list[tuple[str, tuple[Any, ...]]]]:
    """Collect the queries that the block has SQLAlchemy send, with their parameters."""
    sent: list[tuple[str, tuple[Any, ...]]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if re.match(r"\s*(select|with)\b", statement, re.IGNORECASE):
            sent.append((statement, tuple(parameters)))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


async def walks(
    connection: asyncpg.Connection, statement: str, parameters: tuple[Any, ...]
) -> AsyncIterator[tuple[str, str]]:
    """Yield each scan of a whole table, of those that grow, that a query makes."""
    [explained] = json.loads(await connection.fetchval(f"explain (format json) {statement}", *parameters))
    for node in nodes_of(explained["Plan"]):
        table = re.sub(r"_(p?\d+|y.*)$", "", node.get("Relation Name", ""))
        if table in BIG and node["Node Type"] == "Seq Scan":
            yield table, statement


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes_of(below)
