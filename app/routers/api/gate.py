"""The gate of the JSON API: who calls, by a session or any credential, and what he may do in an organization.

First the credential alone must hold one of the scopes that the method needs (403). Then the organization is looked up:
to whoever has no business there, it does not exist (404, like a slug that nobody has). What he may do there is his
credential's scopes, cut down to his role (403).
"""

from dataclasses import dataclass, replace
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Path, Security
from fastapi.openapi.models import HTTPBase as HttpScheme
from fastapi.security.base import SecurityBase
from starlette.requests import Request

from app.pipeline import guard, system_key
from app.pipeline.guard import CredentialCaller, OriginRefused
from app.pipeline.http import request_of
from app.pipeline.server import server_of
from app.protocol import permissions, scopes, step_up
from app.protocol.authorization_header import Challenged, Scheme
from app.protocol.callers import (
    Caller,
    KeyCaller,
    MachineCaller,
    PersonalCaller,
    PersonCaller,
    SystemCaller,
    TokenCaller,
)
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import OrganizationFact
from app.protocol.permissions import Permission
from app.routers.api import caller as sessions
from app.routers.api.cors import Door, allow_website
from app.routers.api.hot import refusal_of
from app.routers.api.problems import Kind, Refused
from app.routers.pages.visitor import occasion_of
from app.services.occasion import Occasion
from app.store import organizations
from app.store.orders import Actor

IDENTIFIED_PROBLEMS = (
    *(Kind.INVALID_REQUEST, Kind.NOT_SIGNED_IN, Kind.INVALID_CREDENTIAL),
    *(Kind.ORIGIN_NOT_ALLOWED, Kind.OTHER_SITE, Kind.CSRF_TOKEN),
)
"""How a request may be refused before anything but its caller is looked at."""

GATE_PROBLEMS = (*IDENTIFIED_PROBLEMS, Kind.SIGN_IN_NOT_ENOUGH, Kind.INSUFFICIENT_SCOPE, Kind.NOT_FOUND)
"""How a request to an organization may be refused before anything in it is looked at."""

NO_ORGANIZATION = "there is no such organization, or it is none of yours"


@dataclass(frozen=True, slots=True)
class Known:
    """Who calls. `user_id` is his person's id, None for keys; `occasion` has him as the actor."""

    caller: Caller
    user_id: UUID | None
    occasion: Occasion


@dataclass(frozen=True, slots=True)
class Granted:
    """Who calls, and what he may do in the organization that the path names.

    `role` is that of his person, None when he has none there; `scopes` is what he holds there, one of which opens what
    was asked for. `user_id` is his person's id, None for keys; `occasion` has him as the actor.
    """

    caller: Caller
    organization: OrganizationFact
    role: str | None
    scopes: frozenset[str]
    occasion: Occasion
    user_id: UUID | None


class _Scheme(SecurityBase):
    """A way to authenticate, for the API document alone, which describes it: the gate reads the header itself."""

    def __init__(self, name: str, scheme: str) -> None:
        self.scheme_name = name
        self.model = HttpScheme(scheme=scheme)

    async def __call__(self) -> None:
        """Do nothing."""


_CsrfToken = Annotated[
    str | None,
    Header(description="For changes by a session: the `csrf` of `/api/v1/session`, or of any form of our pages."),
]
_Session = Annotated[str | None, Security(sessions.SESSION_COOKIE)]
_OAuth = Annotated[None, Security(_Scheme("oauth", "bearer"))]
_Bearer = Annotated[None, Security(_Scheme("bearer", "bearer"))]
_Basic = Annotated[None, Security(_Scheme("key", "basic"))]


async def _name_schemes(_: _Session, __: _OAuth, ___: _Bearer, ____: _Basic) -> None:
    """Tell the API document by what a route can be called."""


_Schemes = Annotated[None, Depends(_name_schemes)]
_Slug = Annotated[str, Path(description="The organization’s name in addresses.", examples=["saltbarn"])]


