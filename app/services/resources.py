"""Resources that an operator declares while the server runs: added, changed and removed, each with its audit row.

Those of the settings, and the server's own, are none of these: whoever calls has looked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.protocol.events import Event
from app.protocol.features import FeatureSet
from app.protocol.resources import Resource, problems_with
from app.protocol.scopes import ScopeRegistry
from app.services.occasion import Occasion
from app.store import audit, idempotency, resources
from app.store.database import Database
from app.store.idempotency import Claim
from app.store.transaction import Transaction


class NoSuchResource(Exception):
    """There is none of this name among the declared ones."""


class ResourceTaken(Exception):
    """There is one of this name."""


class ResourceChanged(Exception):
    """It is not the version that was meant."""


class UnacceptableResource(Exception):
    """It cannot be so; `problems` has member and rule of each thing that is wrong."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{member} {rule}" for member, rule in self.problems))


@dataclass(frozen=True, slots=True)
class Declaring:
    """An operator who declares resources, on one occasion that has him as its actor. `scopes`, `signing` and `features`
    are what the server knows, signs with and can do."""

    database: Database
    occasion: Occasion
    scopes: ScopeRegistry
    signing: Sequence[str]
    features: FeatureSet

    async def add(self, resource: Resource, claim: Claim | None = None) -> None:
        """Declare a new one; raises `UnacceptableResource`, `ResourceTaken`, and `idempotency.Repeated` (with the
        identifier) when the claim has been spent."""
        self._check(resource)
        entry = self.occasion.entry(
            Event.RESOURCE_DECLARED, user_id=None, subject_id=resource.identifier, after=members_of(resource)
        )
        async with self.database.transaction() as transaction:
            await idempotency.spend(transaction, claim, resource.identifier, self.occasion.now)
            if not await resources.insert_new(transaction, resource, self.occasion.now):
                raise ResourceTaken
            await audit.record(transaction, entry)

    async def change(self, identifier: str, how: Callable[[Resource], Resource], version: int | None) -> None:
        """Make of a resource what `how` makes of it; nothing is written where that is the same.

        `version` is the one that is meant, None: whichever. Raises `NoSuchResource`, `ResourceChanged` and
        `UnacceptableResource`.
        """
        async with self.database.transaction() as transaction:
            before = await _held(transaction, identifier, version)
            after = how(before)
            self._check(after)
            if after == before:
                return
            await resources.put(transaction, after, self.occasion.now)
            entry = self.occasion.entry(
                Event.RESOURCE_CHANGED,
                user_id=None,
                subject_id=identifier,
                before=members_of(before),
                after=members_of(after),
            )
            await audit.record(transaction, entry)

    async def remove(self, identifier: str, version: int | None) -> None:
        """Take a resource away: nobody gets tokens for it, and those there are do not count. Raises `NoSuchResource`
        and `ResourceChanged`."""
        async with self.database.transaction() as transaction:
            before = await _held(transaction, identifier, version)
            await resources.remove(transaction, identifier)
            entry = self.occasion.entry(
                Event.RESOURCE_REMOVED, user_id=None, subject_id=identifier, before=members_of(before)
            )
            await audit.record(transaction, entry)

    def _check(self, resource: Resource) -> None:
        if problems := [*problems_with(resource, self.scopes, self.signing, self.features)]:
            raise UnacceptableResource(problems)


async def _held(transaction: Transaction, identifier: str, version: int | None) -> Resource:
    found = await resources.hold(transaction, identifier)
    if found is None:
        raise NoSuchResource
    resource, current = found
    if version not in (None, current):
        raise ResourceChanged
    return resource


def members_of(resource: Resource) -> Mapping[str, Any]:
    """Return a resource in the words of a data file."""
    return {
        "name": resource.name,
        "scopes": None if resource.scopes is None else sorted(resource.scopes),
        "token_format": resource.token_format,
        "access_token": None if resource.access_token is None else int(resource.access_token.total_seconds()),
        "signing_alg": resource.signing_alg,
        "introspection_clients": sorted(resource.introspection_clients),
    }
