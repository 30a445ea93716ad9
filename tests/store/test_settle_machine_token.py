"""A token that an application gets for itself: one statement, and only while the application is what it was."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlmodel import col

from app.crypto.hashing import digest
from app.crypto.secrets import new_id
from app.models import Application
from app.protocol import liveness
from app.protocol.facts import MachineOrigin, MachineTokenFact
from app.store.database import Database
from app.store.hot_connection import counting_trips
from app.store.orders import MachineSettlement, Settled
from tests.store import scene as scenes
from tests.store.scene import NOW, Scene, fetch
from tests.support.database import FreshDatabase

RIVALS = 20


def order(scene: Scene, *scopes: str, **changes: Any) -> MachineSettlement:
    """The order for a token of the scene's application."""
    origin = MachineOrigin(application_id=scene.application_id, application_epoch=0, scopes=scopes)
    settled: dict[str, Any] = {
        "id": new_id(NOW),
        "digest": digest(b"machine"),
        "origin": origin,
        "application_version": 1,
        "now": NOW,
        "expires_at": NOW + timedelta(hours=1),
        "audit": scenes.entry("token.issued", scopes=list(scopes)),
    }
    return MachineSettlement(**{**settled, **changes})


async def change(scene: Scene, **values: object) -> None:
    async with scene.database.transaction() as transaction:
        await transaction.execute(update(Application).where(col(Application.id) == scene.application_id).values(values))


async def read(scene: Scene, token_id: UUID) -> MachineTokenFact:
    _, token = await scene.database.hot.gather_token(None, token_id)
    assert isinstance(token, MachineTokenFact)
    return token


async def written(fresh: FreshDatabase, *orders: MachineSettlement) -> tuple[int, int]:
    """Count the tokens and audit rows that came of these orders."""
    [row] = await fetch(
        fresh.superuser_url,
        """select (select count(*) from access_token where id = any($1)),
            (select count(*) from audit where id = any($2))""",
        [one.id for one in orders],
        [one.audit.id for one in orders],
    )
    return row[0], row[1]


async def test_the_token_is_written_with_its_audit_row_in_one_trip_and_found_without_a_person(
    scene: Scene, fresh_database: FreshDatabase
) -> None:
    settled = order(scene, "b", "a")
    with counting_trips() as trips:
        assert await scene.database.hot.settle_machine_token(settled)
    assert trips == ["settle_machine_token"]
    assert await read(scene, settled.id) == MachineTokenFact(
        id=settled.id,
        digest=settled.digest or b"",
        origin=settled.origin,
        client_id=scene.client_id,
        issued_at=NOW,
        expires_at=settled.expires_at,
        revoked_at=None,
        application_active=True,
        application_epoch_now=0,
    )
    [row] = await fetch(fresh_database.superuser_url, "select * from audit where id = $1", settled.audit.id)
    assert (row["at"], row["user_id"], row["application_id"]) == (NOW, None, scene.application_id)


async def test_a_website_and_an_application_that_asks_find_the_same_token(scene: Scene) -> None:
    settled = order(scene)
    assert await scene.database.hot.settle_machine_token(settled)
    found = await read(scene, settled.id)
    assert (await scene.database.hot.gather_token_for_website(settled.id))[0] == found
    assert (await scene.database.hot.gather_token(scene.client_id, settled.id, fresh=True))[1] == found


async def test_it_carries_the_epoch_that_the_application_has_when_it_is_written(scene: Scene) -> None:
    await change(scene, epoch=5)
    settled = order(scene)
    assert await scene.database.hot.settle_machine_token(settled)
    assert liveness.stands_alone(await read(scene, settled.id))


@pytest.mark.parametrize("values", [{"version": 2}, {"status": "inactive"}, {"status": "pending_deletion"}], ids=str)
async def test_an_application_that_has_changed_since_it_was_decided_on_gets_none_and_is_read_again(
    scene: Scene, fresh_database: FreshDatabase, values: dict[str, object]
) -> None:
    await change(scene, **values)
    settled = order(scene)
    assert not await scene.database.hot.settle_machine_token(settled)
    assert await written(fresh_database, settled) == (0, 0)


