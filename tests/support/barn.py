"""An organization with an audit trail that tests write by hand, and people to read it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from app.crypto.secrets import new_id
from app.protocol.events import Event
from app.protocol.facts import OrganizationFact
from app.store import audit, members, organizations, users
from app.store.orders import Actor, audit_entry
from app.store.users import NewUser
from tests.support.api_person import HERE, Person
from tests.support.service import PASSWORD_HASH, Service, sign_in


@dataclass
class Barn:
    """A fresh organization."""

    site: Service
    organization: OrganizationFact

    async def add(self, event: Event, **more: Any) -> str:
        """Write one row down; returns its id."""
        actor = more.pop("actor", Actor("api_key", "key-7", "Nightly export"))
        entry = audit_entry(event, self.site.clock(), actor, organization_id=self.organization.id, **more)
        async with self.site.database.transaction() as transaction:
            await audit.record(transaction, entry)
        return str(entry.id)

    async def member(self, username: str, role: str) -> None:
        """Make somebody a member, or give him another role."""
        person = await id_of(self.site, username)
        async with self.site.database.transaction() as transaction:
            if not await members.insert_member(transaction, self.organization.id, person, role, self.site.clock()):
                await members.set_role(transaction, self.organization.id, person, role)


async def found(site: Service) -> Barn:
    """Found an organization without members."""
    identifier = new_id(site.clock())
    fact = OrganizationFact(identifier, f"barn-{identifier}", "Saltbarn", 1, site.clock())
    async with site.database.transaction() as transaction:
        await organizations.insert_organization(transaction, fact)
    return Barn(site, fact)


async def id_of(site: Service, username: str) -> UUID:
    """Return the id of a person."""
    known = await users.find_for_sign_in(site.database, username)
    assert known is not None
    return known.id


async def enter(browser: httpx.AsyncClient, username: str) -> Person:
    """Sign somebody in and leave everything as it is."""
    await sign_in(browser, username)
    return Person(browser, (await browser.get("/api/v1/session", headers=HERE)).json()["csrf"])


async def register_operator(site: Service, username: str = "ada") -> None:
    """Register an operator, once."""
    if await users.find_for_sign_in(site.database, username) is None:
        now = site.clock()
        async with site.database.transaction() as transaction:
            row = NewUser(new_id(now), username, username, None, None, PASSWORD_HASH, now, operator=True)
            await users.insert_user(transaction, row)
