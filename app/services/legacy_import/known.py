"""Who is who: references of old rows, and what they stand for here."""

from dataclasses import dataclass, field
from uuid import UUID

from app.services.names import name_key
from app.store import legacy, organizations
from app.store.legacy import Client, Person
from app.store.transaction import Transaction


@dataclass(slots=True)
class Known:
    """Everybody and everything that has come by, under each name that rows may use for it.

    A name that did not come by may belong to somebody who is here already. A number never does: it counts over there.
    """

    users: dict[str, Person] = field(default_factory=dict)
    organizations: dict[str, UUID] = field(default_factory=dict)
    applications: dict[str, Client] = field(default_factory=dict)

    async def user(self, transaction: Transaction, ref: str) -> Person | None:
        """Return a person by old number or username."""
        if ref not in self.users and not ref.isdigit():
            key = name_key(ref)
            found = await legacy.people_by_name(transaction, [key])
            if key in found:
                self.users[ref] = found[key]
        return self.users.get(ref)

    async def organization(self, transaction: Transaction, ref: str) -> UUID | None:
        """Return an organization by old number or slug."""
        if ref not in self.organizations and not ref.isdigit():
            fact = (await organizations.find_many(transaction, [ref])).get(ref)
            if fact is not None:
                self.organizations[ref] = fact.id
        return self.organizations.get(ref)

    async def application(self, transaction: Transaction, ref: str) -> Client | None:
        """Return an application by old number or client_id."""
        if ref not in self.applications:
            self.applications.update(await legacy.clients_by_id(transaction, [ref]))
        return self.applications.get(ref)
