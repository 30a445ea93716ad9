"""`/invitations/{link}`: where the link of an invitation leads.

The link is a credential. It stands in the path that the invited person opens, which no log keeps, and leaves it in the
body of a form; signing in on the way hides it (`pages.returning`).
"""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol.facts import SessionFact
from app.routers.organizations.entrance import acting_of, allowed_by
from app.routers.pages import answers, forms
from app.routers.pages.answers import PageRefused
from app.routers.pages.visitor import person_of, require_signed_in
from app.services import invitations
from app.services.invitations import Joined, LinkOver, NotOffered, Offer
from app.views.pages.account import OrganizationTab
from app.views.pages.members import InvitationOffer, invitation_over, member_already, not_offered

router = APIRouter(include_in_schema=False)


@router.get("/invitations/{link}")
async def show_invitation(request: Request, link: str) -> Response:
    """Show who invites to what, as what; whoever is not signed in signs in first."""
    session = await require_signed_in(request)
    server = server_of(request)
    outcome = await invitations.look(server.database, acting_of(request, session), session.user_id, link)
    if not isinstance(outcome, Offer):
        raise _instead(request, session, outcome)
    return answers.show(
        request,
        InvitationOffer(
            account=person_of(session),
            csrf=forms.csrf_token(request),
            link=link,
            organization=outcome.organization.name,
            inviter=outcome.inviter_name,
            role=outcome.role,
            allowed=allowed_by(request, server.roles.scopes_of(outcome.role)),
            expires=outcome.expires_at,
        ),
    )


@router.post("/invitations")
async def accept_invitation(request: Request) -> Response:
    """Join: 303 to the organization, or the page that says why not."""
    form = await forms.read_form(request)
    session = await require_signed_in(request)
    acting = acting_of(request, session)
    outcome = await invitations.accept(server_of(request).database, acting, session.user_id, form.get("link"))
    if not isinstance(outcome, Joined) or not outcome.anew:
        raise _instead(request, session, outcome)
    return answers.see(request, OrganizationTab(outcome.organization.slug, outcome.organization.name).url)


def _instead(request: Request, session: SessionFact, outcome: Joined | LinkOver | NotOffered) -> PageRefused:
    reference, account = answers.reference(request), person_of(session)
    match outcome:
        case Joined(organization=organization):
            tab = OrganizationTab(organization.slug, organization.name)
            return PageRefused(member_already(reference, organization=tab, account=account))
        case NotOffered():
            return PageRefused(not_offered(reference, account=account))
        case LinkOver():
            return PageRefused(invitation_over(reference, account=account))
