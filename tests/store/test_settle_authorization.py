"""Consent: interaction closed, record merged, code written, in one statement (storage.md §6, standards B7.5)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import asyncpg
import orjson
import pytest
from sqlalchemy import update
from sqlmodel import col

from app.models import Application, User
from app.protocol import consent as consent_rules
from app.protocol import liveness
from app.protocol.facts import Origin, TokenFact
from app.store import records
from app.store.database import Database
from app.store.hot_connection import counting_trips
from tests.store import scene as scenes
from tests.store.scene import NOW, SECOND, Scene, fetch
from tests.support.database import FreshDatabase


@pytest.fixture(scope="module")
async def crowd(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    """The same database over many connections."""
    opened = await Database.open(fresh_database.runtime_url, hot_connections=20)
    yield opened
    await opened.close()


async def in_force(scene: Scene, token_id: UUID) -> tuple[str, ...] | None:
    """The scopes that a token still carries; None when nothing stands behind it."""
    _, token = await scene.database.hot.gather_token(None, token_id)
    assert isinstance(token, TokenFact)
    if token.standing is None or not liveness.stands(token.origin, token.standing):
        return None
    return liveness.scopes_in_force(token.origin, token.standing)


async def audit_of(fresh: FreshDatabase, audit_id: UUID) -> asyncpg.Record:
    [row] = await fetch(fresh.superuser_url, "select * from audit where id = $1", audit_id)
    return row


@pytest.mark.spec("standards", "AR-3")
async def test_the_first_consent_makes_the_record_and_a_code_that_copies_it(scene: Scene) -> None:
    order = scenes.consent(scene, "b", "a", "b")
    with counting_trips() as trips:
        settled = await scene.database.hot.settle_authorization(order)
    assert trips == ["settle_authorization"]
    assert settled is not None
    assert (settled.record_id, settled.version, settled.pairs) == (order.new_record_id, 1, ("b", "a"))
    _, code = await scene.database.hot.gather_code(scene.client_id, scenes.code_id(order))
    assert code is not None
    assert (code.origin.record_id, code.origin.record_version) == (order.new_record_id, 1)


@pytest.mark.spec("standards", "AR-1")
@pytest.mark.spec("standards", "AR-3")
async def test_a_later_consent_appends_what_is_new_and_notes_its_version(scene: Scene) -> None:
    await scenes.approve(scene, "a", "b")
    settled, code_id = await scenes.approve(scene, "c", "b", "d", now=NOW + SECOND)
    assert (settled.version, settled.pairs) == (2, ("a", "b", "c", "d"))
    _, code = await scene.database.hot.gather_code(scene.client_id, code_id)
    assert code is not None
    assert (code.origin.record_version, code.origin.scopes) == (2, ("c", "b", "d"))
    assert code.standing is not None
    assert code.standing.since == (1, 1, 2, 2)


async def test_a_consent_that_brings_nothing_new_changes_no_version(scene: Scene) -> None:
    first, _ = await scenes.approve(scene, "a", "b")
    again, _ = await scenes.approve(scene, "b", now=NOW + SECOND)
    assert again == first


async def test_a_request_without_scopes_makes_an_empty_record(scene: Scene) -> None:
    settled, _ = await scenes.approve(scene)
    assert settled.pairs == ()
    wider, _ = await scenes.approve(scene, "a")
    assert (wider.record_id, wider.version, wider.pairs) == (settled.record_id, 2, ("a",))


async def test_the_pages_learn_when_each_pair_was_granted_first_and_last(scene: Scene) -> None:
    settled, _ = await scenes.approve(scene, "a", "b")
    await scenes.approve(scene, "b", "c", now=NOW + SECOND)
    record = await records.get(scene.database, settled.record_id)
    assert record is not None
    assert [(pair.pair, pair.first_granted, pair.last_granted) for pair in record.pairs] == [
        ("a", NOW, NOW),
        ("b", NOW, NOW + SECOND),
        ("c", NOW + SECOND, NOW + SECOND),
    ]


@pytest.mark.spec("standards", "AR-15")
async def test_the_audit_row_tells_the_record_before_and_after(scene: Scene, fresh_database: FreshDatabase) -> None:
    first = scenes.consent(scene, "a", "b")
    second = scenes.consent(scene, "c", "a")
    third = scenes.consent(scene, "c")
    told = []
    for order in (first, second, third):
        assert await scene.database.hot.settle_authorization(order)
        row = await audit_of(fresh_database, order.audit.id)
        assert (row["authorization_id"], row["request_id"]) == (first.new_record_id, "request-1")
        told.append(orjson.loads(row["data"]))
    assert told == [
        {"asked": ["a", "b"], "before": [], "after": ["a", "b"], "version": 1},
        {"asked": ["c", "a"], "before": ["a", "b"], "after": ["a", "b", "c"], "version": 2},
        {"asked": ["c"], "before": ["a", "b", "c"], "after": ["a", "b", "c"], "version": 2},
    ]


async def test_a_consent_closes_its_interaction_and_the_second_click_finds_it_closed(scene: Scene) -> None:
    hot = scene.database.hot
    waiting = scenes.interaction(scene)
    await hot.save_interaction(waiting)
    clicks = [scenes.consent(scene, "a", interaction_id=waiting.id) for _ in range(8)]
    settled = await asyncio.gather(*(hot.settle_authorization(click) for click in clicks))
    assert sum(one is not None for one in settled) == 1
    found, *_ = await hot.gather_interaction(waiting.id, None, NOW)
    assert found is not None
    assert found.closed_at == NOW
    codes = [(await hot.gather_code(scene.client_id, scenes.code_id(click)))[1] for click in clicks]
    assert [code is not None for code in codes] == [one is not None for one in settled]


async def test_a_consent_after_the_interaction_expired_changes_nothing(scene: Scene) -> None:
    waiting = scenes.interaction(scene)
    await scene.database.hot.save_interaction(waiting)
    late = scenes.consent(scene, "a", interaction_id=waiting.id, now=waiting.expires_at)
    assert await scene.database.hot.settle_authorization(late) is None
    assert await records.list_for_user(scene.database, scene.user_id) == []


async def test_an_interaction_of_one_application_pays_for_no_other(scene: Scene) -> None:
    waiting = scenes.interaction(scene)
    await scene.database.hot.save_interaction(waiting)
    other = replace(await scenes.begin(scene.database), user_id=scene.user_id)
    swapped = scenes.consent(other, "a", interaction_id=waiting.id)
    assert await scene.database.hot.settle_authorization(swapped) is None
    assert await scene.database.hot.settle_authorization(scenes.consent(scene, "a", interaction_id=waiting.id))


async def test_a_denied_interaction_is_closed_with_its_audit_row(scene: Scene, fresh_database: FreshDatabase) -> None:
    hot = scene.database.hot
    waiting = scenes.interaction(scene)
    await hot.save_interaction(waiting)
    denied, late = scenes.entry("authorization.denied"), scenes.entry("authorization.denied")
    assert await hot.close_interaction(waiting.id, NOW, denied)
    assert not await hot.close_interaction(waiting.id, NOW, late)
    assert (await audit_of(fresh_database, denied.id))["event"] == "authorization.denied"
    assert await hot.settle_authorization(scenes.consent(scene, "a", interaction_id=waiting.id)) is None


async def test_a_reference_is_spent_once(scene: Scene) -> None:
    waiting = scenes.interaction(scene)
    await scene.database.hot.save_interaction(waiting)
    spent = await asyncio.gather(*(scene.database.hot.close_interaction(waiting.id, NOW, None) for _ in range(8)))
    assert sum(spent) == 1


@pytest.mark.parametrize(
    ("of_user", "values"),
    [
        (True, {"disabled_at": NOW}),
        (True, {"epoch": 1}),
        (False, {"status": "inactive"}),
        (False, {"epoch": 1}),
    ],
    ids=["user disabled", "user enabled again", "application inactive", "application active again"],
)
async def test_a_consent_decided_before_somebody_was_disabled_is_lost_and_leaves_the_interaction_open(
    scene: Scene, of_user: bool, values: dict[str, object]
) -> None:
    waiting = scenes.interaction(scene)
    await scene.database.hot.save_interaction(waiting)
    async with scene.database.transaction() as transaction:
        if of_user:
            await transaction.execute(update(User).where(col(User.id) == scene.user_id).values(**values))
        else:
            await transaction.execute(
                update(Application).where(col(Application.id) == scene.application_id).values(**values)
            )
    order = scenes.consent(scene, "a", interaction_id=waiting.id)
    assert await scene.database.hot.settle_authorization(order) is None
    found, *_ = await scene.database.hot.gather_interaction(waiting.id, None, NOW)
    assert found is not None
    assert found.closed_at is None
    assert await records.list_for_user(scene.database, scene.user_id) == []


@pytest.mark.soak
@pytest.mark.spec("standards", "AR-17 (a)")
async def test_fifty_consents_at_once_lose_nothing_and_keep_their_order(
    crowd: Database, volume: Callable[[int], int]
) -> None:
    for _ in range(volume(20)):
        scene = await scenes.begin(crowd)
        orders = [scenes.consent(scene, f"s{n}", f"t{n}") for n in range(50)]
        settled = await asyncio.gather(*(crowd.hot.settle_authorization(order) for order in orders))
        by_version = sorted((one for one in settled if one is not None), key=lambda one: one.version)
        assert [one.version for one in by_version] == list(range(1, 51))
        expected: tuple[str, ...] = ()
        for one in by_version:
            expected = consent_rules.merge(expected, one.pairs[-2:])
            assert one.pairs == expected
        assert set(expected) == {pair for order in orders for pair in order.pairs}


@pytest.mark.soak
async def test_narrowing_among_merges_takes_away_what_it_names_and_nothing_else(
    crowd: Database, volume: Callable[[int], int]
) -> None:
    for _ in range(volume(20)):
        scene = await scenes.begin(crowd)
        first, _ = await scenes.approve(scene, "gone", "kept", "gone too")
        merges = [scenes.consent(scene, f"s{n}") for n in range(40)]
        takings = [
            records.narrow(crowd, first.record_id, [pair], NOW, scenes.entry("authorization.narrowed"))
            for pair in ("gone", "gone too")
        ]
        done = await asyncio.gather(*(crowd.hot.settle_authorization(order) for order in merges), *takings)
        assert all(done)
        record = await records.get(crowd, first.record_id)
        assert record is not None
        assert record.version == 43
        assert {pair.pair for pair in record.pairs} == {"kept", *(f"s{n}" for n in range(40))}
        assert (await records.first_granted(crowd, first.record_id)).keys() == {pair.pair for pair in record.pairs}


async def test_a_scope_taken_away_and_granted_again_stays_off_old_tokens(scene: Scene) -> None:
    _, old = await scenes.redeem(scene, "a", "b")
    record_id = old.family_origin.record_id
    assert record_id is not None
    assert await in_force(scene, old.token.id) == ("a", "b")
    assert await records.narrow(scene.database, record_id, ["b"], NOW, scenes.entry("authorization.narrowed"))
    assert await in_force(scene, old.token.id) == ("a",)
    _, new = await scenes.redeem(scene, "b", now=NOW + SECOND)
    assert await in_force(scene, new.token.id) == ("b",)
    assert await in_force(scene, old.token.id) == ("a",)


async def test_a_revoked_record_stays_dead_when_its_user_consents_again(scene: Scene) -> None:
    _, old = await scenes.redeem(scene, "a")
    record_id = old.family_origin.record_id
    assert record_id is not None
    assert await records.revoke(scene.database, record_id, NOW, scenes.entry("authorization.revoked"))
    assert await in_force(scene, old.token.id) is None
    origin, new = await scenes.redeem(scene, "a", now=NOW + SECOND)
    assert origin.record_id != record_id
    assert await in_force(scene, new.token.id) == ("a",)
    assert await in_force(scene, old.token.id) is None
    _, family = await scene.database.hot.gather_family(scene.client_id, old.family_id)
    assert family is not None
    assert not liveness.stands(family.origin, family.standing)


@pytest.mark.spec("standards", "AR-17 (e)")
async def test_a_code_in_flight_does_not_survive_the_record(scene: Scene) -> None:
    settled, code_id = await scenes.approve(scene, "a")
    await records.revoke(scene.database, settled.record_id, NOW, scenes.entry("authorization.revoked"))
    _, code = await scene.database.hot.gather_code(scene.client_id, code_id)
    assert code is not None
    assert not liveness.stands(code.origin, code.standing)


async def test_consents_next_to_a_revocation_end_up_in_one_live_record(crowd: Database) -> None:
    scene = await scenes.begin(crowd)
    first, _ = await scenes.approve(scene, "a")
    orders = [scenes.consent(scene, f"s{n}") for n in range(30)]
    consents = asyncio.gather(*(crowd.hot.settle_authorization(order) for order in orders))
    assert await records.revoke(crowd, first.record_id, NOW, scenes.entry("authorization.revoked"))
    settled = await consents
    again, _ = await scenes.approve(scene, "last")
    live = await records.list_for_user(crowd, scene.user_id)
    assert [record.id for record in live] == [again.record_id]
    late = {
        order.pairs[0]
        for order, one in zip(orders, settled, strict=True)
        if one is not None and one.record_id == again.record_id
    }
    assert {pair.pair for pair in live[0].pairs} == {"last", *late}
    assert None not in settled


@pytest.mark.spec("standards", "AR-1")
async def test_the_record_of_one_user_is_not_anothers(scene: Scene) -> None:
    await scenes.approve(scene, "a")
    other = await scenes.begin(scene.database)
    same_application = replace(other, application_id=scene.application_id, client_id=scene.client_id)
    settled, _ = await scenes.approve(same_application, "b")
    assert settled.pairs == ("b",)
    session_id = await scenes.sign_in(same_application, idle_expires_at=NOW + timedelta(hours=1))
    _, _, record = await scene.database.hot.gather_authorize(scene.client_id, session_id, NOW)
    assert record is not None
    assert record.pairs == ("b",)


async def test_the_origin_that_tokens_copy_is_the_merged_version(scene: Scene) -> None:
    await scenes.approve(scene, "a")
    origin, order = await scenes.redeem(scene, "b")
    assert origin == Origin(scene.application_id, scene.user_id, origin.record_id, 2, 0, 0, ("b",))
    assert await in_force(scene, order.token.id) == ("b",)
