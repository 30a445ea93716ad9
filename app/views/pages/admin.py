"""The pages of the administration: people, all applications."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from urllib.parse import quote

from app.views.addresses import segment_of
from app.views.names import display_name, initials
from app.views.pages.account import DeskPage, DeskPlace
from app.views.pages.sessions import SessionLine

USERS = "/admin/users"
APPLICATIONS = "/admin/applications"

KINDS: Mapping[str, str] = {
    "web": "Web",
    "browser": "Browser",
    "native": "Phone or desktop",
    "machine": "Machine",
}

Done = Literal["", "disabled", "enabled", "signed-out", "checked", "unchecked"]
"""What the operator has just done, to be told on top of the page."""


@dataclass(frozen=True, slots=True)
class PersonLine:
    """A person as operators see him; times are aware, `disabled` is None for somebody who may sign in."""

    id: str
    username: str
    created: datetime
    email: str = ""
    name: str = ""
    operator: bool = False
    disabled: datetime | None = None
    yourself: bool = False

    @property
    def url(self) -> str:
        """Where his page is."""
        return f"{USERS}/{quote(self.id, safe='')}"

    @property
    def shown(self) -> str:
        """What he is called, as it may stand in a sentence."""
        return display_name(self.name or self.username)

    @property
    def initials(self) -> str:
        """The letters of the round mark."""
        return initials(self.shown)


@dataclass(frozen=True, slots=True)
class Holdings:
    """How much a person has that ends when he is disabled, and what he owns."""

    sessions: int = 0
    authorizations: int = 0
    personal_tokens: int = 0
    organizations: int = 0
    applications: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminUsers(DeskPage):
    """`/admin/users`: people by the beginning of a name, newest first."""

    template: ClassVar[str] = "admin_users.html"
    place: ClassVar[DeskPlace] = "admin-users"

    people: tuple[PersonLine, ...]
    q: str = ""
    first_url: str = ""
    next_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminUser(DeskPage):
    """`/admin/users/{id}`: one person. `sessions` are the newest. POSTs `csrf` and `session`, empty for all, to
    `/admin/users/{id}/sign-out`."""

    template: ClassVar[str] = "admin_user.html"
    place: ClassVar[DeskPlace] = "admin-users"

    person: PersonLine
    holdings: Holdings
    csrf: str
    now: datetime
    sessions: tuple[SessionLine, ...] = ()
    done: Done = ""

    @property
    def more_sessions(self) -> int:
        """How many sessions are not shown."""
        return max(0, self.holdings.sessions - len(self.sessions))


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminDisableUser(DeskPage):
    """Asks before a person is shut out; `hindrance` is why he cannot be."""

    template: ClassVar[str] = "admin_user_disable.html"
    place: ClassVar[DeskPlace] = "admin-users"

    person: PersonLine
    holdings: Holdings
    csrf: str
    hindrance: Literal["", "yourself", "last"] = ""

    @property
    def status(self) -> int:
        return 409 if self.hindrance else 200


@dataclass(frozen=True, slots=True)
class CheckMark:
    """That the operators vouch for an application: who looked at it, when (aware), and what he wrote down.

    Without a moment it was declared in the data of the server itself.
    """

    at: datetime | None = None
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class ApplicationLine:
    """An application as operators see it.

    `owner` is empty for the operator's own, for which he answers himself: it need not be checked. `off_by` is who
    turned it off. `described_at` is the host of the document that it is known by, if it is; `imitates` the name of
    another application, or of this server, that its own looks like.
    """

    client_id: str
    name: str
    kind: str
    created: datetime
    host: str = ""
    status: str = "active"
    off_by: str = ""
    owner: str = ""
    self_registered: bool = False
    check: CheckMark | None = None
    unchecked: bool = False
    redirect_uris: tuple[str, ...] = ()
    described_at: str = ""
    imitates: str = ""

    @property
    def imitated(self) -> str:
        """The name that its own looks like, as it may stand in a sentence; empty: none."""
        return display_name(self.imitates, fallback="")

    @property
    def url(self) -> str:
        """Where its page is."""
        return f"{APPLICATIONS}/{segment_of(self.client_id)}"

    @property
    def shown(self) -> str:
        """The name as it may stand in a sentence."""
        return display_name(self.name)

    @property
    def initials(self) -> str:
        """The letters of the square mark."""
        return initials(self.shown)

    @property
    def kind_words(self) -> str:
        """What it is, in words."""
        return KINDS.get(self.kind, self.kind)

    @property
    def status_words(self) -> str:
        """Its state, in words."""
        if self.status == "active":
            return "Active"
        if self.status == "inactive":
            return "Off"
        return "Deleted"

    @property
    def disabled(self) -> bool:
        """An operator has turned it off, so its owner can't turn it on."""
        return self.off_by == "operator"

    @property
    def maker(self) -> str:
        """Whose it is, in words."""
        if self.described_at:
            return "Introduced itself"
        if self.self_registered:
            return "Registered itself"
        return display_name(self.owner) if self.owner else "The operators"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminApplications(DeskPage):
    """`/admin/applications`: everybody's applications, newest first; `show` narrows them to a state."""

    template: ClassVar[str] = "admin_applications.html"
    place: ClassVar[DeskPlace] = "admin-applications"

    applications: tuple[ApplicationLine, ...]
    q: str = ""
    show: str = ""
    first_url: str = ""
    next_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminApplication(DeskPage):
    """`/admin/applications/{client_id}`: one application. `note_problem` is what is wrong with what was written."""

    template: ClassVar[str] = "admin_application.html"
    place: ClassVar[DeskPlace] = "admin-applications"

    application: ApplicationLine
    version: int
    csrf: str
    note: str = ""
    note_problem: str = ""
    done: Done = ""

    @property
    def status(self) -> int:
        return 422 if self.note_problem else 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminDisableApplication(DeskPage):
    """Asks before an application is shut out."""

    template: ClassVar[str] = "admin_application_disable.html"
    place: ClassVar[DeskPlace] = "admin-applications"

    application: ApplicationLine
    csrf: str
