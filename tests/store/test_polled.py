"""Device codes and requests to people elsewhere, while their clients poll: decided once, and redeemed once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlmodel import col

from app.crypto.secrets import random_bytes
from app.models import Application
from app.protocol.device_facts import DeviceRequestFact
from app.protocol.grant_management import GrantTarget
from app.protocol.sender import Proof
from app.store import records
from app.store.hot_backchannel import Backchannel
from app.store.hot_devices import Devices
from tests.store import scene as scenes
from tests.store import test_backchannel, test_devices
from tests.store.scene import AUTHENTICATION, NOW, SECOND, Scene, approval, exchange, fetch
from tests.store.test_backchannel import PAYMENT
from tests.support.database import FreshDatabase

RIVALS = 20


@dataclass(frozen=True)
class Kind:
    """One of the two tables: its store, and how a grant comes there."""

    table: str
    grants: Callable[[Scene], Devices | Backchannel]
    placed: Callable[[Scene], Awaitable[UUID]]


DEVICE = Kind("device_grant", lambda scene: scene.database.devices, test_devices.placed)
REQUEST = Kind("backchannel_request", lambda scene: scene.database.backchannel, test_backchannel.placed)

EACH = pytest.mark.parametrize("kind", [DEVICE, REQUEST], ids=["device", "request"])


@EACH
async def test_what_is_approved_is_copied_and_merged(scene: Scene, kind: Kind, fresh_database: FreshDatabase) -> None:
    grants, grant_id = kind.grants(scene), await kind.placed(scene)
    settled = await grants.approve(approval(scene, grant_id, "b", details=(PAYMENT,), pairs=("b", PAYMENT.pair)))
    assert settled is not None
    assert settled.pairs == ("b", PAYMENT.pair)
    _, fact = await grants.gather(scene.client_id, grant_id)
    assert fact is not None
    assert fact.status == "approved"
    assert fact.origin == replace(scene.origin(settled, "b"), details=(PAYMENT,))
    assert fact.authentication == AUTHENTICATION
    assert fact.standing is not None
    question = await grants.gather_question(grant_id, scene.user_id)
    assert question is not None
    if isinstance(question.request, DeviceRequestFact):
        assert question.request.decided_by == scene.user_id
    else:
        assert question.request.record_id == settled.record_id
    assert question.record is not None
    assert question.record.id == settled.record_id
    [row] = await fetch(
        fresh_database.superuser_url, "select data from audit where authorization_id = $1", settled.record_id
    )
    assert '"after": ["b"' in row["data"]


@EACH
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"now": NOW + timedelta(minutes=10)}, id="expired"),
        pytest.param({"user_epoch": 1}, id="the person was disabled meanwhile"),
        pytest.param({"application_epoch": 1}, id="the application was turned off meanwhile"),
        pytest.param({"grant_id": UUID(int=3)}, id="there is nothing that waits"),
        pytest.param({"target": GrantTarget("merge", UUID(int=4))}, id="there is no such grant"),
    ],
)
async def test_what_cannot_be_approved_changes_nothing(scene: Scene, kind: Kind, changes: dict[str, Any]) -> None:
    order = replace(approval(scene, await kind.placed(scene), "a"), **changes)
    assert await kind.grants(scene).approve(order) is None
    assert await records.list_for_user(scene.database, scene.user_id) == []


@EACH
@pytest.mark.spec("standards", "DV-8")
@pytest.mark.spec("standards", "CB-7")
async def test_one_decision_counts_however_many_are_made_at_once(scene: Scene, kind: Kind) -> None:
    grants = kind.grants(scene)
    for _ in range(5):
        grant_id = await kind.placed(scene)
        approvals = (grants.approve(approval(scene, grant_id, "a")) for _ in range(RIVALS // 2))
        denials = (
            grants.deny(grant_id, scene.user_id, NOW, scenes.entry("authorization.denied")) for _ in range(RIVALS // 2)
        )
        polls = (grants.slow_down(grant_id, NOW, 5 * SECOND) for _ in range(RIVALS // 2))
        outcomes = await asyncio.gather(*approvals, *denials, *polls)
        assert sum(bool(outcome) for outcome in outcomes) == 1
        _, fact = await grants.gather(scene.client_id, grant_id)
        assert fact is not None
        assert (fact.status == "approved") == any(outcomes[: RIVALS // 2])


@EACH
@pytest.mark.spec("standards", "DC-3")
@pytest.mark.spec("standards", "CB-7")
async def test_of_polls_at_one_moment_one_has_waited(scene: Scene, kind: Kind) -> None:
    grants, grant_id = kind.grants(scene), await kind.placed(scene)
    noted = await asyncio.gather(*(grants.note_poll(grant_id, NOW, None) for _ in range(RIVALS)))
    assert sum(noted) == 1
    assert not await grants.note_poll(grant_id, NOW + SECOND, None)
    assert await grants.note_poll(grant_id, NOW + SECOND, NOW)
    await grants.slow_down(grant_id, NOW, 5 * SECOND)
    _, fact = await grants.gather(scene.client_id, grant_id)
    assert fact is not None
    assert (fact.polled_at, fact.poll_seconds) == (NOW + SECOND, 10)  # time does not go back


@EACH
@pytest.mark.parametrize("proved", [False, True], ids=["bearer", "with a proof"])
@pytest.mark.spec("standards", "DV-6")
@pytest.mark.spec("standards", "CB-7")
async def test_what_was_approved_buys_one_family(
    scene: Scene, kind: Kind, proved: bool, fresh_database: FreshDatabase
) -> None:
    grants, grant_id = kind.grants(scene), await kind.placed(scene)
    settled = await grants.approve(approval(scene, grant_id, "a"))
    assert settled is not None
    proofs = [Proof(NOW, random_bytes()) if proved else None for _ in range(RIVALS)]
    orders = [replace(exchange(scene.origin(settled, "a"), grant_id), proof=proof) for proof in proofs]
    outcomes = await asyncio.gather(*(grants.settle(order) for order in orders))
    assert sum(bool(outcome) for outcome in outcomes) == 1
    [row] = await fetch(
        fresh_database.superuser_url,
        "select status, family_id, (select count(*) from token_family where authorization_id = $2) families "
        f"from {kind.table} where id = $1",
        grant_id,
        settled.record_id,
    )
    assert (row["status"], row["families"]) == ("used", 1)
    assert row["family_id"] in {order.family_id for order in orders}


@EACH
@pytest.mark.spec("standards", "DV-6")
@pytest.mark.spec("standards", "CB-7")
async def test_nothing_is_bought_before_it_is_approved_or_by_an_application_that_changed(
    scene: Scene, kind: Kind
) -> None:
    grants, grant_id = kind.grants(scene), await kind.placed(scene)
    settled = await grants.approve(approval(scene, await kind.placed(scene), "a"))
    assert settled is not None
    origin = scene.origin(settled, "a")
    assert not await grants.settle(exchange(origin, grant_id))
    assert await grants.approve(approval(scene, grant_id, "a"))
    async with scene.database.transaction() as transaction:
        await transaction.execute(
            update(Application).where(col(Application.id) == scene.application_id).values(version=2)
        )
    assert not await grants.settle(exchange(origin, grant_id))