@dataclass(frozen=True, eq=False)
class _Identified(Door):
    """A door for every caller; with a permission, for those whose credential holds one of its scopes."""

    permission: Permission | None = None

    async def __call__(self, request: Request, _: _Schemes, x_csrf_token: _CsrfToken = None) -> Known:
        known = await _know(request, x_csrf_token or "")
        if self.permission is not None:
            _pass_first_gate(request, known.caller, self.permission)
        return known


@dataclass(frozen=True, eq=False)
class _AtOrganization(Door):
    """A door into an organization for every kind of caller."""

    permission: Permission
    recent: bool

    async def __call__(self, request: Request, slug: _Slug, _: _Schemes, x_csrf_token: _CsrfToken = None) -> Granted:
        known = await _know(request, x_csrf_token or "")
        return await _enter(request, slug, known, self.permission, recent=self.recent)


@dataclass(frozen=True, eq=False)
class _SessionAtOrganization(Door):
    """A door into an organization for persons in their browser."""

    permission: Permission
    recent: bool

    async def __call__(self, request: Request, slug: _Slug, _: _Session, x_csrf_token: _CsrfToken = None) -> Granted:
        sessions.refuse_credentials(request)
        known = await _know(request, x_csrf_token or "")
        return await _enter(request, slug, known, self.permission, recent=self.recent)


identified = _Identified(by_credential=True)
"""Dependency: any caller by session, token or key, and no organization."""


def identified_with(permission: Permission) -> _Identified:
    """Return the dependency for what is in no organization; tokens and keys need one of the permission's scopes."""
    return _Identified(by_credential=True, permission=permission)


def at_organization(
    permission: Permission, *, session_only: bool = False, recent: bool = False
) -> _AtOrganization | _SessionAtOrganization:
    """Return the dependency that yields `Granted` for the `slug` of the path; it raises `Refused`.

    `session_only`: tokens and keys do not open it. `recent`: a session must have begun a short while ago.
    """
    if session_only:
        return _SessionAtOrganization(by_credential=False, permission=permission, recent=recent)
    return _AtOrganization(by_credential=True, permission=permission, recent=recent)


Anyone = Annotated[Known, Depends(identified)]


async def _know(request: Request, csrf_token: str) -> Known:
    authorization = request.headers.getlist("authorization")
    if not authorization:
        caller = await _by_session(request, csrf_token)
    elif len(authorization) == 1 and len(request.headers.getlist("origin")) < 2:
        caller = await _by_credential(request)
    else:  # RFC 6750 §2: a proxy in front may have looked at the other one
        raise Refused(Kind.INVALID_REQUEST, "the headers Authorization and Origin come once")
    occasion = replace(occasion_of(request), actor=actor_of(caller))
    return Known(caller, person_behind(caller), occasion)


async def _by_session(request: Request, csrf_token: str) -> Caller:
    if request.method in ("GET", "HEAD"):
        return PersonCaller(await sessions.reading(request))
    return PersonCaller(await sessions.changing(request, csrf_token))


async def _by_credential(request: Request) -> CredentialCaller:
    """The guard reads the same of every request: its path as it was sent, of which a proof may speak."""
    server = server_of(request)
    try:
        asked = request_of(request.scope, b"", request.scope["raw_path"].decode("latin-1"))
        caller = await guard.identify(server, asked)
    except (Challenged, OriginRefused) as refused:
        request.state.refusal = refused  # for the log
        raise refusal_of(refused, server.issuer, server.own_documents) from None
    except OAuthError as malformed:
        raise Refused(Kind.INVALID_REQUEST, malformed.description) from None
    allow_website(request, guard.allowed_website(server, asked))
    return caller


