"""Deleting applications: in small steps that survive a kill, once among many processes, unless somebody restores."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest

from app.jobs import deletions as job
from app.jobs.deletions import delete_applications
from app.jobs.expire import expire
from app.jobs.work import Work
from app.protocol.client_metadata import read as read_metadata
from app.protocol.events import Event
from app.protocol.policy import ApplicationPolicy, Lifetimes
from app.services import applications, own_applications
from app.services.application_obstacles import NoSuchSecret
from app.services.application_settings import read_settings
from app.services.applications import NotPossible
from app.services.connections import APPLICATION_DELETED
from app.services.legacy_import import Importer
from app.services.legacy_import.files import FileSource
from app.services.occasion import Occasion
from app.services.operator import Operator
from app.services.own_applications import Conflicting, Holder, Made, NoSuchApplication
from app.store import deletions, idempotency
from app.store.applications import ClientIdTaken
from app.store.database import Database
from app.store.idempotency import Claim, Repeated
from tests.store import scene
from tests.store.scene import fetch
from tests.support.database import FreshDatabase
from tests.support.emptied import empty
from tests.support.own_applications import CALLBACK, ROLES, SCOPES, holder
from tests.support.race import CONNECTIONS
from tests.support.service import Clock

GRACE = timedelta(hours=1)
PEOPLE = 25


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(database: Database, fresh_database: FreshDatabase) -> Database:
    """The database without rows."""
    await empty(fresh_database)
    return database


@pytest.fixture
async def ada(store: Database, clock: Clock) -> Holder:
    return await holder(store, clock, "ada", "northquay")


@pytest.fixture
async def diary(store: Database, ada: Holder, clock: Clock, fresh_database: FreshDatabase) -> Made:
    """An application with two secrets that many people have connected, and one with a code on its way."""
    settings = read_settings(
        {
            "client_name": "Deploy Diary",
            "redirect_uris": [CALLBACK],
            "scopes": ["org:read"],
            "tos_uri": CALLBACK,
            "allowed_origins": ["*"],
        }
    )
    made = await own_applications.create(store, ada, settings, occasion(clock), scopes=SCOPES, organization="northquay")
    await own_applications.add_secret(store, ada, client_id(made), occasion(clock))
    await connect(fresh_database, made)
    return made


def occasion(clock: Clock) -> Occasion:
    """Return a request of this moment."""
    return Occasion(clock(), "req_test", "203.0.113.7")


def client_id(made: Made) -> str:
    """Return the identifier of an application."""
    return made.application.stored.client_id


def work(store: Database, clock: Clock) -> Work:
    """Return what the job works with."""
    return Work(store, Lifetimes(), clock)


async def connect(fresh: FreshDatabase, made: Made) -> None:
    """Have many people connect an application."""
    await fetch(
        fresh.superuser_url,
        """
        with person as (
            insert into user_account (id, sub, username, username_key, created_at, updated_at)
            select id, id::text, id::text, id::text, now(), now()
              from (select gen_random_uuid() id from generate_series(1, $2)) made returning id),
        record as (
            insert into "authorization"
                (id, user_id, application_id, pairs, since, last_change, created_at, updated_at)
            select gen_random_uuid(), id, $1, '{org:read}', '{1}', gen_random_uuid(), now(), now() from person
            returning id)
        insert into authorization_scope select id, 'org:read', now(), now() from record""",
        made.application.stored.id,
        PEOPLE,
    )


async def ask(store: Database, ada: Holder, made: Made, clock: Clock) -> None:
    """Ask for an application's deletion."""
    await own_applications.delete(store, ada, client_id(made), occasion(clock), grace=GRACE)


async def left(fresh: FreshDatabase, made: Made) -> tuple[int, int, int]:
    """Return how many records, dates and secrets an application has left."""
    [row] = await fetch(
        fresh.superuser_url,
        """select (select count(*) from "authorization" where application_id = $1),
                  (select count(*) from authorization_scope join "authorization" on id = authorization_id
                    where application_id = $1),
                  (select count(*) from application_secret where application_id = $1)""",
        made.application.stored.id,
    )
    records, dates, secrets = row
    return records, dates, secrets


async def deeds(fresh: FreshDatabase, made: Made) -> list[str]:
    """Return what the audit trail tells of an application itself."""
    rows = await fetch(
        fresh.superuser_url,
        "select event from audit where subject_id = $1 and event like 'application.%' order by id",
        client_id(made),
    )
    return [row["event"].removeprefix("application.") for row in rows]


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


