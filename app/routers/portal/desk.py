"""A person's applications as the developer pages show them: found for him alone, and put into words."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import Server, server_of
from app.protocol.client_auth import SECRET_METHODS
from app.protocol.facts import ApplicationKind, SessionFact
from app.protocol.scopes import ABOUT_PEOPLE, ScopeDefinition, ScopeRegistry
from app.routers.pages import answers, forms, once
from app.routers.pages.answers import PageRefused, SeeInstead
from app.routers.pages.forms import Form
from app.routers.pages.visitor import person_of
from app.routers.portal import authentication, requests, signing_in
from app.services import own_applications
from app.services.own_applications import Conflicting, Holder, NoSuchApplication, OwnApplication, Problem
from app.store import directory, usage
from app.store.applications import Description
from app.views.addresses import identifier_at
from app.views.pages import portal
from app.views.pages.error import ErrorPage, Link
from app.views.pages.forms import Trouble
from app.views.pages.portal import ApplicationState, Choice
from app.views.pages.portal_application import (
    DONE,
    AskableScope,
    AskableSet,
    Details,
    OwnApplicationPage,
    OwnSecret,
)

_MEMBERS = {
    "client_name": "name",
    "redirect_uris": "uri",
    "allowed_origins": "origin",
    "scopes": "scopes",
    "optional_scopes": "scopes",
    "client_uri": "home_page",
    "policy_uri": "privacy",
    "tos_uri": "terms",
    "organization": "owner",
    **authentication.MEMBERS,
    **signing_in.MEMBERS,
    **requests.MEMBERS,
}
"""Which field of the page a member of the settings is."""


async def holder_of(request: Request, session: SessionFact) -> Holder:
    """Return the person with the organizations whose applications he manages."""
    server = server_of(request)
    return await own_applications.holder_of(server.database, server.roles, session)


async def own(request: Request, session: SessionFact, holder: Holder, segment: str) -> OwnApplication:
    """Return the application at an address; raises `PageRefused` for what is nobody's or somebody else's."""
    return await as_it_is(request, session, holder, identifier_at(segment))


async def as_it_is(request: Request, session: SessionFact, holder: Holder, client_id: str) -> OwnApplication:
    """Return an application as it is by now; raises `PageRefused`."""
    if not client_id.isascii() or not client_id.isprintable():
        raise unknown(request, session)
    try:
        return await own_applications.find(server_of(request).database, holder, client_id)
    except NoSuchApplication:
        raise unknown(request, session) from None


def unknown(request: Request, session: SessionFact) -> PageRefused:
    """Return the answer for what is somebody else's, or nobody's."""
    return PageRefused(ErrorPage.not_found(answers.reference(request), account=person_of(session)))


async def lines_of(server: Server, applications: Sequence[OwnApplication]) -> tuple[portal.OwnApplication, ...]:
    """Return lines of a list."""
    people = await usage.people(server.database, [one.stored.id for one in applications])
    now = server.clock()
    return tuple(_line(one, people.get(one.stored.id, 0), now) for one in applications)


async def line_of(server: Server, application: OwnApplication) -> portal.OwnApplication:
    """Return one application as every page introduces it."""
    [line] = await lines_of(server, [application])
    return line


def owners_of(holder: Holder) -> tuple[Choice, ...]:
    """Return whom the person may choose as an owner."""
    return (
        Choice(own_applications.MYSELF, "You"),
        *(Choice(organization.slug, organization.name) for organization in holder.organizations),
    )


def other_owners(holder: Holder, application: OwnApplication) -> tuple[Choice, ...]:
    """Return to whom the person may hand an application."""
    current = application.organization.slug if application.organization else own_applications.MYSELF
    return tuple(owner for owner in owners_of(holder) if owner.value != current)


async def page_of(
    request: Request, session: SessionFact, holder: Holder, application: OwnApplication, **more: Any
) -> OwnApplicationPage:
    """Return the page of an application; `more` are the fields that tell of a mistake, or of what was done."""
    server = server_of(request)
    described = application.stored.description
    registration = described.registration
    state: dict[str, Any] = {
        "details": Details(
            described.name,
            described.client_uri,
            _text(registration, "policy_uri"),
            _text(registration, "tos_uri"),
        ),
        "authentication": authentication.shown(server, application),
        "signing_in": signing_in.shown(server, application),
        "requests": requests.shown(server, application),
        "done": _done(request, application),
        **more,
    }
    return OwnApplicationPage(
        account=person_of(session),
        entry=await line_of(server, application),
        version=application.stored.version,
        csrf=forms.csrf_token(request),
        once=once.new_key(),
        now=server.clock(),
        issuer=server.issuer,
        discovery=_discovery(server),
        secrets=await secrets_of(server, session, application),
        redirect_uris=described.redirect_uris,
        allowed_origins=described.allowed_origins,
        everything=described.scopes is None,
        scope_sets=_sets(server.scopes, described.scopes or ()),
        unknown_scopes=tuple(server.scopes.unknown(described.scopes or ())),
        unmet=described.unmet,
        profile=_text(registration, "profile"),
        unfinished=not described.redirect_uris and "authorization_code" in described.grant_types,
        can_hand_over=bool(other_owners(holder, application)),
        **state,
    )


async def secrets_of(server: Server, session: SessionFact, application: OwnApplication) -> tuple[OwnSecret, ...]:
    """Return the valid secrets, the newest first, with who made them."""
    makers = {secret.created_by for secret in application.secrets if secret.created_by is not None}
    async with server.database.transaction() as transaction:
        names = await directory.usernames(transaction, makers) if makers else {}
    names[session.user_id] = "you"
    return tuple(
        OwnSecret(
            id=str(secret.id),
            last_four=secret.last_four,
            created=secret.created_at,
            created_by=names.get(secret.created_by, "") if secret.created_by else "",
            last_used=secret.last_used_at,
        )
        for secret in reversed(application.secrets)
    )


def troubles_of(problems: Iterable[Problem]) -> tuple[Trouble, ...]:
    """Return what is wrong with the settings as sentences, each at its field of the page; one for each field."""
    found: dict[str, str] = {}
    for problem in problems:
        member = problem.field.partition(".")[0]
        found.setdefault(_MEMBERS.get(member, member), sentence(problem.detail))
    return tuple(Trouble(field, message) for field, message in found.items())


def sentence(detail: str) -> str:
    """Return half a sentence about a value as a whole one."""
    return f"It {detail[:500].rstrip('.')}."


def no_room(conflicting: Conflicting, field: str = "owner") -> Trouble:
    """Return the trouble of an owner who has as many applications as one can have."""
    return Trouble(field, str(conflicting).capitalize())


def version_in(form: Form) -> int:
    """Return the version that the form was made for; one that no application has when it does not say."""
    text = form.get("version")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1


def back(request: Request, application: OwnApplication, done: str) -> Response:
    """Send the browser to the page of the application, which says what was done."""
    query = urlencode({"done": done, "at": application.stored.version})
    return answers.see(request, f"{url_of(application)}?{query}")


def url_of(application: OwnApplication) -> str:
    """Return where the page of an application is."""
    return portal.url_of(application.stored.client_id)


def require_staying(application: OwnApplication) -> None:
    """Lead whoever wants to do something with a deleted application to its page, where he can restore it."""
    if application.stored.status == "pending_deletion":
        raise SeeInstead(url_of(application))


def read_id(text: str) -> UUID | None:
    """Return the id in a path or query; None for anything else."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _line(application: OwnApplication, people: int, now: datetime) -> portal.OwnApplication:
    stored, organization = application.stored, application.organization
    state: dict[str, ApplicationState] = {"active": "active", "inactive": "off"}
    uses = [secret.last_used_at for secret in application.secrets if secret.last_used_at is not None]
    owner_url = f"/organizations/{organization.slug}/applications" if organization else ""
    return portal.OwnApplication(
        client_id=stored.client_id,
        name=stored.description.name,
        kind=_kind(stored.description),
        state=state.get(stored.status, "deleted"),
        owner=organization.name if organization else "",
        owner_url=owner_url,
        people=min(people, usage.MOST_COUNTED),
        more_people=people > usage.MOST_COUNTED,
        has_secrets=stored.description.auth_method in SECRET_METHODS,
        last_used=max(uses, default=None),
        locked=stored.off_by == "operator",
        restorable_until=stored.delete_after if stored.delete_after is not None and now < stored.delete_after else None,
    )