async def _enter(request: Request, slug: str, known: Known, permission: Permission, *, recent: bool) -> Granted:
    server = server_of(request)
    _pass_first_gate(request, known.caller, permission)
    found = await organizations.find_with_role(server.database, slug, known.user_id)
    if found is None:
        raise Refused(Kind.NOT_FOUND, NO_ORGANIZATION)
    organization, role = found
    held = permissions.scopes_at(known.caller, organization.id, role, roles=server.roles, registry=server.scopes)
    if held is None:
        raise Refused(Kind.NOT_FOUND, NO_ORGANIZATION)
    if not permission.allows(request.method, held):
        _challenge_sign_in(request, known.caller, permission, server.roles.scopes_of(role))
        raise _insufficient(request, known.caller, permission, "the role of its person here has none of them")
    if recent and isinstance(known.caller, PersonCaller):
        sessions.refuse_old_login(request, known.caller.session)
    beyond_role = not permission.allows(request.method, server.roles.scopes_of(role))
    occasion = _as_operator(known) if beyond_role else known.occasion
    return Granted(known.caller, organization, role, held, occasion, known.user_id)


def _pass_first_gate(request: Request, caller: Caller, permission: Permission) -> None:
    held = permissions.held_by(caller)
    if held is not None and not permission.allows(request.method, held):
        _challenge_sign_in(request, caller, permission, None)
        raise _insufficient(request, caller, permission, "the credential holds none of them")


def _challenge_sign_in(request: Request, caller: Caller, permission: Permission, held: frozenset[str] | None) -> None:
    """Raise `Refused` for a token whose scopes are enough as soon as its person has signed in again (RFC 9470 §3).

    `held` are those that the role of its person gives him, None: of all organizations.
    """
    if not isinstance(caller, TokenCaller):
        return
    enough = permission.needs(request.method).intersection(caller.waiting)
    if held is not None:
        enough &= held
    if enough:
        server = server_of(request)
        scheme: Scheme = "DPoP" if caller.token.binding.jkt else "Bearer"
        refused = step_up.challenge(min(enough), server.scopes, server.policy.assurance, scheme)
        request.state.refusal = refused
        raise refusal_of(refused, server.issuer, server.own_documents)


def _insufficient(request: Request, caller: Caller, permission: Permission, why: str) -> Refused:
    needed = scopes.render(sorted(permission.needs(request.method)))
    if isinstance(caller, PersonCaller):
        return Refused(Kind.INSUFFICIENT_SCOPE, f"this needs one of {needed}; your role here has none of them")
    refused = Challenged(ErrorCode.INSUFFICIENT_SCOPE, f"this needs one of {needed}; {why}", scope=needed)
    request.state.refusal = refused
    server = server_of(request)
    return refusal_of(refused, server.issuer, server.own_documents)


def _as_operator(known: Known) -> Occasion:
    """An operator who does in an organization what no role of his allows acts as an operator, and the trail says so."""
    match known.caller:
        case PersonCaller(session=session):
            return replace(known.occasion, actor=Actor("operator", str(session.user_id), session.username))
        case _:
            return known.occasion


def person_behind(caller: Caller) -> UUID | None:
    """Return the id of the person for whom somebody calls; None for keys, and for applications that call for
    themselves."""
    match caller:
        case PersonCaller(session=session):
            return session.user_id
        case TokenCaller(token=token):
            return token.origin.user_id
        case PersonalCaller(token=token):
            return token.user_id
        case MachineCaller() | KeyCaller() | SystemCaller():
            return None


def actor_of(caller: Caller) -> Actor:
    """Return how the audit trail names a caller: by ids, with what he is called now and no part of his credential."""
    match caller:
        case PersonCaller(session=session):
            return Actor("user", str(session.user_id), session.username)
        case TokenCaller(token=token):
            return Actor("application", token.client_id, f"{token.client_id} for {token.username}")
        case MachineCaller(token=token):
            return Actor("application", token.client_id, token.client_id)
        case PersonalCaller(token=token):
            return Actor("personal_token", str(token.id), f"{token.name} of {token.username}")
        case KeyCaller(key=key):
            return Actor("api_key", str(key.id), f"{key.label} …{key.last_four}")
        case SystemCaller():
            return system_key.ACTOR
