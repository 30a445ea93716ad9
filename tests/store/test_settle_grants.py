"""Approvals that go into a record of their own, or into one by name, against the database (standards A14)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlmodel import col

from app.crypto.secrets import new_id
from app.models import Application
from app.protocol import liveness
from app.protocol.facts import CodeFact, RecordFact, TokenFact
from app.protocol.grant_management import GrantAction, GrantTarget
from app.store import administration, deletions, records, usage
from app.store.database import Database
from app.store.hot_devices import NewDevice, Placed
from app.store.hot_polled import Approval
from app.store.orders import NewFrontToken, SettledAuthorization
from tests.store import scene as scenes
from tests.store.scene import AUTHENTICATION, NOW, SECOND, Scene, fetch
from tests.support.database import FreshDatabase

CREATE = GrantTarget("create")
BOTH: tuple[GrantAction, ...] = ("merge", "replace")


@pytest.fixture(scope="module")
async def many(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    """The same database over many connections."""
    opened = await Database.open(fresh_database.runtime_url, hot_connections=20)
    yield opened
    await opened.close()


async def settle(scene: Scene, target: GrantTarget | None, *pairs: str, **changes: Any) -> SettledAuthorization:
    settled, _ = await approve(scene, target, *pairs, **changes)
    return settled


async def approve(
    scene: Scene, target: GrantTarget | None, *pairs: str, **changes: Any
) -> tuple[SettledAuthorization, UUID]:
    """Approve these pairs for a target; returns the record and the code's id."""
    order = replace(scenes.consent(scene, *pairs), target=target, **changes)
    settled = await scene.database.hot.settle_authorization(order)
    assert settled is not None
    return settled, scenes.code_id(order)


async def record(scene: Scene, record_id: UUID) -> RecordFact:
    found = await scene.database.grants.find(record_id, scene.application_id, scene.user_id)
    assert found is not None
    return found


async def code(scene: Scene, code_id: UUID) -> CodeFact:
    _, found = await scene.database.hot.gather_code(scene.client_id, code_id)
    assert found is not None
    return found


async def left(scene: Scene, code_id: UUID) -> tuple[tuple[str, ...] | None, bool]:
    """What a code still carries, and whether it buys a refresh token."""
    found = await code(scene, code_id)
    assert found.standing is not None
    return (
        liveness.living_scopes(found.origin, found.standing),
        liveness.may_refresh(found.origin, found.standing),
    )


@pytest.mark.spec("standards", "GM-3")
@pytest.mark.spec("standards", "AR-1")
async def test_create_makes_a_live_record_beside_the_implicit_one_each_time(scene: Scene) -> None:
    implicit, _ = await scenes.approve(scene, "a")
    first, second = await settle(scene, CREATE, "b"), await settle(scene, CREATE, "b", "c")
    again, _ = await scenes.approve(scene, "d")
    assert (again.record_id, again.pairs) == (implicit.record_id, ("a", "d"))
    listed = await records.list_for_user(scene.database, scene.user_id)
    assert {one.id: (one.beside, tuple(pair.pair for pair in one.pairs)) for one in listed} == {
        implicit.record_id: (False, ("a", "d")),
        first.record_id: (True, ("b",)),
        second.record_id: (True, ("b", "c")),
    }


@pytest.mark.spec("standards", "GM-4")
@pytest.mark.spec("standards", "AR-5")
async def test_merge_adds_what_is_new_and_leaves_older_tokens_their_permissions_but_no_refresh(scene: Scene) -> None:
    begun, before = await approve(scene, CREATE, "a", "b", details={"detail:x#1": {"type": "x"}})
    target = GrantTarget("merge", begun.record_id)
    merged, after = await approve(scene, target, "b", "c", details={"detail:y#1": {"type": "y"}})
    assert merged == SettledAuthorization(begun.record_id, 2, ("a", "b", "c"))
    held = await record(scene, begun.record_id)
    assert (held.since, held.details) == ((1, 1, 2), {"detail:x#1": {"type": "x"}, "detail:y#1": {"type": "y"}})
    assert await left(scene, before) == (("a", "b"), False)
    assert await left(scene, after) == (("b", "c"), True)

    again, latest = await approve(scene, target, "a")
    assert (again.version, again.pairs) == (3, ("a", "b", "c"))
    assert [await left(scene, one) for one in (after, latest)] == [(("b", "c"), False), (("a",), True)]


