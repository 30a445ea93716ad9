"""Disconnecting an application that holds very many live tokens: one row changes, and every worker knows at once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import Connection, event

from app.crypto.hashing import digest
from app.crypto.secrets import new_id, random_bytes
from app.protocol.token_format import Credential, Prefix, format_credential
from app.services import connections
from app.services.occasion import Occasion
from app.store.database import Database
from app.store.hot_connection import counting_trips
from tests.support.database import FreshDatabase
from tests.support.race import CLIENT_ID, SCOPES, RacedServer, active, raced_server, refresh
from tests.support.service import redeem

TOKENS = 100_000
TOKENS_OF_A_FAMILY = 100
SAMPLE = 20


@pytest.fixture(scope="module")
async def raced(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[RacedServer]:
    async with raced_server(database, fresh_database) as running:
        yield running


@pytest.fixture
async def client(raced: RacedServer) -> AsyncIterator[httpx.AsyncClient]:
    """The application, as far as it talks to the server."""
    async with raced.browser() as fresh:
        yield fresh


async def issue(raced: RacedServer, family_id: Any, count: int) -> list[str]:
    """Give the record of a family `count` more live tokens, spread over as many families as that takes."""
    now = datetime.now(UTC)
    tokens = [Credential(new_id(now), random_bytes()) for _ in range(count)]
    families = [new_id(now) for _ in range(-(-count // TOKENS_OF_A_FAMILY))]
    connection = await asyncpg.connect(raced.fresh.owner_url)
    try:
        await connection.execute(
            """
            insert into token_family select (json_populate_record(f, json_build_object('id', i))).*
            from token_family f, unnest($2::uuid[]) i where f.id = $1""",
            family_id,
            families,
        )
        await connection.execute(
            """
            insert into access_token (id, digest, family_id, authorization_id, user_id, application_id, record_version,
                user_epoch, application_epoch, scopes, resources, issued_at, expires_at)
            select t.id, t.digest, ($5::uuid[])[1 + (t.number - 1) / $6], authorization_id, user_id, application_id,
                record_version, user_epoch, application_epoch, scopes, resources, $3, $4
            from token_family f, unnest($1::uuid[], $2::bytea[]) with ordinality t (id, digest, number)
            where f.id = ($5::uuid[])[1]""",
            [token.id for token in tokens],
            [digest(token.secret) for token in tokens],
            now,
            now + timedelta(hours=1),
            families,
            TOKENS_OF_A_FAMILY,
        )
    finally:
        await connection.close()
    return [format_credential(Prefix.ACCESS_TOKEN, token) for token in tokens]


@contextmanager
def counting_rows(database: Database) -> Iterator[dict[str, int]]:
    """Collect by table how many rows the transactions of a database change, partitions with their parent."""
    touched: dict[str, int] = {}

    def note(connection: Connection) -> None:
        rows = connection.exec_driver_sql(
            """
            select coalesce(i.inhparent::regclass::text, s.relname), sum(n_tup_ins + n_tup_upd + n_tup_del)
            from pg_stat_xact_user_tables s left join pg_inherits i on i.inhrelid = s.relid
            where n_tup_ins + n_tup_upd + n_tup_del > 0 group by 1"""
        )
        touched.update({name.strip('"'): int(count) for name, count in rows})

    engine = database._engine.sync_engine
    event.listen(engine, "commit", note)
    try:
        yield touched
    finally:
        event.remove(engine, "commit", note)


@pytest.mark.soak
@pytest.mark.spec("original", "R06")
@pytest.mark.spec("original", "BUG 11")
@pytest.mark.slow
async def test_disconnecting_an_application_with_very_many_live_tokens_changes_one_row(
    raced: RacedServer, client: httpx.AsyncClient, volume: Callable[[int], int]
) -> None:
    bought = (await redeem(client, CLIENT_ID, await raced.new_code(SCOPES[0]))).json()
    in_flight = await raced.new_code(SCOPES[0])
    [(family_id,)] = await raced.fetch("select id from token_family")
    many = await issue(raced, family_id, volume(TOKENS))
    sample = [*many[:: max(1, len(many) // SAMPLE)], bought["access_token"]]
    [connection] = await connections.list_all(raced.database, raced.user.id)

    async with raced.rivals(len(sample) * 2) as rivals:
        half = len(rivals) // 2

        async def live_on_each_worker() -> set[bool]:
            asked = [
                active(rival, token)
                for of_one_worker in (rivals[::2][:half], rivals[1::2][:half])
                for rival, token in zip(of_one_worker, sample, strict=False)
            ]
            return set(await asyncio.gather(*asked))

        assert await live_on_each_worker() == {True}
        with counting_rows(raced.database) as touched, counting_trips() as trips:
            occasion = Occasion(datetime.now(UTC), "req_1", "203.0.113.7")
            assert await connections.disconnect(
                raced.database, connection, occasion, host="client.example", checked=True
            )
        assert await live_on_each_worker() == {False}

    assert touched == {"authorization": 1, "audit": 1}
    assert len(trips) <= 4
    assert (await refresh(client, bought["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await redeem(client, CLIENT_ID, in_flight)).json()["error"] == "invalid_grant"
    [(left,)] = await raced.fetch("select count(*) from access_token where revoked_at is null")
    assert left == len(many) + 1, "not one of them was touched"
