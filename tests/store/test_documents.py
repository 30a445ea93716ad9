"""Applications that are known by a metadata document: their row begins with the first grant, and the youngest copy of
the document counts."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import update
from sqlmodel import col

from app.crypto.hashing import digest
from app.crypto.secrets import new_id
from app.models import Application
from app.protocol.facts import ClientFact
from app.store.database import Database
from app.store.hot_connection import counting_trips
from app.store.hot_pushed import NewPushed, Outcome
from app.store.orders import AuthorizationSettlement, Introduced
from tests.store import scene as scenes
from tests.store.scene import SECOND, Scene, fetch
from tests.support.database import FreshDatabase

NOW = scenes.NOW + timedelta(minutes=5)  # of its own: ids count within a moment, and these are many
LATER = NOW + timedelta(hours=1)
LOOPBACK = "http://127.0.0.1/callback"


@pytest.fixture(scope="module")
async def crowd(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    """The same database over many connections."""
    opened = await Database.open(fresh_database.runtime_url, hot_connections=20)
    yield opened
    await opened.close()


@dataclass(frozen=True, slots=True)
class Known:
    """An application that nobody has allowed anything, and the people who may."""

    scene: Scene
    application_id: UUID
    client_id: str

    def row(self, fetched_at: datetime = NOW, identity: str = "i", **changes: Any) -> dict[str, Any]:
        """What its document says."""
        row = {
            "client_id": self.client_id,
            "name": "Scribe",
            "name_skeleton": "scribe",
            "kind": "native",
            "auth_method": "none",
            "client_uri": "",
            "redirect_uris": [LOOPBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "scopes": None,
            "optional_scopes": [],
            "unmet": [],
            "policy": {"require_pkce": True},
            "key_material": {},
            "openid": {},
            "requests": {},
            "introduction": {"identity": identity, "fetched_at": fetched_at.timestamp()},
            **changes,
        }
        return {**row, "metadata": {"client_name": row["name"], "redirect_uris": row["redirect_uris"]}}

    def order(
        self, now: datetime = NOW, *, row: dict[str, Any] | None = None, **changes: Any
    ) -> AuthorizationSettlement:
        """The order that follows when the scene's user allows it something."""
        audit = replace(
            scenes.entry("application.document_changed", now), application_id=self.application_id, subject_id="changed"
        )
        asked = scenes.consent(replace(self.scene, application_id=self.application_id), "a", now=now)
        return replace(asked, introduced=Introduced(row or self.row(), audit), **changes)

    def pushed(self) -> NewPushed:
        """A request that it pushes."""
        return NewPushed(
            id=new_id(NOW),
            digest=digest(b"pushed"),
            application_id=self.application_id,
            application_version=1,
            client_id=self.client_id,
            params=(("client_id", self.client_id),),
            signed=False,
            created_at=NOW,
            expires_at=NOW + 60 * SECOND,
            document={"client_id": self.client_id},
        )

    async def find(self) -> ClientFact:
        """Its row, as the protocol sees it."""
        found = await self.scene.database.hot.gather_client(self.client_id)
        assert found is not None
        return found


@pytest.fixture
async def known(scene: Scene) -> Known:
    number = uuid4()
    return Known(scene, number, f"https://app.example/{number}.json")


async def events(fresh: FreshDatabase, application_id: UUID) -> dict[str, Any]:
    """What the audit trail was told, by event: each once."""
    rows = await fetch(
        fresh.superuser_url,
        "select event, data from audit where application_id = $1 and event like 'application.%' order by at, id",
        application_id,
    )
    told = {row["event"]: orjson.loads(row["data"]) for row in rows}
    assert len(told) == len(rows)
    return told


@pytest.mark.spec("standards", "CI-16")
async def test_the_row_begins_with_the_first_grant_and_in_the_same_trip(
    known: Known, fresh_database: FreshDatabase
) -> None:
    with counting_trips() as trips:
        settled = await known.scene.database.hot.settle_authorization(known.order())
    assert len(trips) == 1
    assert settled is not None
    assert settled.pairs == ("a",)
    client = await known.find()
    assert (client.id, client.name, client.by_document, client.version) == (known.application_id, "Scribe", True, 1)
    assert client.redirect_uris == (LOOPBACK,)
    assert (client.introduction.identity, client.introduction.fetched_at) == ("i", NOW)
    assert list(await events(fresh_database, known.application_id)) == ["application.introduced"]
    [row] = await fetch(fresh_database.superuser_url, "select * from application where id = $1", known.application_id)
    assert (row["verified"], row["name_skeleton"], row["status"]) == (False, "scribe", "active")
    assert orjson.loads(row["metadata"])["client_name"] == "Scribe"
    [record] = await fetch(
        fresh_database.superuser_url, 'select identity from "authorization" where id = $1', settled.record_id
    )
    assert record["identity"] == "i"


