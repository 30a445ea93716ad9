"""The outbox: who gets which notice, in which order, and what becomes of what somebody had (LB-1, LB-4)."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, text

from app.crypto.secrets import new_id
from app.models import LogoutDelivery
from app.protocol.logout_delivery import Done, Verdict
from app.protocol.telling import Again
from app.store import logout_deliveries
from app.store.database import Database
from app.store.logout_deliveries import LONGEST_CLAIM, Claimed, Report
from tests.store import scene as scenes
from tests.store.scene import NOW, SECOND, Scene, fetch
from tests.support.database import FreshDatabase

URI = "https://client.example/logout"
DELIVERED = Done("delivered")


@pytest.fixture(autouse=True)
async def scene(database: Database, fresh_database: FreshDatabase) -> Scene:
    """An application that wants to be told, and an empty outbox."""
    await fetch(fresh_database.superuser_url, "delete from logout_delivery")
    return await scenes.begin(database, openid={"backchannel_logout_uri": URI, "id_token_alg": "ES256"})


async def notices(scene: Scene, *lanes: UUID, at: datetime = NOW, to: UUID | None = None) -> list[UUID]:
    """Put one notice into each of the lanes, in their order."""
    rows = [
        {
            "id": new_id(at),
            "application_id": to or scene.application_id,
            "user_id": scene.user_id,
            "lane": lane,
            "sid": lane,
            "subject": "ada",
            "next_at": at,
            "created_at": at,
            "expires_at": at + timedelta(hours=24),
        }
        for lane in lanes
    ]
    async with scene.database.transaction() as transaction:
        await transaction.execute(insert(LogoutDelivery), rows)
    return [UUID(str(row["id"])) for row in rows]


def lanes(count: int) -> list[UUID]:
    """Return sessions."""
    return [new_id(NOW) for _ in range(count)]


async def claim(
    database: Database, now: datetime = NOW, *, most: int = 100, abreast: int = 100, **left: Any
) -> tuple[Claimed, ...]:
    """Claim what is due."""
    places, failing = left.get("places", {}), left.get("failing", ())
    return await logout_deliveries.claim(database, now, most=most, abreast=abreast, places=places, failing=failing)


async def record(database: Database, claimed: Sequence[Claimed], verdict: Verdict, now: datetime = NOW) -> None:
    """Write down that the same came of all of them."""
    await logout_deliveries.record(database, [Report(notice, verdict) for notice in claimed], now)


async def test_a_notice_is_claimed_with_what_its_application_has_registered_now(scene: Scene) -> None:
    (session,) = lanes(1)
    (key,) = await notices(scene, session)
    (claimed,) = await claim(scene.database)
    assert (claimed.id, claimed.sid, claimed.subject, claimed.attempts) == (key, session, "ada", 0)
    assert (claimed.client_id, claimed.openid.backchannel_logout_uri) == (scene.client_id, URI)
    assert claimed.openid.id_token_alg == "ES256"
    assert (claimed.until, claimed.expires_at) == (NOW + LONGEST_CLAIM, NOW + timedelta(hours=24))


async def test_a_deleted_application_is_named_no_more(scene: Scene, fresh_database: FreshDatabase) -> None:
    await notices(scene, *lanes(1))
    await notices(scene, *lanes(1), to=new_id(NOW))
    await fetch(fresh_database.superuser_url, "update application set deleted_at = $1", NOW)
    assert [(one.client_id, one.openid.backchannel_logout_uri) for one in await claim(scene.database)] == [
        ("", URI),
        ("", ""),
    ]


@pytest.mark.spec("standards", "LB-1")
async def test_in_a_session_one_follows_the_other(scene: Scene) -> None:
    one, other = lanes(2)
    first, beside, second = await notices(scene, one, other, one)
    claimed = await claim(scene.database)
    assert [notice.id for notice in claimed] == [first, beside]
    await record(scene.database, claimed, Again(NOW + SECOND, "was busy"))
    assert not await claim(scene.database)
    again = await claim(scene.database, NOW + SECOND)
    assert [(notice.id, notice.attempts) for notice in again] == [(first, 1), (beside, 1)]
    await record(scene.database, again, DELIVERED)
    assert [notice.id for notice in await claim(scene.database)] == [second]


async def test_nothing_that_is_done_is_claimed_again(scene: Scene, fresh_database: FreshDatabase) -> None:
    await notices(scene, *lanes(3))
    for notice, verdict in zip(
        await claim(scene.database), (DELIVERED, Done("refused", "said 400"), Done("gave_up", "silent")), strict=True
    ):
        await record(scene.database, [notice], verdict, NOW + SECOND)
    assert not await claim(scene.database, NOW + timedelta(days=2))
    rows = await fetch(fresh_database.superuser_url, "select * from logout_delivery order by id")
    assert [(row["outcome"], row["problem"], row["attempts"]) for row in rows] == [
        ("delivered", "", 1),
        ("refused", "said 400", 1),
        ("gave_up", "silent", 1),
    ]
    assert {row["done_at"] for row in rows} == {NOW + SECOND}


async def test_what_a_dead_worker_had_is_due_again_when_its_claim_has_run_out(scene: Scene) -> None:
    await notices(scene, *lanes(1))
    (lost,) = await claim(scene.database)
    assert not await claim(scene.database, NOW + LONGEST_CLAIM - SECOND)
    later = NOW + LONGEST_CLAIM
    (taken,) = await claim(scene.database, later)
    assert taken.id == lost.id
    # The first one was not dead but slow. What it has to say about a failure counts no more; an answer 2xx does.
    await record(scene.database, [lost], Done("refused", "said 400"), later)
    await record(scene.database, [lost], Again(later, "was busy"), later)
    assert not await claim(scene.database, later)
    await record(scene.database, [lost], DELIVERED, later)
    await record(scene.database, [taken], Again(later, "was busy"), later)
    assert not await claim(scene.database, later + LONGEST_CLAIM)


async def test_what_could_not_be_told_is_in_the_trail_once(scene: Scene, fresh_database: FreshDatabase) -> None:
    await notices(scene, *lanes(1))
    claimed = await claim(scene.database)
    entry = scenes.entry("session.notice_failed", NOW)
    report = Report(claimed[0], Done("refused", "said 400"), entry)
    for _ in range(2):
        await logout_deliveries.record(scene.database, [report], NOW)
    assert len(await fetch(fresh_database.superuser_url, "select from audit where id = $1", entry.id)) == 1


async def test_an_application_with_many_notices_takes_no_turn_from_others(scene: Scene) -> None:
    many = await notices(scene, *lanes(50))
    other = (await scenes.begin(scene.database)).application_id
    (last,) = await notices(scene, *lanes(1), at=NOW + SECOND, to=other)
    later = NOW + 2 * SECOND
    assert {notice.id for notice in await claim(scene.database, later, most=3, abreast=8)} == {*many[:2], last}
    assert {notice.id for notice in await claim(scene.database, later, abreast=8)} == {*many[2:10]}
    assert not await claim(scene.database, later, places={scene.application_id: 0})
    (one,) = await claim(scene.database, later, places={scene.application_id: 1})
    assert one.id == many[10]


async def test_an_application_that_has_failed_comes_behind_the_others(scene: Scene) -> None:
    late = await notices(scene, *lanes(4))
    other = (await scenes.begin(scene.database)).application_id
    soon = await notices(scene, *lanes(2), at=NOW + SECOND, to=other)
    later = NOW + 2 * SECOND
    claimed = await claim(scene.database, later, most=3, failing=[scene.application_id])
    assert [notice.id for notice in claimed] == [late[0], *soon]


async def test_what_is_long_ago_is_forgotten_whatever_came_of_it(scene: Scene, fresh_database: FreshDatabase) -> None:
    await notices(scene, *lanes(3))
    await record(scene.database, (await claim(scene.database))[:2], DELIVERED, NOW)
    young = await notices(scene, *lanes(1), at=NOW + SECOND)
    assert await logout_deliveries.forget(scene.database, made_before=NOW, limit=10) == 0
    assert await logout_deliveries.forget(scene.database, made_before=NOW + SECOND, limit=2) == 2
    assert await logout_deliveries.forget(scene.database, made_before=NOW + SECOND, limit=2) == 1
    left = await fetch(fresh_database.superuser_url, "select id from logout_delivery")
    assert [row["id"] for row in left] == young


@pytest.mark.soak
@pytest.mark.spec("standards", "LB-1")
async def test_of_many_that_claim_at_once_each_notice_goes_to_one_and_lanes_keep_their_order(
    scene: Scene, crowd: Iterator[Database], volume: Callable[[int], int]
) -> None:
    sessions = lanes(volume(400))
    queued = [await notices(scene, *sessions) for _ in range(3)]
    order: dict[UUID, list[UUID]] = {session: [] for session in sessions}

    async def work(database: Database) -> None:
        while claimed := await claim(database, most=7):
            assert len({notice.sid for notice in claimed}) == len(claimed)
            for notice in claimed:
                assert notice.sid is not None
                order[notice.sid].append(notice.id)
            await record(database, claimed, DELIVERED)

    while any(len(taken) < len(queued) for taken in order.values()):
        await asyncio.gather(*(work(next(crowd)) for _ in range(20)))
    # More ids than one millisecond has are made here, and no clock goes on: their own order is that of the notices.
    assert [order[session] for session in sessions] == [sorted(ids) for ids in zip(*queued, strict=True)]


async def test_a_claim_reads_no_more_the_more_notices_wait(scene: Scene, fresh_database: FreshDatabase) -> None:
    """Of twenty thousand, which the planner has not heard of yet, nothing is read or sorted whole."""
    await crowd_of_notices(fresh_database, [scene.application_id], each=20_000)
    assert await most_read(scene, at_once=16) <= 8


async def test_of_many_applications_few_are_looked_into(scene: Scene, fresh_database: FreshDatabase) -> None:
    """Each one's oldest notice tells whether it is one of them."""
    await crowd_of_notices(fresh_database, lanes(500), each=8)
    assert await most_read(scene, at_once=16) <= 500 + 1


