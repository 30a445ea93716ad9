"""Owners at work on their applications at the same moment: limits hold, and everything is judged on what is so now."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from app.protocol.callers import PersonCaller
from app.protocol.events import Event
from app.services import own_applications
from app.services.acting import Acting
from app.services.application_settings import ApplicationSettings, Unacceptable, read_settings
from app.services.occasion import Occasion
from app.services.organizations import rename
from app.services.own_applications import (
    Conflicting,
    Holder,
    NoSuchApplication,
    Obstacle,
    OwnApplication,
    holder_at,
)
from app.store import application_states, members, organizations
from app.store.application_cache import CHANNEL
from app.store.database import Database
from app.store.idempotency import Claim, Repeated
from app.store.versions import VersionChanged
from tests.store.scene import connected, fetch
from tests.support.database import FreshDatabase
from tests.support.facts import session
from tests.support.own_applications import CALLBACK, ROLES, SCOPES, holder
from tests.support.race import CONNECTIONS
from tests.support.service import Clock

GRACE = timedelta(hours=1)
Outcome = TypeVar("Outcome")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def rivals(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    """The same database over as many connections as there are rivals."""
    wide = await Database.open(fresh_database.runtime_url, connections=CONNECTIONS)
    try:
        yield wide
    finally:
        await wide.close()


@pytest.fixture
async def ada(database: Database, clock: Clock) -> Holder:
    """Ada, who owns northquay and saltbarn."""
    return await holder(database, clock, "ada", "northquay", "saltbarn")


def occasion(clock: Clock) -> Occasion:
    """Return a request of this moment."""
    return Occasion(clock(), "req_test", "203.0.113.7")


async def made(database: Database, ada: Holder, clock: Clock, organization: str | None = None) -> str:
    """Register an application and return its client_id."""
    settings = ApplicationSettings(client_name="Diary", redirect_uris=(CALLBACK,))
    created = await own_applications.create(
        database, ada, settings, occasion(clock), scopes=SCOPES, organization=organization
    )
    return created.application.stored.client_id


async def renamed(
    database: Database, ada: Holder, client_id: str, name: str, clock: Clock, version: int | None = None
) -> OwnApplication:
    """Give an application another name."""
    return await own_applications.change(
        database,
        ada,
        client_id,
        read_settings({"client_name": name}),
        occasion(clock),
        scopes=SCOPES,
        version=version,
    )


async def outcomes(*attempts: Awaitable[Outcome]) -> tuple[list[Outcome], list[BaseException]]:
    """Let all attempts run at once; return what came of those that came through, and why the others did not."""
    ended = await asyncio.gather(*attempts, return_exceptions=True)
    return (
        [one for one in ended if not isinstance(one, BaseException)],
        [one for one in ended if isinstance(one, BaseException)],
    )


async def test_of_twenty_secrets_added_at_once_one_becomes_the_second(
    database: Database, rivals: Database, ada: Holder, clock: Clock
) -> None:
    client_id = await made(database, ada, clock)
    attempts = (own_applications.add_secret(rivals, ada, client_id, occasion(clock)) for _ in range(CONNECTIONS))
    added, refused = await outcomes(*attempts)
    assert len(added) == 1
    assert {one.obstacle for one in refused if isinstance(one, Conflicting)} == {Obstacle.TWO_SECRETS}
    assert len(refused) == CONNECTIONS - 1
    found = await own_applications.find(database, ada, client_id)
    assert len(found.secrets) == len(found.stored.secret_digests) == 2


async def test_both_secrets_retired_at_once_leave_one(
    database: Database, rivals: Database, ada: Holder, clock: Clock
) -> None:
    client_id = await made(database, ada, clock)
    await own_applications.add_secret(rivals, ada, client_id, occasion(clock))
    both = (await own_applications.find(database, ada, client_id)).secrets
    attempts = (
        own_applications.retire_secret(rivals, ada, client_id, secret.id, occasion(clock))
        for secret in both * (CONNECTIONS // 2)
    )
    retired, refused = await outcomes(*attempts)
    assert (len(retired), len(refused)) == (1, CONNECTIONS - 1)
    assert len((await own_applications.find(database, ada, client_id)).secrets) == 1


async def test_of_twenty_creations_with_one_key_one_happens(
    database: Database, rivals: Database, ada: Holder, clock: Clock
) -> None:
    claim = Claim(b"k" * 32, b"r" * 32)
    attempts = (
        own_applications.create(rivals, ada, ApplicationSettings(), occasion(clock), scopes=SCOPES, claim=claim)
        for _ in range(CONNECTIONS)
    )
    created, refused = await outcomes(*attempts)
    assert len(created) == 1
    known = created[0].application.stored.client_id
    assert {one.resource_id for one in refused if isinstance(one, Repeated)} == {known}
    assert len(await own_applications.list_page(database, ada, limit=50)) == 1


async def test_a_key_whose_deed_was_refused_is_not_spent(database: Database, ada: Holder, clock: Clock) -> None:
    client_id, claim = await made(database, ada, clock), Claim(b"k" * 32, b"r" * 32)
    await own_applications.add_secret(database, ada, client_id, occasion(clock))
    for _ in range(2):
        with pytest.raises(Conflicting):
            await own_applications.add_secret(database, ada, client_id, occasion(clock), claim=claim)


async def test_of_twenty_changes_for_one_version_one_wins(
    database: Database, rivals: Database, ada: Holder, clock: Clock
) -> None:
    client_id = await made(database, ada, clock)
    version = (await own_applications.find(database, ada, client_id)).stored.version
    attempts = (renamed(rivals, ada, client_id, f"Name {number}", clock, version) for number in range(CONNECTIONS))
    changed, refused = await outcomes(*attempts)
    assert len(changed) == 1
    assert {type(one) for one in refused} == {VersionChanged}
    assert await own_applications.find(database, ada, client_id) == changed[0]


async def test_changes_of_different_members_at_once_lose_nothing(database: Database, ada: Holder, clock: Clock) -> None:
    client_id = await made(database, ada, clock)
    documents: list[dict[str, Any]] = [
        {"client_name": "Log"},
        {"allowed_origins": ["*"]},
        {"scopes": ["org:read"]},
        {"tos_uri": CALLBACK},
    ]
    await asyncio.gather(
        *(
            own_applications.change(database, ada, client_id, read_settings(document), occasion(clock), scopes=SCOPES)
            for document in documents
        )
    )
    described = (await own_applications.find(database, ada, client_id)).stored.description
    assert (described.name, described.allowed_origins, described.scopes) == ("Log", ("*",), ("org:read",))
    assert described.registration["tos_uri"] == CALLBACK


@pytest.mark.parametrize("by", ["closing the organization", "taking the role away"])
async def test_whoever_loses_his_say_between_the_door_and_the_deed_does_nothing(
    database: Database, ada: Holder, clock: Clock, by: str
) -> None:
    client_id = await made(database, ada, clock, "northquay")
    organization = ada.organization("northquay")
    assert organization is not None
    async with database.transaction() as transaction:
        if by == "taking the role away":
            await members.set_role(transaction, organization.id, ada.user_id, "member")
        else:
            await organizations.close(transaction, organization.id, clock())
    for attempt in (
        own_applications.add_secret(database, ada, client_id, occasion(clock)),
        own_applications.delete(database, ada, client_id, occasion(clock), grace=GRACE),
        renamed(database, ada, client_id, "Other", clock),
    ):
        with pytest.raises(NoSuchApplication):
            await attempt
    with pytest.raises(Unacceptable, match="any more"):
        await made(database, ada, clock, "northquay")


async def test_handing_over_is_written_down_for_both_organizations(
    database: Database, ada: Holder, clock: Clock, fresh_database: FreshDatabase
) -> None:
    client_id = await made(database, ada, clock, "northquay")
    handed = await own_applications.change(
        database, ada, client_id, read_settings({}), occasion(clock), scopes=SCOPES, hand_to="saltbarn"
    )
    assert handed.organization == ada.organization("saltbarn")
    rows = await fetch(
        fresh_database.superuser_url,
        "select organization_id, data from audit where event = $1",
        Event.APPLICATION_HANDED_OVER.value,
    )
    assert {row["organization_id"] for row in rows} == {one.id for one in ada.organizations}
    assert all('"owner": "Saltbarn"' in row["data"] for row in rows)


@pytest.mark.parametrize(
    ("document", "lapses"),
    [
        ({"client_name": "Bank"}, True),
        ({"client_uri": "https://bank.example"}, True),
        ({"redirect_uris": ["https://bank.example/cb"]}, True),
        ({"grant_types": ["authorization_code", "client_credentials"]}, True),
        ({"scopes": ["org:read"], "allowed_origins": ["*"]}, False),
    ],
    ids=["name", "home page", "redirect URI", "tokens of its own", "what is not seen"],
)
async def test_what_an_operator_has_checked_lapses_when_it_presents_itself_anew(
    database: Database, ada: Holder, clock: Clock, fresh_database: FreshDatabase, document: dict[str, Any], lapses: bool
) -> None:
    client_id = await made(database, ada, clock)
    await fetch(fresh_database.superuser_url, "update application set verified = true, checked_at = now()")
    await own_applications.change(database, ada, client_id, read_settings(document), occasion(clock), scopes=SCOPES)
    [row] = await fetch(fresh_database.superuser_url, "select verified, checked_at is null from application")
    assert tuple(row) == (not lapses, lapses)
    rows = await fetch(fresh_database.superuser_url, "select event from audit order by id")
    assert (rows[-1]["event"] == Event.APPLICATION_UNCHECKED) is lapses


async def test_people_read_the_new_name_of_an_organization_as_the_owner(
    database: Database, ada: Holder, clock: Clock
) -> None:
    client_id, other = await made(database, ada, clock, "northquay"), await made(database, ada, clock, "saltbarn")
    organization = ada.organization("northquay")
    assert organization is not None
    person = PersonCaller(session(user_id=ada.user_id))
    acting = Acting(person, ada.user_id, ROLES, SCOPES, occasion(clock))
    await rename(database, acting, organization.id, "Southquay")
    names = []
    for one in (client_id, other):
        fact = await database.hot.gather_client(one)
        assert fact is not None
        names.append(fact.owner_name)
    assert names == ["Southquay", "Saltbarn"]


@pytest.mark.parametrize("client_id", ["", "\x00", "x\x00", "x" * 10_000], ids=["empty", "NUL", "with NUL", "long"])
async def test_what_cannot_be_an_identifier_names_no_application(
    database: Database, ada: Holder, client_id: str
) -> None:
    with pytest.raises(NoSuchApplication):
        await own_applications.find(database, ada, client_id)


async def test_at_the_door_of_one_organization_nothing_of_another_is_seen(
    database: Database, ada: Holder, clock: Clock
) -> None:
    inside, outside = await made(database, ada, clock, "northquay"), await made(database, ada, clock, "saltbarn")
    organization = ada.organization("northquay")
    assert organization is not None
    there = holder_at(organization, ROLES, session(user_id=ada.user_id))
    assert (await own_applications.find(database, there, inside)).organization == organization
    with pytest.raises(NoSuchApplication):
        await own_applications.find(database, there, outside)


async def test_at_that_door_operators_need_no_role_and_others_do(database: Database, ada: Holder, clock: Clock) -> None:
    client_id = await made(database, ada, clock, "northquay")
    organization = ada.organization("northquay")
    assert organization is not None
    olga = await holder(database, clock, "olga")
    stranger = holder_at(organization, ROLES, session(user_id=olga.user_id))
    with pytest.raises(NoSuchApplication):
        await renamed(database, stranger, client_id, "Mine", clock)
    operator = holder_at(organization, ROLES, session(user_id=olga.user_id, operator=True))
    assert (await renamed(database, operator, client_id, "Log", clock)).stored.description.name == "Log"


async def test_a_restoration_at_the_last_moment_and_a_repeated_deletion_agree(
    database: Database, rivals: Database, ada: Holder, clock: Clock
) -> None:
    client_id = await made(database, ada, clock)
    await own_applications.delete(database, ada, client_id, occasion(clock), grace=GRACE)
    clock.forward(GRACE.total_seconds() - 1)
    restored, refused = await outcomes(
        *(own_applications.restore(rivals, ada, client_id, occasion(clock)) for _ in range(CONNECTIONS))
    )
    assert len(restored) == 1
    assert {one.obstacle for one in refused if isinstance(one, Conflicting)} == {Obstacle.NOT_LEAVING}


async def test_the_operators_own_switch_is_not_undone_by_a_race_with_the_owner(
    database: Database, ada: Holder, clock: Clock
) -> None:
    client_id = await made(database, ada, clock)
    await own_applications.switch_off(database, ada, client_id, occasion(clock))

    async def operate() -> None:
        async with database.transaction() as transaction:
            assert await application_states.disable(transaction, client_id, clock())

    await outcomes(
        operate(), *(own_applications.switch_on(database, ada, client_id, occasion(clock)) for _ in range(5))
    )
    found = await own_applications.find(database, ada, client_id)
    assert (found.stored.status, found.stored.off_by) == ("inactive", "operator")


@pytest.mark.spec("original", "BUG 33")
async def test_bug_33_every_change_is_told_to_the_caches_of_all_processes(
    database: Database, ada: Holder, clock: Clock, fresh_database: FreshDatabase
) -> None:
    client_id = await made(database, ada, clock)
    stored = (await own_applications.find(database, ada, client_id)).stored
    told: list[str] = []
    versions = [stored.version]
    async with connected(fresh_database.runtime_url) as connection:
        await connection.add_listener(CHANNEL, lambda *message: told.append(message[-1]))
        await own_applications.add_secret(database, ada, client_id, occasion(clock))
        secret = (await own_applications.find(database, ada, client_id)).secrets[0].id
        for deed in (
            own_applications.retire_secret(database, ada, client_id, secret, occasion(clock)),
            renamed(database, ada, client_id, "Log", clock),
            own_applications.switch_off(database, ada, client_id, occasion(clock)),
            own_applications.switch_on(database, ada, client_id, occasion(clock)),
            own_applications.delete(database, ada, client_id, occasion(clock), grace=GRACE),
            own_applications.restore(database, ada, client_id, occasion(clock)),
        ):
            versions.append((await deed).stored.version)
        await connection.execute("select 1")
    assert told == [str(stored.id)] * 7
    assert versions == [stored.version, *range(stored.version + 2, stored.version + 8)]