async def test_it_dies_with_its_application_and_does_not_come_back_with_it(scene: Scene) -> None:
    settled = order(scene)
    assert await scene.database.hot.settle_machine_token(settled)
    await change(scene, status="inactive", epoch=1, version=2)
    assert not liveness.stands_alone(await read(scene, settled.id))
    await change(scene, status="active", version=3)
    assert not liveness.stands_alone(await read(scene, settled.id))


async def test_it_outlives_no_application_that_is_gone(scene: Scene, fresh_database: FreshDatabase) -> None:
    settled = order(scene)
    assert await scene.database.hot.settle_machine_token(settled)
    await fetch(fresh_database.superuser_url, "delete from application where id = $1", scene.application_id)
    token = await read(scene, settled.id)
    assert (token.client_id, token.application_active) == ("", False)
    assert not liveness.stands_alone(token)


async def test_a_token_that_has_lost_its_person_alone_is_nobodys(scene: Scene, fresh_database: FreshDatabase) -> None:
    """Only a row without person, record and family is an application's own: no accident turns one into it."""
    origin, exchanged = await scenes.redeem(scene, "a")
    for column in ("user_id", "authorization_id", "family_id"):
        settled = scenes.refresh(origin, exchanged.family_id, "keep")
        assert await scene.database.hot.settle_refresh(settled)
        missing = {"user_id", "authorization_id", "family_id"} - {column}
        await fetch(
            fresh_database.superuser_url,
            f"update access_token set {', '.join(f'{name} = null' for name in sorted(missing))} where id = $1",
            settled.token.id,
        )
        _, token = await scene.database.hot.gather_token(None, settled.token.id)
        assert token is not None
        assert not isinstance(token, MachineTokenFact)
        assert liveness.living_scopes(token.origin, token.standing) is None


async def test_twenty_at_once_get_one_each(
    scene: Scene, crowd: Iterator[Database], fresh_database: FreshDatabase
) -> None:
    orders = [order(scene, "a") for _ in range(RIVALS)]
    won = await asyncio.gather(*(next(crowd).hot.settle_machine_token(one) for one in orders))
    assert won == [Settled(True)] * RIVALS
    assert await written(fresh_database, *orders) == (RIVALS, RIVALS)


@pytest.mark.spec("standards", "CC-3")
async def test_a_crowd_of_jwts_leaves_an_audit_row_each_and_no_other(
    scene: Scene, crowd: Iterator[Database], fresh_database: FreshDatabase
) -> None:
    """They share trips; whoever is not what was decided on gets nothing and holds up nobody."""
    database = next(crowd)
    wanted = [replace(order(scene, "a"), digest=None) for _ in range(RIVALS)]
    stale = [replace(order(scene, "a"), digest=None, application_version=7) for _ in range(RIVALS)]
    mixed = [one for pair in zip(wanted, stale, strict=True) for one in pair]
    got = await asyncio.gather(*(database.hot.settle_machine_token(one) for one in mixed))
    assert got == [Settled(True), Settled(False)] * RIVALS
    assert await written(fresh_database, *wanted) == (0, RIVALS)
    assert await written(fresh_database, *stale) == (0, 0)


async def test_whoever_is_switched_off_while_twenty_ask_has_no_token_that_lives(
    scene: Scene, crowd: Iterator[Database]
) -> None:
    orders = [order(scene, "a") for _ in range(RIVALS)]
    half = RIVALS // 2
    asked = [next(crowd).hot.settle_machine_token(one) for one in orders]
    switched = change(scene, status="inactive", epoch=1, version=2)
    results = await asyncio.gather(*asked[:half], switched, *asked[half:])
    won = [*results[:half], *results[half + 1 :]]
    for one in (one for one, got in zip(orders, won, strict=True) if got):
        assert not liveness.stands_alone(await read(scene, one.id))
    assert not await scene.database.hot.settle_machine_token(order(scene))
