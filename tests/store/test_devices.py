"""Device codes in the database: placed, polled, decided and redeemed, each in one statement and once."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.crypto.hashing import digest
from app.crypto.secrets import new_id, random_bytes
from app.protocol.sender import Binding, Proof
from app.store.hot_connection import counting_trips
from app.store.hot_devices import NewDevice, Placed
from tests.store.scene import NOW, Scene

RIVALS = 20


def new_device(scene: Scene, **changes: Any) -> NewDevice:
    """The order for a device code of the scene's application."""
    order: dict[str, Any] = {
        "id": new_id(NOW),
        "digest": digest(b"device"),
        "user_code_digest": random_bytes(),
        "application_id": scene.application_id,
        "application_version": 1,
        "application_epoch": 0,
        "scopes": ("a", "b"),
        "resources": (),
        "poll_seconds": 5,
        "address": "192.0.2.1",
        "request_id": "request-1",
        "created_at": NOW,
        "expires_at": NOW + timedelta(minutes=10),
    }
    return NewDevice(**{**order, **changes})


async def placed(scene: Scene, **changes: Any) -> UUID:
    order = new_device(scene, **changes)
    assert await scene.database.devices.place(order) is Placed.THERE
    return order.id


async def test_a_device_code_comes_back_as_it_was_placed(scene: Scene) -> None:
    devices = scene.database.devices
    device_id = await placed(scene, binding=Binding(jkt="thumbprint"))
    with counting_trips() as trips:
        client, fact = await devices.gather(scene.client_id, device_id)
    assert trips == ["gather_device"]
    assert client is not None
    assert fact is not None
    assert (fact.status, fact.origin, fact.authentication, fact.standing) == ("pending", None, None, None)
    assert (fact.poll_seconds, fact.polled_at, fact.binding.jkt) == (5, None, "thumbprint")
    assert await devices.gather(scene.client_id, None) == (client, None)


@pytest.mark.spec("standards", "DV-4")
async def test_a_user_code_belongs_to_one_device(scene: Scene) -> None:
    devices = scene.database.devices
    taken = random_bytes()
    first = await placed(scene, user_code_digest=taken)
    assert await devices.place(new_device(scene, user_code_digest=taken)) is Placed.USER_CODE_TAKEN
    assert await devices.find([random_bytes(), taken], NOW) == first
    assert await devices.find([taken], NOW + timedelta(minutes=10)) is None
    assert await devices.find([random_bytes()], NOW) is None


async def test_a_code_is_placed_only_for_the_application_that_was_decided_on(scene: Scene) -> None:
    assert await scene.database.devices.place(new_device(scene, application_version=2)) is Placed.APPLICATION_CHANGED


@pytest.mark.spec("standards", "DP-6")
async def test_a_proof_places_one_code(scene: Scene) -> None:
    proof = Proof(NOW, random_bytes())
    orders = [new_device(scene, proof=proof) for _ in range(RIVALS)]
    outcomes = await asyncio.gather(*(scene.database.devices.place(order) for order in orders))
    assert sorted(outcome.value for outcome in outcomes) == sorted(["there", *["replayed"] * (RIVALS - 1)])
