"""`/apps`: the applications that a person manages, and a new one."""

from urllib.parse import quote, urlencode
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol.client_auth import SECRET_METHODS
from app.protocol.facts import SessionFact
from app.protocol.names import MAX_NAME_LENGTH
from app.routers.pages import answers, forms, once
from app.routers.pages.answers import SeeInstead
from app.routers.pages.forms import Form
from app.routers.pages.visitor import occasion_of, person_of, require_recent, require_signed_in
from app.routers.portal import desk
from app.services import own_applications
from app.services.application_settings import read_settings
from app.services.own_applications import MYSELF, Conflicting, Holder, NoSuchPlace, OwnApplication, Unacceptable
from app.services.pet_names import pet_name
from app.store.idempotency import Repeated
from app.views.pages.forms import Trouble
from app.views.pages.portal import (
    PORTAL,
    Narrowed,
    NewApplication,
    OwnApplications,
    SecretSeen,
    SecretShown,
)

router = APIRouter(include_in_schema=False)

PATH = PORTAL
NEW = f"{PATH}/new"
PAGE = 50
_BATCH = 100
_MANY = 6
"""From so many on there is something to filter."""

_MAX_TYPED = 10_000
_STATES = {"active": "active", "off": "inactive", "deleted": "pending_deletion"}
_KINDS: dict[str, dict[str, object]] = {
    "web": {},
    "browser": {"token_endpoint_auth_method": "none", "application_type": "web"},
    "native": {"token_endpoint_auth_method": "none", "application_type": "native"},
    "machine": {"grant_types": ["client_credentials"]},
}
"""What a kind means in the words of RFC 7591."""


@router.get(PATH)
async def show_list(request: Request) -> Response:
    """Show what the person manages, by name."""
    session = await require_signed_in(request)
    server = server_of(request)
    holder = await desk.holder_of(request, session)
    narrowed = narrowed_by(request)
    found, onwards = await look_through(request, holder, narrowed, owner=narrowed.owner or None)
    page = OwnApplications(
        account=person_of(session),
        applications=await desk.lines_of(server, found),
        now=server.clock(),
        narrowed=narrowed,
        owners=desk.owners_of(holder) if holder.organizations else (),
        filterable=is_worth_filtering(request, found),
        previous_url=PATH if "after" in request.query_params else "",
        next_url=next_url(PATH, narrowed, onwards),
    )
    return answers.show(request, page)


@router.get(NEW)
async def show_new(request: Request) -> Response:
    """Show the form, with a name for those who have none yet; whoever signed in long ago confirms that it is he."""
    session = await require_signed_in(request)
    owner = request.query_params.get("owner", "")[:100]
    require_recent(request, session, back=f"{NEW}?owner={quote(owner, safe='')}" if owner else NEW)
    holder = await desk.holder_of(request, session)
    return answers.show(request, _form(request, session, holder, owner=owner, name=pet_name()))


@router.post(NEW)
async def create(request: Request) -> Response:
    """Register the application and show its secret, this once; 422 with the form again when something is wrong."""
    form = await forms.read_form(request)
    session = await require_signed_in(request)
    require_recent(request, session, back=NEW)
    server = server_of(request)
    holder = await desk.holder_of(request, session)
    problems = _problems(form)
    if problems:
        return _again(request, session, holder, form, problems)
    owner = form.get("owner")
    try:
        made = await own_applications.create(
            server.database,
            holder,
            read_settings(_document(form)),
            occasion_of(request),
            scopes=server.scopes,
            signing=server.keyring.plan.algorithms,
            outbound=server.outbound,
            organization=None if owner in ("", MYSELF) else owner,
            claim=once.claim_of(request, session, form),
            vault=server.vault,
        )
    except Unacceptable as refused:
        return _again(request, session, holder, form, _troubles(refused))
    except Conflicting as full:
        field = "owner" if len(desk.owners_of(holder)) > 1 else "name"
        return _again(request, session, holder, form, (desk.no_room(full, field),))
    except Repeated as repeated:
        made_before = await desk.as_it_is(request, session, holder, repeated.resource_id)
        url = desk.url_of(made_before)
        if made_before.stored.description.auth_method not in SECRET_METHODS:
            return answers.see(request, url)
        return answers.show(request, SecretSeen(account=person_of(session), url=url))
    page = SecretShown(
        account=person_of(session),
        entry=await desk.line_of(server, made.application),
        secret=made.client_secret,
        issuer=server.issuer,
        created=True,
    )
    return answers.show(request, page)


def narrowed_by(request: Request) -> Narrowed:
    """Return what the list is narrowed to; what nobody can choose narrows nothing."""
    asked = request.query_params
    state = asked.get("state", "")
    return Narrowed(
        q=asked.get("q", "").strip()[:100], owner=asked.get("owner", "")[:100], state=state if state in _STATES else ""
    )


