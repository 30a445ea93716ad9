"""What ends with a session that somebody ends, and who is told (LB-1, LB-3, LB-5, RF-9, BB-3)."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert

from app.crypto.hashing import digest
from app.crypto.secrets import new_id
from app.models import Application, SessionApplication, TokenFamily
from app.store import session_ends
from app.store.database import Database
from app.store.orders import AuditEntry
from app.store.session_ends import EndedSession
from tests.store import scene as scenes
from tests.store.scene import NOW, SECOND, Scene, fetch

LATER = NOW + 5 * SECOND
LISTENS = {"backchannel_logout_uri": "https://client.example/logout"}


def row_of(ended: EndedSession) -> AuditEntry:
    """The audit row of a session."""
    return scenes.entry("session.ended", LATER, session=str(ended.id))


async def end(database: Database, which: Any) -> tuple[EndedSession, ...]:
    """End sessions in a transaction of their own."""
    async with database.transaction() as transaction:
        return await session_ends.end_sessions(transaction, which, LATER, row_of)


async def told_by(scene: Scene, sid: UUID, *, to: UUID | None = None, subject: str = "ada") -> None:
    """Let the session have signed the person in to an application."""
    row = {"sid": sid, "application_id": to or scene.application_id, "user_id": scene.user_id, "subject": subject}
    async with scene.database.transaction() as transaction:
        await transaction.execute(insert(SessionApplication).values(**row, first_at=NOW, last_at=NOW))


async def application(scene: Scene, **columns: Any) -> UUID:
    """Register another application."""
    key = new_id(NOW)
    row = {"id": key, "client_id": str(key), "name": "Notes", "kind": "web", "auth_method": "none"}
    async with scene.database.transaction() as transaction:
        await transaction.execute(insert(Application).values({**row, "created_at": NOW, "updated_at": NOW, **columns}))
    return key


async def family(scene: Scene, sid: UUID | None, *scopes: str, of: UUID | None = None) -> UUID:
    """Begin a family of a session."""
    key = new_id(NOW)
    row = {
        "id": key,
        "authorization_id": new_id(NOW),
        "user_id": scene.user_id,
        "application_id": of or scene.application_id,
        "record_version": 1,
        "user_epoch": 0,
        "application_epoch": 0,
        "scopes": list(scopes),
        "resources": [],
        "key_since": [1, 0],
        "rotated_at": NOW,
        "idle_expires_at": NOW + timedelta(days=30),
        "expires_at": NOW + timedelta(days=180),
        "auth_time": NOW,
        "acr": "1",
        "amr": ["pwd"],
        "sid": sid,
    }
    async with scene.database.transaction() as transaction:
        await transaction.execute(insert(TokenFamily).values(row))
    return key


async def notices(url: str, user_id: UUID) -> list[dict[str, Any]]:
    """The notices about a person, in their order."""
    return [
        dict(row) for row in await fetch(url, "select * from logout_delivery where user_id = $1 order by id", user_id)
    ]


async def revoked(url: str, user_id: UUID) -> set[UUID]:
    """The families of a person that have ended with a session."""
    query = "select id from token_family where user_id = $1 and revoked_at = $2 and revoked_reason = 'session_ended'"
    return {row["id"] for row in await fetch(url, query, user_id, LATER)}


@pytest.fixture
async def url(fresh_database: Any) -> str:
    """The test's own way to the database."""
    return str(fresh_database.superuser_url)


@pytest.fixture
async def scene(database: Database) -> Scene:
    """A person and an application that wants to be told; nobody has been told anything."""
    database.notices.clear()
    return await scenes.begin(database, openid=LISTENS)


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
@pytest.mark.parametrize(("scope", "lives"), [("openid", False), ("offline_access", True), ("org:read", True)])
async def test_a_code_on_its_way_ends_with_the_session_as_its_tokens_would(
    scene: Scene, scope: str, lives: bool
) -> None:
    session = await scenes.sign_in(scene)
    how = replace(scenes.AUTHENTICATION, sid=session)
    order = scenes.consent(scene, "openid", code={"scopes": ("openid", scope), "authentication": how})
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


@pytest.mark.soak
@pytest.mark.spec("standards", "LB-1")
async def test_of_many_that_end_the_same_session_one_tells_the_application(
    crowd: Iterator[Database], volume: Callable[[int], int], url: str
) -> None:
    scene = await scenes.begin(next(crowd), openid=LISTENS)
    for _ in range(volume(50)):
        sessions = [await scenes.sign_in(scene) for _ in range(2)]
        for session in sessions:
            await told_by(scene, session)
        ways = (
            session_ends.by_user(scene.user_id),
            session_ends.by_ids(scene.user_id, reversed(sessions)),
            session_ends.by_credentials([(session, digest(b"session")) for session in sessions]),
            session_ends.by_ids(scene.user_id, sessions[:1]),
        )
        ends = await asyncio.gather(*(end(next(crowd), way) for way in ways * 5))
        assert sorted(one.id for ended in ends for one in ended) == sessions
    told = [row["sid"] for row in await notices(url, scene.user_id)]
    assert len(told) == len(set(told)) == 2 * volume(50)


async def test_who_is_answered_while_his_session_ends_leaves_no_code_behind_and_his_application_is_told(
    scene: Scene, url: str
) -> None:
    """Whichever comes first: the answer is not given, or what it gave is over and the application hears of it."""
    for number in range(20):
        session = await scenes.sign_in(scene)
        how = replace(scenes.AUTHENTICATION, sid=session)
        order = replace(scenes.consent(scene, "openid", code={"authentication": how}), session_id=session)
        by_id = session_ends.by_ids(scene.user_id, [session])
        ways = scene.database.hot.settle_authorization(order), end(scene.database, by_id)
        settled, _ = await asyncio.gather(*ways) if number % 2 else reversed(await asyncio.gather(*reversed(ways)))
        alive = "select from grant_code where sid = $1 and expires_at > $2"
        assert not await fetch(url, alive, session, NOW)
        told = await fetch(url, "select from logout_delivery where sid = $1", session)
        assert len(told) == int(settled is not None)


async def test_nobody_is_answered_whose_session_is_over(scene: Scene) -> None:
    session = await scenes.sign_in(scene)
    assert await end(scene.database, session_ends.by_ids(scene.user_id, [session]))
    order = replace(scenes.consent(scene, "openid"), session_id=session)
    assert await scene.database.hot.settle_authorization(order) is None


async def test_a_code_that_is_exchanged_meanwhile_leaves_no_family_behind(scene: Scene, url: str) -> None:
    """Whichever comes first: the code is over, or the family is."""
    for _ in range(10):
        session = await scenes.sign_in(scene)
        how = replace(scenes.AUTHENTICATION, sid=session)
        order = scenes.consent(scene, "openid", code={"authentication": how})
        settled = await scene.database.hot.settle_authorization(order)
        assert settled is not None
        exchange = scenes.exchange(scene.origin(settled), scenes.code_id(order), NOW + SECOND)
        by_id = session_ends.by_ids(scene.user_id, [session])
        await asyncio.gather(scene.database.hot.settle_code(exchange), end(scene.database, by_id))
        alive = "select from token_family where sid = $1 and revoked_at is null"
        assert not await fetch(url, alive, session)
