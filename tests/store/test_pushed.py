"""Pushed requests in the database: placed, taken up, and used up by what is granted or denied (RFC 9126)."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.crypto.hashing import digest
from app.crypto.secrets import new_id, random_bytes
from app.protocol.sender import Proof
from app.store import records
from app.store.hot_connection import counting_trips
from app.store.hot_pushed import Counter, NewPushed, Outcome
from tests.store import scene as scenes
from tests.store.scene import NOW, SECOND, Scene, consent, fetch
from tests.support.database import FreshDatabase

RIVALS = 20
PARAMS = (("client_id", "x"), ("scope", "a b"), ("state", "π"), ("resource", "r1"), ("resource", "r2"))


def new_pushed(scene: Scene, **changes: Any) -> NewPushed:
    """The order for a request of the scene's application."""
    order: dict[str, Any] = {
        "id": new_id(NOW),
        "digest": digest(b"pushed"),
        "application_id": scene.application_id,
        "application_version": 1,
        "client_id": scene.client_id,
        "params": PARAMS,
        "signed": True,
        "created_at": NOW,
        "expires_at": NOW + 90 * SECOND,
    }
    return NewPushed(**{**order, **changes})


async def placed(scene: Scene, **changes: Any) -> UUID:
    order = new_pushed(scene, **changes)
    assert (await scene.database.pushed.place(order)).outcome is Outcome.THERE
    return order.id


async def used_at(scene: Scene, pushed_id: UUID) -> Any:
    found = await scene.database.pushed.gather(pushed_id, scene.client_id, None, NOW)
    assert found.pushed is not None
    return found.pushed.used_at


@pytest.mark.spec("standards", "PAR-8")
async def test_a_request_comes_back_as_it_was_placed_with_whoever_comes_for_it(scene: Scene) -> None:
    pushed_id = await placed(scene)
    session_id = await scenes.sign_in(scene)
    await scene.database.hot.settle_authorization(consent(scene, "a"))
    with counting_trips() as trips:
        found = await scene.database.pushed.gather(pushed_id, scene.client_id, session_id, NOW)
    assert trips == ["gather_pushed"]
    assert found.pushed is not None
    assert (found.pushed.params, found.pushed.signed, found.pushed.used_at) == (PARAMS, True, None)
    assert (found.pushed.application_id, found.pushed.digest) == (scene.application_id, digest(b"pushed"))
    assert found.pushed.expires_at == NOW + 90 * SECOND
    assert found.client is not None
    assert found.session is not None
    assert found.record is not None
    assert found.record.pairs == ("a",)


async def test_what_is_not_there_is_not_found(scene: Scene) -> None:
    found = await scene.database.pushed.gather(None, scene.client_id, None, NOW)
    assert (found.pushed, found.session, found.record) == (None, None, None)
    assert found.client is not None
    nobody = await scene.database.pushed.gather(await placed(scene), "a\x00b", None, NOW)
    assert nobody.client is None
    assert nobody.pushed is not None


async def test_a_request_is_placed_only_for_the_application_that_was_decided_on(scene: Scene) -> None:
    order = new_pushed(scene, application_version=2)
    assert (await scene.database.pushed.place(order)).outcome is Outcome.APPLICATION_CHANGED


@pytest.mark.spec("standards", "DP-6")
@pytest.mark.spec("standards", "PAR-15")
async def test_a_proof_places_one_request(scene: Scene) -> None:
    proof = Proof(NOW, random_bytes())
    orders = [new_pushed(scene, proof=proof) for _ in range(RIVALS)]
    placed = await asyncio.gather(*(scene.database.pushed.place(order) for order in orders))
    outcomes = sorted(one.outcome.value for one in placed)
    assert outcomes == sorted(["there", *["replayed"] * (RIVALS - 1)])


