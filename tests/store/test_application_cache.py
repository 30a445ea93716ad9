"""The application cache: what changes in the database is known at once, and after five seconds whatever happens."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from app.crypto.secrets import new_id
from app.protocol.facts import ClientFact
from app.store import application_cache, applications
from app.store.application_cache import MOST, STALE_SECONDS, ApplicationCache
from app.store.database import Database
from app.store.hot_connection import counting_trips
from tests.store import scene as scenes
from tests.store.scene import NOW, Scene, connected, fetch
from tests.support.database import FreshDatabase
from tests.support.facts import client as client_fact
from tests.support.processes import PATIENCE

DIGESTS = (b"new secret",)


@pytest.fixture
async def workers(fresh_database: FreshDatabase) -> AsyncIterator[list[Database]]:
    """Two workers that follow the applications."""
    opened = [await Database.open(fresh_database.runtime_url) for _ in range(2)]
    following = [asyncio.create_task(worker.follow_applications()) for worker in opened]
    for worker in opened:
        await listening(worker)
    yield opened
    for task in following:
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    for worker in opened:
        await worker.close()


@pytest.fixture
async def scene(workers: list[Database]) -> Scene:
    return await scenes.begin(workers[0])


async def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait for something that is to happen within that time."""
    for _ in range(int(seconds / 0.005)):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"it did not happen within {seconds} s")


async def listening(worker: Database) -> None:
    """Wait until the worker keeps what it reads."""
    cache, probe = worker.applications, client_fact(client_id="probe")

    def keeps() -> bool:
        cache.keep(probe, cache.mark())
        return cache.get(probe.client_id) is not None

    await until(keeps)
    cache.forget(str(probe.id))


async def know(worker: Database, scene: Scene) -> ClientFact:
    """Have the worker read the application, and return what it keeps."""
    await worker.hot.gather_token(scene.client_id, new_id(NOW))
    fact = worker.applications.get(scene.client_id)
    assert fact is not None
    return fact


async def change_secret(scene: Scene) -> None:
    async with scene.database.transaction() as transaction:
        await applications.change(transaction, scene.application_id, NOW, secret_digests=DIGESTS)


async def listener_of(fresh: FreshDatabase) -> list[int]:
    rows = await fetch(
        fresh.superuser_url,
        "select pid from pg_stat_activity where datname = $1 and application_name = 'assent listener'",
        fresh.name,
    )
    return [row[0] for row in rows]


async def test_the_second_request_of_an_application_does_not_read_it(workers: list[Database], scene: Scene) -> None:
    token_id = new_id(NOW)
    with counting_trips() as trips:
        first, _ = await workers[0].hot.gather_token(scene.client_id, token_id)
        second, _ = await workers[0].hot.gather_token(scene.client_id, token_id)
    assert trips == ["gather_token", "gather_token_alone"]
    assert first is not None
    assert second is first


async def test_code_and_family_are_the_same_whether_the_application_is_read_or_kept(
    workers: list[Database], scene: Scene
) -> None:
    _, order = await scenes.redeem(scene, "a", "b")
    hot, cache = workers[0].hot, workers[0].applications
    cache.forget(str(scene.application_id))
    with counting_trips() as trips:
        read = (
            await hot.gather_code(scene.client_id, order.grant_id),
            await hot.gather_token(scene.client_id, order.token.id, fresh=True),
        )
        kept = (
            await hot.gather_code(scene.client_id, order.grant_id),
            await hot.gather_token(scene.client_id, order.token.id),
        )
        families = [await hot.gather_family(scene.client_id, order.family_id, fresh=fresh) for fresh in (True, False)]
    assert read == kept
    assert families[0] == families[1]
    assert families[0][1] is not None
    assert families[0][1].standing is not None
    assert trips == [
        *("gather_code", "gather_token", "gather_code_alone", "gather_token_alone"),
        *("gather_family", "gather_family_alone"),
    ]


async def test_a_change_is_known_to_every_worker(workers: list[Database], scene: Scene) -> None:
    for worker in workers:
        await know(worker, scene)
    await change_secret(scene)
    for worker in workers:
        await until(lambda worker=worker: worker.applications.get(scene.client_id) is None)  # type: ignore[misc]
        assert (await know(worker, scene)).secret_digests == DIGESTS


async def test_a_deleted_application_is_forgotten(
    workers: list[Database], scene: Scene, fresh_database: FreshDatabase
) -> None:
    await know(workers[0], scene)
    await fetch(fresh_database.owner_url, "delete from application where id = $1", scene.application_id)
    await until(lambda: workers[0].applications.get(scene.client_id) is None)


async def test_a_change_that_is_rolled_back_is_not_told(
    workers: list[Database], scene: Scene, fresh_database: FreshDatabase
) -> None:
    await know(workers[0], scene)
    before = workers[0].applications.mark()
    async with connected(fresh_database.owner_url) as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("update application set name = 'x' where id = $1", scene.application_id)
        await transaction.rollback()
    await asyncio.sleep(0.1)
    assert workers[0].applications.mark() == before
    assert workers[0].applications.get(scene.client_id) is not None


async def test_a_settlement_on_an_application_that_has_changed_is_lost_and_it_is_read_again(
    workers: list[Database], scene: Scene
) -> None:
    settled, code_id = await scenes.approve(scene, "a")
    order = scenes.exchange(scene.origin(settled), code_id)
    await know(workers[1], scene)
    known = workers[1].applications.get(scene.client_id)
    await change_secret(scene)
    await until(lambda: workers[1].applications.get(scene.client_id) is None)
    assert known is not None
    workers[1].applications.keep(known, workers[1].applications.mark())  # as if it had not been told
    assert not await workers[1].hot.settle_code(order)
    assert workers[1].applications.get(scene.client_id) is None
    assert await workers[1].hot.settle_code(replace(order, application_version=2))


