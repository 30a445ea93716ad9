"""People hear that they are asked, clients that somebody has decided; and requests that decide themselves (CB-8)."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.jobs.call import LONGEST_CLAIM, Calls
from app.models import Application, User
from app.outbound.client import DEADLINE
from app.protocol.ciba_calls import DELAYS
from app.store.database import Database
from tests.store.scene import fetch
from tests.support.approvals import ask, asking_application, newest, press
from tests.support.call_receiver import CallReceiver, call_receiver
from tests.support.credentials import change
from tests.support.database import FreshDatabase
from tests.support.elsewhere import NOTIFICATION_TOKEN, claims_of, poll
from tests.support.service import ISSUER, Service, service, sign_in
from tests.support.signing import keep_keys

LOOK_EVERY = 0.05
HOOK_SECRET = "secret-of-the-service-that-tells-0123456789"


class Desk:
    """The worker that calls, the operator's service, a client that is pinged, and the requests between them."""

    def __init__(self, site: Service, hook: CallReceiver, client: CallReceiver, url: str) -> None:
        self.site, self.hook, self.client, self._url = site, hook, client, url
        self.pinged = f"pinged-{client.port}"

    async def ask(self, person: str, client_id: str = "", **params: str) -> str:
        """Have an application ask for somebody; return the id that it got."""
        known = client_id or self.pinged
        if await self.site.database.hot.gather_client(known) is None:
            await asking_application(self.site, known, endpoint="" if client_id else self.client.url)
        token = {} if client_id else {"client_notification_token": NOTIFICATION_TOKEN}
        async with self.site.browser() as till:
            return await ask(till, known, person, **token, **params)

    async def decide(self, person: str, decision: str = "approve") -> None:
        """Have somebody decide about the newest request that waits for him."""
        async with self.site.browser() as phone:
            await sign_in(phone, person)
            assert (await press(phone, await phone.get(await newest(phone)), decision)).status_code == 303

    async def poll(self, auth_req_id: str, client_id: str = "") -> dict[str, Any]:
        """Ask as the application."""
        async with self.site.browser() as till:
            answer: dict[str, Any] = (await poll(till, client_id or self.pinged, auth_req_id)).json()
        return answer

    async def rows(self) -> list[Any]:
        """The requests."""
        return await fetch(self._url, "select * from backchannel_request order by id")

    async def subject_of(self, username: str) -> str:
        """What applications know somebody by."""
        (row,) = await fetch(self._url, "select sub from user_account where username = $1", username)
        return str(row["sub"])

    async def decisions(self) -> set[tuple[str, str, str]]:
        """What the trail says about decisions: event, kind and id of the actor."""
        rows = await fetch(
            self._url, "select event, actor_kind, actor_id from audit where event like 'authorization.%'"
        )
        return {tuple(row) for row in rows}

    async def until(self, enough: Callable[[list[Any]], bool], seconds: float = 15.0) -> list[Any]:
        """Wait until the requests are as they should be, and return them."""
        async with asyncio.timeout(seconds):
            while not enough(rows := await self.rows()):  # noqa: ASYNC110 - nobody here knows when
                await asyncio.sleep(0.02)
        return rows

    async def settled(self) -> None:
        """Wait until nobody is to be called any more."""
        await self.until(lambda rows: all(row["call"] is None for row in rows))

    async def untold(self) -> list[dict[str, Any]]:
        """What the trail says about calls that were given up, the oldest first."""
        told = "event = 'backchannel_request.untold' and subject_id in (select id::text from backchannel_request)"
        return [
            json.loads(row["data"])
            for row in await fetch(self._url, f"select data from audit where {told} order by id")
        ]

    @contextlib.asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """Call for the length of the block."""
        calling = asyncio.create_task(Calls(self.site.server).run(look_every=LOOK_EVERY))
        try:
            yield
        finally:
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)


@contextlib.asynccontextmanager
async def a_desk(database: Database, url: str, **ciba: Any) -> AsyncIterator[Desk]:
    await fetch(url, "delete from backchannel_request")
    async with call_receiver() as hook, call_receiver() as client:
        known = {"notification_url": hook.url, "notification_secret": HOOK_SECRET} if ciba.pop("told", True) else {}
        async with service(database, outbound={"allow": [hook.place, client.place]}, ciba={**known, **ciba}) as site:
            await keep_keys(site.server)
            yield Desk(site, hook, client, url)


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
    name = f"ines-{desk.client.port}"
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


async def test_without_a_service_nobody_is_told_and_nothing_waits_to_be(
    database: Database, fresh_database: FreshDatabase
) -> None:
    async with a_desk(database, fresh_database.superuser_url, told=False) as desk:
        await desk.site.user("nell")
        await desk.ask("nell")
        assert [row["call"] for row in await desk.rows()] == [None]


@pytest.fixture
async def test_desk(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[Desk]:
    """A test set-up: requests of two people decide themselves."""
    named = {"danger_auto_approve": ["Olga"], "danger_auto_deny": ["pia"]}
    async with a_desk(database, fresh_database.superuser_url, **named) as desk:
        yield desk


@pytest.mark.spec("standards", "CB-7")
async def test_requests_of_named_people_decide_themselves_and_nobody_is_told(test_desk: Desk) -> None:
    for name in ("olga", "pia", "rosa"):
        await test_desk.site.user(name)
    approved = await test_desk.ask("olga", scope="openid project:read member:read")
    denied = await test_desk.ask("pia")
    waiting = await test_desk.ask("rosa")
    async with test_desk.worker():
        await test_desk.client.until(2)
        await test_desk.hook.until(1)
        await test_desk.settled()
    assert [heard.members["username"] for heard in test_desk.hook.heard] == ["rosa"]
    got = await test_desk.poll(approved)
    assert got["scope"] == "openid project:read member:read"
    claims = claims_of(got["id_token"])
    assert claims["auth_time"] == int(test_desk.site.clock().timestamp())
    assert not {"acr", "amr"} & claims.keys()
    assert (await test_desk.poll(denied))["error"] == "access_denied"
    assert (await test_desk.poll(waiting))["error"] == "authorization_pending"
    decided = {("authorization.denied", "server", "call"), ("authorization.granted", "server", "call")}
    assert await test_desk.decisions() >= decided


async def test_what_cannot_be_granted_any_more_does_not_decide_itself(test_desk: Desk) -> None:
    auth_req_id = await test_desk.ask("olga")
    client = await test_desk.site.database.hot.gather_client(test_desk.pinged)
    assert client is not None
    await change(test_desk.site, Application, client.id, scopes=["openid"], version=client.version + 1)
    async with test_desk.worker():
        await test_desk.settled()
    assert (await test_desk.poll(auth_req_id))["error"] == "authorization_pending"


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


def test_the_claim_outlasts_every_call() -> None:
    assert timedelta(seconds=2 * DEADLINE) < LONGEST_CLAIM
