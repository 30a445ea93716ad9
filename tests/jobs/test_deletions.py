"""Deleting applications: in small steps that survive a kill, once among many processes, unless somebody restores."""

import asyncio
from functools import partial

import pytest

from app.jobs import deletions as job
from app.jobs.deletions import delete_applications
from app.jobs.expire import expire
from app.protocol.client_metadata import read as read_metadata
from app.protocol.events import Event
from app.protocol.policy import ApplicationPolicy, Lifetimes
from app.services import applications, own_applications
from app.services.application_settings import read_settings
from app.services.connections import APPLICATION_DELETED
from app.services.legacy_import import Importer
from app.services.legacy_import.files import FileSource
from app.services.operator import Operator
from app.services.own_applications import Conflicting, Holder, Made, NoSuchApplication
from app.store import deletions, idempotency
from app.store.applications import ClientIdTaken
from app.store.database import Database
from app.store.idempotency import Claim, Repeated
from tests.store.scene import fetch
from tests.support.database import FreshDatabase
from tests.support.leaving import GRACE, PEOPLE, ask, client_id, deeds, left, occasion, work
from tests.support.leaving import ada as ada
from tests.support.leaving import clock as clock
from tests.support.leaving import diary as diary
from tests.support.leaving import store as store
from tests.support.own_applications import CALLBACK, ROLES, SCOPES
from tests.support.race import CONNECTIONS
from tests.support.service import Clock


@pytest.mark.spec("original", "M08")
async def test_the_job_leaves_a_tombstone_without_a_word_of_anybodys(
    store: Database, ada: Holder, diary: Made, clock: Clock, fresh_database: FreshDatabase
) -> None:
    await ask(store, ada, diary, clock)
    clock.forward(GRACE.total_seconds())
    await delete_applications(work(store, clock), clock())

    assert await left(fresh_database, diary) == (0, 0, 0)
    [row] = await fetch(
        fresh_database.superuser_url, "select * from application where client_id = $1", client_id(diary)
    )
    assert (row["status"], row["name"]) == ("deletion_in_progress", deletions.TOMBSTONE)
    assert row["deleted_at"] == clock()
    assert row["epoch"] > 0
    kept = {"id", "client_id", "name", "kind", "status", "version", "epoch", "auth_method", "self_registered"}
    kept |= {"delete_after", "deleted_at", "created_at", "updated_at", "verified"}
    assert {name for name, value in row.items() if value not in (None, "", [], "{}") and name not in kept} == set()
    assert await deeds(fresh_database, diary) == ["created", "secret_added", "deletion_asked", "deleted"]
    told = await fetch(
        fresh_database.superuser_url,
        "select user_id, authorization_id, data ->> 'name' as name from audit where data ->> 'reason' = $1",
        APPLICATION_DELETED,
    )
    assert len({row["user_id"] for row in told}) == len({row["authorization_id"] for row in told}) == PEOPLE
    assert {row["name"] for row in told} == {"Deploy Diary"}
    assert await store.hot.gather_client(client_id(diary)) is None


