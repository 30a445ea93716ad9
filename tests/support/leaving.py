"""An application that many people have connected and that is to be deleted, as the job and its owner see it."""

from datetime import timedelta

import pytest

from app.jobs.work import Work
from app.protocol.policy import Lifetimes
from app.services import own_applications
from app.services.application_settings import read_settings
from app.services.occasion import Occasion
from app.services.own_applications import Holder, Made
from app.store.database import Database
from tests.store.scene import fetch
from tests.support.database import FreshDatabase
from tests.support.emptied import empty
from tests.support.own_applications import CALLBACK, SCOPES, holder
from tests.support.service import Clock
from tests.support.site import VAULT

GRACE = timedelta(hours=1)
PEOPLE = 25


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(database: Database, fresh_database: FreshDatabase) -> Database:
    """The database without rows."""
    await empty(fresh_database)
    return database


@pytest.fixture
async def ada(store: Database, clock: Clock) -> Holder:
    return await holder(store, clock, "ada", "northquay")


@pytest.fixture
async def diary(store: Database, ada: Holder, clock: Clock, fresh_database: FreshDatabase) -> Made:
    """An application with two secrets that many people have connected, and one with a code on its way."""
    settings = read_settings(
        {
            "client_name": "Deploy Diary",
            "redirect_uris": [CALLBACK],
            "scopes": ["org:read"],
            "tos_uri": CALLBACK,
            "allowed_origins": ["*"],
        }
    )
    made = await own_applications.create(store, ada, settings, occasion(clock), scopes=SCOPES, organization="northquay")
    await own_applications.add_secret(store, ada, client_id(made), occasion(clock))
    await connect(fresh_database, made)
    return made


def occasion(clock: Clock) -> Occasion:
    """Return a request of this moment."""
    return Occasion(clock(), "req_test", "203.0.113.7")


def client_id(made: Made) -> str:
    """Return the identifier of an application."""
    return made.application.stored.client_id


def work(store: Database, clock: Clock) -> Work:
    """Return what the job works with."""
    return Work(store, Lifetimes(), clock, VAULT)


async def connect(fresh: FreshDatabase, made: Made) -> None:
    """Have many people connect an application."""
    await fetch(
        fresh.superuser_url,
        """
        with person as (
            insert into user_account (id, sub, username, username_key, created_at, updated_at)
            select id, id::text, id::text, id::text, now(), now()
              from (select gen_random_uuid() id from generate_series(1, $2)) made returning id),
        record as (
            insert into "authorization"
                (id, user_id, application_id, pairs, since, last_change, created_at, updated_at)
            select gen_random_uuid(), id, $1, '{org:read}', '{1}', gen_random_uuid(), now(), now() from person
            returning id)
        insert into authorization_scope select id, 'org:read', now(), now() from record""",
        made.application.stored.id,
        PEOPLE,
    )


async def ask(store: Database, ada: Holder, made: Made, clock: Clock) -> None:
    """Ask for an application's deletion."""
    await own_applications.delete(store, ada, client_id(made), occasion(clock), grace=GRACE)


async def left(fresh: FreshDatabase, made: Made) -> tuple[int, int, int]:
    """Return how many records, dates and secrets an application has left."""
    [row] = await fetch(
        fresh.superuser_url,
        """select (select count(*) from "authorization" where application_id = $1),
                  (select count(*) from authorization_scope join "authorization" on id = authorization_id
                    where application_id = $1),
                  (select count(*) from application_secret where application_id = $1)""",
        made.application.stored.id,
    )
    records, dates, secrets = row
    return records, dates, secrets


async def deeds(fresh: FreshDatabase, made: Made) -> list[str]:
    """Return what the audit trail tells of an application itself."""
    rows = await fetch(
        fresh.superuser_url,
        "select event from audit where subject_id = $1 and event like 'application.%' order by id",
        client_id(made),
    )
    return [row["event"].removeprefix("application.") for row in rows]
