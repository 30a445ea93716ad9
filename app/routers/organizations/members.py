"""`/organizations/{slug}/members`: members with their roles, and invitations.

Every row offers what the person who looks may do about it, and the services judge it again when he does.
"""

from dataclasses import replace
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.crypto.hashing import digest
from app.crypto.secrets import random_bytes
from app.pipeline.server import server_of
from app.protocol import permissions
from app.routers.cursors import cursor_of, read_cursor
from app.routers.organizations import entrance
from app.routers.organizations.entrance import Entrance, acting_in, enter
from app.routers.pages import answers, forms
from app.routers.pages.forms import Form
from app.routers.pages.visitor import person_of
from app.services import invitations, members
from app.services.acting import LastOne, NotAllowed, OrganizationGone
from app.services.connections import read_id
from app.services.invitations import MAX_OPEN, TooManyOpen
from app.services.members import Member, UnknownRole
from app.store.idempotency import Claim, Repeated
from app.store.versions import VersionChanged
from app.views.pages.forms import Trouble
from app.views.pages.members import (
    InvitationMade,
    InvitationSeen,
    MemberRow,
    Members,
    OpenInvitation,
    RemoveMember,
    RoleChoice,
)
from app.views.pages.organizations import PATH

router = APIRouter(include_in_schema=False)

ALL = PATH + "/{slug}/members"
ONE = ALL + "/{person_id}"
INVITATIONS = PATH + "/{slug}/invitations"

SHOWN = 50
"""Members on one page."""

_DONE = frozenset({"role", "removed", "revoked"})
_CHANGED = "Somebody else has changed this meanwhile; look at it, and decide again"


@router.get(ALL)
async def show_members(request: Request, slug: str) -> Response:
    """Show a page of the members, and the open invitations to those who manage them."""
    inside = await enter(request, slug, permissions.MEMBERS)
    page = await _page(request, inside)
    done = request.query_params.get("done", "")
    return answers.show(request, replace(page, done=done if done in _DONE else ""))


@router.post(ONE)
async def set_role(request: Request, slug: str, person_id: str) -> Response:
    """Give somebody another role: 303 back, or 422 with what stands in the way."""
    form = await forms.read_form(request)
    inside = await enter(request, slug, permissions.MEMBER, "PUT")
    member = await _member(request, inside, person_id)
    try:
        await members.set_role(
            server_of(request).database,
            acting_in(request, inside),
            inside.organization.id,
            member.user_id,
            form.get("role"),
            _version(form),
        )
    except (LastOne, NotAllowed, UnknownRole, VersionChanged) as hindrance:
        page = await _page(request, inside)
        trouble = Trouble(f"role-{member.user_id}", _words_for(request, hindrance))
        return answers.show(request, replace(page, problems=(trouble,)))
    except OrganizationGone:
        raise entrance.nothing_here(request, inside.session) from None
    return answers.see(request, f"{inside.tab.url}/members?done=role")


@router.get(ONE + "/remove")
async def ask_to_remove(request: Request, slug: str, person_id: str) -> Response:
    """Ask before somebody loses his membership."""
    inside = await enter(request, slug, permissions.MEMBERS, "DELETE")
    member = await _member(request, inside, person_id)
    return answers.show(request, _removing(request, inside, member))


@router.post(ONE + "/remove")
async def remove(request: Request, slug: str, person_id: str) -> Response:
    """Remove somebody: 303 back, or 422 with what stands in the way."""
    form = await forms.read_form(request)
    inside = await enter(request, slug, permissions.MEMBERS, "DELETE")
    member = await _member(request, inside, person_id)
    acting = acting_in(request, inside)
    try:
        await members.remove(
            server_of(request).database, acting, inside.organization.id, member.user_id, _version(form)
        )
    except (LastOne, NotAllowed, VersionChanged) as hindrance:
        trouble = Trouble("remove", _words_for(request, hindrance))
        return answers.show(request, replace(_removing(request, inside, member), problems=(trouble,)))
    except OrganizationGone:
        raise entrance.nothing_here(request, inside.session) from None
    return answers.see(request, f"{inside.tab.url}/members?done=removed")


@router.post(INVITATIONS)
async def invite(request: Request, slug: str) -> Response:
    """Make a link and show it, this once; 422 with the form again when something stands in the way."""
    form = await forms.read_form(request)
    inside = await enter(request, slug, permissions.INVITATIONS, "POST")
    server = server_of(request)
    role, note = form.get("role"), form.get("note").strip()
    if problem := invitations.problem_with_note(note):
        return await _invite_again(request, inside, role, note, Trouble("note", problem))
    try:
        made = await invitations.invite(
            server.database,
            acting_in(request, inside),
            inside.organization.id,
            role=role,
            note=note,
            lifetime=server.policy.lifetimes.invitation,
            claim=_claim(inside, form),
        )
    except Repeated:
        return answers.show(request, InvitationSeen(account=person_of(inside.session), organization=inside.tab))
    except (NotAllowed, UnknownRole, TooManyOpen) as hindrance:
        return await _invite_again(request, inside, role, note, Trouble("role", _words_for(request, hindrance)))
    except OrganizationGone:
        raise entrance.nothing_here(request, inside.session) from None
    return answers.show(
        request,
        InvitationMade(
            account=person_of(inside.session),
            organization=inside.tab,
            link=f"{server.issuer}/invitations/{made.link}",
            role=made.invitation.role,
            expires=made.invitation.expires_at,
        ),
    )


