"""The door to an organization's pages: who is let in, with which role, and what he may open there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from starlette.requests import Request

from app.pipeline.server import server_of
from app.protocol import permissions
from app.protocol.callers import PersonCaller
from app.protocol.facts import OrganizationFact, SessionFact
from app.protocol.permissions import Permission
from app.routers.pages import answers
from app.routers.pages.answers import PageRefused
from app.routers.pages.visitor import occasion_of, person_of, require_signed_in
from app.services.acting import Acting
from app.store import organizations
from app.store.orders import Actor, ActorKind
from app.views.names import display_name
from app.views.pages.account import DeskPlace, OrganizationTab
from app.views.pages.error import ErrorPage
from app.views.pages.organizations import Allowed, no_access

_PLACES: Mapping[DeskPlace, Permission] = {
    "members": permissions.MEMBERS,
    "api-keys": permissions.API_KEYS,
    "organization-applications": permissions.APPLICATIONS,
    "audit": permissions.AUDIT_LOG,
}
"""What opening a part of an organization needs. The overview is open to everybody who belongs to it."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """A person inside an organization. `role` is None for an operator who does not belong to it.

    `scopes` are what he may do there; `tab` is the organization in the navigation of its pages.
    """

    session: SessionFact
    organization: OrganizationFact
    role: str | None
    scopes: frozenset[str]
    tab: OrganizationTab


async def enter(request: Request, slug: str, permission: Permission, method: str = "GET") -> Entrance:
    """Let a person in who may do this; the others go to the sign-in page, or raise `PageRefused`.

    404 to whoever does not belong there, as if there were no such organization; 403, with who can give access, to a
    member whose role does not reach.
    """
    entrance = await come_in(request, slug)
    if not permission.allows(method, entrance.scopes):
        raise refused(request, entrance)
    return entrance


async def come_in(request: Request, slug: str) -> Entrance:
    """Let every member in, and operators; the others go to the sign-in page, or get the 404 (`PageRefused`)."""
    session = await require_signed_in(request)
    server = server_of(request)
    # PostgreSQL knows no NUL, and no organization has an empty slug.
    found = await organizations.find_with_role(server.database, "" if "\x00" in slug else slug, session.user_id)
    if found is not None:
        organization, role = found
        scopes = permissions.scopes_at(
            PersonCaller(session), organization.id, role, roles=server.roles, registry=server.scopes
        )
        if scopes is not None:
            return Entrance(session, organization, role, scopes, _tab(organization, scopes))
    raise nothing_here(request, session)


def acting_of(request: Request, session: SessionFact, kind: ActorKind = "user") -> Acting:
    """Return a person of our pages as he acts on this occasion."""
    occasion = replace(occasion_of(request), actor=Actor(kind, str(session.user_id), session.username))
    server = server_of(request)
    return Acting(PersonCaller(session), session.user_id, server.roles, server.scopes, occasion)


def acting_in(request: Request, inside: Entrance) -> Acting:
    """Return who changes something in an organization; with more than his role allows he acts as the operator."""
    by_role = server_of(request).roles.scopes_of(inside.role)
    return acting_of(request, inside.session, "user" if inside.scopes <= by_role else "operator")


def allowed_by(request: Request, scopes: frozenset[str]) -> tuple[Allowed, ...]:
    """Return what these scopes allow in the words of the registry, which melts the weaker ones into the strongest."""
    registry = server_of(request).scopes
    held = [scope.name for scope in registry if scope.name in scopes]
    return tuple(
        Allowed(line.title, line.detail, line.kind, (line.name, *melted)) for line, melted in registry.melt(held)
    )


def nothing_here(request: Request, session: SessionFact) -> PageRefused:
    """Return the 404 that tells nothing."""
    return PageRefused(ErrorPage.not_found(answers.reference(request), account=person_of(session)))


def refused(request: Request, entrance: Entrance) -> PageRefused:
    """Return the 403 that says who can give access."""
    return PageRefused(
        no_access(
            answers.reference(request),
            organization=entrance.tab,
            top_role=server_of(request).roles.top.name,
            account=person_of(entrance.session),
        )
    )


def _tab(organization: OrganizationFact, scopes: frozenset[str]) -> OrganizationTab:
    open_to_him: tuple[DeskPlace, ...] = tuple(
        place for place, permission in _PLACES.items() if permission.allows("GET", scopes)
    )
    shown = display_name(organization.name, fallback=organization.slug)
    return OrganizationTab(organization.slug, shown, ("organization", *open_to_him))
