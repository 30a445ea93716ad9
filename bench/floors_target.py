"""The floors as a target: their database is filled directly, their server is `bench.floors_app`."""

import asyncio
import hashlib
import os
import random
import secrets
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from app.crypto.secrets import new_id
from app.store.embedded import ConnectionTarget
from bench import floors_schema
from bench.floors_app import encode
from bench.postgres import Postgres, connected
from bench.stock import CHALLENGE, Client, Kind, Stock, Volume
from bench.target import ServerProcess, Target, free_port

_DATABASE = "bench_floors"
_PATHS: dict[Kind, str] = {"F0": "/F0", "F1": "/F1", "FI": "/FI", "FJ": "/FJ", "FX": "/FX", "FXJ": "/FXJ"}
_SCOPES = ["read", "write"]

_Credential = tuple[UUID, bytes]


def floors(postgres: Postgres, logs: Path, volume: Volume, connections: int) -> Target:
    """Make and fill the database, return all floors on one uvicorn worker."""
    dsn = postgres.make_database(_DATABASE)
    client = Client("floor", secrets.token_urlsafe(32))
    now = datetime.now(UTC)
    tokens = [_credential(now - timedelta(seconds=random.uniform(0, 3600))) for _ in range(volume.tokens)]
    codes = [_credential(now) for _ in range(2 * volume.codes)]
    asyncio.run(_fill(dsn, client, tokens, codes, now))
    made = [encode(*code) for code in codes]
    stock = Stock(
        client,
        _PATHS,
        tokens=[encode(*token) for token in tokens],
        codes=made[: volume.codes],
        openid_codes=made[volume.codes :],
    )
    environment = {
        "BENCH_FLOORS_DSN": dsn.url(),
        "BENCH_FLOORS_CLIENT": client.client_id,
        "BENCH_FLOORS_SECRET": client.secret,
        "BENCH_FLOORS_CONNECTIONS": str(connections),
    }
    return Target("floors", 1, floors_server(environment, logs / "floors.log"), _DATABASE, stock.work)


def floors_server(environment: Mapping[str, str], log: Path) -> ServerProcess:
    """Return the server of the floors, or of the bare application when the environment names no database."""
    port = free_port()
    command = [sys.executable, "-m", "bench.floors_app", str(port)]
    return ServerProcess(command, port, log=log, environment={**os.environ, **environment})


async def _fill(
    dsn: ConnectionTarget, client: Client, tokens: list[_Credential], codes: list[_Credential], now: datetime
) -> None:
    later = now + timedelta(days=1)
    application, user, record = UUID(int=1), UUID(int=2), UUID(int=3)
    async with connected(dsn) as connection:
        await connection.execute(floors_schema.TABLES)
        for statement in floors_schema.partitions(now):
            await connection.execute(statement)
        await connection.copy_records_to_table(
            "token",
            columns=("id", "digest", "user_id", "application_id", "scopes", "expires_at"),
            records=[(token_id, _digest(secret), user, application, _SCOPES, later) for token_id, secret in tokens],
        )
        columns = (
            *("id", "digest", "application_id", "user_id", "authorization_id", "record_version", "scopes"),
            *("resources", "auth_time", "acr", "amr", "redirect_uri", "code_challenge", "expires_at"),
        )
        no_resources: list[str] = []
        rest = (
            application,
            user,
            record,
            1,
            _SCOPES,
            no_resources,
            now,
            "",
            ["pwd"],
            client.redirect_uri,
            CHALLENGE,
            later,
        )
        await connection.copy_records_to_table(
            "grant_code",
            columns=columns,
            records=[(code_id, _digest(secret), *rest) for code_id, secret in codes],
        )


def _credential(moment: datetime) -> _Credential:
    return new_id(moment), os.urandom(32)


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()