@router.post(INVITATIONS + "/{invitation_id}/revoke")
async def revoke(request: Request, slug: str, invitation_id: str) -> Response:
    """Make a link void; one that is over already is over."""
    await forms.read_form(request)
    inside = await enter(request, slug, permissions.INVITATIONS, "DELETE")
    known = read_id(invitation_id)
    if known is None:
        raise entrance.nothing_here(request, inside.session)
    acting = acting_in(request, inside)
    try:
        revoked = await invitations.revoke(server_of(request).database, acting, inside.organization.id, known)
    except (NotAllowed, OrganizationGone):
        raise entrance.refused(request, inside) from None
    if not revoked:
        raise entrance.nothing_here(request, inside.session)
    return answers.see(request, f"{inside.tab.url}/members?done=revoked")


async def _invite_again(request: Request, inside: Entrance, role: str, note: str, trouble: Trouble) -> Response:
    page = await _page(request, inside)
    return answers.show(request, replace(page, role=role, note=note, problems=(trouble,)))


async def _member(request: Request, inside: Entrance, person_id: str) -> Member:
    known = read_id(person_id)
    member = await members.find(server_of(request).database, inside.organization.id, known) if known else None
    if member is None:
        raise entrance.nothing_here(request, inside.session)
    return member


async def _page(request: Request, inside: Entrance) -> Members:
    server, organization = server_of(request), inside.organization
    after = read_cursor(request.query_params.get("after", ""))
    found = await members.list_page(server.database, organization.id, after=after, limit=SHOWN + 1)
    shown = found[:SHOWN]
    may_invite = permissions.INVITATIONS.allows("POST", inside.scopes)
    waiting = (
        await invitations.list_page(server.database, organization.id, server.clock(), after=None, limit=MAX_OPEN)
        if may_invite
        else []
    )
    here = f"{inside.tab.url}/members"
    following = urlencode({"after": cursor_of(shown[-1].user_id)}) if len(found) > SHOWN else ""
    return Members(
        account=person_of(inside.session),
        organization=inside.tab,
        csrf=forms.csrf_token(request),
        members=tuple(_row(request, inside, member) for member in shown),
        choices=tuple(RoleChoice(role) for role in server.roles.names if server.roles.may_give(inside.scopes, role)),
        invitations=tuple(
            OpenInvitation(one.id, one.role, one.note, one.inviter, one.created_at, one.expires_at) for one in waiting
        ),
        may_invite=may_invite,
        invitation_days=server.policy.lifetimes.invitation.days,
        once=random_bytes(16).hex(),
        role=server.roles.names[0],
        more_url=f"{here}?{following}" if following else "",
        first_url=here if after else "",
    )


def _row(request: Request, inside: Entrance, member: Member) -> MemberRow:
    may_give = server_of(request).roles.may_give(inside.scopes, member.role)
    return MemberRow(
        id=member.user_id,
        username=member.username,
        email=member.email,
        name=member.display_name,
        role=member.role,
        joined=member.joined_at,
        version=member.version,
        you=member.user_id == inside.session.user_id,
        changeable=may_give and permissions.MEMBER.allows("PUT", inside.scopes),
        removable=may_give and permissions.MEMBERS.allows("DELETE", inside.scopes),
    )


def _removing(request: Request, inside: Entrance, member: Member) -> RemoveMember:
    return RemoveMember(
        account=person_of(inside.session),
        organization=inside.tab,
        csrf=forms.csrf_token(request),
        member=_row(request, inside, member),
    )


def _words_for(request: Request, hindrance: Exception) -> str:
    match hindrance:
        case LastOne():
            return f"Nobody else has the role “{server_of(request).roles.top.name}”: give it to somebody else first"
        case UnknownRole():
            return "Choose a role"
        case VersionChanged():
            return _CHANGED
        case TooManyOpen():
            return f"There are {MAX_OPEN} open invitations: revoke one first"
        case _:
            return str(hindrance)


def _version(form: Form) -> int:
    """Return the version that the form was made for; one that nobody has made fits nothing."""
    told = form.get("version")
    return int(told) if told.isdecimal() and len(told) < 10 else 0


def _claim(inside: Entrance, form: Form) -> Claim | None:
    """Return what makes a form that is sent twice do its work once."""
    if not form.get("once"):
        return None
    deed = f"form {inside.session.user_id} {inside.organization.id} {form.get('once')}"
    return Claim(digest(deed.encode()), digest(f"{form.get('role')} {form.get('note')}".encode()))