async def crowd_of_notices(database: FreshDatabase, applications: list[UUID], *, each: int) -> None:
    """Put many notices into the outbox, each in a lane of its own."""
    await fetch(
        database.superuser_url,
        "insert into logout_delivery (id, application_id, user_id, lane, subject, next_at, created_at, expires_at) "
        "select gen_random_uuid(), a, a, gen_random_uuid(), '', $2, $2, $2 "
        "from unnest($1::uuid[]) a, generate_series(1, $3)",
        *(applications, NOW, each),
    )


async def most_read(scene: Scene, *, at_once: int) -> int:
    """Return how many notices the step of a claim reads that reads the most."""
    explain = text(f"explain (analyze, timing off, format json) {logout_deliveries._CLAIM.text}")
    columns = {
        "now": NOW,
        "until": NOW + LONGEST_CLAIM,
        "most": at_once,
        "abreast": 8,
        "busy": [],
        "places": [],
        "failing": [],
    }
    async with scene.database.transaction() as transaction:
        plan = (await transaction.execute(explain, columns)).scalar_one()
    return max(read for table, read in rows_read(plan[0]["Plan"]) if table == "logout_delivery")


def rows_read(node: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Return for each step of a plan that reads a table how many rows that were, those that it threw away included."""
    if "Relation Name" in node and node["Node Type"] != "ModifyTable":
        seen = sum(node.get(name, 0) for name in ("Actual Rows", "Rows Removed by Filter"))
        yield node["Relation Name"], round(seen * node["Actual Loops"])
    for below in node.get("Plans", ()):
        yield from rows_read(below)


async def test_a_person_is_named_without_a_session_when_all_are_over(
    scene: Scene, fresh_database: FreshDatabase
) -> None:
    await notices(scene, *lanes(1))
    await fetch(fresh_database.superuser_url, "update logout_delivery set sid = null")
    (claimed,) = await claim(scene.database)
    assert claimed.sid is None
