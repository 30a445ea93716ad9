"""Requests of test set-ups decide themselves: approved or denied without the person (architecture §6)."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.jobs import attempts
from app.jobs.call import LONGEST_CLAIM
from app.models import Application
from app.store.database import Database
from tests.store.scene import fetch
from tests.support.call_desk import LOOK_EVERY, Desk, a_desk
from tests.support.credentials import change
from tests.support.database import FreshDatabase
from tests.support.elsewhere import claims_of
from tests.support.processes import PATIENCE

WITHIN_SECONDS = 5.0
"""Within which they decide themselves (architecture §6)."""


@pytest.fixture
async def desk(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[Desk]:
    """A test set-up: requests of two people decide themselves."""
    named = {"danger_auto_approve": ["Olga"], "danger_auto_deny": ["pia"]}
    async with a_desk(database, fresh_database.superuser_url, **named) as desk:
        yield desk


@pytest.mark.spec("standards", "CB-7")
async def test_requests_of_named_people_decide_themselves_and_nobody_is_told(desk: Desk) -> None:
    for name in ("olga", "pia", "rosa"):
        await desk.site.user(name)
    approved = await desk.ask("olga", scope="openid project:read member:read")
    denied = await desk.ask("pia")
    waiting = await desk.ask("rosa")
    async with desk.worker():
        await desk.client.until(2)
        await desk.hook.until(1)
        await desk.settled()
    assert [heard.members["username"] for heard in desk.hook.heard] == ["rosa"]
    got = await desk.poll(approved)
    assert got["scope"] == "openid project:read member:read"
    claims = claims_of(got["id_token"])
    assert claims["auth_time"] == int(desk.site.clock().timestamp())
    assert not {"acr", "amr"} & claims.keys()
    assert (await desk.poll(denied))["error"] == "access_denied"
    assert (await desk.poll(waiting))["error"] == "authorization_pending"
    decided = {("authorization.denied", "server", "call"), ("authorization.granted", "server", "call")}
    assert await desk.decisions() >= decided


async def test_what_cannot_be_granted_any_more_does_not_decide_itself(desk: Desk) -> None:
    auth_req_id = await desk.ask("olga")
    client = await desk.site.database.hot.gather_client(desk.pinged)
    assert client is not None
    await change(desk.site, Application, client.id, scopes=["openid"], version=client.version + 1)
    async with desk.worker():
        await desk.settled()
    assert (await desk.poll(auth_req_id))["error"] == "authorization_pending"


async def test_what_was_asked_before_the_application_was_off_does_not_decide_itself(desk: Desk) -> None:
    auth_req_id = await desk.ask("olga")
    client = await desk.site.database.hot.gather_client(desk.pinged)
    assert client is not None
    await change(desk.site, Application, client.id, epoch=1, version=client.version + 1)
    async with desk.worker():
        await desk.settled()
    assert [told["problem"] for told in await desk.untold()] == ["it waits no longer"]
    assert (await desk.poll(auth_req_id))["error"] == "invalid_grant"


async def test_a_decision_that_breaks_off_is_made_later(
    desk: Desk, fresh_database: FreshDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    auth_req_id = await desk.ask("olga")
    await fetch(fresh_database.superuser_url, 'revoke insert on "authorization" from assent_runtime')
    async with desk.worker():
        async with asyncio.timeout(PATIENCE):
            while "call.broken" not in capsys.readouterr().out:  # noqa: ASYNC110 - it is told nobody else
                await asyncio.sleep(LOOK_EVERY)
        await fetch(fresh_database.superuser_url, 'grant insert on "authorization" to assent_runtime')
        desk.site.clock.forward(LONGEST_CLAIM.total_seconds())
        await desk.settled()
    assert "access_token" in await desk.poll(auth_req_id)


def test_they_are_looked_for_often_enough_to_be_decided_in_time() -> None:
    assert 2 * attempts.LOOK_EVERY < WITHIN_SECONDS