@pytest.mark.spec("standards", "AR-13")
async def test_the_identifier_of_a_deleted_application_is_never_given_out_again(
    store: Database, ada: Holder, diary: Made, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ask(store, ada, diary, clock)
    clock.forward(GRACE.total_seconds())
    await delete_applications(work(store, clock), clock())
    monkeypatch.setattr("app.services.applications.new_client_id", lambda: client_id(diary))
    with pytest.raises(ClientIdTaken):
        await own_applications.create(store, ada, read_settings({}), occasion(clock), scopes=SCOPES)


async def test_before_its_time_and_after_a_restoration_nothing_is_deleted(
    store: Database, ada: Holder, diary: Made, clock: Clock, fresh_database: FreshDatabase
) -> None:
    await ask(store, ada, diary, clock)
    clock.forward(GRACE.total_seconds() - 1)
    await delete_applications(work(store, clock), clock())
    await own_applications.restore(store, ada, client_id(diary), occasion(clock))
    clock.forward(3600)
    await delete_applications(work(store, clock), clock())
    assert await left(fresh_database, diary) == (PEOPLE, PEOPLE, 2)
    assert (await own_applications.find(store, ada, client_id(diary))).stored.status == "active"


async def test_a_run_that_is_killed_is_gone_on_with(
    store: Database,
    ada: Holder,
    diary: Made,
    clock: Clock,
    fresh_database: FreshDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(job, "BATCH", 10)
    await ask(store, ada, diary, clock)
    clock.forward(GRACE.total_seconds())
    assert await deletions.begin(store, diary.application.stored.id, clock())
    leaving = (await deletions.due(store, clock()))[0]
    tell = partial(job._lost, clock(), leaving)
    assert await deletions.remove_authorizations(store, leaving.id, limit=10, entry_of=tell) == 10
    assert (await left(fresh_database, diary))[:2] == (PEOPLE - 10, PEOPLE - 10)
    with pytest.raises(NoSuchApplication):
        await own_applications.restore(store, ada, client_id(diary), occasion(clock))

    await delete_applications(work(store, clock), clock())

    assert await left(fresh_database, diary) == (0, 0, 0)
    assert (await deeds(fresh_database, diary)).count("deleted") == 1


async def test_several_processes_at_once_delete_it_once(
    store: Database,
    ada: Holder,
    diary: Made,
    clock: Clock,
    fresh_database: FreshDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(job, "BATCH", 3)
    await ask(store, ada, diary, clock)
    clock.forward(GRACE.total_seconds())
    wide = await Database.open(fresh_database.runtime_url, connections=CONNECTIONS)
    try:
        await asyncio.gather(*(delete_applications(work(wide, clock), clock()) for _ in range(CONNECTIONS)))
    finally:
        await wide.close()
    await delete_applications(work(store, clock), clock())
    assert await left(fresh_database, diary) == (0, 0, 0)
    assert (await deeds(fresh_database, diary)).count("deleted") == 1


async def test_an_application_with_records_left_is_not_made_a_tombstone(
    store: Database, ada: Holder, diary: Made, clock: Clock, fresh_database: FreshDatabase
) -> None:
    await ask(store, ada, diary, clock)
    clock.forward(GRACE.total_seconds())
    application = diary.application.stored.id
    entry = occasion(clock).entry(Event.APPLICATION_DELETED, user_id=None)
    assert not await deletions.wipe(store, application, clock(), entry)
    assert await deletions.begin(store, application, clock())
    assert not await deletions.wipe(store, application, clock(), entry)
    assert await left(fresh_database, diary) == (PEOPLE, PEOPLE, 2)


@pytest.mark.parametrize("attempt", range(20))
async def test_of_a_restoration_and_the_job_at_the_same_moment_one_wins(
    store: Database, ada: Holder, diary: Made, clock: Clock, fresh_database: FreshDatabase, attempt: int
) -> None:
    """Their clocks differ by a second, so that either may come first; `attempt` is how far one lets the other run."""
    await ask(store, ada, diary, clock)
    clock.forward(GRACE.total_seconds() - 1)
    early = occasion(clock)
    clock.forward(1)

    async def restore() -> bool:
        await asyncio.sleep(attempt / 2000)
        try:
            await own_applications.restore(store, ada, client_id(diary), early)
        except (Conflicting, NoSuchApplication):
            return False
        return True

    restored, _ = await asyncio.gather(restore(), delete_applications(work(store, clock), clock()))
    assert await left(fresh_database, diary) == ((PEOPLE, PEOPLE, 2) if restored else (0, 0, 0))
    assert ("deleted" in await deeds(fresh_database, diary)) is not restored
    fact = await store.hot.gather_client(client_id(diary))
    assert (fact is not None) is restored


async def test_the_identifier_of_a_tombstone_is_refused_to_the_command_line_and_to_an_import(
    store: Database, ada: Holder, diary: Made, clock: Clock, fresh_database: FreshDatabase
) -> None:
    await ask(store, ada, diary, clock)
    clock.forward(GRACE.total_seconds())
    await delete_applications(work(store, clock), clock())
    name, operator = client_id(diary), Operator("test", clock())
    description = applications.describe(read_metadata({"redirect_uris": [CALLBACK]}, SCOPES), ApplicationPolicy())
    with pytest.raises(ClientIdTaken):
        await applications.create(store, description, operator, client_id=name)
    old = {"applications": [{"client_id": name, "client_secret": "5e" * 32, "redirect_uris": [CALLBACK]}]}
    importer = Importer(store, FileSource(old), SCOPES, ROLES, Lifetimes(), key_version=1, operator=operator)
    report = await importer.run()
    assert [entry.kind for entry in report.refusals] == ["applications"]
    [row] = await fetch(fresh_database.superuser_url, "select name from application where client_id = $1", name)
    assert row["name"] == deletions.TOMBSTONE


async def test_idempotency_keys_are_forgotten_after_a_day(store: Database, clock: Clock) -> None:
    claim = Claim(b"k" * 32, b"r" * 32)

    async def spend() -> None:
        async with store.transaction() as transaction:
            await idempotency.spend(transaction, claim, "made", clock())

    await spend()
    clock.forward(86_000)
    await expire(work(store, clock), clock())
    with pytest.raises(Repeated):
        await spend()
    clock.forward(1000)
    await expire(work(store, clock), clock())
    await spend()
