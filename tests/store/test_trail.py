"""The audit trail as it is read: whose rows, in which order, and at what cost."""

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Select
from sqlalchemy.dialects import postgresql

from app.crypto.secrets import new_id
from app.protocol.events import Event
from app.store import audit, partitions, trail
from app.store.database import Database
from app.store.hot_connection import counting_trips
from app.store.orders import Actor, AuditEntry, audit_entry
from app.store.trail import Place, Selection
from tests.store.scene import NOW as THEIRS
from tests.store.scene import SECOND, connected
from tests.support.database import FreshDatabase

MONTH = timedelta(days=31)
NOW = THEIRS + timedelta(minutes=7)
"""A millisecond of these tests alone: ids of one count only so far."""


async def write(database: Database, entries: Iterable[AuditEntry]) -> list[UUID]:
    """Write rows down; returns their ids, the newest first."""
    async with database.transaction() as transaction:
        written = []
        for entry in entries:
            await audit.record(transaction, entry)
            written.append(entry.id)
    return written[::-1]


def entry(event: Event = Event.API_KEY_CHANGED, seconds: float = 0, **more: Any) -> AuditEntry:
    """One row of somebody's."""
    actor = more.pop("actor", Actor("user", "somebody"))
    return audit_entry(event, NOW + seconds * SECOND, actor, **more)


async def ids(database: Database, selection: Selection, place: Place | None = None, limit: int = 100) -> list[UUID]:
    """Return the ids of a page."""
    found = await trail.page(database, selection, place or Place(), limit)
    return [one.id for one in found.entries]


async def test_everybody_sees_his_own_rows_alone_and_an_operator_all_of_them(database: Database) -> None:
    robin, organization = new_id(NOW), new_id(NOW)
    hers, its, both, neither = await write(
        database,
        [
            entry(),
            entry(user_id=robin, organization_id=organization),
            entry(organization_id=organization),
            entry(user_id=robin),
        ],
    )
    assert await ids(database, Selection(user_id=robin)) == [hers, both]
    assert await ids(database, Selection(organization_id=organization)) == [its, both]
    assert (await ids(database, Selection()))[:4] == [hers, its, both, neither]


async def test_rows_of_one_millisecond_stand_in_the_order_of_their_making(database: Database) -> None:
    organization = new_id(NOW)
    written = await write(database, [entry(organization_id=organization) for _ in range(300)])
    assert await ids(database, Selection(organization_id=organization), limit=300) == written


async def test_what_the_hot_path_writes_with_every_token_is_not_part_of_a_persons_trail(database: Database) -> None:
    robin = new_id(NOW)
    _, revoked, _ = await write(
        database,
        [entry(event, user_id=robin) for event in (Event.CODE_EXCHANGED, Event.TOKEN_REVOKED, Event.TOKEN_REFRESHED)],
    )
    assert await ids(database, Selection(user_id=robin)) == [revoked]


async def test_filters_choose_by_event_actor_subject_words_and_time(database: Database) -> None:
    organization = new_id(NOW)
    key = Actor("api_key", "key-7", "Nightly export")
    newest, middle, oldest = await write(
        database,
        [
            entry(Event.API_KEY_CREATED, 0, organization_id=organization, subject_id="key-7", request_id="req_1"),
            entry(Event.MEMBER_ADDED, 10, organization_id=organization, actor=key),
            entry(Event.API_KEY_REMOVED, 20, organization_id=organization, subject_id="key-7"),
        ],
    )

    async def found(**filters: Any) -> list[UUID]:
        return await ids(database, Selection(organization_id=organization, **filters))

    assert await found(events=frozenset({Event.MEMBER_ADDED})) == [middle]
    assert await found(events=frozenset()) == []
    assert await found(actor="key-7") == [middle]
    assert await found(subject="key-7") == [newest, oldest]
    assert await found(words=("Nightly export",)) == [middle]
    assert await found(words=("req_1", "key-7")) == [newest, middle, oldest]
    assert await found(since=NOW + 10 * SECOND) == [newest, middle]
    assert await found(until=NOW + 10 * SECOND) == [oldest]
    assert await found(since=NOW + 5 * SECOND, until=NOW + 15 * SECOND, actor="key-7") == [middle]
    assert await found(since=NOW.replace(year=1)) == [newest, middle, oldest]
    assert await found(until=NOW.replace(year=1)) == []


