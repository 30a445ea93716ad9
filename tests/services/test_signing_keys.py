"""Signing keys in the database: sealed, made once however many make them, replaced in time, retired at once."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import asyncpg
import orjson
import pytest

from app.crypto import jose
from app.crypto.envelope import open_vault
from app.jobs.loop import JOBS, run_if_due
from app.jobs.rotate_keys import rotate_keys
from app.jobs.work import Work
from app.protocol.policy import Lifetimes
from app.protocol.tokens.keyring import KeyRing, SigningPlan
from app.services.bootstrap import SecretRefused, settle_signing_keys
from app.services.signing_keys import AlreadyRetired, KeyKeeper, NoSuchKey, audit_of_key
from app.store import signing_keys
from app.store.database import Database
from app.store.orders import Actor
from tests.support.database import FreshDatabase
from tests.support.emptied import empty
from tests.support.site import VAULT

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
PLAN = SigningPlan(algorithms=("ES256", "EdDSA"))
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


@pytest.fixture
async def keeper(database: Database, fresh_database: FreshDatabase) -> KeyKeeper:
    """A keeper of an empty ring."""
    await empty(fresh_database)
    return KeyKeeper(database, VAULT, PLAN)


def _tell(now: datetime) -> Any:
    return partial(audit_of_key, now, Actor("operator", "test"))


async def _keep(keeper: KeyKeeper, now: datetime = NOW) -> KeyRing:
    await keeper.keep(now, _tell(now))
    return await keeper.ring()


async def _fetch(fresh: FreshDatabase, query: str) -> list[Mapping[str, Any]]:
    connection = await asyncpg.connect(fresh.superuser_url)
    try:
        return [dict(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def test_the_first_keys_sign_at_once(keeper: KeyKeeper) -> None:
    ring = await _keep(keeper)

    assert {key.alg for key in ring.keys} == {"ES256", "EdDSA"}
    assert all(ring.signer(alg, NOW) for alg in PLAN.algorithms)
    assert not (await keeper.keep(NOW, _tell(NOW))).make


@pytest.mark.spec("standards", "JW-2")
async def test_a_private_key_leaves_the_process_sealed(keeper: KeyKeeper, fresh_database: FreshDatabase) -> None:
    await _keep(keeper)

    for stored in await signing_keys.read(keeper.database):
        private = orjson.loads(stored.opened(VAULT) or b"")
        assert private["kid"] == stored.key.kid == jose.thumbprint(private)
        assert not stored.key.public_jwk.keys() & PRIVATE
        assert private["d"].encode() not in stored.sealed
        assert private["d"] not in repr(stored)
    rows = await _fetch(fresh_database, "select row_to_json(signing_key)::text as row from signing_key")
    assert not [row for row in rows if '"d"' in row["row"]]


async def test_twenty_at_once_make_each_first_key_once(keeper: KeyKeeper) -> None:
    done = await asyncio.gather(*(keeper.keep(NOW, _tell(NOW)) for _ in range(20)))

    assert sum(len(changes.make) for changes in done) == 2
    assert len((await keeper.ring()).keys) == 2


@pytest.mark.spec("standards", "JW-3")
async def test_twenty_at_once_make_exactly_one_next_key(keeper: KeyKeeper, fresh_database: FreshDatabase) -> None:
    one = KeyKeeper(keeper.database, VAULT, SigningPlan(algorithms=("ES256",)))
    first = (await _keep(one)).keys[0]
    later = NOW + 89 * DAY

    await asyncio.gather(*(one.keep(later, _tell(later)) for _ in range(20)))

    ring = await one.ring()
    assert len(ring.keys) == 2
    assert ring.signer("ES256", later) == first
    assert ring.signer("ES256", NOW + 90 * DAY) not in (None, first)
    assert len(ring.published(later)) == 2
    told = await _fetch(fresh_database, "select subject_id from audit where event = 'signing_key.created'")
    assert {row["subject_id"] for row in told} == {key.kid for key in ring.keys}
    assert len(told) == 2


async def test_a_key_that_is_over_is_removed_and_told(keeper: KeyKeeper, fresh_database: FreshDatabase) -> None:
    first = {key.kid for key in (await _keep(keeper)).keys}
    await _keep(keeper, NOW + 89 * DAY)

    ring = await _keep(keeper, NOW + 126 * DAY)

    assert first.isdisjoint(key.kid for key in ring.keys)
    told = await _fetch(fresh_database, "select subject_id from audit where event = 'signing_key.removed'")
    assert {row["subject_id"] for row in told} == first


async def test_a_retired_key_is_followed_at_once(keeper: KeyKeeper, fresh_database: FreshDatabase) -> None:
    old = (await _keep(keeper)).signer("ES256", NOW)
    assert old is not None

    changes = await keeper.retire(old.kid, NOW, _tell(NOW))

    ring = await keeper.ring()
    new = ring.signer("ES256", NOW)
    assert [made.kid for made in changes.make] == [new.kid if new else None]
    assert old.kid not in [key.kid for key in ring.published(NOW)]
    [told] = await _fetch(
        fresh_database, "select subject_id, actor_kind, data::text from audit where event = 'signing_key.retired'"
    )
    assert (told["subject_id"], told["actor_kind"]) == (old.kid, "operator")
    assert orjson.loads(told["data"]) == {"alg": "ES256"}


async def test_a_retired_key_hands_over_to_the_announced_one(keeper: KeyKeeper) -> None:
    first = (await _keep(keeper)).signer("ES256", NOW)
    later = NOW + 89 * DAY
    await _keep(keeper, later)
    assert first is not None

    changes = await keeper.retire(first.kid, later, _tell(later))

    ring = await keeper.ring()
    signer = ring.signer("ES256", later)
    assert signer is not None
    assert changes.activate == (signer.kid,)
    assert not changes.make


async def test_of_twenty_who_retire_a_key_one_does(keeper: KeyKeeper) -> None:
    key = (await _keep(keeper)).signer("ES256", NOW)
    assert key is not None

    done = await asyncio.gather(*(keeper.retire(key.kid, NOW, _tell(NOW)) for _ in range(20)), return_exceptions=True)

    assert [type(one) for one in done].count(AlreadyRetired) == 19
    assert len((await keeper.ring()).published(NOW)) == 2


async def test_what_is_not_there_cannot_be_retired(keeper: KeyKeeper) -> None:
    with pytest.raises(NoSuchKey):
        await keeper.retire("nothing", NOW, _tell(NOW))


async def test_keys_under_another_root_secret_stop_the_start(keeper: KeyKeeper) -> None:
    kids = {key.kid for key in (await _keep(keeper)).keys}
    stranger = KeyKeeper(keeper.database, open_vault(b"quite another root secret, 32 bytes"), PLAN)

    with pytest.raises(SecretRefused, match="another root secret") as refused:
        await settle_signing_keys(stranger, NOW)
    assert all(kid in str(refused.value) for kid in kids)

    for kid in kids:
        await stranger.retire(kid, NOW, _tell(NOW))
    await settle_signing_keys(stranger, NOW)
    assert (await stranger.ring()).signer("ES256", NOW) is not None


async def test_a_start_makes_what_is_missing(keeper: KeyKeeper) -> None:
    await settle_signing_keys(keeper, NOW)

    assert len((await keeper.ring()).keys) == 2


async def test_the_job_rotates(keeper: KeyKeeper) -> None:
    moments = [NOW, NOW + 89 * DAY, NOW + 126 * DAY]
    counts = []
    for now in moments:
        await rotate_keys(Work(keeper.database, Lifetimes(), lambda: NOW, VAULT, PLAN), now)
        counts.append(len((await keeper.ring()).keys))

    assert counts == [2, 4, 2]


async def test_the_loop_has_the_job(keeper: KeyKeeper) -> None:
    [job] = [job for job in JOBS if job.run is rotate_keys]
    work = Work(keeper.database, Lifetimes(), lambda: datetime.now(UTC), VAULT, PLAN)

    had = await asyncio.gather(*(run_if_due(work, job) for _ in range(20)))

    assert sum(had) == 1
    assert len((await keeper.ring()).keys) == 2
