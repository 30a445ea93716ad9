"""Applications that introduced themselves: the dead ones are removed, the others stay, whatever speaks for them."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import insert, update
from sqlmodel import col

from app.jobs import reap as job
from app.jobs.loop import JOBS
from app.jobs.reap import reap
from app.models import Application, ApplicationSecret, ApplicationUse, Authorization, Resource
from app.services.connections import NOT_USED
from app.store import audit, last_use, records
from app.store.database import Database
from app.store.last_use import Uses
from tests.store import scene as scenes
from tests.store.scene import NOW, SECOND, Scene, fetch
from tests.store.test_backchannel import new_request
from tests.store.test_devices import new_device
from tests.store.test_pushed import new_pushed
from tests.store.test_settle_machine_token import order as machine_order
from tests.support.database import FreshDatabase
from tests.support.self_registered import (
    LONG_AGO,
    OLD,
    UNUSED_AFTER,
    is_there,
    known_by_document,
    reaped,
    records_of,
    registered,
    secret_row,
    work,
)

Sign = Callable[[Scene], Awaitable[object]]
"""What gives an application something to live for."""


async def put(database: Database, table: Any, **values: Any) -> None:
    async with database.transaction() as transaction:
        await transaction.execute(insert(table).values(values))


async def change(scene: Scene, **values: Any) -> None:
    async with scene.database.transaction() as transaction:
        await transaction.execute(update(Application).where(col(Application.id) == scene.application_id).values(values))


async def allow(scene: Scene) -> object:
    """Have the person allow something, and the code of it run out."""
    settled = await scene.database.hot.settle_authorization(
        scenes.consent(scene, "a", code={"expires_at": NOW - SECOND})
    )
    assert settled is not None
    return settled


async def end_records(scene: Scene, **values: Any) -> None:
    async with scene.database.transaction() as transaction:
        of_it = col(Authorization.application_id) == scene.application_id
        await transaction.execute(update(Authorization).where(of_it).values(values))


@pytest.mark.spec("standards", "DR-13")
async def test_one_that_never_got_a_token_is_removed_and_the_trail_says_when_and_from_where_it_came(
    database: Database, fresh_database: FreshDatabase
) -> None:
    scene = await registered(database)
    await put(database, ApplicationSecret, **secret_row(scene))
    told = replace(scenes.entry("application.registered"), application_id=scene.application_id)
    await audit.save(database, [told])

    await reap(work(database), NOW - 2 * SECOND)
    assert await is_there(fresh_database, scene)
    await reap(work(database), NOW)

    assert not await is_there(fresh_database, scene)
    query = "select 1 from application_secret where application_id = $1"
    assert await fetch(fresh_database.superuser_url, query, scene.application_id) == []
    [row] = await reaped(fresh_database, scene)
    assert (row["subject_id"], row["actor_kind"], row["actor_id"]) == (scene.client_id, "server", "reaper")
    assert orjson.loads(row["data"])["before"] == {
        "client_name": "Reports",
        "registered_at": OLD.isoformat(),
        "registered_from": "192.0.2.1",
        "registered_by_request": "request-1",
    }


async def _waits(scene: Scene) -> None:
    await scene.database.hot.save_interaction(scenes.interaction(scene))


async def _pushed(scene: Scene) -> object:
    return await scene.database.pushed.place(new_pushed(scene))


async def _on_a_device(scene: Scene) -> object:
    return await scene.database.devices.place(new_device(scene))


async def _asked_elsewhere(scene: Scene) -> object:
    return await scene.database.backchannel.place(new_request(scene))


async def _has_a_code(scene: Scene) -> None:
    """A code alone: its record is over."""
    settled = await scene.database.hot.settle_authorization(scenes.consent(scene, "a"))
    assert settled is not None
    await end_records(scene, revoked_at=LONG_AGO)


async def _has_grant_beside(scene: Scene) -> None:
    await allow(scene)
    await end_records(scene, revoked_at=datetime.max.replace(tzinfo=UTC))


async def _got_a_token_for_itself(scene: Scene) -> object:
    """Of the token the trail alone knows yet."""
    order = machine_order(scene, "a")
    return await scene.database.hot.settle_machine_token(order)


async def _is_used(scene: Scene) -> None:
    await last_use.save(scene.database, Uses(applications={scene.application_id: NOW}))


async def _asks_about_tokens(scene: Scene) -> None:
    """An operator lets it, as an API."""
    identifier, apis = f"https://{scene.client_id}.example", [scene.client_id]
    moments = {"created_at": NOW, "updated_at": NOW}
    await put(scene.database, Resource, identifier=identifier, introspection_clients=apis, **moments)


async def _was_disconnected_lately(scene: Scene) -> None:
    await allow(scene)
    await end_records(scene, revoked_at=NOW - SECOND)


SIGNS_OF_LIFE: dict[str, Sign] = {
    "an interaction": _waits,
    "a pushed request": _pushed,
    "a device grant": _on_a_device,
    "a request to a person elsewhere": _asked_elsewhere,
    "a code": _has_a_code,
    "a live record": allow,
    "a grant beside the record": _has_grant_beside,
    "a token for itself": _got_a_token_for_itself,
    "a use": _is_used,
    "a record until lately": _was_disconnected_lately,
    "a resource whose tokens it asks about": _asks_about_tokens,
    "the check of an operator": lambda scene: change(scene, verified=True),
    "an operator who shut it out": lambda scene: change(scene, status="inactive", off_by="operator"),
    "somebody who registered it": lambda scene: change(scene, self_registered=False),
}


@pytest.mark.spec("standards", "DR-13")
@pytest.mark.parametrize("sign", SIGNS_OF_LIFE)
async def test_an_application_stays_as_long_as_anything_speaks_for_it(
    database: Database, fresh_database: FreshDatabase, sign: str
) -> None:
    scene = await registered(database)
    await SIGNS_OF_LIFE[sign](scene)
    await reap(work(database), NOW)
    assert await is_there(fresh_database, scene)
    assert await reaped(fresh_database, scene) == []


async def test_an_api_that_the_settings_let_ask_about_tokens_stays(
    database: Database, fresh_database: FreshDatabase
) -> None:
    api, other = await registered(database), await registered(database)
    await reap(replace(work(database), apis=(api.client_id,)), NOW)
    assert (await is_there(fresh_database, api), await is_there(fresh_database, other)) == (True, False)


@pytest.mark.parametrize("sign", ["an interaction", "a pushed request", "a device grant", "a code"])
async def test_what_was_on_its_way_and_ran_out_speaks_for_nobody(
    database: Database, fresh_database: FreshDatabase, sign: str
) -> None:
    scene = await registered(database)
    await SIGNS_OF_LIFE[sign](scene)
    await reap(work(database), NOW + timedelta(hours=1))
    assert not await is_there(fresh_database, scene)


async def test_one_that_was_used_goes_when_nobody_has_allowed_it_anything_for_as_long_as_a_refresh_token_lives(
    database: Database, fresh_database: FreshDatabase
) -> None:
    scene = await registered(database, created_at=LONG_AGO - UNUSED_AFTER)
    await allow(scene)
    await put(database, ApplicationUse, application_id=scene.application_id, last_at=LONG_AGO)
    await end_records(scene, revoked_at=LONG_AGO)
    await reap(work(database), NOW)
    assert not await is_there(fresh_database, scene)
    assert await records_of(fresh_database, scene) == []
    [row] = await reaped(fresh_database, scene)
    assert orjson.loads(row["data"])["before"]["last_used_at"] == LONG_AGO.isoformat()
    query = "select 1 from application_use where application_id = $1"
    assert await fetch(fresh_database.superuser_url, query, scene.application_id) == []


@pytest.mark.spec("standards", "CI-16")
async def test_what_is_allowed_to_a_client_known_by_its_document_ends_when_nobody_has_used_it_for_long(
    database: Database, fresh_database: FreshDatabase
) -> None:
    """Somebody else may have the domain by then; whoever comes is asked."""
    scene = await known_by_document(database, created_at=LONG_AGO)
    await allow(scene)
    await end_records(scene, updated_at=LONG_AGO)
    await reap(work(database), NOW)

    [(record_id, ended)] = await records_of(fresh_database, scene)
    assert ended == NOW
    assert await is_there(fresh_database, scene)
    query = "select user_id, data from audit where authorization_id = $1 and event = 'authorization.revoked'"
    [told] = await fetch(fresh_database.superuser_url, query, record_id)
    assert told["user_id"] == scene.user_id
    data = orjson.loads(told["data"])
    assert (data["reason"], data["before"], data["after"], data["version"]) == (NOT_USED, ["a"], [], 2)
    assert await records.get(database, record_id) is None


@pytest.mark.spec("standards", "CI-16")
@pytest.mark.parametrize("known_by", ["document", "registration"])
async def test_what_is_in_use_and_what_a_registered_client_was_allowed_does_not_end_by_itself(
    database: Database, fresh_database: FreshDatabase, known_by: str
) -> None:
    scene = await (known_by_document if known_by == "document" else registered)(database, created_at=LONG_AGO)
    if known_by == "document":
        await scenes.redeem(scene, "a")  # a family that lives on
    else:
        await allow(scene)
    await end_records(scene, updated_at=LONG_AGO)
    await reap(work(database), NOW)
    assert [ended for _, ended in await records_of(fresh_database, scene)] == [None]
    assert await is_there(fresh_database, scene)


async def test_batches_follow_each_other_until_all_dead_ones_are_gone(
    database: Database, fresh_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "BATCH", 3)
    crowd = [await (known_by_document if number % 2 else registered)(database) for number in range(10)]
    for scene in crowd[::5]:
        await _pushed(scene)
    await reap(work(database), NOW)
    assert [scene for scene in crowd if await is_there(fresh_database, scene)] == crowd[::5]


@pytest.mark.parametrize("known_by", ["document", "registration"])
async def test_of_one_that_was_registered_and_deleted_nothing_stays_and_a_document_cannot_bring_one_back(
    database: Database, fresh_database: FreshDatabase, known_by: str
) -> None:
    scene = await (known_by_document if known_by == "document" else registered)(database)
    await change(scene, status="deletion_in_progress", deleted_at=OLD)
    await reap(work(database), NOW)
    assert await is_there(fresh_database, scene) == (known_by == "document")


def test_the_job_loop_runs_it() -> None:
    assert [entry.run for entry in JOBS if entry.name == "reap"] == [reap]
