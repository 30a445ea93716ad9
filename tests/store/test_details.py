"""Authorization details in the database: beside the pairs of a record, and in everything that comes of a grant."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import col, select

from app.models import Authorization
from app.protocol.facts import TokenFact
from app.protocol.granted_details import GrantedDetail
from app.store import records
from app.store.database import Database
from tests.store import scene as scenes
from tests.store.scene import NOW, SECOND, Scene
from tests.support.history import history

READ: dict[str, Any] = {"type": "accounts", "actions": ["read"], "names": ["Zoë", "\\", '"']}
KEPT = GrantedDetail("detail:accounts#read", READ)
ANEW = GrantedDetail("detail:payment", {"type": "payment", "amount": 1.5, "most": 2**53, "no": None, "yes": True})


@pytest.fixture
async def scene(database: Database) -> Scene:
    return await scenes.begin(database)


async def kept_by(scene: Scene) -> dict[str, Any]:
    """Return the objects that the record has, also those behind no pair."""
    query = select(col(Authorization.details)).where(col(Authorization.user_id) == scene.user_id)
    async with scene.database.transaction() as transaction:
        return (await transaction.execute(query)).scalar_one()


async def test_code_family_and_token_carry_the_objects_of_their_request_as_they_were(scene: Scene) -> None:
    order = scenes.consent(scene, "a", KEPT.pair, ANEW.pair, code={"details": (KEPT, ANEW)})
    order = replace(order, details={KEPT.pair: READ})
    settled = await scene.database.hot.settle_authorization(order)
    assert settled is not None
    _, code = await scene.database.hot.gather_code(scene.client_id, scenes.code_id(order))
    assert code is not None
    assert code.origin.details == (KEPT, ANEW)
    exchange = scenes.exchange(code.origin, scenes.code_id(order))
    narrow = replace(exchange.token, origin=replace(code.origin, details=(ANEW,)))
    assert await scene.database.hot.settle_code(replace(exchange, token=narrow))
    _, family = await scene.database.hot.gather_family(scene.client_id, exchange.family_id)
    _, token = await scene.database.hot.gather_token(scene.client_id, narrow.id)
    assert family is not None
    assert isinstance(token, TokenFact)
    assert (family.origin.details, token.origin.details) == ((KEPT, ANEW), (ANEW,))
    assert await kept_by(scene) == {KEPT.pair: READ}


async def test_what_is_taken_away_goes_with_its_object_and_the_history_has_it(scene: Scene) -> None:
    order = replace(scenes.consent(scene, "a", KEPT.pair, "detail:accounts#list"), details={KEPT.pair: READ})
    settled = await scene.database.hot.settle_authorization(order)
    assert settled is not None
    record = await records.get(scene.database, settled.record_id)
    assert record is not None
    assert [held.content for held in record.pairs if held.pair.startswith("detail:")] == [READ, None]
    taken = scenes.entry("authorization.narrowed", NOW + SECOND)
    assert await records.narrow(scene.database, settled.record_id, [KEPT.pair], NOW + SECOND, taken)
    assert await kept_by(scene) == {}
    assert (await history(scene.database, settled.record_id))[0].data["details"] == [READ]


@pytest.mark.spec("standards", "AR-3")
@pytest.mark.spec("standards", "AR-17 (a)")
async def test_twenty_consents_at_once_keep_the_objects_of_all(scene: Scene) -> None:
    wanted = {f"detail:accounts#{number}": {"type": "accounts", "identifier": str(number)} for number in range(20)}
    orders = [replace(scenes.consent(scene, pair), details={pair: content}) for pair, content in wanted.items()]
    settled = await asyncio.gather(*(scene.database.hot.settle_authorization(order) for order in orders))
    [record_id] = {one.record_id for one in settled if one is not None}
    record = await records.get(scene.database, record_id)
    assert record is not None
    assert {held.pair: held.content for held in record.pairs} == wanted
