"""The operator at the command line inside an organization: he may do everything there, and the trail says who he is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.cli.refusals import Refused

if TYPE_CHECKING:
    from app.cli.connection import Session
    from app.protocol.facts import OrganizationFact
    from app.services.acting import Acting

_CHANGES = ("POST", "PUT", "DELETE")


def acting_of(session: "Session") -> "Acting":
    """Return the operator as the services that serve organizations know him.

    A registry without the scopes that open organizations to people does not lock the operator out.
    """
    from app.protocol import permissions
    from app.protocol.callers import SystemCaller
    from app.services.acting import Acting
    from app.services.occasion import Occasion
    from app.store.orders import Actor

    registry = session.settings.scope_registry()
    opening = (one.needs(method) for one in (permissions.MEMBERS, permissions.API_KEYS) for method in _CHANGES)
    every = {definition.name for definition in registry}.union(*opening)
    return Acting(
        caller=SystemCaller(tuple(every)),
        user_id=None,
        roles=session.settings.role_set(),
        registry=registry,
        occasion=Occasion(session.operator.now, "", "", actor=Actor("operator", session.operator.id)),
    )


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what every change in an organization may meet into a sentence for the operator."""
    from app.services.acting import OrganizationGone

    try:
        yield
    except OrganizationGone:
        raise Refused("the organization was closed meanwhile.") from None


async def require_organization(session: "Session", slug: str) -> "OrganizationFact":
    """Return an organization; raises `Refused`."""
    from app.store import organizations

    found = await organizations.find_with_role(session.database, slug, None)
    if found is None:
        raise Refused(f"no organization is called {slug}; `assent organization list` names them.")
    return found[0]
