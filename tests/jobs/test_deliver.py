"""Notices of ended sessions reach the applications: what is sent, how often, and how much at once (LB-1 … LB-4)."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert

from app.crypto import jose
from app.crypto.secrets import new_id
from app.jobs.deliver import Deliveries
from app.models import LogoutDelivery
from app.protocol.logout_delivery import ABREAST, DeliveryRules
from app.protocol.openid_settings import OpenIdSettings
from app.protocol.sid import sid_of
from app.store.database import Database
from app.telemetry.metrics import REQUESTS, WAITING
from tests.store.scene import fetch
from tests.support.database import FreshDatabase
from tests.support.logout_receiver import LogoutReceiver, header_of, logout_receiver
from tests.support.processes import PATIENCE
from tests.support.service import ISSUER, Service, service
from tests.support.signing import keep_keys

LOOK_EVERY = 0.05
_numbers = itertools.count(1)


class Desk:
    """The worker that delivers, two applications that listen, and the outbox between them."""

    def __init__(self, site: Service, receiver: LogoutReceiver, other: LogoutReceiver, url: str) -> None:
        self.site, self.receiver, self.other, self._url = site, receiver, other, url
        self.client_id = f"client-{next(_numbers)}"

    async def application(self, client_id: str, **openid: Any) -> UUID:
        """Register an application that listens."""
        settings = OpenIdSettings(**{"backchannel_logout_uri": self.receiver.url, "id_token_alg": "ES256", **openid})
        return await self.site.application(client_id, openid=settings.stored)

    async def write(self, *lanes: UUID, to: UUID, **columns: Any) -> None:
        """Put one notice into each lane."""
        now = self.site.clock()
        rows = [
            {
                "id": new_id(now),
                "application_id": to,
                "user_id": new_id(now),
                "lane": lane,
                "sid": lane,
                "subject": "ada",
                "next_at": now,
                "created_at": now,
                "expires_at": now + timedelta(hours=24),
                **columns,
            }
            for lane in lanes
        ]
        async with self.site.database.transaction() as transaction:
            await transaction.execute(insert(LogoutDelivery), rows)
        self.site.database.notices.set()

    async def rows(self) -> list[Any]:
        """The outbox."""
        return await fetch(self._url, "select * from logout_delivery order by id")

    async def until(self, enough: Callable[[list[Any]], bool], seconds: float = PATIENCE) -> list[Any]:
        """Wait until the outbox is as it should be, and return it."""
        async with asyncio.timeout(seconds):
            while not enough(rows := await self.rows()):  # noqa: ASYNC110 - nobody here knows when
                await asyncio.sleep(0.02)
        return rows

    async def done(self) -> list[tuple[str, str, int]]:
        """Wait until nothing waits any more; return outcomes, problems and attempts."""
        rows = await self.until(lambda rows: all(row["done_at"] for row in rows))
        return [(row["outcome"], row["problem"], row["attempts"]) for row in rows]

    @contextlib.asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """Deliver for the length of the block."""
        delivering = asyncio.create_task(Deliveries(self.site.server).run(look_every=LOOK_EVERY))
        try:
            yield
        finally:
            delivering.cancel()
            await asyncio.gather(delivering, return_exceptions=True)


def sessions(count: int) -> list[UUID]:
    """Return sessions."""
    return [UUID(int=number + 1) for number in range(count)]


@pytest.fixture
async def desk(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[Desk]:
    """An empty outbox, and somebody who listens."""
    await fetch(fresh_database.superuser_url, "delete from logout_delivery")
    async with (
        logout_receiver() as receiver,
        logout_receiver() as other,
        service(database, outbound={"allow": [receiver.place, other.place]}) as site,
    ):
        await keep_keys(site.server)
        yield Desk(site, receiver, other, fresh_database.superuser_url)


@pytest.mark.spec("standards", "LB-1")
@pytest.mark.spec("standards", "LB-2")
@pytest.mark.spec("standards", "LB-3")
@pytest.mark.spec("standards", "TV-14")
async def test_the_application_gets_a_form_with_a_logout_token(desk: Desk) -> None:
    application = await desk.application(desk.client_id)
    (session,) = sessions(1)
    await desk.write(session, to=application)
    async with desk.worker():
        assert await desk.done() == [("delivered", "", 1)]
    (heard,) = desk.receiver.heard
    head = desk.receiver.heads[0].split("\r\n")
    assert head[0] == "POST /backchannel-logout HTTP/1.1"
    assert "Content-Type: application/x-www-form-urlencoded" in head
    ring = desk.site.server.keyring.ring
    jose.verify(heard.token, ring.public_keys(desk.site.clock()), ["ES256"])
    assert header_of(heard.token)["typ"] == "logout+jwt"
    now = int(desk.site.clock().timestamp())
    assert heard.claims == {
        "iss": ISSUER,
        "aud": desk.client_id,
        "sub": "ada",
        "sid": sid_of(session, desk.client_id),
        "iat": now,
        "exp": now + 120,
        "jti": heard.claims["jti"],
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }


@pytest.mark.spec("standards", "LB-3")
async def test_without_a_session_the_person_alone_is_named(desk: Desk) -> None:
    application = await desk.application(desk.client_id)
    await desk.write(*sessions(1), to=application, sid=None)
    async with desk.worker():
        await desk.done()
    assert "sid" not in desk.receiver.heard[0].claims
    assert desk.receiver.heard[0].claims["sub"] == "ada"


@pytest.mark.spec("standards", "LB-2")
async def test_the_token_is_signed_as_the_application_s_id_tokens_are(desk: Desk) -> None:
    application = await desk.application(desk.client_id, id_token_alg="RS256")
    await desk.write(*sessions(1), to=application)
    async with desk.worker():
        await desk.done()
    assert header_of(desk.receiver.heard[0].token)["alg"] == "RS256"


@pytest.mark.spec("standards", "LB-4")
async def test_each_attempt_has_a_token_of_its_own(desk: Desk) -> None:
    application = await desk.application(desk.client_id)
    answers = iter([(503, ""), (500, ""), (204, "")])
    desk.receiver.says = lambda _: next(answers)
    await desk.write(*sessions(1), to=application)
    async with desk.worker():
        await desk.until(lambda rows: bool(rows[0]["attempts"] == 1))
        desk.site.clock.forward(60)
        await desk.until(lambda rows: bool(rows[0]["attempts"] == 2))
        desk.site.clock.forward(60)
        assert await desk.done() == [("delivered", "", 3)]
    heard = desk.receiver.heard
    assert len({one.claims["jti"] for one in heard}) == 3
    assert [one.claims["iat"] - heard[0].claims["iat"] for one in heard] == [0, 60, 120]


@pytest.mark.spec("standards", "LB-4")
async def test_400_is_final_and_in_the_trail(desk: Desk, fresh_database: FreshDatabase) -> None:
    application = await desk.application(desk.client_id)
    desk.receiver.says = lambda _: (400, "")
    (session,) = sessions(1)
    await desk.write(session, to=application)
    async with desk.worker():
        assert await desk.done() == [("refused", "answers with status 400", 1)]
        desk.site.clock.forward(3600)
        await asyncio.sleep(3 * LOOK_EVERY)
    assert len(desk.receiver.heard) == 1
    query = (
        "select data, actor_kind, subject_id from audit where event = 'session.notice_failed' and application_id = $1"
    )
    (row,) = await fetch(fresh_database.superuser_url, query, application)
    assert (row["actor_kind"], row["subject_id"]) == ("server", str(session))
    assert '"outcome": "refused"' in row["data"]


@pytest.mark.spec("standards", "LB-4")
async def test_who_asks_for_time_gets_it(desk: Desk) -> None:
    application = await desk.application(desk.client_id)
    desk.receiver.says = lambda _: (429, "Retry-After: 300\r\n")
    await desk.write(*sessions(1), to=application)
    async with desk.worker():
        (row,) = await desk.until(lambda rows: rows[0]["attempts"] == 1)
    assert row["next_at"] == desk.site.clock() + timedelta(seconds=300)
    assert (row["problem"], row["done_at"], row["claimed_until"]) == ("answers with status 429", None, None)


@pytest.mark.spec("standards", "LB-4")
async def test_after_a_day_the_application_is_given_up(desk: Desk) -> None:
    application = await desk.application(desk.client_id)
    desk.receiver.says = lambda _: (503, "")
    first, second = sessions(2)
    now = desk.site.clock()
    await desk.write(first, to=application, expires_at=now + timedelta(milliseconds=500))
    await desk.write(second, to=application, expires_at=now)
    async with desk.worker():
        assert await desk.done() == [
            ("gave_up", "answers with status 503", 1),
            ("gave_up", "nobody delivered it in time", 1),
        ]
    assert len(desk.receiver.heard) == 1


async def test_what_counts_is_what_the_application_has_registered_by_now(
    desk: Desk, fresh_database: FreshDatabase
) -> None:
    silent = await desk.application(f"{desk.client_id}-silent", backchannel_logout_uri="")
    gone = await desk.application(f"{desk.client_id}-gone")
    await fetch(fresh_database.superuser_url, "update application set deleted_at = now() where id = $1", gone)
    private = await desk.application(f"{desk.client_id}-private", backchannel_logout_uri="https://127.0.0.1/logout")
    for application in (silent, gone, private):
        await desk.write(*sessions(1), to=application)
    async with desk.worker():
        assert await desk.done() == [
            ("refused", "the application has no backchannel_logout_uri any more", 1),
            ("refused", "the application has been deleted", 1),
            ("refused", "must name a public host; its address is loopback", 1),
        ]
    assert not desk.receiver.heard


async def test_what_cannot_be_signed_now_is_sent_later(desk: Desk) -> None:
    application = await desk.application(desk.client_id, id_token_alg="PS512")
    sealed = await desk.application(f"{desk.client_id}-sealed", id_token_encryption=("RSA-OAEP", "A128GCM"))
    await desk.write(*sessions(1), to=application)
    await desk.write(*sessions(1), to=sealed)
    async with desk.worker():
        rows = await desk.until(lambda rows: all(row["attempts"] == 1 for row in rows))
    assert "no key to sign with" in rows[0]["problem"]
    assert "no registered key" in rows[1]["problem"]
    assert not any(row["done_at"] for row in rows)
    assert not desk.receiver.heard


@pytest.mark.spec("standards", "LB-1")
async def test_in_a_session_nothing_is_sent_before_what_came_before_it_is_done(desk: Desk) -> None:
    application = await desk.application(desk.client_id)
    one, other = sessions(2)
    answers = iter([503, 200, 200, 200])
    desk.receiver.says = lambda _: (next(answers), "")
    await desk.write(one, to=application, subject="first")
    await desk.write(one, to=application, subject="second")
    async with desk.worker():
        await desk.until(lambda rows: rows[0]["attempts"] == 1)
        await desk.write(other, to=application, subject="beside")
        await desk.receiver.until(lambda: len(desk.receiver.heard) == 2)
        desk.site.clock.forward(10)
        await desk.done()
    assert [one.claims["sub"] for one in desk.receiver.heard] == ["first", "beside", "first", "second"]


async def test_an_application_that_does_not_answer_keeps_nobody_waiting(desk: Desk) -> None:
    mute = desk.other
    mute.open_gate.clear()
    slow = await desk.application(f"{desk.client_id}-slow", backchannel_logout_uri=mute.url)
    quick = await desk.application(desk.client_id)
    await desk.write(*sessions(50), to=slow)
    async with desk.worker():
        await mute.until(lambda: mute.here == ABREAST)
        await desk.write(*sessions(50), to=quick)
        await desk.receiver.until(lambda: len(desk.receiver.heard) == 50)
        assert (mute.crowd, mute.heard) == (ABREAST, [])
        assert desk.receiver.crowd <= DeliveryRules().at_once - ABREAST
        mute.open_gate.set()
        await desk.done()
    assert len(mute.heard) == 50


async def test_a_worker_that_stops_writes_down_what_was_answered(desk: Desk) -> None:
    application = await desk.application(desk.client_id)
    desk.receiver.open_gate.clear()
    await desk.write(*sessions(4), to=application)
    async with desk.worker():
        await desk.receiver.until(lambda: desk.receiver.here == 4)
        asyncio.get_running_loop().call_later(0.2, desk.receiver.open_gate.set)
    assert [row["outcome"] for row in await desk.rows()] == ["delivered"] * 4


async def test_a_notice_of_this_worker_is_sent_at_once(desk: Desk) -> None:
    """Not at the next look: the loop here would look in an hour."""
    application = await desk.application(desk.client_id)
    delivering = asyncio.create_task(Deliveries(desk.site.server).run(look_every=3600))
    await asyncio.sleep(0.1)
    await desk.write(*sessions(1), to=application)
    await desk.receiver.until(lambda: bool(desk.receiver.heard))
    delivering.cancel()
    await asyncio.gather(delivering, return_exceptions=True)
    assert [row["outcome"] for row in await desk.rows()] == ["delivered"]


async def test_what_cannot_be_written_down_is_kept_until_it_can_be(desk: Desk, fresh_database: FreshDatabase) -> None:
    application = await desk.application(desk.client_id)
    desk.receiver.open_gate.clear()
    await desk.write(*sessions(2), to=application)
    async with desk.worker():
        await desk.receiver.until(lambda: desk.receiver.here == 2)
        await fetch(fresh_database.superuser_url, "revoke update on logout_delivery from assent_runtime")
        desk.receiver.open_gate.set()
        await desk.receiver.until(lambda: len(desk.receiver.heard) == 2)
        await asyncio.sleep(2 * LOOK_EVERY)
        assert not any(row["done_at"] for row in await desk.rows())
        await fetch(fresh_database.superuser_url, "grant update on logout_delivery to assent_runtime")
        assert await desk.done() == [("delivered", "", 1)] * 2
    assert len(desk.receiver.heard) == 2


@pytest.mark.spec("standards", "NS-5")
async def test_the_log_has_neither_tokens_nor_addresses(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    application = await desk.application(desk.client_id)
    answers = iter([503, 200])
    desk.receiver.says = lambda _: (next(answers), "")
    before = dict(_counted())
    await desk.write(*sessions(1), to=application)
    async with desk.worker():
        await desk.until(lambda rows: rows[0]["attempts"] == 1)
        desk.site.clock.forward(10)
        await desk.done()
    said = capsys.readouterr().out
    assert f"client_id={desk.client_id}" in said
    assert not [one for one in desk.receiver.heard if one.token in said]
    assert "/backchannel-logout" not in said
    after = _counted()
    assert after["failed"] == before.get("failed", 0) + 1
    assert after["delivered"] == before.get("delivered", 0) + 1


async def test_one_worker_counts_what_waits(desk: Desk) -> None:
    application = await desk.application(desk.client_id)
    desk.receiver.says = lambda _: (503, "")
    await desk.write(*sessions(3), to=application)
    counting = asyncio.create_task(Deliveries(desk.site.server, counts=True).run(look_every=LOOK_EVERY))
    await desk.until(lambda rows: all(row["attempts"] == 1 for row in rows))
    counting.cancel()
    await asyncio.gather(counting, return_exceptions=True)
    assert (WAITING, [], [3]) in REQUESTS.snapshot()


def _counted() -> dict[str, float]:
    return {labels[0]: numbers[0] for kind, labels, numbers in REQUESTS.snapshot() if kind == "logout_notices"}