def _kind(described: Description) -> ApplicationKind:
    """Return what it is meant to be, also while it has no redirect URI yet that would tell."""
    if described.redirect_uris or "authorization_code" not in described.grant_types:
        return described.kind
    if described.auth_method != "none":
        return "web"
    return "native" if described.registration.get("application_type") == "native" else "browser"


def _sets(registry: ScopeRegistry, ticked: Iterable[str]) -> tuple[AskableSet, ...]:
    """Return the registry by display set, in its order; those about the person come first."""
    chosen = frozenset(ticked)
    sets: dict[str, list[ScopeDefinition]] = {}
    for definition in registry:
        title = definition.set.capitalize() or ("The person" if definition.name in ABOUT_PEOPLE else "Other")
        sets.setdefault(title, []).append(definition)
    return tuple(
        AskableSet(title, tuple(AskableScope(one.name, one.title, one.kind, one.name in chosen) for one in definitions))
        for title, definitions in sorted(sets.items(), key=lambda item: item[0] != "The person")
    )


def _done(request: Request, application: OwnApplication) -> str:
    """Return what was just done to it; nothing when it has changed since, or when nobody did such a thing."""
    if request.query_params.get("at") != str(application.stored.version):
        return ""
    return DONE.get(request.query_params.get("done", ""), "")


def _discovery(server: Server) -> Link:
    """Return the document that its library asks for: that of OpenID Connect where there is one (MD-1, MD-8)."""
    if server.id_tokens is not None:
        return Link("openid-configuration", f"{server.issuer.rstrip('/')}/.well-known/openid-configuration")
    parts = urlsplit(server.issuer)
    name = "oauth-authorization-server"
    return Link(name, f"{parts.scheme}://{parts.netloc}/.well-known/{name}{parts.path.rstrip('/')}")


def _text(registration: Mapping[str, Any], name: str) -> str:
    value = registration.get(name)
    return value if isinstance(value, str) else ""
