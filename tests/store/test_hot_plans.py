"""How PostgreSQL executes the hot statements, on tables that were tiny when they were analysed and then grew.

The trap is a plan that was right for three rows and is kept for a million (storage.md §2).
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from app.crypto.secrets import new_id
from app.store import (
    backchannel_sql,
    delegated_sql,
    device_sql,
    document_sql,
    gather_sql,
    grant_sql,
    hot_accounts,
    hot_userinfo,
    pairwise,
    partitions,
    pushed_sql,
    settle_sql,
)
from app.store.database import Database
from app.store.hot_connection import SWITCHES, Statement
from app.store.record_sql import INTO
from tests.store import scene as scenes
from tests.store.scene import NOW
from tests.support.database import FreshDatabase

STATEMENTS = (
    *gather_sql.STATEMENTS,
    *settle_sql.STATEMENTS,
    *delegated_sql.STATEMENTS,
    *device_sql.STATEMENTS,
    *backchannel_sql.STATEMENTS,
    *pushed_sql.STATEMENTS,
    *grant_sql.STATEMENTS,
    *(grant_sql.settle_authorization(action, with_token=True) for action in INTO),
    *(grant_sql.approve_device(action) for action in INTO),
    *document_sql.STATEMENTS,
    *(document_sql.settle_authorization(action) for action in (None, *INTO)),
    document_sql.place_pushed(with_proof=True),
    *(grant_sql.approve_backchannel(action) for action in INTO),
    *hot_userinfo.STATEMENTS,
    *hot_accounts.STATEMENTS,
    pairwise.SUBJECT_OF,
)
FORBIDDEN = {"Seq Scan", "Hash Join", "Merge Join", "Bitmap Heap Scan", "Bitmap Index Scan", "Materialize", "Memoize"}
PARTITIONED = {
    *("gather_token", "gather_token_alone", "gather_token_for_website", "revoke_token"),
    *("gather_userinfo", "gather_userinfo_and_memberships"),
}
ROWS = 5_000
SAMPLES = {
    "uuid": f"'{new_id(NOW)}'",
    "uuid[]": f"array['{new_id(NOW)}'::uuid]",
    "timestamptz": f"'{NOW.isoformat()}'",
    "text[]": "'{a,b}'",
    "jsonb": "'{}'",
    "bytea": "''",
    "bytea[]": "array[''::bytea]",
    "timestamptz[]": f"array['{NOW.isoformat()}'::timestamptz]",
    "int4": "1",
    "int4[]": "'{1}'",
    "int8": "1",
    "bool": "true",
    "text": "'x'",
}

FILL = {
    "user_account": """insert into user_account (id, sub, username, username_key, created_at, updated_at)
        select gen_random_uuid(), 's' || n, 'u' || n, 'u' || n, now(), now()""",
    "application": """insert into application (id, client_id, name, kind, auth_method, created_at, updated_at)
        select gen_random_uuid(), 'c' || n, 'n', 'web', 'none', now(), now()""",
    "browser_session": """insert into browser_session
        (id, digest, user_id, user_epoch, auth_time, created_at, last_used_at, idle_expires_at, expires_at)
        select gen_random_uuid(), '', u.id, 0, now(), now(), now(), now(), now()""",
    '"authorization"': """insert into "authorization"
        (id, user_id, application_id, pairs, since, last_change, created_at, updated_at)
        select gen_random_uuid(), u.id, a.id, '{a}', '{1}', gen_random_uuid(), now(), now()""",
    "organization": """insert into organization (id, slug, name, created_at, updated_at)
        select gen_random_uuid(), 'o' || n, 'n', now(), now()""",
    "organization_member": """insert into organization_member (organization_id, user_id, role, joined_at)
        select o.id, u.id, 'member', now()""",
    "personal_token": """insert into personal_token
        (id, digest, last_four, user_id, user_epoch, name, scopes, created_at)
        select gen_random_uuid(), '', '', u.id, 0, 'n', '{}', now()""",
    "api_key": """insert into api_key
        (id, digest, last_four, organization_id, label, scopes, created_at, updated_at)
        select gen_random_uuid(), '', '', o.id, 'l', '{}', now(), now()""",
    "legacy_credential": """insert into legacy_credential (digest, kind, target_id)
        select decode(md5(n::text), 'hex'), 'api_key', gen_random_uuid()""",
    "legacy_token": """insert into legacy_token
        (id, digest, application_id, record_version, user_epoch, application_epoch, scopes, resources, issued_at,
         expires_at)
        select gen_random_uuid(), '', gen_random_uuid(), 1, 0, 0, '{}', '{}', now(), now()""",
    "interaction": """insert into interaction
        (id, digest, application_id, client_id, params, request_id, created_at, expires_at)
        select gen_random_uuid(), '', gen_random_uuid(), 'c', '[]', 'r', now(), now()""",
    "grant_code": """insert into grant_code
        (id, digest, application_id, user_id, authorization_id, record_version, user_epoch, application_epoch, scopes,
         resources, auth_time, acr, amr, offline, expires_at)
        select gen_random_uuid(), '', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, 0, 0, '{}', '{}',
            now(), '', '{}', true, now()""",
    "device_grant": """insert into device_grant
        (id, digest, user_code_digest, application_id, application_epoch, scopes, resources, poll_seconds, created_at,
         expires_at)
        select gen_random_uuid(), '', decode(md5(n::text), 'hex'), gen_random_uuid(), 0, '{}', '{}', 5, now(), now()""",
    "pushed_request": """insert into pushed_request
        (id, digest, application_id, client_id, params, signed, created_at, expires_at)
        select gen_random_uuid(), '', gen_random_uuid(), 'c', '[]', false, now(), now()""",
    "failure": """insert into failure (key, count, first_at, last_at)
        select decode(md5(n::text), 'hex'), 1, now(), now()""",
    "backchannel_request": """insert into backchannel_request
        (id, digest, application_id, application_epoch, user_id, user_epoch, scopes, resources, poll_seconds,
         created_at, expires_at, call, call_at)
        select gen_random_uuid(), '', gen_random_uuid(), 0, gen_random_uuid(), 0, '{}', '{}', 5, now(), now(),
            'client', now()""",
    "token_family": """insert into token_family
        (id, authorization_id, user_id, application_id, record_version, user_epoch, application_epoch, scopes,
         resources, key_since, rotated_at, idle_expires_at, expires_at, auth_time, acr, amr)
        select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, 0, 0, '{}', '{}',
            '{1,0}', now(), now(), now(), now(), '', '{}'""",
    "pairwise_subject": """insert into pairwise_subject (sector, user_id, sub, created_at)
        select 'a.example', gen_random_uuid(), 'p' || n, now()""",
    "access_token": """insert into access_token
        (id, digest, application_id, record_version, user_epoch, application_epoch, scopes, resources, issued_at,
         expires_at)
        select (left($1::text, 13) || substr(gen_random_uuid()::text, 14))::uuid, '', gen_random_uuid(), 1, 0, 0, '{}',
            '{}', now(), now()""",
}


async def fill(connection: asyncpg.Connection, rows: int, start: int) -> None:
    """Add rows to every table that a hot statement looks into; never analysed here."""
    for table, insert in FILL.items():
        source = f" from generate_series({start}, {start + rows - 1}) n"
        if table in {"browser_session", '"authorization"', "organization_member", "personal_token"}:
            source += " join user_account u on u.sub = 's' || n join application a on a.client_id = 'c' || n"
        if table in {"organization_member", "api_key"}:
            source += " join organization o on o.slug = 'o' || n"
        for day in range(2) if table == "access_token" else (0,):
            arguments = (str(new_id(NOW + timedelta(days=day))),) if table == "access_token" else ()
            await connection.execute(insert + source, *arguments)


@pytest.fixture(scope="session")
def engine(each_engine: str) -> str:
    """Each PostgreSQL, always: what runs the hot statements on one of them is not proven for the other."""
    return each_engine


@pytest.fixture(scope="module")
async def hot_connection(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[asyncpg.Connection]:
    """A connection with the settings of the hot pool, and tables that were analysed when they had three rows."""
    await partitions.ensure_ahead(database, NOW)
    async with (
        scenes.connected(fresh_database.owner_url) as owner,
        scenes.connected(fresh_database.owner_url, **SWITCHES) as connection,
    ):
        await fill(owner, 3, 0)
        await owner.execute("analyze")
        for statement in STATEMENTS:
            await connection.execute(f'prepare "{statement.name}" as {statement.sql}')
            await plan_of(connection, statement)  # the plan that is kept is made now
        await fill(owner, ROWS, 1000)
        yield connection


async def plan_of(connection: asyncpg.Connection, statement: Statement) -> dict[str, Any]:
    prepared = await connection.prepare(statement.sql)
    samples = ", ".join(SAMPLES[parameter.name] for parameter in prepared.get_parameters())
    call = f'"{statement.name}"({samples})' if samples else f'"{statement.name}"'
    [explained] = json.loads(await connection.fetchval(f"explain (format json) execute {call}"))
    plan: dict[str, Any] = explained["Plan"]
    return plan


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes_of(below)


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: statement.name)
async def test_a_hot_statement_touches_rows_by_key_alone(
    hot_connection: asyncpg.Connection, statement: Statement
) -> None:
    nodes = list(nodes_of(await plan_of(hot_connection, statement)))
    assert FORBIDDEN.isdisjoint(node["Node Type"] for node in nodes)
    scans = [node for node in nodes if node["Node Type"].startswith("Index")]
    assert all("Index Cond" in scan for scan in scans)
    if statement.name in PARTITIONED:
        [pruned] = [node for node in nodes if "Subplans Removed" in node]
        assert pruned["Subplans Removed"] >= 2
        assert sum("access_token" in scan["Relation Name"] for scan in scans) == 1


@pytest.mark.parametrize("statement", [one for one in STATEMENTS if one.shares_trips], ids=lambda one: one.name)
async def test_a_statement_that_shares_trips_names_its_row_first_and_answers_with_one(
    hot_connection: asyncpg.Connection, statement: Statement
) -> None:
    prepared = await hot_connection.prepare(statement.sql)
    parameters = [parameter.name for parameter in prepared.get_parameters()]
    assert parameters[0] == "uuid"
    samples = ", ".join(SAMPLES[name] for name in parameters)
    assert len(await hot_connection.fetch(f'execute "{statement.name}"({samples})')) == 1


@pytest.mark.parametrize(
    "name",
    [
        *("gather_token", "gather_personal_token", "gather_key", "gather_authorize"),
        *("settle_refresh.rotate", "settle_machine_token"),
    ],
)
async def test_a_plan_from_the_time_of_three_rows_reads_few_pages_of_many(
    hot_connection: asyncpg.Connection, name: str
) -> None:
    """The pages of look-ups by key, however many rows there are by now; a scan would read them all."""
    [statement] = [one for one in STATEMENTS if one.name == name]
    transaction = hot_connection.transaction()
    await transaction.start()
    prepared = await hot_connection.prepare(statement.sql)
    samples = ", ".join(SAMPLES[parameter.name] for parameter in prepared.get_parameters())
    explained = await hot_connection.fetchval(
        f'explain (analyze, buffers, timing off, format json) execute "{name}"({samples})'
    )
    await transaction.rollback()
    [result] = json.loads(explained)
    assert result["Plan"]["Shared Hit Blocks"] + result["Plan"]["Shared Read Blocks"] < 40


async def test_analysed_again_the_plans_stay_what_they_were(
    hot_connection: asyncpg.Connection, fresh_database: FreshDatabase
) -> None:
    await scenes.fetch(fresh_database.owner_url, "analyze")
    for statement in STATEMENTS:
        nodes = list(nodes_of(await plan_of(hot_connection, statement)))
        assert FORBIDDEN.isdisjoint(node["Node Type"] for node in nodes), statement.name


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: statement.name)
def test_a_hot_statement_names_its_columns(statement: Statement) -> None:
    assert not re.search(r"(select|returning|,|\.)\s*\*", statement.sql)
