"""Requests to people elsewhere in the database: placed, polled, decided, told of and redeemed, each once (CIBA)."""

import asyncio
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlmodel import col

from app.crypto.hashing import digest
from app.crypto.secrets import new_id, random_bytes
from app.models import Failure, User
from app.protocol.configuration import AskingLimits
from app.protocol.grant_management import GrantTarget
from app.protocol.granted_details import GrantedDetail
from app.protocol.sender import Binding, Proof
from app.services import limits
from app.services.limits import Counted
from app.store import failures
from app.store.hot_backchannel import AskedPerson, Call, CallReport, NewBackchannel, Placed
from app.store.hot_connection import counting_trips
from tests.store import scene as scenes
from tests.store.scene import NOW, SECOND, Scene, approval, fetch
from tests.support.database import FreshDatabase

RIVALS = 20
UNTIL = NOW + 30 * SECOND
SEALED = b"sealed"
PAYMENT = GrantedDetail("detail:payment", {"type": "payment", "amount": "20.00"})


def new_request(scene: Scene, **changes: Any) -> NewBackchannel:
    """The order for a request of the scene's application to its user."""
    order: dict[str, Any] = {
        "id": new_id(NOW),
        "digest": digest(b"request"),
        "application_id": scene.application_id,
        "application_version": 1,
        "application_epoch": 0,
        "person": AskedPerson(scene.user_id, 0),
        "scopes": ("a", "b"),
        "resources": (),
        "poll_seconds": 5,
        "address": "192.0.2.1",
        "request_id": "request-1",
        "created_at": NOW,
        "expires_at": NOW + timedelta(minutes=5),
        "audit": scenes.entry("backchannel_request.made"),
    }
    return NewBackchannel(**{**order, **changes})


async def placed(scene: Scene, **changes: Any) -> UUID:
    order = new_request(scene, **changes)
    assert await scene.database.backchannel.place(order) is Placed.THERE
    return order.id


async def deny(scene: Scene, request_id: UUID, user_id: UUID | None = None) -> bool:
    entry = scenes.entry("authorization.denied")
    return await scene.database.backchannel.deny(request_id, user_id or scene.user_id, NOW, entry)


async def claimed(scene: Scene, now: datetime = NOW, most: int = 1_000) -> tuple[Call, ...]:
    """Claim what is due; return what is about the scene's application."""
    calls = await scene.database.backchannel.claim_calls(now, now + 30 * SECOND, most)
    return tuple(call for call in calls if call.application_id == scene.application_id)


async def test_a_request_comes_back_as_it_was_placed(scene: Scene) -> None:
    backchannel = scene.database.backchannel
    target = GrantTarget("merge", UUID(int=5))
    said: dict[str, Any] = {"acr_values": ("gold",), "binding_message": "4711", "target": target, "details": (PAYMENT,)}
    request_id = await placed(scene, binding=Binding(jkt="thumbprint"), **said)
    with counting_trips() as trips:
        client, fact = await backchannel.gather(scene.client_id, request_id)
    assert trips == ["gather_backchannel"]
    assert client is not None
    assert fact is not None
    assert (fact.status, fact.origin, fact.authentication, fact.standing) == ("pending", None, None, None)
    assert (fact.poll_seconds, fact.polled_at, fact.binding.jkt, fact.grant_action) == (5, None, "thumbprint", "merge")
    assert await backchannel.gather(scene.client_id, None) == (client, None)
    question = await backchannel.gather_question(request_id, scene.user_id)
    assert question is not None
    assert (question.client, question.record) == (client, None)
    asked = question.request
    assert (asked.acr_values, asked.binding_message) == (("gold",), "4711")
    assert (asked.target, asked.details) == (target, (PAYMENT,))
    assert (asked.user_id, asked.user_epoch, asked.status) == (scene.user_id, 0, "pending")
    assert await backchannel.gather_question(request_id, UUID(int=1)) is None


async def test_a_request_is_placed_only_for_the_application_that_was_decided_on(scene: Scene) -> None:
    order = new_request(scene, application_version=2)
    assert await scene.database.backchannel.place(order) is Placed.APPLICATION_CHANGED
    assert await scene.database.backchannel.waiting_for(scene.user_id, NOW) == ()


@pytest.mark.spec("standards", "DP-6")
async def test_a_proof_places_one_request(scene: Scene) -> None:
    proof = Proof(NOW, random_bytes())
    orders = [new_request(scene, proof=proof) for _ in range(RIVALS)]
    outcomes = await asyncio.gather(*(scene.database.backchannel.place(order) for order in orders))
    assert sorted(outcome.value for outcome in outcomes) == sorted(["there", *["replayed"] * (RIVALS - 1)])


