"""What happens to an application while it is being deleted: consents, and deeds of its owner and of the operator."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from app.jobs.deletions import delete_applications
from app.services import applications, own_applications
from app.services.application_obstacles import NoSuchSecret
from app.services.application_settings import read_settings
from app.services.applications import NotPossible
from app.services.operator import Operator
from app.services.own_applications import Conflicting, Holder, Made, NoSuchApplication
from app.store import deletions
from app.store.database import Database
from tests.store import scene
from tests.store.scene import fetch
from tests.support.database import FreshDatabase
from tests.support.leaving import GRACE, ask, client_id, deeds, left, occasion, work
from tests.support.leaving import ada as ada
from tests.support.leaving import clock as clock
from tests.support.leaving import diary as diary
from tests.support.leaving import store as store
from tests.support.own_applications import CALLBACK, SCOPES
from tests.support.race import CONNECTIONS
from tests.support.service import Clock


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
        "select c.id from grant_code c join application a on a.id = c.application_id "
        "where c.application_epoch = a.epoch",
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
