"""Which application a name can be taken for, and the filling of what tells it."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from app.crypto.secrets import new_id
from app.jobs.name_skeletons import make_name_skeletons
from app.jobs.work import Work
from app.protocol.look_alikes import skeleton
from app.protocol.policy import Lifetimes
from app.store import applications, look_alikes
from app.store.applications import Description
from app.store.database import Database
from tests.store.scene import fetch
from tests.support.database import FreshDatabase
from tests.support.site import VAULT

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def named(name: str, owner: str = "") -> Description:
    return Description(
        name=name,
        kind="web",
        owner_user_id=None,
        owner_name=owner,
        client_uri="",
        auth_method="none",
        redirect_uris=(),
        grant_types=(),
        response_types=(),
        scopes=None,
        optional_scopes=(),
        policy={},
        registration={},
        unmet=(),
    )


async def register(database: Database, name: str, *, owner: str = "", verified: bool = False) -> str:
    """Register an application under a client_id of its own, and return that."""
    application_id = new_id(NOW)
    async with database.transaction() as transaction:
        await applications.insert_application(
            transaction, application_id, str(application_id), named(name, owner), (), NOW, verified=verified
        )
    return str(application_id)


async def vouched_with(database: Database, made: str, client_id: str = "") -> str | None:
    return (await look_alikes.known(database, {made}, client_id)).vouched


async def change(fresh: FreshDatabase, client_id: str, what: str) -> None:
    """Write as another server would."""
    await fetch(fresh.superuser_url, f"update application set {what} where client_id = $1", client_id)


@pytest.mark.spec("standards", "DR-13")
@pytest.mark.parametrize(
    ("name", "made", "what", "found"),
    [
        ("Harbour Watch", {"verified": True}, "", True),
        ("Quay Watch", {"owner": "Saltbarn", "verified": True}, "", True),
        ("Tide Watch", {}, "", True),
        ("Gull Watch", {"owner": "Saltbarn"}, "", False),
        ("Crab Watch", {}, "self_registered = true", False),
        ("Reef Watch", {"verified": True}, "self_registered = true", True),
        ("Moor Watch", {"verified": True}, "status = 'inactive'", True),
        ("Buoy Watch", {"verified": True}, "deleted_at = now()", False),
    ],
    ids=[
        "checked",
        "somebody's, checked",
        "the operator's",
        "somebody's",
        "its own",
        "its own, checked",
        "off",
        "gone",
    ],
)
async def test_a_name_imitates_what_somebody_here_answers_for(
    database: Database, fresh_database: FreshDatabase, name: str, made: dict[str, Any], what: str, found: bool
) -> None:
    client_id = await register(database, name, **made)
    if what:
        await change(fresh_database, client_id, what)

    imitation = skeleton(name.replace("a", "\u0430").upper())
    assert await vouched_with(database, imitation) == (name if found else None)
    assert await vouched_with(database, imitation, client_id) is None


async def test_a_new_name_is_what_counts(database: Database, fresh_database: FreshDatabase) -> None:
    client_id = await register(database, "Early Bird")
    [row] = await fetch(fresh_database.superuser_url, "select id from application where client_id = $1", client_id)
    async with database.transaction() as transaction:
        await applications.change(transaction, row["id"], NOW, named("Night Owl"))

    assert await vouched_with(database, skeleton("N1ght 0wl")) == "Night Owl"
    assert await vouched_with(database, skeleton("Early Bird")) is None


async def test_the_job_says_it_of_what_an_earlier_server_wrote_and_renamed(
    database: Database, fresh_database: FreshDatabase
) -> None:
    written, renamed = await register(database, "Lantern"), await register(database, "Compass")
    await change(fresh_database, written, "name_skeleton = ''")
    await change(fresh_database, renamed, "name = 'Sextant'")
    work = Work(database, Lifetimes(), lambda: NOW, VAULT)

    await asyncio.gather(*(make_name_skeletons(work, NOW) for _ in range(3)))

    for name in ("Lantern", "Sextant"):
        assert await vouched_with(database, skeleton(name)) == name
    assert await vouched_with(database, skeleton("Compass")) is None
    assert await look_alikes.fill(database, limit=10) == 0


async def test_it_is_known_since_when_an_application_is_here(database: Database) -> None:
    client_id = await register(database, "Anchor")
    assert (await look_alikes.known(database, {skeleton("Anchor")}, client_id)).since == NOW
    assert (await look_alikes.known(database, {skeleton("Anchor")}, "https://anchor.example/client")).since is None
