"""Sessions that end, and what is seen of it in the database."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from app.crypto.secrets import new_id
from app.models import Application, Authorization, SessionApplication, TokenFamily
from app.store import session_ends
from app.store.database import Database
from app.store.orders import AuditEntry
from app.store.session_ends import EndedSession
from tests.store import scene as scenes
from tests.store.scene import NOW, SECOND, Scene, fetch

LATER = NOW + 5 * SECOND
LISTENS = {"backchannel_logout_uri": "https://client.example/logout"}


def row_of(ended: EndedSession) -> AuditEntry:
    """The audit row of a session."""
    return scenes.entry("session.ended", LATER, session=str(ended.id))


async def end(database: Database, which: Any) -> tuple[EndedSession, ...]:
    """End sessions in a transaction of their own."""
    async with database.transaction() as transaction:
        return await session_ends.end_sessions(transaction, which, LATER, row_of)


async def told_by(scene: Scene, sid: UUID, *, to: UUID | None = None, subject: str = "ada") -> None:
    """Let the session have signed the person in to an application."""
    row = {"sid": sid, "application_id": to or scene.application_id, "user_id": scene.user_id, "subject": subject}
    async with scene.database.transaction() as transaction:
        await transaction.execute(insert(SessionApplication).values(**row, first_at=NOW, last_at=NOW))


async def application(scene: Scene, **columns: Any) -> UUID:
    """Register another application."""
    key = new_id(NOW)
    row = {"id": key, "client_id": str(key), "name": "Notes", "kind": "web", "auth_method": "none"}
    async with scene.database.transaction() as transaction:
        await transaction.execute(insert(Application).values({**row, "created_at": NOW, "updated_at": NOW, **columns}))
    return key


async def record(scene: Scene, of: UUID) -> UUID:
    """Have the person allow an application everything that families here have, once."""
    pairs = ["openid", "profile", "org:read", "offline_access"]
    row = {"id": new_id(NOW), "user_id": scene.user_id, "application_id": of, "pairs": pairs, "since": [1] * len(pairs)}
    more = {"version": 1, "last_change": new_id(NOW), "created_at": NOW, "updated_at": NOW}
    mine = (col(Authorization.user_id) == scene.user_id, col(Authorization.application_id) == of)
    async with scene.database.transaction() as transaction:
        await transaction.execute(insert(Authorization).values(row | more).on_conflict_do_nothing())
        return (await transaction.scalars(select(col(Authorization.id)).where(*mine))).one()


async def family(scene: Scene, sid: UUID | None, *scopes: str, of: UUID | None = None) -> UUID:
    """Begin a family of a session."""
    key = new_id(NOW)
    row = {
        "id": key,
        "authorization_id": await record(scene, of or scene.application_id),
        "user_id": scene.user_id,
        "application_id": of or scene.application_id,
        "record_version": 1,
        "user_epoch": 0,
        "application_epoch": 0,
        "scopes": list(scopes),
        "resources": [],
        "key_since": [1, 0],
        "rotated_at": NOW,
        "idle_expires_at": NOW + timedelta(days=30),
        "expires_at": NOW + timedelta(days=180),
        "auth_time": NOW,
        "acr": "1",
        "amr": ["pwd"],
        "sid": sid,
    }
    async with scene.database.transaction() as transaction:
        await transaction.execute(insert(TokenFamily).values(row))
    return key


async def notices(url: str, user_id: UUID) -> list[dict[str, Any]]:
    """The notices about a person, in their order."""
    return [
        dict(row) for row in await fetch(url, "select * from logout_delivery where user_id = $1 order by id", user_id)
    ]


async def revoked(url: str, user_id: UUID) -> set[UUID]:
    """The families of a person that have ended with a session."""
    query = "select id from token_family where user_id = $1 and revoked_at = $2 and revoked_reason = 'session_ended'"
    return {row["id"] for row in await fetch(url, query, user_id, LATER)}


@pytest.fixture
async def url(fresh_database: Any) -> str:
    """The test's own way to the database."""
    return str(fresh_database.superuser_url)


@pytest.fixture
async def scene(database: Database) -> Scene:
    """A person and an application that wants to be told; nobody has been told anything."""
    database.notices.clear()
    return await scenes.begin(database, openid=LISTENS)
