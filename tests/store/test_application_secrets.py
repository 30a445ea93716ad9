"""Secrets as rows and as digests in their application: both always say the same, whoever wrote them."""

import asyncio
from datetime import UTC, datetime

import pytest

from app.crypto.hashing import digest
from app.crypto.secrets import new_id
from app.store import application_secrets, applications
from app.store.application_secrets import NewSecret, StoredSecret
from app.store.database import Database
from tests.store import scene as scenes
from tests.store.scene import NOW, SECOND, Scene, fetch
from tests.support.database import FreshDatabase
from tests.support.race import CONNECTIONS

ONE, TWO, THREE = (digest(word) for word in (b"one", b"two", b"three"))


@pytest.fixture
async def scene(database: Database) -> Scene:
    """An application without secrets."""
    return await scenes.begin(database, secret_digests=[])


def secret(of: bytes, last_four: str = "abcd") -> NewSecret:
    """Return a new secret with this digest."""
    return NewSecret(new_id(NOW), of, last_four)


async def add(scene: Scene, *secrets: NewSecret) -> None:
    """Add secrets, one second apart."""
    for number, new in enumerate(secrets):
        async with scene.database.transaction() as transaction:
            await application_secrets.add(transaction, scene.application_id, new, NOW + number * SECOND)


async def keep(scene: Scene, *digests: bytes, last_four: str = "") -> None:
    """Make exactly these digests valid."""
    async with scene.database.transaction() as transaction:
        await application_secrets.keep(transaction, scene.application_id, digests, NOW, last_four=last_four)


async def rows_of(scene: Scene) -> tuple[StoredSecret, ...]:
    """Return the valid secrets as their owner sees them."""
    async with scene.database.transaction() as transaction:
        return (await application_secrets.of(transaction, [scene.application_id])).get(scene.application_id, ())


async def digests_of(scene: Scene, fresh: FreshDatabase) -> list[bytes]:
    """Return the digests in both places, which must be the same."""
    [application] = await fetch(
        fresh.superuser_url, "select secret_digests from application where id = $1", scene.application_id
    )
    rows = await fetch(
        fresh.superuser_url,
        "select digest from application_secret where application_id = $1 order by created_at, id",
        scene.application_id,
    )
    assert [row["digest"] for row in rows] == application["secret_digests"]
    return [row["digest"] for row in rows]


async def test_a_secret_is_added_beside_the_others(scene: Scene, fresh_database: FreshDatabase) -> None:
    before = await scene.database.hot.gather_client(scene.client_id)
    await add(scene, secret(ONE, "1111"), secret(TWO, "2222"))
    after = await scene.database.hot.gather_client(scene.client_id)
    assert before is not None
    assert after is not None
    assert (after.secret_digests, after.version) == ((ONE, TWO), before.version + 2)
    assert [one.last_four for one in await rows_of(scene)] == ["1111", "2222"]
    assert await digests_of(scene, fresh_database) == [ONE, TWO]


async def test_a_retired_secret_is_in_neither_place(scene: Scene, fresh_database: FreshDatabase) -> None:
    await add(scene, secret(ONE), secret(TWO))
    first, _ = await rows_of(scene)
    for expected in (True, False):
        async with scene.database.transaction() as transaction:
            assert await application_secrets.retire(transaction, scene.application_id, first.id, NOW) is expected
    assert await digests_of(scene, fresh_database) == [TWO]


async def test_the_secret_of_another_application_is_not_retired(
    scene: Scene, database: Database, fresh_database: FreshDatabase
) -> None:
    other = await scenes.begin(database, secret_digests=[])
    await add(other, secret(THREE))
    [foreign] = await rows_of(other)
    async with scene.database.transaction() as transaction:
        assert not await application_secrets.retire(transaction, scene.application_id, foreign.id, NOW)
    assert await digests_of(other, fresh_database) == [THREE]


async def test_what_stays_valid_keeps_its_row(scene: Scene, fresh_database: FreshDatabase) -> None:
    await add(scene, secret(ONE, "1111"), secret(TWO, "2222"))
    _, second = await rows_of(scene)
    await keep(scene, TWO, THREE, last_four="3333")
    kept = await rows_of(scene)
    assert second in kept
    assert {one.last_four for one in kept} == {"2222", "3333"}
    assert {*await digests_of(scene, fresh_database)} == {TWO, THREE}
    await keep(scene)
    assert await digests_of(scene, fresh_database) == []


async def test_what_a_server_of_the_first_schema_wrote_is_caught_up_with(
    database: Database, fresh_database: FreshDatabase
) -> None:
    """It knows the digests in the application alone: one it added works on, one it replaced does not come back."""
    scene = await scenes.begin(database, secret_digests=[ONE])
    await add(scene, secret(TWO))
    assert {*await digests_of(scene, fresh_database)} == {ONE, TWO}
    await fetch(
        fresh_database.superuser_url,
        "update application set secret_digests = $2 where id = $1",
        scene.application_id,
        [THREE],
    )
    await add(scene, secret(ONE))
    assert {*await digests_of(scene, fresh_database)} == {THREE, ONE}


async def test_applications_registered_and_changed_by_anybody_agree_with_their_rows(
    scene: Scene, fresh_database: FreshDatabase
) -> None:
    async with scene.database.transaction() as transaction:
        moment = datetime.now(
            UTC
        )  # ids sort in the order of their making only while a millisecond has not had too many
        await applications.change(
            transaction, scene.application_id, moment, secret_digests=(ONE, TWO), last_four="1111"
        )
    assert await digests_of(scene, fresh_database) == [ONE, TWO]
    async with scene.database.transaction() as transaction:
        found = await applications.find(transaction, scene.client_id)
        assert found is not None
        await applications.insert_application(
            transaction, new_id(NOW), "another", found.description, (THREE,), NOW, last_four="3333"
        )
    [row] = await fetch(
        fresh_database.superuser_url,
        "select last_four, digest from application_secret where application_id = "
        "(select id from application where client_id = 'another')",
    )
    assert tuple(row) == ("3333", THREE)


async def test_twenty_writers_at_once_leave_both_places_the_same(scene: Scene, fresh_database: FreshDatabase) -> None:
    async def write(number: int) -> None:
        async with scene.database.transaction() as transaction:
            assert await applications.find(transaction, scene.client_id, lock=True)
            new = secret(digest(str(number).encode()))
            await application_secrets.add(transaction, scene.application_id, new, NOW)

    await asyncio.gather(*(write(number) for number in range(CONNECTIONS)))
    assert len(await digests_of(scene, fresh_database)) == CONNECTIONS


async def test_no_representation_of_a_secret_tells_its_digest(scene: Scene) -> None:
    assert str(ONE) not in repr(secret(ONE))
