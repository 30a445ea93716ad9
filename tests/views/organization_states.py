"""The pages of organizations in every state they can be in."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from app.views.pages import Account, Page, Reference
from app.views.pages.account import OrganizationTab
from app.views.pages.forms import Trouble
from app.views.pages.members import (
    InvitationMade,
    InvitationOffer,
    InvitationSeen,
    MemberRow,
    Members,
    OpenInvitation,
    RemoveMember,
    RoleChoice,
    invitation_over,
    member_already,
    not_offered,
)
from app.views.pages.organizations import (
    Allowed,
    DeleteOrganization,
    LeaveOrganization,
    OrganizationOverview,
    Organizations,
    OwnOrganization,
    no_access,
)

LONG_NAME = "Wonderfullylongnamesfororganizationsthatnobodycanrememberatallxyz"[:64]
ARABIC_NAME = "جمعية النشر للفرق الكبيرة والصغيرة"
SCRIPT_NAME = "<script>alert(1)</script>"

NORTHQUAY = OrganizationTab("northquay", "Northquay", ("organization", "members", "audit"))
OWNED = OrganizationTab(
    "northquay", "Northquay", ("organization", "members", "api-keys", "organization-applications", "audit")
)
ALLOWED = (
    Allowed(
        "Manage organization members", "See, edit and delete members and their roles.", "manage", ("member:admin",)
    ),
    Allowed("Create and edit projects", "It can’t delete them.", "change", ("project:write", "project:read")),
    Allowed("", "", "see", ("billing:invoices.read-and-export-everything-there-is",)),
)
CHOICES = tuple(RoleChoice(role) for role in ("member", "admin", "manager"))


def organization_pages(person: Account, now: datetime) -> Iterator[tuple[str, Page]]:
    """Yield the pages by name, for a person at a moment."""
    yield from _lists(person, now)
    yield from _overviews(person, now)
    yield from _members(person, now)
    yield from _joining(person, now)


def _lists(person: Account, now: datetime) -> Iterator[tuple[str, Page]]:
    listed = Organizations(
        account=person,
        csrf="csrf-value",
        organizations=(
            OwnOrganization("northquay", "Northquay", "owner", now - timedelta(days=400)),
            OwnOrganization("salt-barn-of-the-hill-and-the-valley-abcd", LONG_NAME, "member of the board", now),
            OwnOrganization("jamiya", ARABIC_NAME, "member", now),
            OwnOrganization("script", SCRIPT_NAME, "admin", now),
        ),
        may_found=True,
    )
    yield "organizations", listed
    yield "organizations-left", replace(listed, left=True, may_found=False)
    yield "organizations-none", replace(listed, organizations=())
    yield "organizations-none-and-none-to-found", replace(listed, organizations=(), may_found=False)
    problems = (Trouble("name", "Give the organization a name"), Trouble("slug", "Use 3 to 40 characters"))
    yield "organizations-problems", replace(listed, slug="a", problems=problems)


def _overviews(person: Account, now: datetime) -> Iterator[tuple[str, Page]]:
    overview = OrganizationOverview(
        account=person,
        organization=OWNED,
        csrf="csrf-value",
        version=3,
        created=now - timedelta(days=400),
        role="owner",
        allowed=ALLOWED,
        name="Northquay",
        may_rename=True,
        may_delete=True,
    )
    yield "organization", overview
    member = replace(overview, organization=NORTHQUAY, role="member", may_rename=False, may_delete=False)
    yield "organization-member", member
    yield "organization-role-of-nothing", replace(member, role="member of the board", allowed=())
    yield "organization-operator", replace(overview, account=replace(person, operator=True), role=None)
    yield "organization-operator-with-a-role", replace(overview, role="member", beyond_role=True)
    yield "organization-saved", replace(overview, saved=True)
    problem = Trouble("name", "Use 64 characters or fewer")
    yield "organization-problem", replace(overview, name=LONG_NAME + "x", problems=(problem,))
    long = replace(OWNED, name=LONG_NAME)
    yield "organization-long-name", replace(overview, organization=long, name=LONG_NAME)
    leave = LeaveOrganization(account=person, organization=NORTHQUAY, csrf="csrf-value")
    yield "organization-leave", leave
    last = Trouble("leave", "Nobody else has the role “owner”: give it to somebody, or delete the organization")
    yield "organization-leave-last", replace(leave, problems=(last,))
    delete = DeleteOrganization(account=person, organization=OWNED, csrf="csrf-value")
    yield "organization-delete", delete
    wrong = Trouble("slug", "Type the short name exactly as it is shown")
    yield "organization-delete-mistyped", replace(delete, typed="north", problems=(wrong,))
    yield "organization-delete-long-name", replace(delete, organization=long)


def _members(person: Account, now: datetime) -> Iterator[tuple[str, Page]]:
    def row(number: int, name: str, role: str, **changes: bool) -> MemberRow:
        address = f"{name.partition(' ')[0].lower()}@northquay.example"
        return MemberRow(
            UUID(int=number), f"user{number}", address, name, role, now - timedelta(days=number), 1, **changes
        )

    jun = row(2, "Jun Hallward", "member", changeable=True, removable=True)
    rows = (
        row(1, "Imani Teller", "owner"),
        jun,
        row(3, LONG_NAME, "manager", changeable=True),
        row(4, ARABIC_NAME, "member of the board", changeable=True, removable=True),
        row(5, "Robin Ashdown", "manager", you=True, changeable=True),
        row(6, SCRIPT_NAME, "admin"),
    )
    invitations = (
        OpenInvitation(UUID(int=1), "member", "Petra, from design", "robin", now, now + timedelta(days=7)),
        OpenInvitation(UUID(int=2), "manager", "", "", now, now + timedelta(hours=1)),
        OpenInvitation(UUID(int=3), "member", SCRIPT_NAME + "x" * 200, LONG_NAME, now, now + timedelta(days=1)),
    )
    members = Members(
        account=person,
        organization=OWNED,
        csrf="csrf-value",
        members=rows,
        choices=CHOICES,
        invitations=invitations,
        may_invite=True,
        invitation_days=7,
        once="once-value",
        role="member",
    )
    yield "members", members
    yield "members-of-a-member", replace(members, may_invite=False, invitations=(), members=rows[:1] + rows[5:])
    yield "members-no-invitation", replace(members, invitations=(), more_url="/x", first_url="/y")
    for done in ("role", "removed", "revoked"):
        yield f"members-{done}", replace(members, members=rows[:2], invitations=(), done=done)
    refused = Trouble(f"role-{jun.id}", "That role allows more than you may do here")
    yield "members-problem", replace(members, problems=(refused,))
    yield "members-invite-problem", replace(members, note="x", role="", problems=(Trouble("role", "Choose a role"),))
    remove = RemoveMember(account=person, organization=OWNED, csrf="csrf-value", member=jun)
    yield "members-remove", remove
    trouble = Trouble("remove", "This person’s role allows more than you may do here")
    yield "members-remove-problem", replace(remove, problems=(trouble,))
    link = "https://id.lumenfold.example/invitations/asiv_" + "A" * 70
    yield (
        "invitation-made",
        InvitationMade(account=person, organization=OWNED, link=link, role="member", expires=now + timedelta(days=7)),
    )
    yield "invitation-seen", InvitationSeen(account=person, organization=OWNED)


def _joining(person: Account, now: datetime) -> Iterator[tuple[str, Page]]:
    offer = InvitationOffer(
        account=person,
        csrf="csrf-value",
        link="asiv_" + "A" * 70,
        organization="Northquay",
        inviter="Imani Teller",
        role="manager",
        allowed=ALLOWED,
        expires=now + timedelta(days=7),
    )
    yield "invitation", offer
    yield "invitation-of-a-key", replace(offer, inviter="", allowed=())
    yield "invitation-long-name", replace(offer, organization=LONG_NAME, inviter=SCRIPT_NAME)
    reference = Reference("req_01k3q7x2ae5t", now)
    yield "invitation-over", invitation_over(reference, account=person)
    yield "invitation-not-offered", not_offered(reference, account=person)
    yield "invitation-member-already", member_already(reference, organization=NORTHQUAY, account=person)
    yield "organization-no-access", no_access(reference, organization=NORTHQUAY, top_role="owner", account=person)
