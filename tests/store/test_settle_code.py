"""The code exchange: one winner, everything written or nothing, whatever happens at the same time (storage.md §4)."""

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from app.crypto.secrets import new_id
from app.store.database import Database
from app.store.orders import CodeSettlement, Settled
from tests.store import scene as scenes
from tests.store.scene import NOW, SECOND, Scene, fetch
from tests.support.database import FreshDatabase

RIVALS = 20


async def rows_of(fresh: FreshDatabase, scene: Scene) -> tuple[int, int]:
    """Count the families and tokens of the scene's application."""
    [row] = await fetch(
        fresh.superuser_url,
        """select (select count(*) from token_family where application_id = $1),
            (select count(*) from access_token where application_id = $1)""",
        scene.application_id,
    )
    return row[0], row[1]


async def audits_of(fresh: FreshDatabase, *orders: CodeSettlement) -> int:
    """Count the audit rows that came of these orders."""
    ids = [order.audit.id for order in orders]
    [row] = await fetch(fresh.superuser_url, "select count(*) from audit where id = any($1)", ids)
    count: int = row[0]
    return count


async def orders_for_new_codes(scene: Scene, count: int) -> list[CodeSettlement]:
    made = []
    for _ in range(count):
        settled, code_id = await scenes.approve(scene, "a")
        made.append(scenes.exchange(scene.origin(settled), code_id))
    return made


def again(order: CodeSettlement) -> CodeSettlement:
    """The same code by another request: everything that is new is new."""
    return scenes.exchange(order.family_origin, order.grant_id)


@pytest.mark.spec("standards", "AC-7")
@pytest.mark.soak
async def test_of_many_exchanges_of_one_code_exactly_one_wins(
    crowd: Iterator[Database], fresh_database: FreshDatabase, volume: Callable[[int], int]
) -> None:
    scene = await scenes.begin(next(crowd))
    for order in await orders_for_new_codes(scene, volume(200)):
        rivals = [again(order) for _ in range(RIVALS)]
        won = await asyncio.gather(*(next(crowd).hot.settle_code(rival) for rival in rivals))
        assert sum(map(bool, won)) == 1
        assert await audits_of(fresh_database, *rivals) == 1
        _, code = await next(crowd).hot.gather_code(scene.client_id, order.grant_id)
        assert code is not None
        assert code.family_id == rivals[list(map(bool, won)).index(True)].family_id
    codes = volume(200)
    assert await rows_of(fresh_database, scene) == (codes, codes)


@pytest.mark.soak
async def test_the_same_request_many_times_at_once_is_done_once(
    crowd: Iterator[Database], fresh_database: FreshDatabase, volume: Callable[[int], int]
) -> None:
    scene = await scenes.begin(next(crowd))
    orders = await orders_for_new_codes(scene, volume(100))
    won = await asyncio.gather(*(next(crowd).hot.settle_code(order) for order in orders for _ in range(RIVALS)))
    assert sum(map(bool, won)) == len(orders)
    assert await rows_of(fresh_database, scene) == (len(orders), len(orders))
    assert await audits_of(fresh_database, *orders) == len(orders)


@pytest.mark.soak
async def test_racing_exchanges_into_a_missing_partition_all_succeed(
    crowd: Iterator[Database], fresh_database: FreshDatabase, volume: Callable[[int], int]
) -> None:
    scene = await scenes.begin(next(crowd))
    orders = await orders_for_new_codes(scene, volume(800))
    later = NOW + timedelta(days=100)
    origin = orders[0].family_origin
    moved = [
        replace(
            order,
            token=scenes.token(origin, order.family_id, later),
            audit=scenes.entry("code.exchanged", later),
        )
        for order in orders
    ]
    assert all(await asyncio.gather(*(next(crowd).hot.settle_code(order) for order in moved)))
    assert await rows_of(fresh_database, scene) == (len(orders), len(orders))
    assert await audits_of(fresh_database, *moved) == len(orders)


@pytest.mark.soak
async def test_an_exchange_whose_caller_is_cancelled_is_done_whole(
    crowd: Iterator[Database], fresh_database: FreshDatabase, volume: Callable[[int], int]
) -> None:
    scene = await scenes.begin(next(crowd))
    dice = random.Random(7)
    orders = await orders_for_new_codes(scene, volume(1500))
    tasks = [asyncio.create_task(next(crowd).hot.settle_code(order)) for order in orders]
    await asyncio.sleep(0)  # from here on each has begun
    for task in tasks:
        if dice.random() < 0.5:
            await asyncio.sleep(dice.random() * 0.002)
            task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert any(isinstance(answer, asyncio.CancelledError) for answer in answers)
    assert all(answer == Settled(True) or isinstance(answer, asyncio.CancelledError) for answer in answers)
    for order in orders:  # every write ends before a look-up gets its connection, or the look-up sees it done
        _, code = await next(crowd).hot.gather_code(scene.client_id, order.grant_id)
        while code is not None and code.used_at is None:
            _, code = await next(crowd).hot.gather_code(scene.client_id, order.grant_id)
    assert await rows_of(fresh_database, scene) == (len(orders), len(orders))


async def test_an_expired_or_unknown_code_buys_nothing(scene: Scene, fresh_database: FreshDatabase) -> None:
    settled, code_id = await scenes.approve(scene, "a")
    origin = scene.origin(settled)
    late = scenes.exchange(origin, code_id, NOW + 60 * SECOND)
    unknown = scenes.exchange(origin, new_id(NOW))
    assert not await scene.database.hot.settle_code(late)
    assert not await scene.database.hot.settle_code(unknown)
    assert await rows_of(fresh_database, scene) == (0, 0)
    assert await audits_of(fresh_database, late, unknown) == 0


async def test_the_token_gets_its_own_scopes_and_the_family_the_ones_of_the_order(scene: Scene) -> None:
    settled, code_id = await scenes.approve(scene, "a", "b", "c")
    order = scenes.exchange(scene.origin(settled, "c", "a"), code_id)
    narrow = replace(order, token=replace(order.token, origin=scene.origin(settled, "a")))
    assert await scene.database.hot.settle_code(narrow)
    _, family = await scene.database.hot.gather_family(scene.client_id, order.family_id)
    _, token = await scene.database.hot.gather_token(None, order.token.id)
    assert family is not None
    assert token is not None
    assert (family.origin.scopes, token.origin.scopes) == (("c", "a"), ("a",))


async def test_a_family_without_refresh_token_has_no_digest(scene: Scene) -> None:
    settled, code_id = await scenes.approve(scene, "a")
    order = replace(scenes.exchange(scene.origin(settled), code_id), family_digest=None)
    assert await scene.database.hot.settle_code(order)
    _, family = await scene.database.hot.gather_family(scene.client_id, order.family_id)
    assert family is not None
    assert family.digest is None


async def test_failed_redemptions_are_counted_and_the_last_one_spends_the_code(scene: Scene) -> None:
    hot = scene.database.hot
    settled, code_id = await scenes.approve(scene, "a")
    for expected in (1, 2):
        await hot.count_failed_redemption(code_id, 3, NOW)
        _, code = await hot.gather_code(scene.client_id, code_id)
        assert code is not None
        assert (code.failed_attempts, code.expires_at) == (expected, NOW + 60 * SECOND)
    await hot.count_failed_redemption(code_id, 3, NOW)
    assert not await hot.settle_code(scenes.exchange(scene.origin(settled), code_id))