@pytest.mark.spec("standards", "CI-11")
async def test_a_younger_copy_changes_the_row_and_an_older_one_does_not(
    known: Known, fresh_database: FreshDatabase
) -> None:
    hot = known.scene.database.hot
    assert await hot.settle_authorization(known.order())
    assert await hot.settle_authorization(known.order(NOW + SECOND))  # the same copy, which is there already
    assert (await known.find()).version == 1
    renamed = known.row(LATER, "j", name="Scribe Two", name_skeleton="scribe two")
    assert await hot.settle_authorization(known.order(LATER, row=renamed))
    client = await known.find()
    assert (client.name, client.version, client.introduction.identity) == ("Scribe Two", 2, "j")
    assert await hot.settle_authorization(
        known.order(LATER + SECOND)
    )  # what was read at first, and waited for a person
    assert await known.find() == client
    assert await hot.settle_authorization(known.order(LATER + SECOND, row={**renamed, **_at(LATER + SECOND, "j")}))
    assert ((await known.find()).version, (await known.find()).introduction.fetched_at) == (2, LATER + SECOND)
    told = await events(fresh_database, known.application_id)
    assert told == {
        "application.introduced": {"before": {}, "after": {"client_name": "Scribe", "redirect_uris": [LOOPBACK]}},
        "application.document_changed": {"before": {"client_name": "Scribe"}, "after": {"client_name": "Scribe Two"}},
    }


def _at(moment: datetime, identity: str) -> dict[str, Any]:
    return {"introduction": {"identity": identity, "fetched_at": moment.timestamp()}}


@pytest.mark.spec("standards", "CI-11")
async def test_a_copy_that_is_read_without_a_grant_changes_the_row_once(
    known: Known, fresh_database: FreshDatabase
) -> None:
    database = known.scene.database
    assert await database.hot.settle_authorization(known.order())
    renamed = known.row(LATER, "j", name="Scribe Two", name_skeleton="scribe two")
    order = known.order(row=renamed).introduced
    assert order is not None
    for at in (LATER, LATER + SECOND):
        await database.documents.refresh(
            known.application_id, replace(order, audit=replace(order.audit, id=new_id(at), at=at)), at
        )
    assert (await known.find()).version == 2
    told = await events(fresh_database, known.application_id)
    assert told["application.document_changed"]["after"] == {"client_name": "Scribe Two"}


@pytest.mark.spec("standards", "CI-11")
@pytest.mark.parametrize(("identity", "stays"), [("i", True), ("j", False)])
async def test_what_an_operator_has_checked_stays_checked_as_long_as_it_is_the_same(
    known: Known, identity: str, *, stays: bool
) -> None:
    database = known.scene.database
    assert await database.hot.settle_authorization(known.order())
    await change(database, known.application_id, verified=True, checked_at=NOW, checked_note="asked them")
    assert await database.hot.settle_authorization(known.order(LATER, row=known.row(LATER, identity)))
    assert (await known.find()).verified is stays


@pytest.mark.parametrize(
    "state",
    [
        {"status": "inactive", "off_by": "operator", "epoch": 1},
        {"status": "deletion_in_progress", "deleted_at": NOW, "epoch": 1, "name": ""},
        {"epoch": 1},
    ],
    ids=["off", "deleted", "off and on again"],
)
async def test_one_that_was_switched_off_stays_off_whatever_its_document_says(
    known: Known, fresh_database: FreshDatabase, state: dict[str, Any]
) -> None:
    database = known.scene.database
    assert not await database.documents.is_taken(known.client_id)
    assert await database.hot.settle_authorization(known.order())
    await change(database, known.application_id, **state)
    assert await database.documents.is_taken(known.client_id)
    select = "select * from application where id = $1"
    before = await fetch(fresh_database.superuser_url, select, known.application_id)
    order = known.order(LATER, row=known.row(LATER, name="Phoenix"))
    waiting = scenes.interaction(
        replace(known.scene, application_id=known.application_id), expires_at=LATER + timedelta(hours=1)
    )
    await database.hot.save_interaction(waiting)
    assert await database.hot.settle_authorization(replace(order, interaction_id=waiting.id)) is None
    assert await fetch(fresh_database.superuser_url, select, known.application_id) == before
    interaction, *_ = await database.hot.gather_interaction(waiting.id, None, LATER)
    assert interaction is not None
    assert interaction.closed_at is None


@pytest.mark.spec("standards", "CI-2")
async def test_one_that_the_operator_has_registered_meanwhile_is_left_alone(known: Known, scene: Scene) -> None:
    await change(scene.database, scene.application_id, client_id=known.client_id)
    assert await scene.database.hot.settle_authorization(known.order()) is None


@pytest.mark.spec("standards", "CI-2")
async def test_no_copy_changes_what_the_operator_has_made_his_own_meanwhile(
    known: Known, fresh_database: FreshDatabase
) -> None:
    database = known.scene.database
    assert await database.hot.settle_authorization(known.order())
    await change(database, known.application_id, self_registered=False, verified=True, introduction={})
    select = "select * from application where id = $1"
    before = await fetch(fresh_database.superuser_url, select, known.application_id)
    late = known.order(LATER, row=known.row(LATER, "j", name="Phoenix"))
    assert late.introduced is not None
    await database.documents.refresh(known.application_id, late.introduced, LATER)
    assert await database.hot.settle_authorization(late) is None
    assert await fetch(fresh_database.superuser_url, select, known.application_id) == before