async def look_through(
    request: Request, holder: Holder, narrowed: Narrowed, *, owner: str | None
) -> tuple[list[OwnApplication], UUID | None]:
    """Return one page of the applications that fit, and after which one the next page begins, if there is one.

    A place that is no more leads to the beginning.
    """
    database = server_of(request).database
    after = desk.read_id(request.query_params.get("after", ""))
    fitting: list[OwnApplication] = []
    while True:
        try:
            batch = await own_applications.list_page(database, holder, owner=owner, after=after, limit=_BATCH)
        except NoSuchPlace:
            raise SeeInstead(request.scope["path"]) from None
        fitting += [application for application in batch if _fits(application, narrowed)]
        if len(fitting) > PAGE:
            return fitting[:PAGE], fitting[PAGE - 1].stored.id
        if len(batch) < _BATCH:
            return fitting, None
        after = batch[-1].stored.id


def is_worth_filtering(request: Request, found: list[OwnApplication]) -> bool:
    """Tell whether there are so many that one wants to look for one."""
    return len(found) >= _MANY or "after" in request.query_params


def next_url(path: str, narrowed: Narrowed, onwards: UUID | None) -> str:
    """Return where the next page is; empty on the last one."""
    if onwards is None:
        return ""
    kept = {"q": narrowed.q, "owner": narrowed.owner, "state": narrowed.state, "after": str(onwards)}
    return f"{path}?{urlencode({name: value for name, value in kept.items() if value})}"


def _fits(application: OwnApplication, narrowed: Narrowed) -> bool:
    stored, sought = application.stored, narrowed.q.casefold()
    named = sought in stored.description.name.casefold() or sought in stored.client_id.casefold()
    return named and (not narrowed.state or stored.status == _STATES[narrowed.state])


def _form(
    request: Request,
    session: SessionFact,
    holder: Holder,
    *,
    name: str,
    kind: str = "web",
    owner: str = "",
    redirect_uris: str = "",
    pairwise: bool = False,
    problems: tuple[Trouble, ...] = (),
) -> NewApplication:
    return NewApplication(
        account=person_of(session),
        csrf=forms.csrf_token(request),
        once=once.new_key(),
        name=name,
        kind=kind,
        owner=owner,
        owners=desk.owners_of(holder),
        redirect_uris=redirect_uris,
        pairwise=pairwise,
        signs_in=server_of(request).id_tokens is not None,
        problems=problems,
    )


def _again(
    request: Request, session: SessionFact, holder: Holder, form: Form, problems: tuple[Trouble, ...]
) -> Response:
    page = _form(
        request,
        session,
        holder,
        name=form.get("name"),
        kind=form.get("kind"),
        owner=form.get("owner"),
        redirect_uris=form.get("redirect_uris"),
        pairwise=form.get("pairwise") == "on",
        problems=problems,
    )
    return answers.show(request, page)


def _problems(form: Form) -> tuple[Trouble, ...]:
    """What the settings allow and the form does not: it asks for things that one can well do without at first."""
    kind, addresses = form.get("kind"), _lines(form.get("redirect_uris"))
    found = {}
    if not form.get("name").strip():
        found["name"] = "Give the application a name"
    elif len(form.get("name").strip()) > MAX_NAME_LENGTH:
        found["name"] = f"Use {MAX_NAME_LENGTH} characters or fewer"
    if kind not in _KINDS:
        found["kind"] = "Choose what kind of application it is"
    if kind == "machine" and addresses:
        found["redirect_uris"] = "Leave this empty for a machine, or choose another kind"
    elif kind != "machine" and not addresses:
        found["redirect_uris"] = "Give the address where we send people back to"
    elif len(form.get("redirect_uris")) > _MAX_TYPED:
        found["redirect_uris"] = "Give fewer addresses; you can add more later"
    return tuple(Trouble(field, message) for field, message in found.items())


def _document(form: Form) -> dict[str, object]:
    addresses = _lines(form.get("redirect_uris"))
    given: dict[str, object] = {"redirect_uris": addresses} if addresses else {}
    if form.get("pairwise") == "on" and form.get("kind") != "machine":
        given["subject_type"] = "pairwise"
    return {"client_name": form.get("name").strip(), **_KINDS[form.get("kind")], **given}


def _troubles(refused: Unacceptable) -> tuple[Trouble, ...]:
    """Return the problems at the fields of this form; of several addresses, the line is named."""
    found: dict[str, str] = {}
    for problem in refused.problems:
        member, _, position = problem.field.partition(".")
        if member == "redirect_uris":
            line = f"Line {int(position) + 1}: it" if position.isdecimal() else "It"
            found.setdefault("redirect_uris", f"{line} {problem.detail[:500].rstrip('.')}.")
        else:
            [trouble] = desk.troubles_of([problem])
            found.setdefault(trouble.field, trouble.message)
    return tuple(Trouble(field, message) for field, message in found.items())


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