@pytest.mark.spec("standards", "PAR-1")
@pytest.mark.parametrize("proved", [False, True], ids=["bearer", "with a proof"])
async def test_so_many_are_placed_within_a_window_however_many_come_at_once(scene: Scene, proved: bool) -> None:
    key, window = random_bytes(), timedelta(minutes=10)

    async def push(now: Any) -> Any:
        counter = Counter(key, 7, now - window)
        proof = Proof(NOW, random_bytes()) if proved else None
        order = new_pushed(scene, counter=counter, created_at=now, expires_at=now + 90 * SECOND, proof=proof)
        return await scene.database.pushed.place(order)

    outcomes = await asyncio.gather(*(push(NOW) for _ in range(RIVALS)))
    assert sum(one.outcome is Outcome.THERE for one in outcomes) == 7
    full = await push(NOW + window - SECOND)
    assert (full.outcome, full.counted_since) == (Outcome.TOO_MANY, NOW)
    assert (await push(NOW + window)).outcome is Outcome.THERE


@pytest.mark.spec("standards", "PAR-10")
async def test_of_many_that_are_granted_by_it_at_once_one_is(scene: Scene) -> None:
    pushed_id = await placed(scene)
    orders = [replace(consent(scene, "a"), pushed_id=pushed_id) for _ in range(RIVALS)]
    settled = await asyncio.gather(*(scene.database.hot.settle_authorization(order) for order in orders))
    assert sum(one is not None for one in settled) == 1
    assert await used_at(scene, pushed_id) == NOW


@pytest.mark.spec("standards", "PAR-10")
async def test_of_pages_that_grant_and_deny_it_at_once_one_does(scene: Scene, fresh_database: FreshDatabase) -> None:
    hot = scene.database.hot
    for _ in range(5):
        pushed_id = await placed(scene)
        waiting = [scenes.interaction(scene, pushed_id=pushed_id) for _ in range(RIVALS)]
        await asyncio.gather(*(hot.save_interaction(order) for order in waiting))
        grants = (
            hot.settle_authorization(replace(consent(scene, "a", interaction_id=one.id), pushed_id=pushed_id))
            for one in waiting[: RIVALS // 2]
        )
        audits = [scenes.entry("authorization.denied") for _ in waiting[RIVALS // 2 :]]
        denials = (
            hot.close_interaction(one.id, NOW, audit, pushed_id)
            for one, audit in zip(waiting[RIVALS // 2 :], audits, strict=True)
        )
        outcomes = await asyncio.gather(*grants, *denials)
        assert sum(bool(outcome) for outcome in outcomes) == 1
        told = await fetch(
            fresh_database.superuser_url, "select id from audit where id = any($1)", [audit.id for audit in audits]
        )
        assert len(told) == sum(bool(outcome) for outcome in outcomes[RIVALS // 2 :])


@pytest.mark.spec("standards", "PAR-8")
async def test_a_request_of_another_application_pays_for_nothing(scene: Scene) -> None:
    stranger = await scenes.begin(scene.database)
    foreign = await placed(stranger)
    assert await scene.database.hot.settle_authorization(replace(consent(scene, "a"), pushed_id=foreign)) is None
    assert await records.list_for_user(scene.database, scene.user_id) == []
    assert await used_at(stranger, foreign) is None


async def test_what_cannot_be_granted_uses_nothing_up(scene: Scene) -> None:
    pushed_id = await placed(scene)
    over = replace(consent(scene, "a", interaction_id=UUID(int=4)), pushed_id=pushed_id)
    disabled = replace(consent(scene, "a"), pushed_id=pushed_id, user_epoch=1)
    for order in (over, disabled):
        assert await scene.database.hot.settle_authorization(order) is None
    assert not await scene.database.hot.close_interaction(
        UUID(int=4), NOW, scenes.entry("authorization.denied"), pushed_id
    )
    assert await used_at(scene, pushed_id) is None


async def test_an_interaction_remembers_what_was_pushed(scene: Scene) -> None:
    pushed_id = await placed(scene)
    waiting = scenes.interaction(scene, pushed_id=pushed_id, signed=True)
    await scene.database.hot.save_interaction(waiting)
    found, *_ = await scene.database.hot.gather_interaction(waiting.id, None, NOW)
    assert found is not None
    assert (found.pushed_id, found.signed) == (pushed_id, True)
