"""`/organizations`: those that a person belongs to, and each of them: renamed, left, deleted."""

from dataclasses import replace

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol import permissions
from app.protocol.facts import SessionFact
from app.routers.organizations import entrance
from app.routers.organizations.entrance import Entrance, acting_in, acting_of, allowed_by, come_in, enter
from app.routers.pages import answers, forms
from app.routers.pages.visitor import person_of, require_signed_in
from app.services import members, organizations
from app.services.acting import LastOne, NotAllowed, OrganizationGone
from app.services.organizations import (
    MAX_MEMBERSHIPS,
    OwnsApplications,
    SlugTaken,
    TooManyOrganizations,
)
from app.store import organizations as rows
from app.store.versions import VersionChanged
from app.views.pages.forms import Trouble
from app.views.pages.organizations import (
    PATH,
    DeleteOrganization,
    LeaveOrganization,
    OrganizationOverview,
    Organizations,
    OwnOrganization,
)

router = APIRouter(include_in_schema=False)

ONE = PATH + "/{slug}"


@router.get(PATH)
async def show_list(request: Request) -> Response:
    """Show the organizations of whoever is signed in, and the form that founds one."""
    session = await require_signed_in(request)
    page = await _list(request, session)
    return answers.show(request, replace(page, left="left" in request.query_params))


@router.post(PATH)
async def found(request: Request) -> Response:
    """Found an organization: 303 to it, or 422 with the form again."""
    form = await forms.read_form(request)
    session = await require_signed_in(request)
    server = server_of(request)
    page = await _list(request, session)
    if not page.may_found:
        return answers.show(request, page)
    name, slug = form.get("name").strip(), form.get("slug").strip()
    told = {"name": organizations.problem_with_name(name), "slug": organizations.problem_with_slug(slug)}
    troubles = tuple(Trouble(field, message) for field, message in told.items() if message)
    if not troubles:
        acting = acting_of(request, session)
        try:
            await organizations.found(server.database, acting, session.user_id, slug=slug, name=name)
        except SlugTaken:
            troubles = (Trouble("slug", "Choose another short name: this one is taken"),)
        except TooManyOrganizations:
            troubles = (Trouble("name", f"You belong to {MAX_MEMBERSHIPS} organizations: leave or delete one first"),)
    if troubles:
        return answers.show(request, replace(page, name=name, slug=slug, problems=troubles))
    return answers.see(request, f"{PATH}/{slug}")


@router.get(ONE)
async def show_one(request: Request, slug: str) -> Response:
    """Show an organization to everybody who belongs to it."""
    return answers.show(request, _overview(request, await come_in(request, slug)))


@router.post(ONE + "/name")
async def rename(request: Request, slug: str) -> Response:
    """Rename it: 303 back, or 422 with the form again."""
    form = await forms.read_form(request)
    inside = await enter(request, slug, permissions.ORGANIZATION, "PUT")
    name, version = form.get("name").strip(), form.get("version")
    problem = organizations.problem_with_name(name)
    if not problem:
        acting = acting_in(request, inside)
        try:
            await organizations.rename(
                server_of(request).database,
                acting,
                inside.organization.id,
                name,
                int(version) if version.isdecimal() and len(version) < 10 else 0,
            )
        except VersionChanged:
            problem = "Somebody else has changed it meanwhile; look at it, and decide again"
        except (OrganizationGone, NotAllowed):
            raise entrance.refused(request, inside) from None
    if problem:
        page = replace(_overview(request, inside), name=name, problems=(Trouble("name", problem),))
        return answers.show(request, page)
    return answers.see(request, f"{inside.tab.url}?saved")


@router.get(ONE + "/leave")
async def ask_to_leave(request: Request, slug: str) -> Response:
    """Ask before the person leaves."""
    inside = await _as_member(request, slug)
    return answers.show(request, _leaving(request, inside))


@router.post(ONE + "/leave")
async def leave(request: Request, slug: str) -> Response:
    """Leave, unless nobody would be left with the top role."""
    await forms.read_form(request)
    inside = await _as_member(request, slug)
    server, user_id = server_of(request), inside.session.user_id
    try:
        acting = acting_in(request, inside)
        await members.remove(server.database, acting, inside.organization.id, user_id)
    except LastOne:
        top = server.roles.top.name
        trouble = Trouble("leave", f"Nobody else has the role “{top}”: give it to somebody, or delete the organization")
        return answers.show(request, replace(_leaving(request, inside), problems=(trouble,)))
    except OrganizationGone:
        pass  # then he has left already
    return answers.see(request, f"{PATH}?left")


@router.get(ONE + "/delete")
async def ask_to_delete(request: Request, slug: str) -> Response:
    """Ask before the organization ends."""
    inside = await enter(request, slug, permissions.ORGANIZATION, "DELETE")
    return answers.show(request, _deleting(request, inside))


@router.post(ONE + "/delete")
async def delete(request: Request, slug: str) -> Response:
    """Delete it, once its short name has been typed and it owns no application any more."""
    form = await forms.read_form(request)
    inside = await enter(request, slug, permissions.ORGANIZATION, "DELETE")
    typed, problem = form.get("slug").strip(), ""
    if typed != inside.organization.slug:
        problem = "Type the short name exactly as it is shown"
    else:
        try:
            acting = acting_in(request, inside)
            await organizations.close(server_of(request).database, acting, inside.organization.id)
        except OwnsApplications:
            problem = "It owns applications still: delete them, or hand them over first"
        except NotAllowed:
            raise entrance.refused(request, inside) from None
        except OrganizationGone:
            pass  # then somebody else was faster
    if problem:
        page = replace(_deleting(request, inside), typed=typed, problems=(Trouble("slug", problem),))
        return answers.show(request, page)
    return answers.see(request, f"{PATH}?left")


async def _as_member(request: Request, slug: str) -> Entrance:
    """Let those in who can leave: members."""
    inside = await come_in(request, slug)
    if inside.role is None:
        raise entrance.nothing_here(request, inside.session)
    return inside


async def _list(request: Request, session: SessionFact) -> Organizations:
    server = server_of(request)
    found = await rows.list_for_user(server.database, session.user_id)
    return Organizations(
        account=person_of(session),
        csrf=forms.csrf_token(request),
        organizations=tuple(
            OwnOrganization(one.organization.slug, one.organization.name, one.role, one.joined_at) for one in found
        ),
        may_found=server.everyone_founds or session.operator,
    )


def _overview(request: Request, inside: Entrance) -> OrganizationOverview:
    organization = inside.organization
    by_role = server_of(request).roles.scopes_of(inside.role)
    return OrganizationOverview(
        account=person_of(inside.session),
        organization=inside.tab,
        csrf=forms.csrf_token(request),
        version=organization.version,
        created=organization.created_at,
        role=inside.role,
        allowed=allowed_by(request, inside.scopes if inside.role is None else by_role),
        beyond_role=inside.role is not None and not inside.scopes <= by_role,
        name=organization.name,
        may_rename=permissions.ORGANIZATION.allows("PUT", inside.scopes),
        may_delete=permissions.ORGANIZATION.allows("DELETE", inside.scopes),
        saved="saved" in request.query_params,
    )


def _leaving(request: Request, inside: Entrance) -> LeaveOrganization:
    return LeaveOrganization(account=person_of(inside.session), organization=inside.tab, csrf=forms.csrf_token(request))


def _deleting(request: Request, inside: Entrance) -> DeleteOrganization:
    return DeleteOrganization(
        account=person_of(inside.session), organization=inside.tab, csrf=forms.csrf_token(request)
    )
