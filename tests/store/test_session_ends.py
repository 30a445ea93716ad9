"""What ends with a session that somebody ends, and who is told (LB-1, LB-3, LB-5, RF-9, BB-3)."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.crypto.hashing import digest
from app.store import records, session_ends
from app.store.session_ends import EndedSession
from tests.store import scene as scenes
from tests.store.endings import LATER, LISTENS, application, end, family, notices, record, revoked, row_of, told_by
from tests.store.endings import scene as scene
from tests.store.endings import url as url
from tests.store.scene import NOW, SECOND, Scene, fetch


@pytest.mark.spec("standards", "LB-1")
@pytest.mark.spec("standards", "LB-3")
async def test_each_application_of_the_session_gets_one_notice(scene: Scene, url: str) -> None:
    session = await scenes.sign_in(scene)
    other = await application(scene, openid=LISTENS)
    await told_by(scene, session)
    await told_by(scene, session, to=other, subject="pairwise")
    await told_by(scene, await scenes.sign_in(scene))
    ended = await end(scene.database, session_ends.by_credentials([(session, digest(b"session"))]))
    assert ended == (EndedSession(session, scene.user_id, session),)
    written = await notices(url, scene.user_id)
    assert {(row["application_id"], row["subject"]) for row in written} == {
        (scene.application_id, "ada"),
        (other, "pairwise"),
    }
    for row in written:
        assert (row["sid"], row["lane"], row["attempts"], row["done_at"]) == (session, session, 0, None)
        assert (row["next_at"], row["expires_at"]) == (LATER, LATER + timedelta(hours=24))


async def test_who_cannot_be_told_gets_no_notice(scene: Scene, url: str) -> None:
    session = await scenes.sign_in(scene)
    await told_by(scene, session, to=await application(scene))
    await told_by(scene, session, to=await application(scene, openid={"backchannel_logout_uri": ""}))
    await told_by(scene, session, to=await application(scene, openid=LISTENS, deleted_at=NOW))
    assert await end(scene.database, session_ends.by_ids(scene.user_id, [session]))
    assert not await notices(url, scene.user_id)
    assert not scene.database.notices.is_set()


@pytest.mark.spec("standards", "LB-5")
@pytest.mark.spec("standards", "RF-7")
@pytest.mark.spec("standards", "RF-9")
@pytest.mark.spec("standards", "BB-3")
async def test_what_hangs_on_the_session_ends_with_it_and_the_rest_goes_on(scene: Scene, url: str) -> None:
    session, elsewhere = await scenes.sign_in(scene), await scenes.sign_in(scene)
    page = await application(scene, kind="browser")
    over = {
        await family(scene, session, "openid", "profile"),
        await family(scene, session, "org:read", of=page),
        await family(scene, session, of=page),
    }
    await family(scene, session, "openid", "offline_access")
    await family(scene, session, "org:read", "offline_access", of=page)
    await family(scene, session, "org:read")
    await family(scene, elsewhere, "openid")
    await family(scene, None, "openid")
    await end(scene.database, session_ends.by_ids(scene.user_id, [session]))
    assert await revoked(url, scene.user_id) == over


@pytest.mark.spec("standards", "LB-5")
async def test_what_may_work_offline_no_more_ends_with_its_session_or_at_once_when_that_is_over(
    scene: Scene, url: str
) -> None:
    here, gone, idle = (
        await scenes.sign_in(scene),
        await scenes.sign_in(scene, ended_at=NOW),
        await scenes.sign_in(scene, idle_expires_at=NOW),
    )
    page = await application(scene)
    at_once = {await family(scene, sid, "openid", "offline_access") for sid in (gone, idle)}
    later = await family(scene, here, "openid", "offline_access")
    await family(scene, None, "openid", "offline_access")
    await family(scene, idle, "openid")
    await family(scene, gone, "org:read", "offline_access")
    await family(scene, gone, "openid", "offline_access", of=page)
    taken = scenes.entry("authorization.narrowed", LATER)
    assert await records.narrow(
        scene.database, await record(scene, scene.application_id), ["offline_access"], LATER, taken
    )
    assert await revoked(url, scene.user_id) == at_once
    await end(scene.database, session_ends.by_ids(scene.user_id, [here]))
    assert await revoked(url, scene.user_id) == {*at_once, later}


@pytest.mark.spec("standards", "LB-5")
async def test_what_no_session_stands_behind_goes_on_though_nobody_is_signed_in(scene: Scene, url: str) -> None:
    mine = await record(scene, scene.application_id)
    await family(scene, None, "openid", "offline_access")
    over = await family(scene, await scenes.sign_in(scene, ended_at=NOW), "openid", "offline_access")
    taken = scenes.entry("authorization.narrowed", LATER)
    assert await records.narrow(scene.database, mine, ["offline_access"], LATER, taken)
    assert await revoked(url, scene.user_id) == {over}


@pytest.mark.spec("standards", "LB-5")
async def test_neither_of_both_who_end_at_once_leaves_it_to_the_other(scene: Scene, url: str) -> None:
    sessions = [await scenes.sign_in(scene) for _ in range(10)]
    families = {await family(scene, session, "openid", "offline_access") for session in sessions}
    mine = await record(scene, scene.application_id)
    taken = scenes.entry("authorization.narrowed", LATER)
    await asyncio.gather(
        *(end(scene.database, session_ends.by_ids(scene.user_id, [session])) for session in sessions),
        records.narrow(scene.database, mine, ["offline_access"], LATER, taken),
    )
    assert await revoked(url, scene.user_id) == families


@pytest.mark.spec("standards", "LB-5")
@pytest.mark.parametrize(("scope", "lives"), [("openid", False), ("offline_access", True), ("org:read", True)])
async def test_a_code_on_its_way_ends_with_the_session_as_its_tokens_would(
    scene: Scene, scope: str, lives: bool
) -> None:
    session = await scenes.sign_in(scene)
    how = replace(scenes.AUTHENTICATION, sid=session)
    order = scenes.consent(scene, "openid", "offline_access", code={"scopes": ("openid", scope), "authentication": how})
    if scope == "org:read":
        order = scenes.consent(scene, scope, code={"authentication": how})
    settled = await scene.database.hot.settle_authorization(order)
    assert settled is not None
    await end(scene.database, session_ends.by_ids(scene.user_id, [session]))
    exchange = scenes.exchange(scene.origin(settled), scenes.code_id(order), LATER)
    assert bool(await scene.database.hot.settle_code(exchange)) is lives


async def test_signing_in_again_leaves_one_session_under_its_first_name(scene: Scene, url: str) -> None:
    first = await scenes.sign_in(scene, ended_at=NOW)
    again = await scenes.sign_in(scene, sid=first)
    await told_by(scene, first)
    over = await family(scene, first, "openid")
    assert not await end(scene.database, session_ends.by_ids(scene.user_id, [first]))
    assert not await notices(url, scene.user_id)
    ended = await end(scene.database, session_ends.by_ids(scene.user_id, [again]))
    assert ended == (EndedSession(again, scene.user_id, first),)
    assert [row["sid"] for row in await notices(url, scene.user_id)] == [first]
    assert await revoked(url, scene.user_id) == {over}


async def test_only_whoever_shows_the_credential_ends_the_session(scene: Scene) -> None:
    session = await scenes.sign_in(scene)
    stranger = await scenes.begin(scene.database)
    assert not await end(scene.database, session_ends.by_credentials([(session, digest(b"guess"))]))
    assert not await end(scene.database, session_ends.by_credentials([]))
    assert not await end(scene.database, session_ends.by_ids(stranger.user_id, [session]))
    assert await end(scene.database, session_ends.by_credentials([(session, digest(b"session"))]))


async def test_all_sessions_of_a_person_end_or_all_but_one(scene: Scene) -> None:
    kept, *others = [await scenes.sign_in(scene) for _ in range(4)]
    stranger = await scenes.begin(scene.database)
    await scenes.sign_in(stranger)
    ended = await end(scene.database, session_ends.by_user(scene.user_id, but=kept))
    assert [session.id for session in ended] == others
    assert [session.id for session in await end(scene.database, session_ends.by_user(scene.user_id))] == [kept]
    assert len(await end(scene.database, session_ends.by_user(stranger.user_id))) == 1


async def test_every_end_is_in_the_trail_once(scene: Scene, url: str) -> None:
    sessions = [await scenes.sign_in(scene) for _ in range(3)]
    for _ in range(2):
        await end(scene.database, session_ends.by_ids(scene.user_id, sessions))
    rows = await fetch(
        url, "select data ->> 'session' as id from audit where event = 'session.ended' and at = $1", LATER
    )
    assert {str(session) for session in sessions} <= {row["id"] for row in rows}
    assert len(rows) == len({row["id"] for row in rows})


async def test_a_deed_that_fails_ends_nothing_and_tells_nobody(scene: Scene, url: str) -> None:
    session = await scenes.sign_in(scene)
    await told_by(scene, session)

    async def fail() -> None:
        async with scene.database.transaction() as transaction:
            await session_ends.end_sessions(transaction, session_ends.by_user(scene.user_id), LATER, row_of)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert not await notices(url, scene.user_id)
    assert not scene.database.notices.is_set()
    assert await end(scene.database, session_ends.by_user(scene.user_id))
    assert scene.database.notices.is_set()


async def test_thousands_of_sessions_of_one_person_end_at_once(scene: Scene, url: str) -> None:
    many = 2_000
    await fetch(
        url,
        "insert into browser_session (id, digest, user_id, user_epoch, auth_time, amr, acr, user_agent, address, "
        "created_at, last_used_at, idle_expires_at, expires_at) select gen_random_uuid(), '', $1, 0, $2, '{}', '', "
        "'', '', $2, $2, $2, $2 from generate_series(1, $3)",
        *(scene.user_id, NOW, many),
    )
    await fetch(
        url,
        "insert into session_application select id, $2, user_id, 'ada', $3, $3 from browser_session where user_id = $1",
        *(scene.user_id, scene.application_id, NOW),
    )
    assert len(await end(scene.database, session_ends.by_user(scene.user_id))) == many
    assert len(await notices(url, scene.user_id)) == many


async def test_the_end_of_a_session_reads_nothing_of_others_however_many_there_are(scene: Scene, url: str) -> None:
    session = await scenes.sign_in(scene)
    await told_by(scene, session)
    await family(scene, session, "openid", "offline_access")
    how = replace(scenes.AUTHENTICATION, sid=session)
    assert await scene.database.hot.settle_authorization(
        scenes.consent(scene, "openid", code={"authentication": how, "expires_at": LATER + SECOND})
    )
    tables = ("grant_code", "token_family", "session_application")
    for table in tables:
        await fetch(
            url,
            f"insert into {table} select other.* from {table} one, generate_series(1, 5000) n, "
            "lateral jsonb_populate_record(one, jsonb_build_object('id', gen_random_uuid(), 'sid', gen_random_uuid(), "
            "'user_id', gen_random_uuid(), 'n', n)) other where one.sid = $1",
            session,
        )
        await fetch(url, f"analyze {table}")
    mine, which = await record(scene, scene.application_id), session_ends.by_ids(scene.user_id, [session])
    async with scene.database.transaction() as transaction:
        before = await rows_read(transaction)
        await session_ends.end_what_worked_offline(transaction, mine, scene.user_id, LATER)
        meanwhile = await rows_read(transaction)
        assert meanwhile["token_family"] - before["token_family"] < 10
        assert await session_ends.end_sessions(transaction, which, LATER, row_of)
        after = await rows_read(transaction)
        assert all(after[table] - meanwhile[table] < 10 for table in tables), (meanwhile, after)


async def rows_read(transaction: AsyncSession) -> Counter[str]:
    """Return how many rows of each table the connection has read of late."""
    counted = text("select relname, seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables")
    return Counter(dict((await transaction.execute(counted)).all()))
