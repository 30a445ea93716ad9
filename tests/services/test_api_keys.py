"""API keys in the hands of somebody whose role changes, and of an operator."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import text

from app.crypto.secrets import new_id
from app.protocol.callers import PersonCaller
from app.protocol.facts import SessionFact
from app.protocol.roles import Roles
from app.protocol.scopes import DEFAULT, ScopeDefinition, ScopeRegistry
from app.services import api_keys
from app.services.acting import Acting, NotAllowed, OrganizationGone
from app.services.api_keys import BeyondReach, NoSuchKey, NotAccepted, Wanted
from app.services.occasion import Occasion
from app.store import members, organizations, users
from app.store.database import Database
from app.store.users import NewUser
from tests.support.membership import found, join

NOW = datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Scene:
    """An organization and its owner."""

    database: Database
    organization_id: UUID
    user_id: UUID

    def acting(self, registry: Iterable[ScopeDefinition] = DEFAULT, *, operator: bool = False) -> Acting:
        """Return the owner as he acts in his session."""
        known = ScopeRegistry(registry)
        session = SessionFact(
            id=new_id(NOW),
            sid=new_id(NOW),
            digest=b"",
            user_id=self.user_id,
            user_epoch=0,
            subject="",
            username="ada",
            email="",
            display_name="",
            auth_time=NOW,
            amr=("pwd",),
            last_used_at=NOW,
            idle_expires_at=NOW,
            expires_at=NOW,
            operator=operator,
        )
        occasion = Occasion(NOW, "req_test", "192.0.2.1")
        return Acting(PersonCaller(session), self.user_id, Roles.chosen({}, known), known, occasion)

    async def give(self, role: str) -> None:
        """Give the person another role."""
        async with self.database.transaction() as transaction:
            await members.set_role(transaction, self.organization_id, self.user_id, role)

    async def count(self) -> int:
        """Return how many keys there are."""
        return len(await api_keys.list_page(self.database, self.organization_id))


@pytest.fixture
async def scene(database: Database) -> Scene:
    """Ada owns northquay."""
    user_id = new_id(NOW)
    async with database.transaction() as transaction:
        await users.insert_user(transaction, NewUser(user_id, "ada", "ada", None, None, None, NOW))
    organization_id = await found(database, "northquay", NOW)
    await join(database, organization_id, user_id, "owner", NOW)
    return Scene(database, organization_id, user_id)


async def test_whoever_has_lost_his_role_meanwhile_does_nothing_any_more(scene: Scene) -> None:
    acting, database, organization_id = scene.acting(), scene.database, scene.organization_id
    key_id = (await api_keys.create(database, acting, organization_id, Wanted())).key.id
    await scene.give("manager")
    for deed in (
        api_keys.create(database, acting, organization_id, Wanted()),
        api_keys.change(database, acting, organization_id, key_id, Wanted(label="Mine")),
        api_keys.rotate(database, acting, organization_id, key_id),
        api_keys.retire(database, acting, organization_id, key_id),
        api_keys.remove(database, acting, organization_id, key_id),
    ):
        with pytest.raises(NotAllowed):
            await deed
    assert await scene.count() == 1


async def test_a_closed_organization_gets_no_keys(scene: Scene) -> None:
    acting = scene.acting()
    async with scene.database.transaction() as transaction:
        await organizations.close(transaction, scene.organization_id, NOW)
    with pytest.raises(OrganizationGone):
        await api_keys.create(scene.database, acting, scene.organization_id, Wanted())
    assert await scene.count() == 0


async def test_a_scope_that_has_left_the_registry_stays_on_its_key_and_is_given_to_no_other(scene: Scene) -> None:
    old, now = scene.acting((*DEFAULT, ScopeDefinition("notes:read"))), scene.acting()
    wanted = Wanted(scopes=("org:read", "notes:read"))
    key_id = (await api_keys.create(scene.database, old, scene.organization_id, wanted)).key.id
    with pytest.raises(NotAccepted, match="is not known here"):
        await api_keys.create(scene.database, now, scene.organization_id, wanted)
    renamed = await api_keys.change(
        scene.database, now, scene.organization_id, key_id, Wanted("Renamed", ("notes:read", "team:read"))
    )
    assert renamed.description.scopes == ("notes:read", "team:read")
    assert (await api_keys.rotate(scene.database, now, scene.organization_id, key_id)).key.version == 3


async def test_an_origin_that_an_imported_key_has_stays_while_others_are_judged(scene: Scene) -> None:
    acting, database, organization_id = scene.acting(), scene.database, scene.organization_id
    key_id = (await api_keys.create(database, acting, organization_id, Wanted())).key.id
    async with database.transaction() as transaction:
        await transaction.execute(text(r"update api_key set allowed_origins = '{*\:8080}'"))
    changed = await api_keys.change(
        database, acting, organization_id, key_id, Wanted(allowed_origins=("*:8080", "example.com"))
    )
    assert changed.description.allowed_origins == ("*:8080", "example.com")
    with pytest.raises(NotAccepted):
        await api_keys.change(database, acting, organization_id, key_id, Wanted(allowed_origins=("*:9090",)))


async def test_an_operator_manages_keys_everywhere_and_belongs_nowhere(scene: Scene) -> None:
    key_id = (await api_keys.create(scene.database, scene.acting(), scene.organization_id, Wanted())).key.id
    async with scene.database.transaction() as transaction:
        await members.remove(transaction, scene.organization_id, scene.user_id)
    with pytest.raises(OrganizationGone):
        await api_keys.rotate(scene.database, scene.acting(), scene.organization_id, key_id)
    operator = scene.acting(operator=True)
    made = await api_keys.rotate(scene.database, operator, scene.organization_id, key_id)
    assert made.secret not in repr(made)
    await api_keys.remove(scene.database, operator, scene.organization_id, key_id)
    with pytest.raises(NoSuchKey):
        await api_keys.find(scene.database, scene.organization_id, key_id)


async def test_nobody_is_handed_the_secret_of_a_key_that_can_do_more_than_he(scene: Scene) -> None:
    acting, database, organization_id = scene.acting(), scene.database, scene.organization_id
    key_id = (await api_keys.create(database, acting, organization_id, Wanted(scopes=("project:admin",)))).key.id
    weaker = Acting(
        acting.caller,
        acting.user_id,
        Roles({"owner": ["org:admin"]}),
        acting.registry,
        acting.occasion,
    )
    with pytest.raises(BeyondReach, match="project:admin"):
        await api_keys.rotate(database, weaker, organization_id, key_id)
    assert (await api_keys.find(database, organization_id, key_id)).version == 1
