"""Expired rows go, in slices; what is alive stays, and so does what died yesterday."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, select
from sqlmodel import col

from app.crypto.secrets import new_id
from app.jobs.expire import expire
from app.jobs.work import Work
from app.models.device_grant import DeviceGrant
from app.models.failure import Failure
from app.models.grant_code import GrantCode
from app.models.legacy import LegacyCredential, LegacyToken
from app.models.one_time_link import OneTimeLink
from app.models.pushed_request import PushedRequest
from app.models.revoked_token import RevokedToken
from app.models.server_meta import ServerMeta
from app.protocol.policy import Lifetimes
from app.store import expiry
from app.store.database import Database
from app.store.expiry import Expiring, next_span
from tests.store import scene as scenes
from tests.store.scene import fetch
from tests.support.database import FreshDatabase
from tests.support.emptied import empty
from tests.support.site import VAULT

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
async def store(database: Database, fresh_database: FreshDatabase) -> Database:
    """The database without rows, and without a memory of earlier runs."""
    await empty(fresh_database)
    async with database.transaction() as transaction:
        await transaction.execute(delete(ServerMeta).where(col(ServerMeta.key).startswith("expired.")))
    return database


async def _links(database: Database, *ages: timedelta, lifetime: timedelta = DAY) -> None:
    """Store links that were made so long ago and live for `lifetime`."""
    rows = [
        {
            "id": new_id(NOW - age),
            "digest": b"d" * 32,
            "purpose": "test",
            "created_at": NOW - age,
            "expires_at": NOW - age + lifetime,
        }
        for age in ages
    ]
    async with database.transaction() as transaction:
        await transaction.execute(insert(OneTimeLink), rows)


async def _ages(database: Database) -> list[timedelta]:
    async with database.transaction() as transaction:
        made = await transaction.scalars(select(col(OneTimeLink.created_at)).order_by(col(OneTimeLink.id)))
        return [NOW - moment for moment in made]


async def test_only_what_has_been_dead_for_a_day_goes(store: Database) -> None:
    await _links(store, 40 * DAY, 3 * DAY, 1.5 * DAY, 0.5 * DAY)

    await expire(Work(store, Lifetimes(), lambda: NOW, VAULT), NOW)

    assert await _ages(store) == [1.5 * DAY, 0.5 * DAY]


async def test_codes_and_failures_go_too(store: Database) -> None:
    old = NOW - 3 * DAY
    code = {
        **{name: new_id(old) for name in ("id", "application_id", "user_id", "authorization_id")},
        **dict.fromkeys(("record_version", "user_epoch", "application_epoch"), 0),
        **{"digest": b"d" * 32, "scopes": [], "resources": [], "amr": [], "acr": "", "offline": True},
        **{"auth_time": old, "expires_at": old + timedelta(minutes=1)},
    }
    failures = [
        {"key": b"quiet", "count": 3, "first_at": old, "last_at": old},
        {"key": b"fresh", "count": 3, "first_at": old, "last_at": NOW},
        {"key": b"blocked", "count": 30, "first_at": old, "last_at": old, "blocked_until": NOW + DAY},
    ]
    device = {
        **{"id": new_id(old), "application_id": new_id(old), "application_epoch": 0, "digest": b"d" * 32},
        **{"user_code_digest": b"u" * 32, "scopes": [], "resources": [], "poll_seconds": 5, "created_at": old},
    }
    devices = [
        device | {"expires_at": old + timedelta(minutes=10)},
        device | {"id": new_id(NOW), "user_code_digest": b"v" * 32, "expires_at": NOW + timedelta(minutes=10)},
    ]
    request = {
        **{"id": new_id(old), "application_id": new_id(old), "client_id": "web", "digest": b"d" * 32},
        **{"params": [], "signed": False, "created_at": old, "expires_at": old + timedelta(seconds=90)},
    }
    recent = {"id": new_id(NOW - DAY), "created_at": NOW - DAY, "expires_at": NOW - DAY + timedelta(seconds=90)}
    pushed = [request, request | recent]
    async with store.transaction() as transaction:
        await transaction.execute(insert(GrantCode), [code])
        await transaction.execute(insert(DeviceGrant), devices)
        await transaction.execute(insert(PushedRequest), pushed)
        await transaction.execute(insert(Failure), failures)

    await expire(Work(store, Lifetimes(), lambda: NOW, VAULT), NOW)

    async with store.transaction() as transaction:
        assert await transaction.scalar(select(func.count()).select_from(GrantCode)) == 0
        assert [*await transaction.scalars(select(col(DeviceGrant.id)))] == [devices[1]["id"]]
        assert [*await transaction.scalars(select(col(PushedRequest.id)))] == [recent["id"]]
        assert set(await transaction.scalars(select(col(Failure.key)))) == {b"fresh", b"blocked"}


async def test_what_was_revoked_without_a_row_is_forgotten_a_day_after_its_end(
    store: Database,
) -> None:
    ends = [NOW + DAY * days for days in (-400, -2, -1.5, -0.5, 0, 1)]
    async with store.transaction() as transaction:
        await transaction.execute(
            insert(RevokedToken), [{"id": new_id(NOW), "expires_at": end} for end in (*ends, *[NOW - 3 * DAY] * 5)]
        )
    assert await expiry.forget_revoked_tokens(store, expired_before=NOW - 2.5 * DAY, limit=4) == 4

    await expire(Work(store, Lifetimes(), lambda: NOW, VAULT), NOW)

    async with store.transaction() as transaction:
        left = await transaction.scalars(select(col(RevokedToken.expires_at)).order_by(col(RevokedToken.expires_at)))
        assert [*left] == ends[3:]


async def test_a_row_that_outlives_todays_lifetimes_stays_until_it_has_expired(store: Database) -> None:
    await _links(store, 50 * DAY, lifetime=60 * DAY)
    await _links(store, 40 * DAY)

    assert await expiry.remove(store, Expiring.LINKS, born_before=NOW - 2 * DAY, now=NOW) == 1
    assert await _ages(store) == [50 * DAY]
    later = NOW + 11 * DAY
    assert await expiry.remove(store, Expiring.LINKS, born_before=later - 2 * DAY, now=later) == 1


async def test_a_later_run_begins_where_the_last_one_ended(store: Database) -> None:
    await _links(store, 10 * DAY)
    await expiry.remove(store, Expiring.LINKS, born_before=NOW - 2 * DAY, now=NOW)
    await _links(store, 10 * DAY)  # behind the position: nothing makes such rows, so nobody looks for them

    assert await expiry.remove(store, Expiring.LINKS, born_before=NOW, now=NOW + DAY) == 0


async def test_the_volume_goes_in_slices(store: Database) -> None:
    await _links(store, *(10 * DAY + timedelta(seconds=number) for number in range(2000)))

    assert await expiry.remove(store, Expiring.LINKS, born_before=NOW - 2 * DAY, now=NOW) == 2000


@given(st.timedeltas(timedelta(seconds=1), timedelta(days=7)), st.integers(0, 1_000_000))
def test_a_span_moves_against_the_traffic_and_stays_within_its_bounds(span: timedelta, removed: int) -> None:
    after = next_span(span, removed)

    assert timedelta(seconds=1) <= after <= timedelta(days=7)
    assert (after > span) <= (removed < 500)
    assert (after < span) <= (removed > 5_000)


async def test_imported_tokens_go_a_day_after_their_end_with_what_leads_to_them(store: Database) -> None:
    ends = [NOW - timedelta(days=2), NOW - timedelta(hours=2), NOW + DAY]
    tokens = [
        {
            **{"id": new_id(NOW), "digest": b"d" * 32, "application_id": new_id(NOW), "record_version": 1},
            **{"user_epoch": 0, "application_epoch": 0, "scopes": [], "resources": [], "issued_at": NOW},
            "expires_at": end,
        }
        for end in ends
    ]
    leads = [
        {"digest": bytes([number]) * 32, "kind": "access_token", "target_id": token["id"]}
        for number, token in enumerate(tokens)
    ]
    async with store.transaction() as transaction:
        await transaction.execute(insert(LegacyToken), tokens)
        await transaction.execute(insert(LegacyCredential), leads)
    await expire(Work(store, Lifetimes(), lambda: NOW, VAULT), NOW)
    async with store.transaction() as transaction:
        left = (await transaction.scalars(select(col(LegacyToken.expires_at)).order_by(col(LegacyToken.id)))).all()
        led = (await transaction.scalars(select(col(LegacyCredential.target_id)))).all()
    assert sorted(left) == ends[1:]
    assert set(led) == {token["id"] for token in tokens[1:]}


async def test_notices_go_after_thirty_days_whether_somebody_delivered_them_or_not(
    store: Database, fresh_database: FreshDatabase
) -> None:
    made = [NOW - 31 * DAY, NOW - 29 * DAY]
    old, young = ([new_id(moment) for _ in range(2)] for moment in made)
    await fetch(
        fresh_database.superuser_url,
        "insert into logout_delivery (id, application_id, user_id, lane, subject, next_at, created_at, expires_at, "
        "done_at, outcome) select i, i, i, i, '', $1, $1, $1, d, case when d is not null then 'delivered' end "
        "from unnest($2::uuid[], $3::timestamptz[]) one (i, d)",
        *(NOW, [*old, *young], [NOW, None] * 2),
    )
    await expire(Work(store, Lifetimes(), lambda: NOW, VAULT), NOW)
    left = await fetch(fresh_database.superuser_url, "select id from logout_delivery")
    assert {row["id"] for row in left} == set(young)


async def test_which_applications_a_session_had_is_known_for_as_long_as_it_goes_on(
    store: Database, fresh_database: FreshDatabase
) -> None:
    scene = await scenes.begin(store)
    old, young = NOW - 40 * DAY, NOW - DAY
    over, ended, kept, fresh = new_id(old), new_id(old), new_id(old), new_id(young)
    await scenes.sign_in(scene, id=ended, ended_at=NOW - 39 * DAY, expires_at=NOW + DAY)
    await scenes.sign_in(scene, sid=kept, expires_at=NOW + DAY)
    await fetch(
        fresh_database.superuser_url,
        "insert into session_application select s, $2, $3, '', $4, $4 from unnest($1::uuid[]) s",
        *([over, ended, kept, fresh], scene.application_id, scene.user_id, old),
    )
    await expire(Work(store, Lifetimes(), lambda: NOW, VAULT), NOW)
    left = await fetch(fresh_database.superuser_url, "select sid from session_application where first_at = $1", old)
    assert {row["sid"] for row in left} == {kept, fresh}
