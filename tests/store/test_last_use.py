"""Last uses in the database: never backwards, whoever writes at the same time."""

import asyncio
from datetime import timedelta
from random import Random
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlmodel import col

from app.crypto.hashing import digest
from app.crypto.secrets import new_id
from app.models import ApiKey, ApplicationSecret
from app.store import last_use
from app.store.database import Database
from app.store.last_use import Uses
from tests.store.scene import NOW, begin, fetch
from tests.support.database import FreshDatabase
from tests.support.membership import found


async def keys_of(database: Database, count: int) -> list[UUID]:
    """Make an organization with keys; return their ids."""
    organization = await found(database, f"org-{new_id(NOW)}", NOW)
    ids = [new_id(NOW) for _ in range(count)]
    row = {"digest": b"", "last_four": "", "organization_id": organization, "label": "l", "scopes": []}
    async with database.transaction() as transaction:
        await transaction.execute(
            insert(ApiKey), [row | {"id": one, "created_at": NOW, "updated_at": NOW} for one in ids]
        )
    return ids


async def used_at(database: Database, ids: list[UUID]) -> dict[UUID, object]:
    async with database.transaction() as transaction:
        query = select(col(ApiKey.id), col(ApiKey.last_used_at)).where(col(ApiKey.id).in_(ids))
        return dict((await transaction.execute(query)).all())


async def test_twenty_servers_write_about_the_same_keys_and_the_latest_use_stays(database: Database) -> None:
    ids = await keys_of(database, 50)
    latest = NOW + timedelta(seconds=19)
    batches = []
    for second in range(20):
        mixed = Random(second).sample(ids, len(ids))
        batches.append(Uses(api_keys={(one, b""): NOW + timedelta(seconds=second) for one in mixed}))
    await asyncio.gather(*(last_use.save(database, batch) for batch in batches))
    assert set((await used_at(database, ids)).values()) == {latest}


async def test_a_key_that_is_gone_is_left_out(database: Database) -> None:
    [known] = await keys_of(database, 1)
    await last_use.save(database, Uses(api_keys={(known, b""): NOW, (new_id(NOW), b""): NOW}))
    assert await used_at(database, [known]) == {known: NOW}


async def test_the_two_secrets_of_a_key_are_noted_apart(database: Database) -> None:
    [key] = await keys_of(database, 1)
    async with database.transaction() as transaction:
        await transaction.execute(update(ApiKey).where(col(ApiKey.id) == key).values(retiring_digest=b"before"))
    later = NOW + timedelta(minutes=1)
    await last_use.save(database, Uses(api_keys={(key, b""): NOW, (key, b"before"): later, (key, b"gone"): later}))
    async with database.transaction() as transaction:
        query = select(col(ApiKey.last_used_at), col(ApiKey.retiring_last_used_at)).where(col(ApiKey.id) == key)
        assert (await transaction.execute(query)).one() == (NOW, later)


async def test_a_secret_is_noted_by_its_application_and_digest(database: Database) -> None:
    scene = await begin(database)
    application_id, other = scene.application_id, new_id(NOW)
    shown, retired = digest(b"shown"), digest(b"retired")
    async with scene.database.transaction() as transaction:
        rows = [
            {"id": new_id(NOW), "application_id": application_id, "digest": one, "last_four": "", "created_at": NOW}
            for one in (shown, retired)
        ]
        await transaction.execute(insert(ApplicationSecret), rows)
    await last_use.save(scene.database, Uses(secrets={(application_id, shown): NOW, (other, retired): NOW}))
    async with scene.database.transaction() as transaction:
        query = select(col(ApplicationSecret.digest), col(ApplicationSecret.last_used_at)).where(
            col(ApplicationSecret.digest).in_([shown, retired])
        )
        assert dict((await transaction.execute(query)).all()) == {shown: NOW, retired: None}


async def test_when_applications_that_introduced_themselves_were_last_given_a_token_is_kept(
    database: Database, fresh_database: FreshDatabase
) -> None:
    """Twenty servers write about the same ones; of others, and of what is gone, nothing is written."""
    scenes = [await begin(database, self_registered=True) for _ in range(20)]
    known, other = [scene.application_id for scene in scenes], (await begin(database)).application_id
    batches = []
    for second in range(20):
        mixed = Random(second).sample([*known, other, new_id(NOW)], 22)
        batches.append(Uses(applications={one: NOW + timedelta(seconds=second) for one in mixed}))
    await asyncio.gather(*(last_use.save(database, batch) for batch in batches))
    rows = await fetch(fresh_database.superuser_url, "select * from application_use")
    assert {row["application_id"] for row in rows} == set(known)
    assert {row["last_at"] for row in rows} == {NOW + timedelta(seconds=19)}
