"""Whom the worker calls about requests to people, when, with what, and when no more (CB-8, CB-11)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.models import Application, User
from app.protocol.ciba_calls import DELAYS
from app.store.database import Database
from tests.store.scene import fetch
from tests.support.approvals import asking_application
from tests.support.call_desk import HOOK_SECRET, LOOK_EVERY, Desk, a_desk
from tests.support.credentials import change
from tests.support.database import FreshDatabase
from tests.support.elsewhere import NOTIFICATION_TOKEN
from tests.support.service import ISSUER, sign_in


@pytest.fixture
async def desk(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[Desk]:
    """No requests, a service that tells people, and a client that is pinged."""
    async with a_desk(database, fresh_database.superuser_url) as desk:
        yield desk


@pytest.mark.spec("standards", "CB-11")
async def test_the_operator_s_service_is_told_whom_to_tell_what(desk: Desk) -> None:
    user_id = await desk.site.user("ada")
    await desk.ask("ada", binding_message="W4SCT")
    async with desk.worker():
        (heard,) = await desk.hook.until(1)
        await desk.settled()
    (row,) = await desk.rows()
    assert heard.line == "POST /called HTTP/1.1"
    assert heard.headers["authorization"] == f"Bearer {HOOK_SECRET}"
    assert heard.headers["content-type"] == "application/json"
    assert heard.members == {
        "sub": await desk.subject_of("ada"),
        "username": "ada",
        "email": "ada@example.com",
        "client_id": desk.pinged,
        "client_name": "Deploy Diary",
        "binding_message": "W4SCT",
        "expires_at": int(row["expires_at"].timestamp()),
        "url": f"{ISSUER}/approvals/{row['id']}",
    }
    assert row["user_id"] == user_id
    assert row["status"] == "pending"
    assert desk.client.heard == []


async def test_the_link_of_a_message_leads_to_the_question(desk: Desk) -> None:
    await desk.site.user("bea")
    await desk.ask("bea")
    async with desk.worker():
        (heard,) = await desk.hook.until(1)
    async with desk.site.browser() as phone:
        await sign_in(phone, "bea")
        page = await phone.get(heard.members["url"])
    assert 'id="consent-approve"' in page.text


@pytest.mark.spec("standards", "CB-8")
@pytest.mark.parametrize("decision", ["approve", "deny"])
async def test_the_client_is_pinged_once_somebody_has_decided_and_not_told_how(desk: Desk, decision: str) -> None:
    name = f"cleo-{decision}"
    await desk.site.user(name)
    auth_req_id = await desk.ask(name)
    async with desk.worker():
        await desk.hook.until(1)
        assert desk.client.heard == []
        await desk.decide(name, decision)
        (heard,) = await desk.client.until(1)
        await desk.settled()
    assert heard.members == {"auth_req_id": auth_req_id}
    assert heard.headers["authorization"] == f"Bearer {NOTIFICATION_TOKEN}"
    assert heard.headers["content-type"] == "application/json"
    polled = await desk.poll(auth_req_id)
    assert ("access_token" in polled, polled.get("error")) == (
        (True, None) if decision == "approve" else (False, "access_denied")
    )


async def test_a_client_that_polls_is_never_called(desk: Desk) -> None:
    await desk.site.user("dora")
    auth_req_id = await desk.ask("dora", "polling")
    async with desk.worker():
        await desk.hook.until(1)
        await desk.decide("dora")
        await desk.settled()
    assert desk.client.heard == []
    assert "access_token" in await desk.poll(auth_req_id, "polling")


@pytest.mark.spec("standards", "CB-8")
async def test_trouble_that_passes_is_waited_out_each_time_longer(desk: Desk) -> None:
    await desk.site.user("enid")
    desk.client.says = lambda before: (503, 429, 200)[before]
    await desk.ask("enid")
    async with desk.worker():
        await desk.hook.until(1)
        await desk.decide("enid")
        (row,) = await desk.until(lambda rows: bool(rows[0]["call_attempts"] == 1))
        first = row["call_at"] - desk.site.clock()
        desk.site.clock.forward(2)
        (row,) = await desk.until(lambda rows: bool(rows[0]["call_attempts"] == 2))
        second = row["call_at"] - desk.site.clock()
        desk.site.clock.forward(5)
        await desk.settled()
    assert DELAYS[0] * 0.7 < first < DELAYS[0] * 1.3
    assert DELAYS[1] * 0.7 < second < DELAYS[1] * 1.3
    assert [one.status for one in desk.client.heard] == [503, 429, 200]
    assert await desk.untold() == []


@pytest.mark.spec("standards", "CB-8")
@pytest.mark.parametrize("status", [302, 400, 410])
async def test_redirects_and_refusals_end_it_and_are_in_the_trail(desk: Desk, status: int) -> None:
    name = f"flor-{status}"
    await desk.site.user(name)
    desk.client.says = lambda _: status
    await desk.ask(name)
    async with desk.worker():
        await desk.hook.until(1)
        await desk.decide(name)
        await desk.client.until(1)
        await desk.settled()
        desk.site.clock.forward(60)
        await asyncio.sleep(3 * LOOK_EVERY)
    assert [heard.line for heard in desk.client.heard] == ["POST /called HTTP/1.1"]
    assert await desk.untold() == [
        {"whom": "client", "outcome": "refused", "problem": f"answers with status {status}", "attempts": 1}
    ]


@pytest.mark.spec("standards", "CB-8")
async def test_who_does_not_answer_is_called_a_few_times_and_no_more(desk: Desk) -> None:
    await desk.site.user("gwen")
    desk.client.says = lambda _: 500
    await desk.ask("gwen")
    async with desk.worker():
        await desk.hook.until(1)
        await desk.decide("gwen")
        for count in range(1, len(DELAYS) + 2):
            await desk.client.until(count)
            await desk.until(lambda rows: rows[0]["call_claimed_until"] is None)
            desk.site.clock.forward(40)
        await desk.settled()
    assert len(desk.client.heard) == len(DELAYS) + 1
    (told,) = await desk.untold()
    assert (told["outcome"], told["attempts"]) == ("gave_up", len(DELAYS) + 1)


async def test_nobody_is_called_about_what_is_over(desk: Desk) -> None:
    await desk.site.user("hope")
    await desk.ask("hope")
    await desk.decide("hope")
    desk.site.clock.forward(400)
    async with desk.worker():
        await desk.settled()
    assert desk.client.heard == desk.hook.heard == []
    assert [told["problem"] for told in await desk.untold()] == ["nobody called in time"]


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        pytest.param({"requests": {}}, "has no backchannel_client_notification_endpoint", id="no endpoint"),
        pytest.param({"status": "inactive"}, "is not active", id="off"),
    ],
)
async def test_what_the_application_has_registered_counts_as_it_is_now(
    desk: Desk, changed: dict[str, Any], problem: str
) -> None:
    name = f"ines-{desk.pinged}"
    await desk.site.user(name)
    await desk.ask(name)
    await desk.decide(name)
    client = await desk.site.database.hot.gather_client(desk.pinged)
    assert client is not None
    await change(desk.site, Application, client.id, version=client.version + 1, **changed)
    async with desk.worker():
        await desk.settled()
    assert desk.client.heard == []
    assert [told["problem"] for told in await desk.untold()] == [f"the application {problem} any more"]


async def test_a_person_who_is_gone_is_not_told(desk: Desk) -> None:
    user_id = await desk.site.user("jane")
    await desk.ask("jane")
    await change(desk.site, User, user_id, disabled_at=desk.site.clock(), epoch=1)
    async with desk.worker():
        await desk.settled()
    assert desk.hook.heard == []
    assert [told["problem"] for told in await desk.untold()] == ["the person is not active any more"]


@pytest.mark.spec("standards", "NS-4")
async def test_nobody_is_called_where_nobody_may_be_asked(desk: Desk) -> None:
    endpoints = {"plain": "http://client.example/asked", "private": "https://127.0.0.1/asked"}
    await desk.site.user("rhea")
    for client_id, endpoint in endpoints.items():
        await asking_application(desk.site, client_id, endpoint=endpoint)
        await desk.ask("rhea", client_id, client_notification_token=NOTIFICATION_TOKEN)
        await desk.decide("rhea")
    async with desk.worker():
        rows = await desk.until(lambda rows: all(row["call_attempts"] == 1 for row in rows))
    assert [row["call"] for row in rows] == [None, None]
    problems = [told["problem"] for told in await desk.untold()]
    assert sorted(problems) == ["must name a public host; its address is loopback", "must use https"]


async def test_what_another_server_has_sealed_is_not_sent(desk: Desk, fresh_database: FreshDatabase) -> None:
    await desk.site.user("sky")
    await desk.ask("sky")
    await desk.decide("sky")
    await fetch(fresh_database.superuser_url, "update backchannel_request set notification = 'sealed by another'")
    async with desk.worker():
        await desk.settled()
    assert desk.client.heard == []
    assert "cannot be read with the keys of this server" in (await desk.untold())[0]["problem"]


async def test_without_a_service_nobody_is_told_and_nothing_waits_to_be(
    database: Database, fresh_database: FreshDatabase
) -> None:
    async with a_desk(database, fresh_database.superuser_url, told=False) as desk:
        await desk.site.user("nell")
        await desk.ask("nell")
        assert [row["call"] for row in await desk.rows()] == [None]
    async with a_desk(database, fresh_database.superuser_url, told=False, danger_auto_deny=["pia"]) as desk:
        await desk.ask("nell")
        async with desk.worker():
            await desk.settled()
        assert [(row["status"], row["call_attempts"]) for row in await desk.rows()] == [("pending", 1)]
        assert await desk.untold() == []


async def test_no_secret_is_in_the_log(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    await desk.site.user("sara")
    auth_req_id = await desk.ask("sara")
    async with desk.worker():
        await desk.hook.until(1)
        await desk.decide("sara")
        await desk.client.until(1)
        await desk.settled()
    said = "".join(capfd.readouterr())
    assert "outcome=told" in said or '"outcome": "told"' in said or '"outcome":"told"' in said
    assert not [secret for secret in (NOTIFICATION_TOKEN, HOOK_SECRET, auth_req_id) if secret in said]