async def test_pages_go_back_and_forth_over_every_row_once(database: Database) -> None:
    organization = new_id(NOW)
    mine = Selection(organization_id=organization)
    written = await write(database, [entry(seconds=at, organization_id=organization) for at in range(25)])
    walked: list[UUID] = []
    place: UUID | None = None
    while True:
        page = await trail.page(database, mine, Place(place), 10)
        walked += [one.id for one in page.entries]
        place = page.onwards
        if place is None:
            break
    assert walked == written
    newer = await trail.page(database, mine, Place(written[20], "newer"), 10)
    assert [one.id for one in newer.entries] == written[10:20]
    last = await trail.page(database, mine, Place(written[10], "newer"), 10)
    assert ([one.id for one in last.entries], last.onwards) == (written[:10], None)


async def test_a_filter_that_fits_hardly_anything_looks_at_a_bounded_number_of_rows_per_page(
    database: Database,
) -> None:
    organization = new_id(NOW)
    written = await write(
        database,
        [entry(Event.MEMBER_ADDED, organization_id=organization)]
        + [entry(seconds=1, organization_id=organization) for _ in range(99)],
    )
    rare = Selection(organization_id=organization, events=frozenset({Event.MEMBER_ADDED}))
    found, place, pages = [], None, 0
    while True:
        with counting_trips() as trips:
            page = await trail.page(database, rare, Place(place), 10, window=40)
        assert len([trip for trip in trips if "from audit" in trip.lower()]) <= 2
        found += [one.id for one in page.entries]
        pages += 1
        if page.onwards is None:
            break
        place = page.onwards
    assert (found, pages) == ([written[-1]], 3)


async def test_names_are_those_of_people_applications_and_organizations_that_still_have_one(
    database: Database,
) -> None:
    row = entry(user_id=new_id(NOW), application_id=new_id(NOW), organization_id=new_id(NOW), subject_id="no id")
    [_] = await write(database, [row])
    page = await trail.page(database, Selection(organization_id=row.organization_id), Place(), 5)
    with counting_trips() as trips:
        assert await trail.names(database, page.entries) == trail.Names({}, {}, {})
    assert len([trip for trip in trips if trip.startswith("SELECT")]) == 3


@pytest.fixture(scope="module")
async def months(database: Database, fresh_database: FreshDatabase) -> UUID:
    """An organization with 200 rows in each of four months, among 20,000 of others; returns its id."""
    organization = new_id(NOW)
    async with connected(fresh_database.owner_url) as connection:
        for month in range(4):
            moment = NOW - month * MONTH
            await database.ensure_partition("audit", moment)
            rows = [
                (new_id(moment + at * SECOND), moment + at * SECOND, organization if at % 25 == 0 else new_id(moment))
                for at in range(5000)
            ]
            await connection.executemany(
                """insert into audit (id, at, organization_id, user_id, event, request_id, actor_kind, actor_id,
                subject_id, address, data) values ($1, $2, $3, $3, 'api_key.changed', '', 'user', '', '', '', '{}')""",
                rows,
            )
        await connection.execute("vacuum analyze audit")
    await partitions.ensure_ahead(database, NOW)
    return organization


async def explain(fresh: FreshDatabase, statement: Select[Any]) -> dict[str, Any]:
    """Return the executed plan of a statement."""
    text = statement.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[no-untyped-call]
    async with connected(fresh.runtime_url) as connection:
        [row] = await connection.fetch(f"explain (analyze, format json) {text}")
    plan: dict[str, Any] = json.loads(row[0])[0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Yield a plan's nodes."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


@pytest.mark.parametrize("whose", ["organization_id", "user_id", "everything"])
@pytest.mark.parametrize("since", [None, NOW - timedelta(hours=5)], ids=["always", "lately"])
async def test_a_page_reads_no_more_rows_than_it_shows(
    fresh_database: FreshDatabase, months: UUID, whose: str, since: Any
) -> None:
    mine: dict[str, Any] = {} if whose == "everything" else {whose: months}
    selection = Selection(**mine, since=since)
    plan = await explain(fresh_database, trail.statement(selection, Place(), 50))
    scans = [node for node in nodes(plan) if "Scan" in node["Node Type"]]
    ran = [node for node in scans if node["Actual Loops"]]
    assert {node["Node Type"] for node in ran} <= {"Index Scan", "Index Only Scan"}
    assert sum(node["Actual Rows"] for node in ran) <= 51 + len(ran)
    if since is not None:
        assert {node["Relation Name"] for node in scans} <= {f"audit_2026{month}01" for month in (11, 12)} | {
            "audit_20270101"
        }
