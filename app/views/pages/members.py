"""The pages of an organization's members, and of joining it by invitation."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from markupsafe import Markup

from app.views.names import display_name, initials
from app.views.pages.account import DeskPage, DeskPlace, OrganizationTab
from app.views.pages.error import ErrorPage, Link, Reference
from app.views.pages.forms import FormPage
from app.views.pages.identity import Account, Page
from app.views.pages.organizations import Allowed, role_title, role_word


@dataclass(frozen=True, slots=True)
class RoleChoice:
    """A role that the person may give."""

    value: str

    @property
    def title(self) -> str:
        """The role as it stands alone."""
        return role_title(self.value)


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One member, with what the person who looks may do about him; `joined` is aware."""

    id: UUID
    username: str
    email: str
    name: str
    role: str
    joined: datetime
    version: int
    you: bool = False
    changeable: bool = False
    removable: bool = False

    @property
    def shown(self) -> str:
        """What people call him."""
        return display_name(self.name or self.username)

    @property
    def address(self) -> str:
        """What tells him from another one of the same name."""
        return display_name(self.email or self.username)

    @property
    def initials(self) -> str:
        """The letters of the round mark."""
        return initials(self.shown)

    @property
    def role_shown(self) -> str:
        """The role as it stands alone."""
        return role_title(self.role)


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    """An invitation that can be accepted still; `note` says for whom it is. Times are aware."""

    id: UUID
    role: str
    note: str
    inviter: str
    created: datetime
    expires: datetime

    @property
    def shown(self) -> str:
        """For whom it is, or that nobody wrote it down."""
        return display_name(self.note, fallback="Somebody")

    @property
    def inviter_shown(self) -> str:
        """Who invited."""
        return display_name(self.inviter, fallback="the operator")

    @property
    def role_shown(self) -> str:
        """The role as it stands alone."""
        return role_title(self.role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Members(FormPage):
    """`/organizations/{slug}/members`, by username.

    A row POSTs `csrf`, `version` and `role` to `{url}/members/{id}`; inviting POSTs `csrf`, `once`, `role` and `note`
    to `{url}/invitations`; revoking POSTs `csrf` to `{url}/invitations/{id}/revoke`. `done` says what has just been
    done.
    """

    template: ClassVar[str] = "members.html"
    place: ClassVar[DeskPlace] = "members"

    csrf: str
    members: tuple[MemberRow, ...]
    choices: tuple[RoleChoice, ...]
    invitations: tuple[OpenInvitation, ...]
    may_invite: bool
    invitation_days: int
    once: str
    role: str = ""
    note: str = ""
    done: str = ""
    more_url: str = ""
    first_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveMember(FormPage):
    """Asks before somebody loses his membership. POSTs `csrf` and `version` to `{url}/members/{id}/remove`."""

    template: ClassVar[str] = "members_remove.html"
    place: ClassVar[DeskPlace] = "members"

    csrf: str
    member: MemberRow


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationMade(DeskPage):
    """The link of an invitation, right after it was made: the answer to the POST, shown once."""

    template: ClassVar[str] = "invitation_made.html"
    place: ClassVar[DeskPlace] = "members"

    organization: OrganizationTab
    link: str = field(repr=False)
    role: str
    expires: datetime

    @property
    def role_shown(self) -> str:
        """The role as it stands in a sentence."""
        return role_word(self.role)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationSeen(DeskPage):
    """The form of an invitation was sent twice: its link has been shown."""

    template: ClassVar[str] = "invitation_seen.html"
    place: ClassVar[DeskPlace] = "members"

    organization: OrganizationTab


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationOffer(Page):
    """`/invitations/{link}`: who invites to what, as what. POSTs `csrf` and `link` to `/invitations`."""

    template: ClassVar[str] = "invitation.html"

    account: Account
    csrf: str
    link: str = field(repr=False)
    organization: str
    inviter: str
    role: str
    allowed: tuple[Allowed, ...]
    expires: datetime

    @property
    def shown(self) -> str:
        """The organization's name as it may stand in a sentence."""
        return display_name(self.organization)

    @property
    def initials(self) -> str:
        """The letters of the organization's mark."""
        return initials(self.shown)

    @property
    def inviter_shown(self) -> str:
        """Who invites; empty when it is no person."""
        return display_name(self.inviter, fallback="")

    @property
    def role_shown(self) -> str:
        """The role as it stands alone."""
        return role_title(self.role)


def invitation_over(reference: Reference, *, account: Account | None = None) -> ErrorPage:
    """Return the one page for a link that is used, revoked, too old, mistyped, or never was."""
    return ErrorPage(
        code=404,
        title="This invitation no longer works",
        headline="This invitation no longer works",
        happened="An invitation works once and for a limited time. It may also have been taken back, or a part of the "
        "link is missing.",
        who="Whoever sent it to you.",
        todo="Ask for a new invitation.",
        link=Link("Your organizations", "/organizations"),
        reference=reference,
        account=account,
    )


def not_offered(reference: Reference, *, account: Account | None = None) -> ErrorPage:
    """Return the page for a link whose inviter could not give its role any more."""
    return ErrorPage(
        code=403,
        title="This invitation can’t be accepted",
        headline="This invitation can’t be accepted",
        unharmed=("You have not joined anything.",),
        happened="Whoever invited you may no longer give the role that it offers.",
        who="Whoever manages the members of the organization.",
        who_note="You did nothing wrong.",
        todo="Ask for a new invitation.",
        link=Link("Your organizations", "/organizations"),
        reference=reference,
        account=account,
    )


def member_already(reference: Reference, *, organization: OrganizationTab, account: Account | None) -> ErrorPage:
    """Return the page for somebody who follows a link into an organization that he belongs to."""
    name = Markup("<bdi>{}</bdi>").format(display_name(organization.name))
    return ErrorPage(
        code=200,
        title="You are a member already",
        headline=Markup("You are a member of {} already").format(name),
        unharmed=("The invitation has not been used up by this.", "Your role stays as it is."),
        happened="You followed an invitation into an organization that you belong to.",
        todo="Nothing. Go on to the organization.",
        link=Link("Go to the organization", organization.url),
        reference=reference,
        account=account,
    )