@pytest.mark.parametrize("mode", ["rotate", "repeat", "keep", "touch"])
@pytest.mark.parametrize("change", ["version = 2", "status = 'inactive'"])
async def test_no_refresh_is_settled_on_an_application_that_has_changed(
    scene: Scene, fresh_database: FreshDatabase, mode: str, change: str
) -> None:
    origin, first = await scenes.redeem(scene, "a")
    hot, moment = scene.database.hot, NOW + timedelta(seconds=1)
    if mode == "repeat":
        assert await hot.settle_refresh(scenes.refresh(origin, first.family_id, now=moment))
    order = scenes.refresh(
        origin,
        first.family_id,
        "keep" if mode == "touch" else mode,  # type: ignore[arg-type]
        now=moment,
        touch=mode == "touch",
    )
    await fetch(fresh_database.owner_url, f"update application set {change} where id = $1", scene.application_id)
    assert not await hot.settle_refresh(order)
    await fetch(
        fresh_database.owner_url,
        "update application set version = 1, status = 'active' where id = $1",
        scene.application_id,
    )
    assert await hot.settle_refresh(order)


async def test_a_listener_whose_connection_is_closed_serves_nothing_until_another_one_listens(
    workers: list[Database], scene: Scene, fresh_database: FreshDatabase
) -> None:
    await know(workers[0], scene)
    before = await listener_of(fresh_database)
    for process in before:
        await fetch(fresh_database.superuser_url, "select pg_terminate_backend($1)", process)
    await until(lambda: workers[0].applications.get(scene.client_id) is None)
    for worker in workers:
        await listening(worker)
    assert workers[0].applications.get(scene.client_id) is None
    assert set(await listener_of(fresh_database)).isdisjoint(before)
    await know(workers[0], scene)
    await change_secret(scene)
    await until(lambda: workers[0].applications.get(scene.client_id) is None)


async def test_a_listener_that_hangs_serves_nothing_after_five_seconds_and_is_replaced(
    workers: list[Database], scene: Scene, fresh_database: FreshDatabase
) -> None:
    await know(workers[0], scene)
    frozen = await listener_of(fresh_database)
    for process in frozen:
        os.kill(process, signal.SIGSTOP)
    try:
        await change_secret(scene)
        await until(lambda: workers[0].applications.get(scene.client_id) is None, STALE_SECONDS)
        fact, _ = await workers[0].hot.gather_token(scene.client_id, new_id(NOW))
        assert fact is not None
        assert fact.secret_digests == DIGESTS
        await listening(workers[0])
        assert (await know(workers[0], scene)).version == 2
    finally:
        for process in frozen:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


async def test_an_application_read_while_it_changes_is_never_kept_as_it_was(
    workers: list[Database], scene: Scene
) -> None:
    """Readers and a writer race; whatever stands in the cache when all is quiet is what stands in the database."""

    async def read() -> None:
        for _ in range(60):
            await workers[1].hot.gather_token(scene.client_id, new_id(NOW))
            await asyncio.sleep(0)

    async def change() -> None:
        for _ in range(20):
            await change_secret(scene)

    def keeps_nothing_old() -> bool:
        kept = workers[1].applications.get(scene.client_id)
        return kept is None or kept.version == 21

    await asyncio.gather(read(), read(), read(), change())
    await until(keeps_nothing_old, STALE_SECONDS / 2)  # all that was told has been heard
    await asyncio.sleep(0.1)
    assert keeps_nothing_old()
    assert (await know(workers[1], scene)).version == 21


class Watch:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def cache(watch: Watch) -> ApplicationCache:
    """A cache whose listener has just been heard."""
    heard = ApplicationCache(watch)
    heard.hear(watch.seconds)
    return heard


def test_nothing_is_kept_before_somebody_listens(watch: Watch) -> None:
    deaf = ApplicationCache(watch)
    fact = client_fact()
    deaf.keep(fact, deaf.mark())
    deaf.hear(watch.seconds)
    assert deaf.get(fact.client_id) is None


def test_a_fact_read_before_a_notification_is_not_kept_after_it(cache: ApplicationCache) -> None:
    fact = client_fact()
    mark = cache.mark()
    cache.forget(str(fact.id))
    cache.keep(fact, mark)
    assert cache.get(fact.client_id) is None
    cache.keep(fact, cache.mark())
    assert cache.get(fact.client_id) is fact


def test_a_fact_read_before_the_listener_was_lost_is_not_kept_for_the_next_one(
    cache: ApplicationCache, watch: Watch
) -> None:
    fact, mark = client_fact(), cache.mark()
    cache.close()
    cache.hear(watch.seconds)
    cache.keep(fact, mark)
    assert cache.get(fact.client_id) is None


def test_five_seconds_after_the_last_sign_of_life_nothing_is_served(cache: ApplicationCache, watch: Watch) -> None:
    fact = client_fact()
    cache.keep(fact, cache.mark())
    watch.seconds += STALE_SECONDS - 0.1
    assert cache.get(fact.client_id) is fact
    watch.seconds += 0.1
    assert cache.get(fact.client_id) is None


def test_the_oldest_makes_room(cache: ApplicationCache) -> None:
    facts = [client_fact(id=new_id(NOW), client_id=f"client {number}") for number in range(MOST + 1)]
    for fact in facts:
        cache.keep(fact, cache.mark())
    assert cache.get("client 0") is None
    assert all(cache.get(fact.client_id) is fact for fact in facts[1:])


def test_a_heartbeat_is_asked_and_answered_well_before_the_cache_goes_stale() -> None:
    assert application_cache.HEARTBEAT_SECONDS + application_cache.ANSWER_SECONDS < STALE_SECONDS
