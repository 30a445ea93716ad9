"""Thousands of sessions end, two workers tell the applications, and nobody else notices (LB-1 … LB-4).

The receiver answers 503 every third time and refuses some notices for good; workers die in the middle.
"""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from typing import Any
from uuid import UUID

import pytest

from app.crypto import jose
from app.crypto.secrets import new_id
from app.protocol.events import Event
from app.protocol.logout_delivery import ABREAST
from app.services.occasion import Occasion
from app.services.sessions import audit_of_end
from app.store import session_ends
from app.store.database import Database
from tests.support.database import FreshDatabase
from tests.support.logout_receiver import Heard, LogoutReceiver, logout_receiver
from tests.support.processes import children, command_of
from tests.support.race import CLIENT_ID, SCOPES, WORKERS, RacedServer, active, raced_server
from tests.support.service import redeem

APPLICATIONS = 2
ROUNDS = 5
"""How often each session ends: signing in at the same moment goes on under its name, and that ends as well."""

SESSIONS = 1_000
SLOWEST = 2.0
"""Seconds that no answer of the server may take meanwhile, on a machine that does everything else, too."""

Key = tuple[str, str, str]


@dataclass(slots=True)
class Busy:
    """Answers of a receiver that has too much to do, and that does not know one session in twenty."""

    asked: int = 0
    refused: set[Key] = field(default_factory=set)

    def __call__(self, claims: dict[str, Any]) -> tuple[int, str]:
        self.asked += 1
        if self.asked % 3 == 0:
            return 503, ""
        if int.from_bytes(claims["sid"].encode()[-2:]) % 20 == 0 and claims["sub"] == "2":
            self.refused.add(_key(claims))
            return 400, ""
        return 200, ""


@pytest.fixture(scope="module")
async def receiver() -> AsyncIterator[LogoutReceiver]:
    """The applications' server."""
    async with logout_receiver() as running:
        yield running


@pytest.fixture(scope="module")
async def raced(
    database: Database, fresh_database: FreshDatabase, receiver: LogoutReceiver
) -> AsyncIterator[RacedServer]:
    """Two workers, and applications that listen."""
    tables = f'[outbound]\nallow = ["{receiver.place}"]\n[logout]\nlongest_delay = 1\n'
    async with raced_server(database, fresh_database, tables=tables) as running:
        yield running


@pytest.fixture
async def applications(raced: RacedServer, receiver: LogoutReceiver) -> list[UUID]:
    """The ids of those who are told."""
    receiver.heard.clear()
    openid = f'{{"backchannel_logout_uri": "{receiver.url}", "id_token_alg": "ES256"}}'
    await raced.fetch("update application set openid = $1 where client_id = $2", openid, CLIENT_ID)
    await raced.fetch(
        "insert into application (id, client_id, name, kind, status, version, epoch, owner_name, client_uri, "
        "auth_method, secret_digests, redirect_uris, grant_types, response_types, optional_scopes, policy, metadata, "
        "unmet, key_material, openid, self_registered, verified, allowed_origins, off_by, checked_note, created_at, "
        "updated_at) select gen_random_uuid(), 'notes', name, kind, status, version, epoch, owner_name, client_uri, "
        "auth_method, secret_digests, redirect_uris, grant_types, response_types, optional_scopes, policy, metadata, "
        "unmet, key_material, openid, self_registered, verified, allowed_origins, off_by, checked_note, created_at, "
        "updated_at from application where client_id = $1 on conflict do nothing",
        CLIENT_ID,
    )
    rows = await raced.fetch("select id from application where openid <> '{}'")
    assert len(rows) == APPLICATIONS
    return [row["id"] for row in rows]


async def sign_out(raced: RacedServer, applications: list[UUID], sids: list[UUID], rounds: int) -> None:
    """End sessions that go by these names, once in each round; the subject of a notice tells the round."""
    for number in range(1, rounds + 1):
        now = datetime.now(UTC)
        ids = [new_id(now) for _ in sids]
        await raced.fetch(
            "insert into browser_session (id, sid, digest, user_id, user_epoch, auth_time, amr, acr, user_agent, "
            "address, created_at, last_used_at, idle_expires_at, expires_at) select s.id, s.sid, '', $3, 0, $4, '{}', "
            "'', '', '', $4, $4, $4, $4 from unnest($1::uuid[], $2::uuid[]) s (id, sid)",
            *(ids, sids, raced.user.id, now),
        )
        await raced.fetch(
            "insert into session_application select s, a, $3, $4, $5, $5 from unnest($1::uuid[]) s, "
            "unnest($2::uuid[]) a on conflict (sid, application_id) do update set subject = excluded.subject",
            *(sids, applications, raced.user.id, str(number), now),
        )
        audit_of = partial(audit_of_end, Occasion(now, "soak", "127.0.0.1"), "signed out")
        async with raced.database.transaction() as transaction:
            by_user = session_ends.by_user(raced.user.id)
            assert len(await session_ends.end_sessions(transaction, by_user, now, audit_of)) == len(sids)