async def test_a_document_waits_with_a_request_and_comes_back_as_it_was(known: Known) -> None:
    document = {"client_id": known.client_id, "members": {"client_name": "Scribe"}}
    waiting = scenes.interaction(replace(known.scene, application_id=known.application_id), document=document)
    await known.scene.database.hot.save_interaction(waiting)
    interaction, client, *_ = await known.scene.database.hot.gather_interaction(waiting.id, None, NOW)
    assert client is None
    assert interaction is not None
    assert interaction.document == document


async def test_a_pushed_request_needs_no_row_but_none_that_was_switched_off(known: Known) -> None:
    database = known.scene.database
    order = known.pushed()
    assert (await database.pushed.place(order)).outcome is Outcome.THERE
    taken = await database.pushed.gather(order.id, known.client_id, None, NOW)
    assert taken.pushed is not None
    assert (taken.pushed.document, taken.client) == (order.document, None)
    assert await database.hot.settle_authorization(known.order())
    assert (await database.pushed.place(replace(order, id=new_id(NOW)))).outcome is Outcome.THERE
    for state in ({"version": 2}, {"version": 1, "status": "inactive"}):
        await change(database, known.application_id, **state)
        assert (await database.pushed.place(replace(order, id=new_id(NOW)))).outcome is Outcome.APPLICATION_CHANGED


@pytest.mark.spec("standards", "CI-16")
async def test_twenty_people_who_allow_it_at_once_make_one_row_and_lose_nothing(
    known: Known, crowd: Database, fresh_database: FreshDatabase
) -> None:
    people = [await scenes.begin(crowd) for _ in range(20)]
    orders = [replace(known.order(), user_id=one.user_id, new_record_id=new_id(NOW)) for one in people]
    orders = [
        replace(order, code=replace(order.code, id=new_id(NOW)), audit=scenes.entry("authorization.granted"))
        for order in orders
        if order.code is not None
    ]
    young = [known.row(LATER, "j", name="Scribe Two", name_skeleton="scribe two"), known.row()]
    orders = [
        replace(order, introduced=Introduced(young[place % 2], replace(order.introduced.audit, id=new_id(NOW))))
        for place, order in enumerate(orders)
        if order.introduced is not None
    ]
    settled = await asyncio.gather(*map(crowd.hot.settle_authorization, orders))
    assert all(settled)
    client = await known.find()
    assert (client.name, client.introduction.fetched_at) == ("Scribe Two", LATER)
    assert "application.introduced" in await events(fresh_database, known.application_id)


@pytest.mark.parametrize("waited", ["interaction", "pushed request"])
async def test_of_twenty_who_act_on_one_request_at_once_one_is_served(
    known: Known, crowd: Database, fresh_database: FreshDatabase, waited: str
) -> None:
    there = replace(known.scene, application_id=known.application_id)
    waiting, request = scenes.interaction(there), known.pushed()
    await crowd.hot.save_interaction(waiting)
    await crowd.pushed.place(request)
    uses: dict[str, Any] = {"interaction_id": waiting.id} if waited == "interaction" else {"pushed_id": request.id}
    settled = await asyncio.gather(*(crowd.hot.settle_authorization(known.order(**uses)) for _ in range(20)))
    assert sum(one is not None for one in settled) == 1
    count = "select count(*) n from grant_code where application_id = $1"
    [codes] = await fetch(fresh_database.superuser_url, count, known.application_id)
    assert codes["n"] == 1
    assert list(await events(fresh_database, known.application_id)) == ["application.introduced"]


async def change(database: Database, application_id: UUID, **columns: Any) -> None:
    """Change the row of an application."""
    async with database.transaction() as transaction:
        await transaction.execute(update(Application).where(col(Application.id) == application_id).values(**columns))


async def test_of_many_who_begin_the_same_row_at_once_nobody_fails(scene: Scene, crowd: Database) -> None:
    """Id and client_id are unique each, and who is first with the one may be second with the other."""
    people = [await scenes.begin(crowd) for _ in range(8)]
    for _ in range(25):
        number = uuid4()
        known = Known(scene, number, f"https://app.example/{number}.json")
        orders = []
        for one in people:
            order = known.order()
            assert order.code is not None
            assert order.introduced is not None
            introduced = replace(order.introduced, audit=replace(order.introduced.audit, id=new_id(NOW)))
            code = replace(order.code, id=new_id(NOW))
            own = replace(order, user_id=one.user_id, new_record_id=new_id(NOW), introduced=introduced)
            orders.append(replace(own, code=code, audit=scenes.entry("authorization.granted")))
        assert all(await asyncio.gather(*map(crowd.hot.settle_authorization, orders)))
