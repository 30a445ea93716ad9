"""A user, an application and the orders between them, as the pipeline would give them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import insert

from app.crypto.hashing import digest
from app.crypto.secrets import new_id, random_bytes
from app.models import Application, BrowserSession, User
from app.protocol.facts import Authentication, Origin
from app.protocol.outcomes import RefreshMode
from app.store import partitions
from app.store.database import Database
from app.store.hot_polled import Approval
from app.store.orders import (
    AuditEntry,
    AuthorizationSettlement,
    CodeSettlement,
    NewCode,
    NewInteraction,
    NewToken,
    RefreshSettlement,
    SettledAuthorization,
)

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
AUTHENTICATION = Authentication(auth_time=NOW - 5 * SECOND, acr="1", amr=("pwd",), sid=UUID(int=77))


@dataclass(frozen=True, slots=True)
class Scene:
    """One user and one application in a database."""

    database: Database
    user_id: UUID
    application_id: UUID
    client_id: str

    def origin(self, settled: SettledAuthorization, *scopes: str) -> Origin:
        """What grants, families and tokens of a settled authorization copy."""
        return Origin(
            application_id=self.application_id,
            user_id=self.user_id,
            record_id=settled.record_id,
            record_version=settled.version,
            user_epoch=0,
            application_epoch=0,
            scopes=scopes or settled.pairs,
        )


async def begin(database: Database, **application: Any) -> Scene:
    """Register a user, and an application with these columns; make the partitions for `NOW`."""
    await partitions.ensure_ahead(database, NOW)
    user_id, application_id = new_id(NOW), new_id(NOW)
    client_id = f"client-{application_id}"
    person = {"sub": f"sub-{user_id}", "username": f"user-{user_id}", "username_key": f"user-{user_id}"}
    row = {
        "id": application_id,
        "client_id": client_id,
        "name": "Reports",
        "kind": "web",
        "auth_method": "client_secret_basic",
        "created_at": NOW,
        "updated_at": NOW,
    }
    async with database.transaction() as transaction:
        await transaction.execute(
            insert(User).values(id=user_id, created_at=NOW, updated_at=NOW, claims={"name": "Ada"}, **person)
        )
        await transaction.execute(insert(Application).values({**row, **application}))
    return Scene(database, user_id, application_id, client_id)


async def sign_in(scene: Scene, **changes: Any) -> UUID:
    """Begin a browser session of the user."""
    session_id = new_id(NOW)
    row = {
        "id": session_id,
        "digest": digest(b"session"),
        "user_id": scene.user_id,
        "user_epoch": 0,
        "auth_time": NOW,
        "amr": ["pwd"],
        "created_at": NOW,
        "last_used_at": NOW,
        "idle_expires_at": NOW + timedelta(hours=12),
        "expires_at": NOW + timedelta(days=30),
    }
    async with scene.database.transaction() as transaction:
        await transaction.execute(insert(BrowserSession).values({**row, **changes}))
    return session_id


def entry(event: str, now: datetime = NOW, **data: object) -> AuditEntry:
    """An audit row."""
    return AuditEntry(
        id=new_id(now),
        at=now,
        event=event,
        request_id="request-1",
        actor_kind="user",
        actor_id="someone",
        user_id=None,
        application_id=None,
        subject_id="subject",
        address="192.0.2.1",
        data=data,
    )


def approval(scene: Scene, grant_id: UUID, *scopes: str, **changes: Any) -> Approval:
    """The order that follows when the scene's user approves these scopes of a device code or a request to him."""
    order: dict[str, Any] = {
        "grant_id": grant_id,
        "now": NOW,
        "application_id": scene.application_id,
        "application_epoch": 0,
        "user_id": scene.user_id,
        "user_epoch": 0,
        "scopes": scopes,
        "pairs": scopes,
        "new_record_id": new_id(NOW),
        "authentication": AUTHENTICATION,
        "audit": entry("authorization.granted"),
    }
    return Approval(**{**order, **changes})


def interaction(scene: Scene, **changes: Any) -> NewInteraction:
    """A request that waits."""
    order = {
        "id": new_id(NOW),
        "digest": digest(b"interaction"),
        "application_id": scene.application_id,
        "client_id": scene.client_id,
        "params": (("client_id", scene.client_id), ("scope", "a b"), ("state", "π")),
        "browser_digest": digest(b"browser"),
        "session_id": None,
        "request_id": "request-1",
        "created_at": NOW,
        "expires_at": NOW + timedelta(minutes=10),
    }
    return NewInteraction(**{**order, **changes})