async def test_a_person_is_found_by_each_of_his_names(scene: Scene, fresh_database: FreshDatabase) -> None:
    find = partial(scene.database.backchannel.find_person, scene.application_id)
    [row] = await fetch(
        fresh_database.superuser_url, "select username_key, sub from user_account where id = $1", scene.user_id
    )
    await scene.database.pairwise.of("shop.example", scene.user_id, "pairwise-1", NOW)
    person = AskedPerson(scene.user_id, 0)
    assert await find(row["username_key"], None, None) == person
    assert await find(None, row["sub"], None) == person
    assert await find(None, "pairwise-1", "shop.example") == person
    assert await find(None, row["sub"], "shop.example") is None
    assert await find(None, "pairwise-1", "bank.example") is None
    assert await find("nobody", "nobody", None) is None
    async with scene.database.transaction() as transaction:
        await transaction.execute(update(User).where(col(User.id) == scene.user_id).values(email_key="x@example.com"))
    assert await find("x@example.com", None, None) == person
    async with scene.database.transaction() as transaction:
        await transaction.execute(update(User).where(col(User.id) == scene.user_id).values(disabled_at=NOW))
    assert await find("x@example.com", None, None) is None


async def test_a_person_sees_what_waits_for_him(scene: Scene) -> None:
    backchannel = scene.database.backchannel
    first, second = await placed(scene), await placed(scene, expires_at=NOW + SECOND)
    denied = await placed(scene)
    await placed(scene, person=None)
    await placed(scene, application_epoch=-1)
    assert await deny(scene, denied)
    waiting = await backchannel.waiting_for(scene.user_id, NOW)
    assert [question.request.id for question in waiting] == [first, second]
    assert waiting[0].client is not None
    assert [one.request.id for one in await backchannel.waiting_for(scene.user_id, NOW + SECOND)] == [first]
    async with scene.database.transaction() as transaction:
        await transaction.execute(update(User).where(col(User.id) == scene.user_id).values(epoch=1))
    assert await backchannel.waiting_for(scene.user_id, NOW) == ()


async def test_nobody_is_asked_in_vain_and_decides(scene: Scene) -> None:
    for person in (None, AskedPerson(new_id(NOW), 0)):
        request_id = await placed(scene, person=person)
        assert await scene.database.backchannel.approve(approval(scene, request_id, "a")) is None
        assert not await deny(scene, request_id)