@pytest.mark.spec("standards", "GM-5")
@pytest.mark.spec("standards", "AR-6")
async def test_replace_leaves_only_what_is_approved_now_and_nothing_to_older_tokens(scene: Scene) -> None:
    begun, before = await approve(scene, CREATE, "a", "b", details={"detail:x#1": {"type": "x"}})
    target = GrantTarget("replace", begun.record_id)
    replaced, after = await approve(scene, target, "b", "c", details={"detail:y#1": {"type": "y"}})
    assert replaced == SettledAuthorization(begun.record_id, 2, ("b", "c"))
    held = await record(scene, begun.record_id)
    assert (held.since, held.details) == ((2, 2), {"detail:y#1": {"type": "y"}})
    assert await left(scene, before) == (None, False)
    assert await left(scene, after) == (("b", "c"), True)
    assert set(await records.first_granted(scene.database, begun.record_id)) == {"b", "c"}
    [shown] = await records.list_for_user(scene.database, scene.user_id)
    assert [pair.pair for pair in shown.pairs] == ["b", "c"]


async def test_a_record_can_be_replaced_by_nothing(scene: Scene) -> None:
    begun, before = await approve(scene, CREATE, "a")
    replaced, after = await approve(scene, GrantTarget("replace", begun.record_id))
    assert replaced.pairs == ()
    assert [await left(scene, one) for one in (before, after)] == [(None, False), ((), True)]


@pytest.mark.parametrize("action", BOTH)
async def test_the_implicit_record_can_be_named_too_and_stays_the_implicit_one(
    scene: Scene, action: GrantAction
) -> None:
    implicit, before = await scenes.approve(scene, "a")
    named = await settle(scene, GrantTarget(action, implicit.record_id), "b")
    assert named.record_id == implicit.record_id
    assert not (await left(scene, before))[1]
    later, _ = await scenes.approve(scene, "c")
    assert (later.record_id, later.pairs) == (implicit.record_id, (*named.pairs, "c"))


@pytest.mark.parametrize("action", BOTH)
@pytest.mark.spec("standards", "GM-7")
@pytest.mark.spec("standards", "AR-17 (g)")
async def test_nothing_is_written_or_used_up_when_the_record_is_not_there_for_this_person_and_application(
    scene: Scene, database: Database, action: GrantAction
) -> None:
    stranger = await scenes.begin(database)
    theirs = await settle(stranger, CREATE, "a")
    revoked = await settle(scene, CREATE, "a")
    assert await records.revoke(database, revoked.record_id, NOW, scenes.entry("authorization.revoked"))
    for record_id in (new_id(NOW), theirs.record_id, revoked.record_id):
        waiting = scenes.interaction(scene)
        await database.hot.save_interaction(waiting)
        order = scenes.consent(scene, "b", interaction_id=waiting.id)
        lost = await database.hot.settle_authorization(replace(order, target=GrantTarget(action, record_id)))
        assert lost is None
        kept, *_ = await database.hot.gather_interaction(waiting.id, None, NOW)
        assert kept is not None
        assert kept.closed_at is None
    assert (await record(stranger, theirs.record_id)).pairs == ("a",)


async def test_a_token_through_the_browser_hangs_on_the_same_record(scene: Scene) -> None:
    front = NewFrontToken(
        id=new_id(NOW),
        digest=b"",
        family_id=new_id(NOW),
        key_version=1,
        scopes=("a",),
        resources=(),
        authentication=AUTHENTICATION,
        expires_at=NOW + timedelta(hours=1),
    )
    created = await settle(scene, CREATE, "a", token=front)
    _, token = await scene.database.hot.gather_token(None, front.id)
    assert isinstance(token, TokenFact)
    assert token.origin.record_id == created.record_id


@pytest.mark.parametrize("action", ["create", *BOTH])
@pytest.mark.spec("standards", "AR-15")
async def test_the_trail_tells_what_was_there_before_and_after(
    scene: Scene, fresh_database: FreshDatabase, action: GrantAction
) -> None:
    begun = await settle(scene, CREATE, "a", "b")
    target = CREATE if action == "create" else GrantTarget(action, begun.record_id)
    order = replace(scenes.consent(scene, "b", "c"), target=target)
    settled = await scene.database.hot.settle_authorization(order)
    assert settled is not None
    query = "select authorization_id, data from audit where id = $1"
    [row] = await fetch(fresh_database.superuser_url, query, order.audit.id)
    before, after = {
        "create": ("[]", '["b", "c"]'),
        "merge": ('["a", "b"]', '["a", "b", "c"]'),
        "replace": ('["a", "b"]', '["b", "c"]'),
    }[action]
    assert row["authorization_id"] == settled.record_id
    assert f'"before": {before}' in row["data"]
    assert f'"after": {after}' in row["data"]