def consent(
    scene: Scene,
    *pairs: str,
    interaction_id: UUID | None = None,
    now: datetime = NOW,
    code: Mapping[str, Any] | None = None,
) -> AuthorizationSettlement:
    """The order that follows from approving these pairs."""
    new_code = {
        "id": new_id(now),
        "digest": digest(b"code"),
        "scopes": pairs,
        "resources": (),
        "authentication": AUTHENTICATION,
        "redirect_uri": "https://client.example/callback",
        "code_challenge": "challenge",
        "nonce": "nonce",
        "offline": True,
        "expires_at": now + 60 * SECOND,
    }
    return AuthorizationSettlement(
        interaction_id=interaction_id,
        now=now,
        application_id=scene.application_id,
        user_id=scene.user_id,
        user_epoch=0,
        application_epoch=0,
        pairs=pairs,
        new_record_id=new_id(now),
        code=NewCode(**{**new_code, **(code or {})}),
        audit=entry("authorization.granted", now, asked=list(pairs)),
    )


def code_id(order: AuthorizationSettlement) -> UUID:
    """The code that the order is to write."""
    assert order.code is not None
    return order.code.id


async def approve(scene: Scene, *pairs: str, now: datetime = NOW) -> tuple[SettledAuthorization, UUID]:
    """Approve these pairs; returns the record and the code's id."""
    order = consent(scene, *pairs, now=now)
    settled = await scene.database.hot.settle_authorization(order)
    assert settled is not None
    return settled, code_id(order)


def exchange(origin: Origin, code_id: UUID, now: datetime = NOW) -> CodeSettlement:
    """The order that redeems a code."""
    family_id = new_id(now)
    return CodeSettlement(
        grant_id=code_id,
        application_version=1,
        now=now,
        family_id=family_id,
        family_digest=digest(b"refresh 0"),
        key_version=1,
        idle_expires_at=now + timedelta(days=30),
        family_expires_at=now + timedelta(days=180),
        authentication=AUTHENTICATION,
        nonce="nonce",
        family_origin=origin,
        token=token(origin, family_id, now),
        audit=entry("code.exchanged", now),
    )


def refresh(
    origin: Origin,
    family_id: UUID,
    mode: RefreshMode = "rotate",
    generation: int = 0,
    now: datetime = NOW,
    **changes: Any,
) -> RefreshSettlement:
    """The order that continues a family."""
    order = {
        "mode": mode,
        "application_version": 1,
        "family_id": family_id,
        "presented_generation": generation,
        "now": now,
        "next_digest": digest(b"refresh %d" % (generation + 1)),
        "key_version": 1,
        "idle_expires_at": now + timedelta(days=30),
        "grace": 30 * SECOND,
        "touch": True,
        "token": token(origin, family_id, now),
        "audit": entry("token.refreshed", now),
    }
    return RefreshSettlement(**{**order, **changes})


async def redeem(scene: Scene, *pairs: str, now: datetime = NOW) -> tuple[Origin, CodeSettlement]:
    """Approve, and redeem the code; returns what everything copies, and the order that was carried out."""
    settled, code_id = await approve(scene, *pairs, now=now)
    order = exchange(scene.origin(settled, *pairs), code_id, now)
    assert await scene.database.hot.settle_code(order)
    return order.family_origin, order


def token(origin: Origin, family_id: UUID | None, now: datetime = NOW) -> NewToken:
    """A new access token."""
    return NewToken(
        id=new_id(now),
        digest=digest(random_bytes()),
        origin=origin,
        family_id=family_id,
        issued_at=now,
        expires_at=now + timedelta(hours=1),
    )


@asynccontextmanager
async def connected(url: str, **settings: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of one's own, closed however the block ends."""
    connection = await asyncpg.connect(url, server_settings=settings)
    try:
        yield connection
    finally:
        await connection.close()


async def fetch(url: str, query: str, *arguments: object) -> list[asyncpg.Record]:
    """Ask over a connection of its own."""
    async with connected(url) as connection:
        rows: list[asyncpg.Record] = await connection.fetch(query, *arguments)
        return rows
