"""Workers that call: at once, beside each other, on the way out, and after trouble with the database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app.jobs.call import AT_ONCE, LONGEST_CLAIM, Calls
from app.outbound.client import DEADLINE
from app.store.database import Database
from tests.store.scene import fetch
from tests.support.call_desk import LOOK_EVERY, Desk, a_desk
from tests.support.database import FreshDatabase


@pytest.fixture
async def desk(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[Desk]:
    """No requests, a service that tells people, and a client that is pinged."""
    async with a_desk(database, fresh_database.superuser_url) as desk:
        yield desk


async def test_a_worker_that_stops_waits_for_the_answer_and_nobody_is_called_twice(desk: Desk) -> None:
    await desk.site.user("kate")
    desk.hook.open_gate.clear()
    await desk.ask("kate")
    async with desk.worker():
        (row,) = await desk.until(lambda rows: rows[0]["call_claimed_until"] is not None)
        assert row["call_claimed_until"] == desk.site.clock() + LONGEST_CLAIM
        asyncio.get_running_loop().call_later(0.2, desk.hook.open_gate.set)
    async with desk.worker():
        await desk.settled()
    assert len(desk.hook.heard) == 1


async def test_what_a_dead_worker_has_claimed_is_called_by_another_one(desk: Desk) -> None:
    await desk.site.user("lena")
    await desk.ask("lena")
    now = desk.site.clock()
    (call,) = await desk.site.database.backchannel.claim_calls(now, now + LONGEST_CLAIM, 5)
    assert "lena" not in repr(call.notification)
    async with desk.worker():
        await asyncio.sleep(3 * LOOK_EVERY)
        assert desk.hook.heard == []
        desk.site.clock.forward(LONGEST_CLAIM.total_seconds())
        await desk.hook.until(1)


async def test_many_are_called_at_once_and_no_worker_calls_what_another_one_does(desk: Desk) -> None:
    for number in range(20):
        await desk.site.user(f"mia-{number}")
        await desk.ask(f"mia-{number}")
    async with desk.worker(), desk.worker():
        await desk.settled()
    assert sorted(heard.members["username"] for heard in desk.hook.heard) == sorted(f"mia-{n}" for n in range(20))


async def test_who_is_asked_in_this_worker_is_told_at_once(desk: Desk) -> None:
    """Not at the next look: the loop here would look in an hour."""
    await desk.site.user("nina")
    calling = asyncio.create_task(Calls(desk.site.server).run(look_every=3600))
    await asyncio.sleep(0.1)
    await desk.ask("nina")
    await desk.hook.until(1)
    await desk.decide("nina")
    await desk.client.until(1)
    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)


async def test_no_more_are_called_at_once_than_there_are_places(desk: Desk) -> None:
    await desk.site.user("otto")
    await desk.ask("otto")
    await desk.decide("otto")
    desk.hook.open_gate.clear()
    for number in range(AT_ONCE + 2):
        await desk.site.user(f"olive-{number}")
        await desk.ask(f"olive-{number}")
    async with desk.worker():
        await desk.until(lambda rows: sum(row["call_claimed_until"] is not None for row in rows) == AT_ONCE)
        await asyncio.sleep(3 * LOOK_EVERY)
        assert [row["call"] for row in await desk.rows() if not row["call_claimed_until"]] == [None, "person", "person"]
        assert len(desk.client.heard) == 1  # whom nobody keeps waiting
        desk.hook.open_gate.set()
        await desk.settled()
    assert len(desk.hook.heard) == AT_ONCE + 2


async def test_what_cannot_be_written_down_is_kept_until_it_can_be(desk: Desk, fresh_database: FreshDatabase) -> None:
    await desk.site.user("peg")
    desk.hook.open_gate.clear()
    await desk.ask("peg")
    async with desk.worker():
        await desk.until(lambda rows: rows[0]["call_claimed_until"] is not None)
        await fetch(fresh_database.superuser_url, "revoke update on backchannel_request from assent_runtime")
        desk.hook.open_gate.set()
        await desk.hook.until(1)
        await asyncio.sleep(2 * LOOK_EVERY)
        assert [row["call"] for row in await desk.rows()] == ["person"]
        await fetch(fresh_database.superuser_url, "grant update on backchannel_request to assent_runtime")
        await desk.settled()
    assert len(desk.hook.heard) == 1


async def test_a_worker_that_stops_without_its_database_stops(
    desk: Desk, fresh_database: FreshDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    await desk.site.user("quinn")
    desk.hook.open_gate.clear()
    await desk.ask("quinn")
    async with desk.worker():
        await desk.until(lambda rows: rows[0]["call_claimed_until"] is not None)
        await fetch(fresh_database.superuser_url, "revoke update on backchannel_request from assent_runtime")
        asyncio.get_running_loop().call_later(0.1, desk.hook.open_gate.set)
    await fetch(fresh_database.superuser_url, "grant update on backchannel_request to assent_runtime")
    assert "call.not_written_down" in capsys.readouterr().out


def test_the_claim_outlasts_every_call() -> None:
    assert timedelta(seconds=2 * DEADLINE) < LONGEST_CLAIM
