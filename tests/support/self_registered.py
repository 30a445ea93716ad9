"""Applications that introduced themselves, as the reaper finds them: their signs of life, and what is left of them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.crypto.hashing import digest
from app.crypto.secrets import new_id
from app.jobs.work import Work
from app.protocol.policy import Lifetimes
from app.store.database import Database
from tests.store import scene as scenes
from tests.store.scene import NOW, Scene, fetch
from tests.support.database import FreshDatabase
from tests.support.site import VAULT

UNUSED_AFTER = timedelta(days=7)
OLD = NOW - UNUSED_AFTER - timedelta(seconds=1)
"""When an application was registered that goes at `NOW` unless something speaks for it."""
LONG_AGO = NOW - Lifetimes().refresh_token_absolute - timedelta(seconds=1)


def work(database: Database) -> Work:
    """Return what the job may use, at `NOW`."""
    return Work(database, Lifetimes(), lambda: NOW, VAULT, unused_after=UNUSED_AFTER)


async def registered(database: Database, **columns: Any) -> Scene:
    """Register an application long enough ago, which has done nothing since."""
    row = {"self_registered": True, "auth_method": "none", "created_at": OLD}
    return await scenes.begin(database, **{**row, **columns})


async def known_by_document(database: Database, **columns: Any) -> Scene:
    """Have an application that is known by its metadata document."""
    client_id = f"https://app-{new_id(NOW).hex[-8:]}.example/client.json"
    return replace(await registered(database, client_id=client_id, **columns), client_id=client_id)


async def records_of(fresh: FreshDatabase, scene: Scene) -> list[tuple[UUID, datetime | None]]:
    """Return the records of a scene's application: their ids, and when they ended."""
    query = 'select id, revoked_at from "authorization" where application_id = $1'
    return [(row["id"], row["revoked_at"]) for row in await fetch(fresh.superuser_url, query, scene.application_id)]


async def is_there(fresh: FreshDatabase, scene: Scene) -> bool:
    """Whether the application has not been removed."""
    return bool(await fetch(fresh.superuser_url, "select 1 from application where id = $1", scene.application_id))


async def reaped(fresh: FreshDatabase, scene: Scene) -> list[Any]:
    """Return the audit rows that tell of the application's removal."""
    query = "select * from audit where event = 'application.reaped' and application_id = $1"
    return list(await fetch(fresh.superuser_url, query, scene.application_id))


def secret_row(scene: Scene) -> dict[str, Any]:
    """Return a row of `application_secret`."""
    row = {"id": new_id(NOW), "application_id": scene.application_id, "digest": digest(b"secret"), "last_four": "abcd"}
    return {**row, "created_at": OLD}
