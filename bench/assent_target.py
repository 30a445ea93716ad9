"""The product as a target: schema by its migrations, rows through its models, the server as operators run it."""

import asyncio
import os
import random
import secrets
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import inspect
from sqlmodel import SQLModel

from app import migrations
from app.crypto.hashing import digest
from app.crypto.secrets import new_id, random_bytes
from app.models import AccessToken, Application, Authorization, GrantCode, Resource, TokenFamily, User
from app.protocol.openid_settings import OpenIdSettings
from app.protocol.token_format import Credential, Prefix, format_credential
from app.store.database import Database
from app.store.embedded import ConnectionTargets
from bench.postgres import Postgres, connected
from bench.stock import CHALLENGE, RESOURCE, Client, Kind, Stock, Volume
from bench.target import ROOT, ServerProcess, Target, free_port

_PATHS: dict[Kind, str] = {
    "introspect": "/oauth/introspect",
    **dict.fromkeys(("exchange", "exchange_openid", "refresh", "machine", "machine_jwt"), "/oauth/token"),
    "userinfo": "/oauth/userinfo",
    "revoke": "/oauth/revoke",
}
_SCOPES = ["project:read", "org:read"]
_OPENID = ["openid", *_SCOPES]
_USERS = 1_000
_TOKENS_A_FAMILY = 4
_AGE = timedelta(minutes=10)
_LIFETIME = timedelta(days=1)
_FIRST_KEY = [1, 0]
"""Server key version 1 makes everything from generation 0 on."""


def servers(postgres: Postgres, logs: Path, volume: Volume, processes: Sequence[int]) -> list[Target]:
    """Make schema and rows, return the server with each number of workers; PostgreSQL is an external one to it."""
    dsns = postgres.product
    client = Client("bench", secrets.token_urlsafe(32))
    stock = asyncio.run(_fill(dsns, client, volume))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ASSENT_")}
    # An installation has bytecode; a checkout where Python may not write any compiles every file at each start.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment |= {
        "ASSENT_DATABASE_URL": dsns.runtime.url(),
        "ASSENT_DATABASE_OWNER_URL": dsns.owner.url(),
        "ASSENT_SECRET_KEY": secrets.token_urlsafe(32),
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": str(logs / "bytecode"),
    }
    targets = []
    for number in processes:
        port = free_port()
        command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port), "--workers", str(number)]
        # Somewhere else than the project, whose directory may have a settings file.
        server = ServerProcess(command, port, log=logs / f"assent-{number}.log", environment=environment, cwd=logs)
        targets.append(Target("assent", number, server, dsns.runtime.database, stock.work))
    return targets


@dataclass(frozen=True, slots=True)
class _Consent:
    """A record with what stands on both of its sides, as codes, families and tokens copy it."""

    authorization_id: UUID
    user_id: UUID
    application_id: UUID

    def copied(self, scopes: Sequence[str]) -> dict[str, Any]:
        return {
            "authorization_id": self.authorization_id,
            "user_id": self.user_id,
            "application_id": self.application_id,
            "record_version": 1,
            "user_epoch": 0,
            "application_epoch": 0,
            "scopes": scopes,
            "resources": [],
        }