@pytest.mark.spec("standards", "GM-2")
@pytest.mark.spec("standards", "CB-12")
@pytest.mark.parametrize("action", ["create", *BOTH])
async def test_a_device_code_is_approved_into_the_record_that_its_request_names(
    scene: Scene, action: GrantAction
) -> None:
    begun = await settle(scene, CREATE, "a")
    target = CREATE if action == "create" else GrantTarget(action, begun.record_id)
    devices, device_id = scene.database.devices, new_id(NOW)
    placed = await devices.place(
        NewDevice(
            id=device_id,
            digest=b"",
            user_code_digest=device_id.bytes,
            application_id=scene.application_id,
            application_version=1,
            application_epoch=0,
            scopes=("b",),
            resources=(),
            poll_seconds=5,
            address="192.0.2.1",
            request_id="request-1",
            created_at=NOW,
            expires_at=NOW + timedelta(minutes=10),
            target=target,
        )
    )
    assert placed is Placed.THERE
    question = await devices.gather_question(device_id, scene.user_id)
    assert question is not None
    assert question.request.target == target
    approval = Approval(
        grant_id=device_id,
        now=NOW,
        application_id=scene.application_id,
        application_epoch=0,
        user_id=scene.user_id,
        user_epoch=0,
        scopes=("b",),
        pairs=("b",),
        new_record_id=new_id(NOW),
        authentication=AUTHENTICATION,
        audit=scenes.entry("authorization.granted"),
    )
    gone = replace(approval, target=GrantTarget("merge", new_id(NOW)))
    assert await devices.approve(gone) is None
    settled = await devices.approve(replace(approval, target=target))
    assert settled is not None
    assert (settled.record_id == begun.record_id) == (action != "create")
    _, found = await devices.gather(scene.client_id, device_id)
    assert found is not None
    assert found.origin is not None
    assert (found.origin.record_id, found.origin.record_version) == (settled.record_id, settled.version)
    assert found.grant_action == action


async def test_a_record_beside_is_narrowed_revoked_read_and_counted_like_any_other(
    scene: Scene, database: Database
) -> None:
    implicit, _ = await scenes.approve(scene, "a")
    created, held = await approve(scene, CREATE, "a", "b")
    assert await usage.people(database, [scene.application_id]) == {scene.application_id: 1}
    assert (await administration.holdings(database, scene.user_id, NOW)).authorizations == 1

    read = await database.grants.read(created.record_id, scene.application_id)
    assert read is not None
    assert (read.pairs, read.by_client) == (("a", "b"), True)
    assert await records.narrow(
        database, created.record_id, ["b"], NOW + SECOND, scenes.entry("authorization.narrowed")
    )
    assert (await left(scene, held))[0] == ("a",)
    read = await database.grants.read(created.record_id, scene.application_id)
    assert read is not None
    assert (read.pairs, read.by_client) == (("a",), False)

    assert await database.grants.is_there(created.record_id, scene.application_id)
    assert await records.revoke(database, created.record_id, NOW + SECOND, scenes.entry("authorization.revoked"))
    assert not await records.revoke(database, created.record_id, NOW, scenes.entry("authorization.revoked"))
    assert (await left(scene, held))[0] is None
    assert await records.get(database, created.record_id) is None
    assert await database.grants.read(created.record_id, scene.application_id) is None
    assert not await database.grants.is_there(created.record_id, scene.application_id)
    assert (await record(scene, implicit.record_id)).pairs == ("a",)


async def test_somebody_who_has_only_records_beside_is_counted_once(scene: Scene, database: Database) -> None:
    for _ in range(3):
        await settle(scene, CREATE, "a")
    assert await usage.people(database, [scene.application_id]) == {scene.application_id: 1}


async def test_places_that_a_merge_or_replacement_left_nothing_to_refresh_with_are_places_no_more(
    scene: Scene, database: Database
) -> None:
    begun, code_id = await approve(scene, CREATE, "a")
    assert await database.hot.settle_code(scenes.exchange(scene.origin(begun, "a"), code_id))
    assert await usage.live_families(database, scene.user_id, begun.record_id, NOW) == 1
    await settle(scene, GrantTarget("merge", begun.record_id), "b")
    assert await usage.live_families(database, scene.user_id, begun.record_id, NOW) == 0


