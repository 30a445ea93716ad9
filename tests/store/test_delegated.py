"""Tokens that a JWT or another token pays for: one statement, once, and only while the application is what it was."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import col

from app.crypto.hashing import digest
from app.crypto.secrets import new_id
from app.models import Application, User
from app.protocol import liveness
from app.protocol.facts import Basis, Origin, TokenFact
from app.protocol.sender import Binding, Proof
from app.protocol.single_use import single_use
from app.store.database import Database
from app.store.hot_connection import counting_trips
from app.store.hot_delegated import DelegatedSettlement
from app.store.orders import Settled
from tests.store import scene as scenes
from tests.store.scene import NOW, Scene, fetch
from tests.support.database import FreshDatabase

RIVALS = 20


def order(scene: Scene, **changes: Any) -> DelegatedSettlement:
    """The order for a token of the scene's application, for its user."""
    origin = Origin(
        application_id=scene.application_id,
        user_id=scene.user_id,
        record_id=None,
        record_version=0,
        user_epoch=0,
        application_epoch=0,
        scopes=("b", "a"),
        resources=("https://api.example",),
    )
    given: dict[str, Any] = {
        "id": new_id(NOW),
        "digest": digest(b"delegated"),
        "origin": origin,
        "application_version": 1,
        "now": NOW,
        "expires_at": NOW + timedelta(minutes=5),
        "audit": scenes.entry("token.issued", scopes=["b", "a"]),
    }
    return DelegatedSettlement(**{**given, **changes})


def use(*name: str) -> Any:
    return single_use(*name, now=NOW, last=NOW + timedelta(hours=2))


async def read(database: Database, made: DelegatedSettlement) -> TokenFact:
    _, token = await database.hot.gather_token(None, made.id)
    assert isinstance(token, TokenFact)
    return token


async def written(fresh: FreshDatabase, *orders: DelegatedSettlement) -> tuple[int, int, int]:
    """Count the tokens, audit rows and marks that came of these orders."""
    [row] = await fetch(
        fresh.superuser_url,
        """select (select count(*) from access_token where id = any($1)),
            (select count(*) from audit where id = any($2)), (select count(*) from proof where digest = any($3))""",
        [one.id for one in orders],
        [one.audit.id for one in orders],
        [one.use.digest for one in orders if one.use],
    )
    return row[0], row[1], row[2]


async def test_the_token_is_written_in_one_trip_and_read_as_it_was_ordered(
    scene: Scene, fresh_database: FreshDatabase
) -> None:
    made = order(
        scene, actor={"sub": "x", "act": {"sub": "y"}}, binding=Binding(jkt="k"), use=use("written", str(scene.user_id))
    )
    with counting_trips() as trips:
        assert await scene.database.delegated.settle(made)
    assert trips == ["settle_delegated"]
    token = await read(scene.database, made)
    assert (token.origin, token.actor, token.binding) == (made.origin, made.actor, made.binding)
    assert (token.family_id, token.auth_time, token.expires_at) == (None, None, made.expires_at)
    assert liveness.living_scopes(token.origin, token.standing) == ("b", "a")
    assert await written(fresh_database, made) == (1, 1, 3)
    [row] = await fetch(
        fresh_database.superuser_url, "select user_id, application_id from audit where id = $1", made.audit.id
    )
    assert tuple(row) == (scene.user_id, scene.application_id)


async def test_a_use_that_was_noted_for_any_hour_pays_for_nothing(scene: Scene, fresh_database: FreshDatabase) -> None:
    name = str(scene.user_id)
    first = order(scene, use=single_use(name, now=NOW, last=NOW))
    assert await scene.database.delegated.settle(first)
    second = order(scene, use=use(name))
    assert await scene.database.delegated.settle(second) == Settled(paid=False)
    assert (await written(fresh_database, second))[:2] == (0, 0)


async def test_what_pays_is_kept_when_the_application_has_changed(scene: Scene, fresh_database: FreshDatabase) -> None:
    made = order(scene, use=use("kept", str(scene.user_id)))
    async with scene.database.transaction() as transaction:
        await transaction.execute(
            update(Application).where(col(Application.id) == scene.application_id).values(version=2)
        )
    assert not await scene.database.delegated.settle(made)
    assert await written(fresh_database, made) == (0, 0, 0)
    assert await scene.database.delegated.settle(replace(made, application_version=2))
    assert await written(fresh_database, made) == (1, 1, 3)


