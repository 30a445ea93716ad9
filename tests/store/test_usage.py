"""How many people have an application connected: counted up to a bound."""

from app.store import records, usage
from tests.store import scene as scenes
from tests.store.scene import NOW, SECOND, Scene


async def connect(scene: Scene, people: int) -> list[Scene]:
    """Have so many people connect the application."""
    connected = []
    for _ in range(people):
        person = (await scenes.begin(scene.database)).user_id
        connected.append(Scene(scene.database, person, scene.application_id, scene.client_id))
        await scenes.approve(connected[-1], "a")
    return connected


async def test_those_are_counted_who_have_it_connected_now(scene: Scene) -> None:
    other = await scenes.begin(scene.database)
    await connect(scene, 2)
    settled, _ = await scenes.approve(scene, "a")
    ids = [scene.application_id, other.application_id]
    assert await usage.people(scene.database, ids) == {scene.application_id: 3}
    entry = scenes.entry("authorization.revoked", NOW + SECOND)
    assert await records.revoke(scene.database, settled.record_id, NOW + SECOND, entry)
    assert await usage.people(scene.database, ids) == {scene.application_id: 2}


async def test_a_crowd_is_not_counted_to_its_end(scene: Scene) -> None:
    await connect(scene, 4)
    assert await usage.people(scene.database, [scene.application_id], most=2) == {scene.application_id: 3}
    assert await usage.people(scene.database, [], most=2) == {}
