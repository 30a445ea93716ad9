"""Sessions that end while somebody else ends them, or is answered in their name (LB-1, LB-5)."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from app.crypto.hashing import digest
from app.store import session_ends
from app.store.database import Database
from tests.store import scene as scenes
from tests.store.endings import LISTENS, end, notices, told_by
from tests.store.endings import scene as scene
from tests.store.endings import url as url
from tests.store.scene import NOW, SECOND, Scene, fetch


@pytest.mark.soak
@pytest.mark.spec("standards", "LB-1")
async def test_of_many_that_end_the_same_session_one_tells_the_application(
    crowd: Iterator[Database], volume: Callable[[int], int], url: str
) -> None:
    scene = await scenes.begin(next(crowd), openid=LISTENS)
    for _ in range(volume(50)):
        sessions = [await scenes.sign_in(scene) for _ in range(2)]
        for session in sessions:
            await told_by(scene, session)
        ways = (
            session_ends.by_user(scene.user_id),
            session_ends.by_ids(scene.user_id, reversed(sessions)),
            session_ends.by_credentials([(session, digest(b"session")) for session in sessions]),
            session_ends.by_ids(scene.user_id, sessions[:1]),
        )
        ends = await asyncio.gather(*(end(next(crowd), way) for way in ways * 5))
        assert sorted(one.id for ended in ends for one in ended) == sorted(sessions)
    told = [row["sid"] for row in await notices(url, scene.user_id)]
    assert len(told) == len(set(told)) == 2 * volume(50)


async def test_who_is_answered_while_his_session_ends_leaves_no_code_behind_and_his_application_is_told(
    scene: Scene, url: str
) -> None:
    """Whichever comes first: the answer is not given, or what it gave is over and the application hears of it."""
    for number in range(20):
        session = await scenes.sign_in(scene)
        how = replace(scenes.AUTHENTICATION, sid=session)
        order = replace(scenes.consent(scene, "openid", code={"authentication": how}), session_id=session)
        by_id = session_ends.by_ids(scene.user_id, [session])
        ways = scene.database.hot.settle_authorization(order), end(scene.database, by_id)
        settled, _ = await asyncio.gather(*ways) if number % 2 else reversed(await asyncio.gather(*reversed(ways)))
        alive = "select from grant_code where sid = $1 and expires_at > $2"
        assert not await fetch(url, alive, session, NOW)
        told = await fetch(url, "select from logout_delivery where sid = $1", session)
        assert len(told) == int(settled is not None)


async def test_nobody_is_answered_whose_session_is_over(scene: Scene) -> None:
    session = await scenes.sign_in(scene)
    assert await end(scene.database, session_ends.by_ids(scene.user_id, [session]))
    order = replace(scenes.consent(scene, "openid"), session_id=session)
    assert await scene.database.hot.settle_authorization(order) is None


async def test_a_code_that_is_exchanged_meanwhile_leaves_no_family_behind(scene: Scene, url: str) -> None:
    """Whichever comes first: the code is over, or the family is."""
    for _ in range(10):
        session = await scenes.sign_in(scene)
        how = replace(scenes.AUTHENTICATION, sid=session)
        order = scenes.consent(scene, "openid", code={"authentication": how})
        settled = await scene.database.hot.settle_authorization(order)
        assert settled is not None
        exchange = scenes.exchange(scene.origin(settled), scenes.code_id(order), NOW + SECOND)
        by_id = session_ends.by_ids(scene.user_id, [session])
        await asyncio.gather(scene.database.hot.settle_code(exchange), end(scene.database, by_id))
        alive = "select from token_family where sid = $1 and revoked_at is null"
        assert not await fetch(url, alive, session)
