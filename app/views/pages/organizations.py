"""The pages of organizations: those of a person, one of them, and what ends it for him."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from urllib.parse import quote

from markupsafe import Markup

from app.protocol.scopes import ScopeKind
from app.views.names import display_name, initials
from app.views.pages.account import DeskPlace, OrganizationTab
from app.views.pages.error import ErrorPage, Link, Reference
from app.views.pages.forms import FormPage
from app.views.pages.identity import Account

PATH = "/organizations"


def role_title(role: str) -> str:
    """Return the name of a role as it stands alone: "Owner"."""
    return role[:1].upper() + role[1:].replace("_", " ").replace("-", " ")


def role_word(role: str) -> str:
    """Return the name of a role as it stands in a sentence: "owner"."""
    return role.replace("_", " ").replace("-", " ")


@dataclass(frozen=True, slots=True)
class OwnOrganization:
    """An organization that the person belongs to, with his role in it; `joined` is aware."""

    slug: str
    name: str
    role: str
    joined: datetime

    @property
    def url(self) -> str:
        """Where its page is."""
        return f"{PATH}/{quote(self.slug, safe='')}"

    @property
    def shown(self) -> str:
        """The name as it may stand in a sentence."""
        return display_name(self.name)

    @property
    def initials(self) -> str:
        """The letters of its mark."""
        return initials(self.shown)

    @property
    def role_shown(self) -> str:
        """The role as it stands alone."""
        return role_title(self.role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Organizations(FormPage):
    """`/organizations`: those that the person belongs to, by name; who may, founds another.

    POSTs `csrf`, `name` and `slug` to itself. `left` is what he has just left, or deleted.
    """

    template: ClassVar[str] = "organizations.html"
    place: ClassVar[DeskPlace] = "organizations"

    csrf: str
    organizations: tuple[OwnOrganization, ...]
    may_found: bool
    name: str = ""
    slug: str = ""
    left: bool = False


@dataclass(frozen=True, slots=True)
class Allowed:
    """One line of what a role allows: its words, and the scopes that it stands for."""

    title: str
    detail: str
    kind: ScopeKind
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationOverview(FormPage):
    """`/organizations/{slug}`: what it is called, what the person may do in it, and how to leave.

    POSTs `csrf`, `version` and `name` to `{url}/name`. `role` is None for an operator who does not belong to it; with
    `beyond_role` he is an operator, too, whose role allows less. `organization` is always given.
    """

    template: ClassVar[str] = "organization.html"
    place: ClassVar[DeskPlace] = "organization"

    csrf: str
    organization: OrganizationTab
    version: int
    created: datetime
    role: str | None
    allowed: tuple[Allowed, ...]
    name: str
    may_rename: bool
    may_delete: bool
    beyond_role: bool = False
    saved: bool = False

    @property
    def role_shown(self) -> str:
        """The role as it stands alone; empty without one."""
        return role_title(self.role) if self.role else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveOrganization(FormPage):
    """Asks before the person leaves. POSTs `csrf` to `{url}/leave`."""

    template: ClassVar[str] = "organization_leave.html"
    place: ClassVar[DeskPlace] = "organization"

    csrf: str
    organization: OrganizationTab


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOrganization(FormPage):
    """Asks before the organization ends. POSTs `csrf` and `slug`, typed, to `{url}/delete`."""

    template: ClassVar[str] = "organization_delete.html"
    place: ClassVar[DeskPlace] = "organization"

    csrf: str
    organization: OrganizationTab
    typed: str = ""


def no_access(
    reference: Reference, *, organization: OrganizationTab, top_role: str, account: Account | None = None
) -> ErrorPage:
    """Return the page of a member whose role does not reach: who could give him more is known by name of the role."""
    name = Markup("<bdi>{}</bdi>").format(display_name(organization.name))
    return ErrorPage(
        code=403,
        title="You can’t see this page",
        headline="You can’t see this page",
        unharmed=("Nothing was changed.",),
        happened=Markup("Your role in {} does not allow it.").format(name),
        who=Markup("Whoever has the role “{}” in {}.").format(role_word(top_role), name),
        todo="Ask for another role there.",
        link=Link("Back to the organization", organization.url),
        reference=reference,
        account=account,
    )
