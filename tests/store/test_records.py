"""Records as their user sees them: listed, narrowed, revoked, with their history."""

from uuid import UUID

import pytest

from app.crypto.secrets import new_id
from app.store import records
from app.store.database import Database
from app.store.versions import VersionChanged
from tests.store import scene as scenes
from tests.store.scene import NOW, SECOND, Scene
from tests.support.history import history


@pytest.fixture
async def scene(database: Database) -> Scene:
    return await scenes.begin(database, owner_name="Ada", client_uri="https://client.example/")


async def test_a_user_sees_his_live_records_the_latest_first(scene: Scene) -> None:
    await scenes.approve(scene, "a")
    other = await scenes.begin(scene.database)
    second = scenes.Scene(scene.database, scene.user_id, other.application_id, other.client_id)
    await scenes.approve(second, "b", now=NOW + SECOND)
    listed = await records.list_for_user(scene.database, scene.user_id)
    assert [record.client_id for record in listed] == [other.client_id, scene.client_id]
    first = listed[1]
    assert (first.user_id, first.application_id, first.application_name) == (
        scene.user_id,
        scene.application_id,
        "Reports",
    )
    assert (first.owner_name, first.client_uri) == ("Ada", "https://client.example/")
    assert (first.version, first.created_at, first.updated_at) == (1, NOW, NOW)
    assert await records.get(scene.database, first.id) == first
    assert await records.list_for_user(scene.database, other.user_id) == []


async def test_narrowing_removes_what_it_names_and_tells_the_history(scene: Scene) -> None:
    settled, _ = await scenes.approve(scene, "a", "b", "c")
    taken = scenes.entry("authorization.narrowed", NOW + SECOND, removed=["b"])
    assert await records.narrow(scene.database, settled.record_id, ["b", "never had"], NOW + SECOND, taken)
    record = await records.get(scene.database, settled.record_id)
    assert record is not None
    assert [pair.pair for pair in record.pairs] == ["a", "c"]
    assert (record.version, record.updated_at) == (2, NOW + SECOND)
    assert (await records.first_granted(scene.database, settled.record_id)).keys() == {"a", "c"}
    newest, oldest = await history(scene.database, settled.record_id)
    assert (newest.event, newest.at, newest.address) == ("authorization.narrowed", NOW + SECOND, "192.0.2.1")
    assert newest.data == {"removed": ["b"], "before": ["a", "b", "c"], "after": ["a", "c"], "version": 2}
    assert oldest.event == "authorization.granted"


async def test_narrowing_by_nothing_that_is_there_changes_and_tells_nothing(scene: Scene) -> None:
    settled, _ = await scenes.approve(scene, "a")
    assert not await records.narrow(
        scene.database, settled.record_id, ["b"], NOW, scenes.entry("authorization.narrowed")
    )
    assert not await records.narrow(scene.database, settled.record_id, [], NOW, scenes.entry("authorization.narrowed"))
    assert len(await history(scene.database, settled.record_id)) == 1
    record = await records.get(scene.database, settled.record_id)
    assert record is not None
    assert record.version == 1


async def test_a_pair_granted_again_begins_a_new_time(scene: Scene) -> None:
    settled, _ = await scenes.approve(scene, "a", "b")
    await records.narrow(scene.database, settled.record_id, ["b"], NOW, scenes.entry("authorization.narrowed"))
    await scenes.approve(scene, "b", now=NOW + 9 * SECOND)
    granted = await records.first_granted(scene.database, settled.record_id)
    assert granted == {"a": NOW, "b": NOW + 9 * SECOND}


async def test_a_record_of_which_everything_was_taken_away_is_still_there(scene: Scene) -> None:
    settled, _ = await scenes.approve(scene, "a")
    assert await records.narrow(scene.database, settled.record_id, ["a"], NOW, scenes.entry("authorization.narrowed"))
    record = await records.get(scene.database, settled.record_id)
    assert record is not None
    assert record.pairs == ()


async def test_revoking_ends_a_record_once_and_keeps_its_history(scene: Scene) -> None:
    settled, _ = await scenes.approve(scene, "a")
    assert await records.revoke(
        scene.database, settled.record_id, NOW, scenes.entry("authorization.revoked", NOW + SECOND)
    )
    assert not await records.revoke(scene.database, settled.record_id, NOW, scenes.entry("authorization.revoked"))
    assert await records.get(scene.database, settled.record_id) is None
    assert await records.list_for_user(scene.database, scene.user_id) == []
    assert not await records.narrow(
        scene.database, settled.record_id, ["a"], NOW, scenes.entry("authorization.narrowed")
    )
    told = await history(scene.database, settled.record_id)
    assert [entry.event for entry in told] == ["authorization.revoked", "authorization.granted"]
    assert told[0].data == {"before": ["a"], "after": [], "version": 2}


async def test_a_change_meant_for_another_version_changes_and_tells_nothing(scene: Scene) -> None:
    settled, _ = await scenes.approve(scene, "a", "b")
    taken, ended = scenes.entry("authorization.narrowed"), scenes.entry("authorization.revoked")
    for version in (0, 2):
        with pytest.raises(VersionChanged):
            await records.narrow(scene.database, settled.record_id, ["b"], NOW, taken, version)
        with pytest.raises(VersionChanged):
            await records.revoke(scene.database, settled.record_id, NOW, ended, version)
    assert len(await history(scene.database, settled.record_id)) == 1
    assert await records.narrow(scene.database, settled.record_id, ["b"], NOW, taken, 1)
    assert await records.revoke(scene.database, settled.record_id, NOW, ended, 2)
    assert not await records.revoke(scene.database, settled.record_id, NOW, ended, 3)


async def test_pages_hold_the_users_live_records_the_newest_first(scene: Scene) -> None:
    made, others = [], [await scenes.begin(scene.database) for _ in range(3)]
    for at, other in enumerate(others):
        own = scenes.Scene(scene.database, scene.user_id, other.application_id, other.client_id)
        settled, _ = await scenes.approve(own, "a", now=NOW + at * SECOND)
        made.append(settled.record_id)

    async def page(after: UUID | None, limit: int = 2) -> list[UUID]:
        found = await records.page_for_user(scene.database, scene.user_id, after=after, limit=limit)
        return [record.id for record in found]

    assert await page(None) == [made[2], made[1]]
    assert await page(made[1]) == [made[0]]
    assert await page(made[0]) == []
    await records.revoke(scene.database, made[1], NOW, scenes.entry("authorization.revoked"))
    assert await page(made[1]) == [made[0]]
    assert await page(None, 3) == [made[2], made[0]]
    assert await records.page_for_user(scene.database, others[0].user_id, after=None, limit=9) == []


async def test_an_unknown_record_is_nothing(database: Database) -> None:
    unknown = new_id(NOW)
    assert await records.get(database, unknown) is None
    assert await history(database, unknown) == []
    assert not await records.revoke(database, unknown, NOW, scenes.entry("authorization.revoked"))