async def test_of_decisions_at_once_one_is_told(scene: Scene) -> None:
    backchannel = scene.database.backchannel
    for _ in range(5):
        request_id = await placed(scene, notification=SEALED)
        approvals = (backchannel.approve(approval(scene, request_id, "a")) for _ in range(RIVALS // 2))
        denials = (deny(scene, request_id) for _ in range(RIVALS // 2))
        polls = (backchannel.slow_down(request_id, NOW, 5 * SECOND) for _ in range(RIVALS // 2))
        outcomes = await asyncio.gather(*approvals, *denials, *polls)
        assert sum(bool(outcome) for outcome in outcomes) == 1
        _, fact = await backchannel.gather(scene.client_id, request_id)
        assert fact is not None
        assert (fact.status == "approved") == any(outcomes[: RIVALS // 2])
        [call] = await claimed(scene)
        assert (call.id, call.whom, call.status) == (request_id, "client", fact.status)


@pytest.mark.spec("standards", "CB-11")
async def test_what_is_approved_is_taken_back_where_it_was_counted(scene: Scene) -> None:
    keys = (random_bytes(), random_bytes(), random_bytes())
    async with scene.database.transaction() as transaction:
        for key in keys:
            for _ in range(3):
                await failures.count_in_window(transaction, key, NOW, limit=10, window=timedelta(minutes=1))
    request_id, denied = await placed(scene, counted=keys[:2]), await placed(scene, counted=keys)
    assert await scene.database.backchannel.approve(approval(scene, request_id, "a"))
    assert await deny(scene, denied)
    async with scene.database.transaction() as transaction:
        counts = [(await transaction.get_one(Failure, key)).count for key in keys]
    assert counts == [2, 2, 3]


async def test_a_person_is_told_before_he_decides_and_the_client_after(scene: Scene) -> None:
    polling = await placed(scene, tells_person=True)
    pinged = await placed(scene, tells_person=True, notification=SEALED, binding_message="4711")
    quiet = await placed(scene)
    calls = await claimed(scene)
    assert [(call.id, call.whom, call.status) for call in calls] == [
        (polling, "person", "pending"),
        (pinged, "person", "pending"),
    ]
    call = calls[1]
    assert (call.client_id, call.user_id, call.binding_message) == (scene.client_id, scene.user_id, "4711")
    assert (call.scopes, call.attempts, call.notification) == (("a", "b"), 0, SEALED)
    assert call.username
    assert await claimed(scene) == ()
    for request_id in (polling, pinged, quiet):
        assert await deny(scene, request_id)
    [told] = await claimed(scene)
    assert (told.id, told.whom, told.status) == (pinged, "client", "denied")


async def test_a_call_is_made_again_or_never(scene: Scene, fresh_database: FreshDatabase) -> None:
    backchannel = scene.database.backchannel
    request_id = await placed(scene, tells_person=True)
    [call] = await claimed(scene)
    await backchannel.record_calls([CallReport(call, NOW + 40 * SECOND)])
    assert await claimed(scene, NOW + 39 * SECOND) == ()
    [again] = await claimed(scene, NOW + 40 * SECOND)
    assert (again.id, again.attempts) == (request_id, 1)
    await backchannel.record_calls([CallReport(again, audit=scenes.entry("backchannel_request.made"))])
    assert await claimed(scene, NOW + timedelta(minutes=4)) == ()
    rows = await fetch(fresh_database.superuser_url, "select event from audit where event like 'backchannel%'")
    assert len(rows) >= 2


async def test_whoever_takes_too_long_has_lost_the_call_to_the_next_one(scene: Scene) -> None:
    await placed(scene, tells_person=True)
    [lost] = await claimed(scene)
    [call] = await claimed(scene, UNTIL)
    assert call.id == lost.id
    await scene.database.backchannel.record_calls([CallReport(lost)])
    await scene.database.backchannel.record_calls([CallReport(call, UNTIL + SECOND)])
    assert [again.attempts for again in await claimed(scene, UNTIL + SECOND)] == [1]


async def test_a_decision_makes_a_call_of_its_own(scene: Scene) -> None:
    """Whoever tells the person at that moment has nothing to say about the call to the client."""
    request_id = await placed(scene, tells_person=True, notification=SEALED)
    [telling] = await claimed(scene)
    assert await scene.database.backchannel.approve(approval(scene, request_id, "a"))
    await scene.database.backchannel.record_calls([CallReport(telling)])
    [call] = await claimed(scene)
    assert (call.whom, call.status, call.attempts) == ("client", "approved", 0)


async def test_nobody_is_told_of_what_he_cannot_decide_any_more(scene: Scene) -> None:
    await placed(scene, tells_person=True, expires_at=NOW + SECOND)
    assert await claimed(scene, NOW + SECOND) == ()


async def test_each_call_is_made_by_one_of_many(scene: Scene) -> None:
    placed_ids = {await placed(scene, tells_person=True) for _ in range(RIVALS)}
    shares = await asyncio.gather(*(claimed(scene, most=2) for _ in range(RIVALS)))
    made = [call.id for share in shares for call in share]
    assert len(made) == len(set(made))
    rest = await claimed(scene)
    assert {*made, *(call.id for call in rest)} == placed_ids


@pytest.mark.spec("standards", "CB-8")
async def test_who_has_many_calls_does_not_hold_up_those_of_others(scene: Scene) -> None:
    """Whoever does not answer, and has people of his own approve all he asks, would keep every place."""
    busy = await scenes.begin(scene.database)
    many = [await placed(busy, tells_person=True, created_at=NOW - SECOND) for _ in range(RIVALS)]
    one = await placed(scene, tells_person=True)
    claim = partial(scene.database.backchannel.claim_calls, NOW, UNTIL, whom="person")
    none = {busy.application_id: 0, scene.application_id: 0}
    await claim(1_000, places=none)  # what other tests have left
    assert {call.id for call in await claim(2)} == {many[0], one}
    assert [call.id for call in await claim(1_000, abreast=3)] == many[1:4]
    assert await claim(1_000, places=none) == ()
    assert len(await claim(1_000, abreast=3, places={busy.application_id: 2})) == 2
    assert len(await claim(1_000)) == RIVALS - 6


async def test_whoever_writes_something_that_has_to_be_told_wakes_who_tells(scene: Scene) -> None:
    stirred = scene.database.backchannel.calls
    request_id = await placed(scene, notification=SEALED)
    for deed in (
        lambda: deny(scene, request_id),
        lambda: placed(scene, tells_person=True),
    ):
        stirred.clear()
        await deed()
        assert stirred.is_set()


@pytest.mark.spec("standards", "CB-11")
async def test_whoever_approves_and_whoever_asks_do_not_hold_each_other_up(scene: Scene) -> None:
    """Both write to the same counters, in the same order."""
    rules = AskingLimits(of_application=1_000, of_person=1_000)
    keys = limits.asking_keys(b"k" * 32, application_id=scene.application_id, name="sam", person_id=scene.user_id)
    admitted = await asyncio.gather(
        *(limits.admit_asking(scene.database, keys, NOW, rules) for _ in range(RIVALS)),
    )
    counted = {one.under for one in admitted if isinstance(one, Counted)}
    assert counted == {(keys.application, keys.person)}
    waiting = [await placed(scene, counted=(keys.application, keys.person)) for _ in range(RIVALS)]
    asking = (limits.admit_asking(scene.database, keys, NOW, rules) for _ in range(RIVALS))
    approving = (scene.database.backchannel.approve(approval(scene, one, "a")) for one in waiting)
    outcomes = await asyncio.gather(*(deed for pair in zip(asking, approving, strict=True) for deed in pair))
    assert all(outcomes)
    async with scene.database.transaction() as transaction:
        counts = [(await transaction.get_one(Failure, key)).count for key in (keys.application, keys.person)]
    assert counts == [RIVALS, RIVALS]
