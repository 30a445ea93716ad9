"""Refreshing: one row per family, one step per generation (storage.md §5)."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import get_args
from uuid import UUID

import pytest

from app.crypto.hashing import digest
from app.protocol.facts import FamilyFact, Origin, TokenFact
from app.protocol.outcomes import RefreshMode
from app.store.database import Database
from tests.store import scene as scenes
from tests.store.scene import NOW, SECOND, Scene, fetch
from tests.support.database import FreshDatabase

MINUTE = timedelta(minutes=1)


async def begin_family(scene: Scene) -> tuple[Origin, UUID]:
    origin, order = await scenes.redeem(scene, "a", "b")
    return origin, order.family_id


async def read(scene: Scene, family_id: UUID) -> FamilyFact:
    _, family = await scene.database.hot.gather_family(scene.client_id, family_id)
    assert family is not None
    return family


async def test_rotation_moves_the_family_one_generation(scene: Scene) -> None:
    origin, family_id = await begin_family(scene)
    later = NOW + MINUTE
    order = scenes.refresh(origin, family_id, now=later)
    assert await scene.database.hot.settle_refresh(order)
    family = await read(scene, family_id)
    assert (family.generation, family.digest, family.rotated_at) == (1, digest(b"refresh 1"), later)
    assert (family.idle_expires_at, family.key_since) == (later + timedelta(days=30), ((1, 0),))
    _, token = await scene.database.hot.gather_token(None, order.token.id)
    assert isinstance(token, TokenFact)
    assert (token.origin, token.family_id, token.issued_at) == (origin, family_id, later)


@pytest.mark.spec("standards", "RF-7")
async def test_the_idle_time_never_outlives_the_family(scene: Scene) -> None:
    origin, family_id = await begin_family(scene)
    order = scenes.refresh(origin, family_id, idle_expires_at=NOW + timedelta(days=999))
    assert await scene.database.hot.settle_refresh(order)
    family = await read(scene, family_id)
    assert family.idle_expires_at == family.expires_at


async def test_a_new_server_key_is_noted_with_the_generation_it_made(scene: Scene) -> None:
    origin, family_id = await begin_family(scene)
    for generation, key in enumerate((1, 2, 2, 3)):
        order = scenes.refresh(origin, family_id, generation=generation, key_version=key)
        assert await scene.database.hot.settle_refresh(order)
    assert (await read(scene, family_id)).key_since == ((1, 0), (2, 2), (3, 4))


@pytest.mark.soak
async def test_of_many_rotations_with_one_token_one_wins_and_the_rest_may_repeat(
    crowd: Iterator[Database], volume: Callable[[int], int]
) -> None:
    scene = await scenes.begin(next(crowd))
    for _ in range(volume(50)):
        origin, family_id = await begin_family(scene)
        rivals = [scenes.refresh(origin, family_id) for _ in range(20)]
        won = await asyncio.gather(*(next(crowd).hot.settle_refresh(rival) for rival in rivals))
        assert sum(map(bool, won)) == 1
        repeats = [scenes.refresh(origin, family_id, "repeat") for _ in range(19)]
        assert all(await asyncio.gather(*(next(crowd).hot.settle_refresh(repeat) for repeat in repeats)))
        family = await read(scene, family_id)
        assert (family.generation, family.revoked_at) == (1, None)


async def test_a_repeat_moves_nothing_and_ends_with_the_grace(scene: Scene) -> None:
    origin, family_id = await begin_family(scene)
    assert await scene.database.hot.settle_refresh(scenes.refresh(origin, family_id))
    before = await read(scene, family_id)
    within = scenes.refresh(origin, family_id, "repeat", now=NOW + 30 * SECOND)
    assert await scene.database.hot.settle_refresh(within)
    assert not await scene.database.hot.settle_refresh(
        scenes.refresh(origin, family_id, "repeat", now=NOW + 31 * SECOND)
    )
    assert await read(scene, family_id) == before
    assert (await scene.database.hot.gather_token(None, within.token.id))[1] is not None


async def test_a_repeat_is_for_the_generation_before_the_current_one(scene: Scene) -> None:
    origin, family_id = await begin_family(scene)
    for generation in (0, 1):
        assert await scene.database.hot.settle_refresh(scenes.refresh(origin, family_id, generation=generation))
    assert not await scene.database.hot.settle_refresh(scenes.refresh(origin, family_id, "repeat", 0))
    assert await scene.database.hot.settle_refresh(scenes.refresh(origin, family_id, "repeat", 1))


async def test_keeping_the_token_moves_the_idle_time_only_when_told_to(scene: Scene) -> None:
    origin, family_id = await begin_family(scene)
    later = NOW + timedelta(hours=2)
    assert await scene.database.hot.settle_refresh(
        scenes.refresh(origin, family_id, "keep", now=later, touch=False, next_digest=None)
    )
    assert (await read(scene, family_id)).idle_expires_at == NOW + timedelta(days=30)
    assert await scene.database.hot.settle_refresh(
        scenes.refresh(origin, family_id, "keep", now=later, next_digest=None)
    )
    family = await read(scene, family_id)
    assert (family.idle_expires_at, family.rotated_at) == (later + timedelta(days=30), later)
    assert (family.generation, family.digest) == (0, digest(b"refresh 0"))


@pytest.mark.parametrize("mode", get_args(RefreshMode))
@pytest.mark.parametrize(
    "now",
    [NOW + timedelta(days=30), NOW + timedelta(days=180)],
    ids=["idle time over", "absolute time over"],
)
async def test_a_family_that_is_over_gives_nothing(scene: Scene, mode: RefreshMode, now: datetime) -> None:
    origin, family_id = await begin_family(scene)
    if mode == "repeat":
        assert await scene.database.hot.settle_refresh(scenes.refresh(origin, family_id))
    order = replace(scenes.refresh(origin, family_id, now=now, grace=timedelta(days=999)), mode=mode)
    assert not await scene.database.hot.settle_refresh(order)


async def test_a_revoked_family_gives_nothing_and_is_revoked_once(scene: Scene, fresh_database: FreshDatabase) -> None:
    hot = scene.database.hot
    origin, family_id = await begin_family(scene)
    first, second = scenes.entry("family.refresh_token_reused"), scenes.entry("family.refresh_token_reused")
    assert await hot.revoke_family(family_id, scene.application_id, NOW, "refresh_token_reused", first)
    assert not await hot.revoke_family(family_id, scene.application_id, NOW + SECOND, "other", second)
    assert (await read(scene, family_id)).revoked_at == NOW
    for mode in get_args(RefreshMode):
        assert not await hot.settle_refresh(replace(scenes.refresh(origin, family_id), mode=mode))
    rows = await fetch(
        fresh_database.superuser_url,
        "select id, authorization_id, user_id, application_id from audit where id = any($1)",
        [first.id, second.id],
    )
    assert [tuple(row) for row in rows] == [(first.id, origin.record_id, scene.user_id, scene.application_id)]


async def test_an_application_revokes_no_family_of_another(scene: Scene) -> None:
    _, family_id = await begin_family(scene)
    stranger = await scenes.begin(scene.database)
    audit = scenes.entry("family.revoked")
    assert not await scene.database.hot.revoke_family(family_id, stranger.application_id, NOW, "revoked", audit)
    assert (await read(scene, family_id)).revoked_at is None


async def test_rotations_leave_the_indexes_alone(scene: Scene, fresh_database: FreshDatabase) -> None:
    origin, family_id = await begin_family(scene)
    for generation in range(20):
        assert await scene.database.hot.settle_refresh(scenes.refresh(origin, family_id, generation=generation))
    [row] = await fetch(
        fresh_database.superuser_url,
        """select indexrelid from pg_index where indrelid = 'token_family'::regclass
            and indkey::int2[] && (select array_agg(attnum) from pg_attribute where attrelid = 'token_family'::regclass
                and attname in ('digest', 'generation', 'key_since', 'rotated_at', 'idle_expires_at'))
            union all select 0""",
    )
    assert row[0] == 0