async def test_a_proof_that_was_used_pays_for_nothing_and_burns_nothing(
    scene: Scene, fresh_database: FreshDatabase
) -> None:
    proof = Proof(NOW, digest(str(scene.user_id).encode()))
    assert await scene.database.delegated.settle(order(scene, proof=proof))
    made = order(scene, proof=proof, use=use("proof", str(scene.user_id)))
    assert await scene.database.delegated.settle(made) == Settled(paid=False, replayed=True)
    assert await written(fresh_database, made) == (0, 0, 0)
    assert await scene.database.delegated.settle(replace(made, proof=None))


async def test_one_of_twenty_wins(scene: Scene, crowd: Iterator[Database], fresh_database: FreshDatabase) -> None:
    orders = [order(scene, use=use("race", str(scene.user_id))) for _ in range(RIVALS)]
    settled = await asyncio.gather(*(next(crowd).delegated.settle(one) for one in orders))
    assert sum(map(bool, settled)) == 1
    assert await written(fresh_database, *orders) == (1, 1, 3)


async def test_an_exchanged_token_stands_with_the_applications_behind_it(scene: Scene) -> None:
    other = await scenes.begin(scene.database)
    basis = Basis({"b": "b", "a": "a"}, {other.application_id: 0})
    made = order(scene, origin=replace(order(scene).origin, basis=basis))
    assert await scene.database.delegated.settle(made)
    token = await read(scene.database, made)
    assert token.origin.basis == basis
    assert liveness.stands(token.origin, token.standing)
    for values, stands in (({"status": "inactive"}, False), ({"status": "active"}, True), ({"epoch": 1}, False)):
        async with scene.database.transaction() as transaction:
            await transaction.execute(
                update(Application).where(col(Application.id) == other.application_id).values(values)
            )
        token = await read(scene.database, made)
        assert liveness.stands(token.origin, token.standing) is stands


async def test_a_token_behind_which_an_application_is_gone_does_not_stand(scene: Scene) -> None:
    made = order(scene, origin=replace(order(scene).origin, basis=Basis({}, {new_id(NOW): 0})))
    assert await scene.database.delegated.settle(made)
    token = await read(scene.database, made)
    assert not liveness.stands(token.origin, token.standing)


async def test_people_are_found_by_what_they_are_called_with_the_application_in_one_trip(scene: Scene) -> None:
    async with scene.database.transaction() as transaction:
        values = {"email": "Ada@Example.com", "email_key": f"ada-{scene.user_id}@example.com"}
        await transaction.execute(update(User).where(col(User.id) == scene.user_id).values(values))
    people = scene.database.delegated
    with counting_trips() as trips:
        client, person, used = await people.gather_person(scene.client_id, "sub", f"sub-{scene.user_id}", None)
    assert trips == ["gather_person.sub"]
    assert client is not None
    assert person is not None
    assert (client.id, person.id, person.active, used) == (scene.application_id, scene.user_id, True, False)
    for means, name in (("username", f"USER-{scene.user_id} "), ("email", f"Ada-{scene.user_id}@EXAMPLE.com")):
        assert (await people.gather_person(scene.client_id, means, name, None))[1] == person  # type: ignore[arg-type]
    assert (await people.gather_person(scene.client_id, "sub", f"SUB-{scene.user_id}", None))[1] is None
    assert await people.gather_person("nobody", "sub", None, None) == (None, None, False)
    assert await people.gather_person("n\x00ne", "username", "ada", None) == (None, None, False)


async def test_a_use_that_was_noted_is_seen_before_anything_is_decided(scene: Scene) -> None:
    noted = use("seen", str(scene.user_id))
    for expected in (False, True):
        _, _, used = await scene.database.delegated.gather_person(scene.client_id, "sub", None, noted)
        assert used is expected
        await scene.database.delegated.settle(order(scene, use=noted))