async def test_consents_at_the_moment_of_the_deletion_are_deleted_with_the_others_and_late_ones_refused(
    store: Database, ada: Holder, diary: Made, clock: Clock, fresh_database: FreshDatabase
) -> None:
    """A statement ends within seconds, and `lifetimes.deletion_grace` is a minute at least: none outlives it."""
    people = await fetch(fresh_database.superuser_url, "select id from user_account limit $1", CONNECTIONS)
    application = diary.application.stored.id
    orders = [
        scene.consent(scene.Scene(store, row["id"], application, client_id(diary)), "event:read", now=clock())
        for row in people
    ]
    pools = [await Database.open(fresh_database.runtime_url) for _ in range(2)]
    try:
        consents = [pools[number % 2].hot.settle_authorization(order) for number, order in enumerate(orders)]
        await asyncio.gather(*consents[::2], ask(store, ada, diary, clock), *consents[1::2])
    finally:
        for pool in pools:
            await pool.close()
    clock.forward(GRACE.total_seconds())
    await delete_applications(work(store, clock), clock())
    assert [await store.hot.settle_authorization(order) for order in orders] == [None] * CONNECTIONS
    assert await left(fresh_database, diary) == (0, 0, 0)
    assert (await deeds(fresh_database, diary)).count("deleted") == 1
    rows = await fetch(
        fresh_database.superuser_url,
        "select c.id from grant_code c join application a on a.id = c.application_id where c.application_epoch = a.epoch",
    )
    assert rows == []


@pytest.mark.parametrize("attempt", range(5))
async def test_whatever_its_owner_and_the_operator_do_meanwhile_a_tombstone_has_no_word_and_no_secret(
    store: Database, ada: Holder, diary: Made, clock: Clock, fresh_database: FreshDatabase, attempt: int
) -> None:
    """They begin at different moments of the job; each deed comes before the end and is wiped, or is refused."""
    await ask(store, ada, diary, clock)
    clock.forward(GRACE.total_seconds())
    operator, name = Operator("test", clock()), client_id(diary)
    told = read_settings({"client_name": "Too Late", "redirect_uris": [CALLBACK]})
    old = diary.application.secrets[0].id
    deeds: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: own_applications.change(store, ada, name, told, occasion(clock), scopes=SCOPES),
        lambda: own_applications.change(store, ada, name, told, occasion(clock), scopes=SCOPES, hand_to="me"),
        lambda: own_applications.add_secret(store, ada, name, occasion(clock)),
        lambda: own_applications.retire_secret(store, ada, name, old, occasion(clock)),
        lambda: own_applications.switch_off(store, ada, name, occasion(clock)),
        lambda: own_applications.delete(store, ada, name, occasion(clock), grace=GRACE),
        lambda: applications.rotate_secret(store, name, operator),
        lambda: applications.disable(store, name, operator),
        lambda: applications.enable(store, name, operator),
    )

    async def late(number: int, deed: Callable[[], Awaitable[object]]) -> None:
        await asyncio.sleep(attempt / 500 + number / 1000)
        with suppress(Conflicting, NoSuchApplication, NoSuchSecret, NotPossible):
            await deed()

    wide = await Database.open(fresh_database.runtime_url, connections=CONNECTIONS)
    try:
        job_run = delete_applications(work(wide, clock), clock())
        await asyncio.gather(job_run, *(late(number, deed) for number, deed in enumerate(deeds)))
    finally:
        await wide.close()
    await delete_applications(work(store, clock), clock())
    assert await left(fresh_database, diary) == (0, 0, 0)
    [row] = await fetch(fresh_database.superuser_url, "select * from application where client_id = $1", name)
    assert (row["name"], row["status"], row["secret_digests"]) == (deletions.TOMBSTONE, "deletion_in_progress", [])
    assert (row["owner_user_id"], row["owner_organization_id"], row["redirect_uris"]) == (None, None, [])
    assert row["deleted_at"] is not None
    for deed in deeds:
        with suppress(Conflicting, NoSuchApplication, NoSuchSecret, NotPossible):
            await deed()
    assert [dict(row)] == [
        dict(one)
        for one in await fetch(fresh_database.superuser_url, "select * from application where client_id = $1", name)
    ]


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