async def everything_done(raced: RacedServer, *, within: float) -> Counter[str]:
    """Wait until nothing waits any more; return how many ended how."""
    async with asyncio.timeout(within):
        while await raced.fetch("select from logout_delivery where done_at is null limit 1"):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    rows = await raced.fetch("select outcome, count(*) from logout_delivery group by outcome")
    return Counter({row["outcome"]: row["count"] for row in rows})


async def keep_asking(raced: RacedServer, token: str, taken: list[float]) -> None:
    """Introspect and look at the health time and again, and note how long each answer takes."""
    async with raced.browser() as client:
        while True:
            before = time.perf_counter()
            assert await active(client, token)
            middle = time.perf_counter()
            assert (await client.get("/health/live")).status_code == 200
            taken += [middle - before, time.perf_counter() - middle]
            await asyncio.sleep(0.02)


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.spec("standards", "LB-1")
@pytest.mark.spec("standards", "LB-2")
@pytest.mark.spec("standards", "LB-3")
@pytest.mark.spec("standards", "LB-4")
async def test_thousands_of_logouts_reach_applications_that_are_busy(
    raced: RacedServer, receiver: LogoutReceiver, applications: list[UUID], volume: Callable[[int], int]
) -> None:
    sids = [new_id(datetime.now(UTC)) for _ in range(volume(SESSIONS))]
    rounds = max(2, volume(ROUNDS))
    wanted = len(sids) * APPLICATIONS * rounds
    receiver.says = busy = Busy()
    taken: list[float] = []
    async with raced.browser() as client:
        token = (await redeem(client, CLIENT_ID, await raced.new_code(SCOPES[0]))).json()["access_token"]
        jwks = (await client.get("/oauth/jwks")).json()["keys"]
    asking = asyncio.create_task(keep_asking(raced, token, taken))
    await sign_out(raced, applications, sids, rounds)
    outcomes = await everything_done(raced, within=60 + wanted / 20)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    heard = receiver.heard
    assert outcomes == Counter(delivered=wanted - len(busy.refused), refused=len(busy.refused)) - Counter()
    final = Counter(_key(one.claims) for one in heard if one.status != 503)
    assert (len(final), set(final.values())) == (wanted, {1}), "each was delivered or refused, once"
    assert {_key(one.claims) for one in heard if one.status == 400} == busy.refused
    assert len({one.claims["jti"] for one in heard}) == len(heard)
    assert max(abs(one.at - one.claims["iat"]) for one in heard) < 10, "every attempt has a token of its moment"
    for one in heard:
        jose.verify(one.token, jwks, ["ES256"])
    for of_session in _by_session(heard):
        assert of_session == sorted(of_session)
    assert asking.cancelled(), "it was answered all the time"
    assert max(taken) < SLOWEST
    failed = await raced.fetch("select count(*) from audit where event = $1", Event.SESSION_NOTICE_FAILED.value)
    assert failed[0][0] == len(busy.refused)


@pytest.mark.slow
@pytest.mark.spec("standards", "LB-4")
async def test_what_dead_workers_had_in_hand_is_delivered_by_those_after_them(
    raced: RacedServer, receiver: LogoutReceiver, applications: list[UUID], fresh_database: FreshDatabase
) -> None:
    await raced.fetch("delete from logout_delivery")
    receiver.says = lambda _: (200, "")
    receiver.open_gate.clear()
    sids = [new_id(datetime.now(UTC)) for _ in range(40)]
    await sign_out(raced, applications, sids, 1)
    full = WORKERS * APPLICATIONS * ABREAST
    await receiver.until(lambda: receiver.here == full)
    waiting = "select id from logout_delivery where done_at is null order by id"
    held = await raced.fetch(waiting.replace("where", "where claimed_until is not null and"))
    assert len(held) == full
    for worker in workers_of(raced):
        os.kill(worker, signal.SIGKILL)
    receiver.open_gate.set()
    # Whoever comes after the dead does all the rest, and leaves to them what they have claimed.
    async with asyncio.timeout(60):
        while await raced.fetch(waiting) != held:  # noqa: ASYNC110 - other processes are at work
            await asyncio.sleep(0.1)
    await raced.fetch("update logout_delivery set next_at = now() where done_at is null")  # its time runs out
    assert await everything_done(raced, within=60) == Counter(delivered=len(sids) * APPLICATIONS)
    often = Counter(_key(one.claims) for one in receiver.heard)
    assert len(often) == len(sids) * APPLICATIONS
    assert sum(often.values()) - len(often) <= full, "sent again is what a dead worker had in hand, and no more"


def workers_of(raced: RacedServer) -> Iterator[int]:
    """Return the worker processes."""
    return (pid for pid in children(raced.server.process.pid) if "app.cli.worker" in command_of(pid))


def _key(claims: dict[str, Any]) -> Key:
    return claims["aud"], claims["sid"], claims["sub"]


def _by_session(heard: list[Heard]) -> Iterator[list[str]]:
    """Return for each session of each application the rounds in which something came, in their order."""
    ordered = sorted(heard, key=lambda one: (one.claims["aud"], one.claims["sid"]))
    for _, of_session in groupby(ordered, key=lambda one: (one.claims["aud"], one.claims["sid"])):
        yield [one.claims["sub"] for one in of_session]