async def test_records_beside_go_with_their_application_and_leave_their_end_in_the_trail(
    database: Database,
) -> None:
    scene = await scenes.begin(database)
    created = await settle(scene, CREATE, "a")
    leaving = {"status": "deletion_in_progress", "delete_after": NOW}
    async with database.transaction() as transaction:
        here = col(Application.id) == scene.application_id
        await transaction.execute(update(Application).where(here).values(**leaving))
    lost: list[UUID] = []

    def entry(record: deletions.LostRecord) -> Any:
        lost.append(record.id)
        return scenes.entry("authorization.revoked")

    assert await deletions.remove_authorizations(database, scene.application_id, limit=10, entry_of=entry) == 1
    assert lost == [created.record_id]


@pytest.mark.spec("standards", "AR-17 (a)")
async def test_merges_at_once_lose_nothing(scene: Scene, many: Database) -> None:
    crowded = replace(scene, database=many)
    begun = await settle(crowded, CREATE, "a")
    target = GrantTarget("merge", begun.record_id)
    settled = await asyncio.gather(*(settle(crowded, target, f"s{number}") for number in range(20)))
    held = await record(crowded, begun.record_id)
    assert sorted(one.version for one in settled) == list(range(2, 22))
    assert held.version == 21
    assert set(held.pairs) == {"a", *(f"s{number}" for number in range(20))}
    assert len(held.pairs) == len(held.since) == 21
    for one in settled:
        assert held.pairs[: len(one.pairs)] == one.pairs


async def test_merges_and_replacements_at_once_come_one_after_the_other(scene: Scene, many: Database) -> None:
    """Whatever the order: what stands after the last replacement is it, and the merges since, and nothing else."""
    crowded = replace(scene, database=many)
    begun = await settle(crowded, CREATE, "a")
    for _ in range(5):
        orders = [
            (GrantTarget("replace" if number % 4 == 0 else "merge", begun.record_id), f"s{number}")
            for number in range(20)
        ]
        first = (await record(crowded, begun.record_id)).version
        settled = await asyncio.gather(*(settle(crowded, target, pair) for target, pair in orders))
        assert sorted(one.version for one in settled) == list(range(first + 1, first + 21))
        expected: tuple[str, ...] = ()
        for (target, pair), one in sorted(zip(orders, settled, strict=True), key=lambda both: both[1].version):
            if target.action == "replace":
                expected = (pair,)
            elif one.version == first + 1:
                expected = one.pairs
            else:
                expected = (*expected, pair) if pair not in expected else expected
            assert one.pairs == expected
        held = await record(crowded, begun.record_id)
        assert held.pairs == expected
        assert len(held.since) == len(expected)
        shown = await records.get(many, begun.record_id)
        assert shown is not None
        assert tuple(pair.pair for pair in shown.pairs) == expected


async def test_creations_at_once_are_records_of_their_own(scene: Scene, many: Database) -> None:
    crowded = replace(scene, database=many)
    settled = await asyncio.gather(*(settle(crowded, CREATE, "a") for _ in range(20)))
    assert len({one.record_id for one in settled}) == 20
    assert {(one.version, one.pairs) for one in settled} == {(1, ("a",))}
    listed = await records.list_for_user(many, scene.user_id)
    assert {one.id for one in listed} == {one.record_id for one in settled}


async def test_a_revocation_and_merges_at_once_leave_no_life_behind(scene: Scene, many: Database) -> None:
    crowded = replace(scene, database=many)
    begun = await settle(crowded, CREATE, "a")
    target = GrantTarget("merge", begun.record_id)

    async def merge(number: int) -> UUID | None:
        order = replace(scenes.consent(crowded, f"s{number}"), target=target)
        return scenes.code_id(order) if await many.hot.settle_authorization(order) else None

    entry = scenes.entry("authorization.revoked")
    *codes, revoked = await asyncio.gather(
        *(merge(number) for number in range(20)), records.revoke(many, begun.record_id, NOW, entry)
    )
    assert revoked is True
    assert await many.grants.find(begun.record_id, scene.application_id, scene.user_id) is None
    for code_id in codes:
        if isinstance(code_id, UUID):
            assert (await left(crowded, code_id))[0] is None
