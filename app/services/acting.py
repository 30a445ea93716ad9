"""Who changes something in an organization: what he may do there is judged inside the transaction that does it.

The door judged it before, on what was so then. Between the two somebody may have taken his role away; hence whoever
changes an organization or its members locks it, and is judged anew on what is so now.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.protocol.callers import (
    Caller,
    KeyCaller,
    MachineCaller,
    PersonalCaller,
    PersonCaller,
    SystemCaller,
    TokenCaller,
)
from app.protocol.events import Event
from app.protocol.facts import OrganizationFact
from app.protocol.permissions import Permission, scopes_at
from app.protocol.roles import Roles
from app.protocol.scopes import ScopeRegistry
from app.services.occasion import Occasion
from app.store import audit, members, organizations
from app.store.transaction import Transaction


class OrganizationGone(Exception):
    """The organization has been closed meanwhile, or the one who acts does not belong to it any more."""


class NotAllowed(Exception):
    """He may not do this, for this reason: a sentence for himself."""


class LastOne(Exception):
    """Without this member nobody would be left who has the role that founds an organization."""


@dataclass(frozen=True, slots=True)
class Acting:
    """A caller on one occasion. `user_id` is the person who acts, or whose token does; None for keys."""

    caller: Caller
    user_id: UUID | None
    roles: Roles
    registry: ScopeRegistry
    occasion: Occasion

    @property
    def operates(self) -> bool:
        """Whether this is the operator himself: in his own session, or with the system key."""
        match self.caller:
            case PersonCaller(session=session):
                return session.operator
            case SystemCaller():
                return True
            case _:
                return False

    @property
    def called(self) -> str:
        """What the one who acts is called: a username, a client_id, the label of a key, nothing for the system key."""
        match self.caller:
            case PersonCaller(session=session):
                return session.username
            case TokenCaller(token=token) | PersonalCaller(token=token):
                return token.username
            case MachineCaller(token=token):
                return token.client_id
            case KeyCaller(key=key):
                return key.label
            case SystemCaller():
                return ""

    @property
    def key_id(self) -> UUID | None:
        """The id of the API key that acts."""
        return self.caller.key.id if isinstance(self.caller, KeyCaller) else None

    async def enter(
        self, transaction: Transaction, organization_id: UUID, permission: Permission | None, method: str
    ) -> tuple[OrganizationFact, frozenset[str]]:
        """Lock an organization until the transaction ends; return it, and what the caller may do in it.

        Raises `OrganizationGone`, and `NotAllowed` when he may not do this; without a permission everybody may.
        """
        organization = await organizations.lock(transaction, organization_id)
        if organization is None:
            raise OrganizationGone
        role = None if self.user_id is None else await members.role_of(transaction, organization_id, self.user_id)
        held = scopes_at(self.caller, organization_id, role, roles=self.roles, registry=self.registry)
        if held is None:
            raise OrganizationGone
        if permission is not None and not permission.allows(method, held):
            raise NotAllowed("Your role here does not allow this any more")
        return organization, held

    async def write_down(
        self,
        transaction: Transaction,
        event: Event,
        organization_id: UUID,
        *,
        subject_id: UUID,
        user_id: UUID | None = None,
        before: dict[str, object] | None = None,
        after: dict[str, object] | None = None,
    ) -> None:
        """Add the audit row of a deed in an organization; `user_id` is the person whom it concerns."""
        change: dict[str, Any] = {
            name: value for name, value in (("before", before), ("after", after)) if value is not None
        }
        entry = self.occasion.entry(
            event,
            user_id=user_id or self.user_id,
            organization_id=organization_id,
            subject_id=str(subject_id),
            **change,
        )
        await audit.record(transaction, entry)