async def _fill(dsns: ConnectionTargets, client: Client, volume: Volume) -> Stock:
    await migrations.upgrade(dsns.owner.url(), dsns.runtime.user)
    now = datetime.now(UTC)
    database = await Database.open(dsns.runtime.url(), owner_url=dsns.owner.url(), hot_connections=1)
    try:
        for moment in (now - _AGE, now):
            await database.ensure_partition("access_token", moment)
        consents = await _insert_consents(database, client, now)
    finally:
        await database.close()
    tokens: list[str] = []
    revocable: list[str] = []
    codes: list[str] = []
    refresh_tokens: list[str] = []
    openid_codes: list[str] = []
    openid_tokens: list[str] = []
    await _copy(dsns, GrantCode, _codes(consents, client, volume.codes, now, codes))
    await _copy(dsns, GrantCode, _codes(consents, client, volume.codes, now, openid_codes, _OPENID))
    await _copy(dsns, TokenFamily, _families(consents, volume.families, now, refresh_tokens))
    reading = list(_families(consents, -(-volume.tokens // _TOKENS_A_FAMILY), now, []))
    await _copy(dsns, TokenFamily, reading)
    await _copy(dsns, AccessToken, _access_tokens(reading, volume.tokens, now, tokens))
    await _copy(dsns, AccessToken, _access_tokens(reading, volume.revocable, now, revocable))
    signed_in = list(_families(consents, -(-volume.tokens // _TOKENS_A_FAMILY), now, [], _OPENID))
    await _copy(dsns, TokenFamily, signed_in)
    await _copy(dsns, AccessToken, _access_tokens(signed_in, len(signed_in), now, openid_tokens))
    return Stock(
        client,
        _PATHS,
        tokens=tokens,
        codes=codes,
        refresh_tokens=refresh_tokens,
        revocable=revocable,
        openid_codes=openid_codes,
        openid_tokens=openid_tokens,
        scope=" ".join(_SCOPES),
    )


async def _insert_consents(database: Database, client: Client, now: datetime) -> list[_Consent]:
    """Insert the application, users, and a record of each; what the API would have made."""
    application = Application(
        id=new_id(now),
        client_id=client.client_id,
        name="Benchmark",
        kind="web",
        auth_method="client_secret_basic",
        secret_digests=[digest(client.secret.encode("utf-8"))],
        redirect_uris=[client.redirect_uri],
        grant_types=["authorization_code", "refresh_token", "client_credentials"],
        response_types=["code"],
        openid=OpenIdSettings(id_token_alg="ES256").stored,
        created_at=now,
        updated_at=now,
    )
    users = [
        User(
            id=new_id(now),
            sub=secrets.token_urlsafe(16),
            username=f"user{number}",
            username_key=f"user{number}",
            created_at=now,
            updated_at=now,
        )
        for number in range(_USERS)
    ]
    records = [
        Authorization(
            id=new_id(now),
            user_id=user.id,
            application_id=application.id,
            pairs=_OPENID,
            since=[1] * len(_OPENID),
            last_change=new_id(now),
            created_at=now,
            updated_at=now,
        )
        for user in users
    ]
    consents = [_Consent(record.id, record.user_id, record.application_id) for record in records]
    async with database.transaction() as transaction:
        api = Resource(identifier=RESOURCE, token_format="jwt", created_at=now, updated_at=now)
        transaction.add_all([application, api, *users])
        await transaction.flush()
        transaction.add_all(records)
    return consents


def _codes(
    consents: Sequence[_Consent],
    client: Client,
    count: int,
    now: datetime,
    made: list[str],
    scopes: Sequence[str] = _SCOPES,
) -> Iterator[GrantCode]:
    for number in range(count):
        code = Credential(new_id(now), random_bytes())
        made.append(format_credential(Prefix.AUTHORIZATION_CODE, code))
        yield GrantCode(
            id=code.id,
            digest=digest(code.secret),
            auth_time=now,
            acr="",
            amr=["pwd"],
            redirect_uri=client.redirect_uri,
            code_challenge=CHALLENGE,
            nonce=None if scopes is _SCOPES else "n-0S6_WzA2Mj",
            offline=True,
            expires_at=now + _LIFETIME,
            **consents[number % len(consents)].copied(scopes),
        )


def _families(
    consents: Sequence[_Consent], count: int, now: datetime, made: list[str], scopes: Sequence[str] = _SCOPES
) -> Iterator[TokenFamily]:
    for number in range(count):
        issued_at = now - _AGE * random.random()
        refresh = Credential(new_id(issued_at), random_bytes())
        made.append(format_credential(Prefix.REFRESH_TOKEN, refresh))
        yield TokenFamily(
            id=refresh.id,
            digest=digest(refresh.secret),
            key_since=_FIRST_KEY,
            rotated_at=issued_at,
            idle_expires_at=now + _LIFETIME,
            expires_at=now + _LIFETIME,
            auth_time=issued_at,
            acr="",
            amr=["pwd"],
            **consents[number % len(consents)].copied(scopes),
        )


def _access_tokens(
    families: Sequence[TokenFamily], count: int, now: datetime, made: list[str]
) -> Iterator[AccessToken]:
    for number in range(count):
        family = families[number % len(families)]
        issued_at = now - _AGE * random.random()
        token = Credential(new_id(issued_at), random_bytes())
        made.append(format_credential(Prefix.ACCESS_TOKEN, token))
        consent = _Consent(family.authorization_id, family.user_id, family.application_id)
        yield AccessToken(
            id=token.id,
            digest=digest(token.secret),
            family_id=family.id,
            issued_at=issued_at,
            expires_at=now + _LIFETIME,
            **consent.copied(family.scopes),
        )


async def _copy(dsns: ConnectionTargets, model: type[SQLModel], rows: Iterable[SQLModel]) -> None:
    """Write many rows at once, as the owner; a column that the model has and the table has not is an error."""
    columns = [column.key for column in inspect(model).columns]
    async with connected(dsns.owner) as connection:
        await connection.copy_records_to_table(
            str(model.__tablename__),
            columns=columns,
            records=[[getattr(row, column) for column in columns] for row in rows],
        )
