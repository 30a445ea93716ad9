"""The home page and a person's own desk: what is connected, what it can do, and how to take it back."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from urllib.parse import quote

from app.protocol.scopes import ScopeKind
from app.views.pages.consent import Fact, Lifetime
from app.views.pages.identity import Account, Application, Page

HistoryAct = Literal[
    "connected",
    "imported",
    "allowed",
    "confirmed",
    "approved",
    "removed",
    "replaced",
    "disconnected",
    "given_up",
    "deleted",
    "lapsed",
    "ended",
    "left",
    "revoked",
    "stolen",
]
"""What can happen to a record: given (`replaced`: something else instead), taken (`deleted`: its application was,
`given_up`: by the application itself, `lapsed`: by us because nobody had used it for long), or one of its sign-ins
ended: by the person, by the application itself, by us because a code (`revoked`) or a used token (`stolen`) came back;
`approved` is what was allowed for one time."""

DeskPlace = Literal[
    "overview",
    "approvals",
    "applications",
    "tokens",
    "sessions",
    "activity",
    "apps",
    "organizations",
    "organization",
    "members",
    "api-keys",
    "organization-applications",
    "audit",
    "admin-users",
    "admin-applications",
    "admin-registration-tokens",
    "admin-resources",
    "admin-requests",
    "admin-audit",
]
"""The entries of the navigation."""


@dataclass(frozen=True, slots=True)
class OrganizationTab:
    """An organization in the navigation, with the parts of it that this person may open."""

    slug: str
    name: str
    places: tuple[DeskPlace, ...] = ("organization", "members")

    @property
    def url(self) -> str:
        """Where its page is."""
        return f"/organizations/{quote(self.slug, safe='')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Home(Page):
    """`/`: what this server is, and where to go from here."""

    template: ClassVar[str] = "home.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPage(Page):
    """A page of the signed-in person's desk; `place` is the entry of the navigation it belongs to.

    `organization` is the one that the page is about: the navigation then has a section for it. `waiting` is how many
    requests wait for the person's decision, where the page knows.
    """

    place: ClassVar[DeskPlace] = "applications"

    account: Account
    organization: OrganizationTab | None = None
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class ConnectedApplication:
    """One line of the list. `id` is the authorization record's; times are aware, `last_used` is None until used.

    `beside`: the application keeps it apart from what else it was allowed. `several`: it stands there more than once.
    """

    id: str
    application: Application
    sees: int
    changes: int
    manages: int
    connected: datetime
    last_used: datetime | None = None
    unused: bool = False
    beside: bool = False
    several: bool = False

    @property
    def url(self) -> str:
        """Where its page is."""
        return f"/account/applications/{quote(self.id, safe='')}"

    @property
    def permissions(self) -> int:
        """How many permissions it has."""
        return self.sees + self.changes + self.manages

    @property
    def can(self) -> str:
        """What it can do, in words: "See 4 things, change 2"."""
        parts = [(self.sees, "see"), (self.changes, "change"), (self.manages, "manage")]
        held = [(number, verb) for number, verb in parts if number]
        if not held:
            return "Nothing at present"
        (number, verb), *rest = held
        first = f"{verb.capitalize()} {number} {'thing' if number == 1 else 'things'}"
        return ", ".join([first, *(f"{verb} {number}" for number, verb in rest)])


@dataclass(frozen=True, slots=True)
class EndedApplication:
    """One line of what was disconnected earlier. `id` is the record's; times are aware, None when unknown."""

    id: str
    application: Application
    ended: datetime | None

    @property
    def url(self) -> str:
        """Where its history is."""
        return f"/account/applications/{quote(self.id, safe='')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOverview(DeskPage):
    """`/account`: what deserves a look, then what is connected."""

    template: ClassVar[str] = "account.html"
    place: ClassVar[DeskPlace] = "overview"

    applications: tuple[ConnectedApplication, ...]
    signed_in: datetime
    now: datetime

    @property
    def worth_a_look(self) -> tuple[ConnectedApplication, ...]:
        """What is connected though nobody checked it, or though nobody uses it."""
        return tuple(entry for entry in self.applications if entry.unused or not entry.application.verified)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectedApplications(DeskPage):
    """`/account/applications`, most recently used first. `disconnected` is the application just taken away.

    `ended` are those disconnected earlier, the latest first; `more_ended_url` is where the rest of them is.
    """

    template: ClassVar[str] = "applications.html"

    applications: tuple[ConnectedApplication, ...]
    now: datetime
    disconnected: Application | None = None
    ended: tuple[EndedApplication, ...] = ()
    more_ended_url: str = ""


@dataclass(frozen=True, slots=True)
class HeldPermission:
    """One permission of a record: its words, its pair (scope, resource), when first and last allowed (aware).

    `claim` is set when it is about a single claim or an object of authorization details, whose name in the record no
    page shows. `facts` are what such an object says.
    """

    scope: str
    first_allowed: datetime
    last_allowed: datetime
    title: str = ""
    kind: ScopeKind = "see"
    resource: str = ""
    claim: bool = False
    facts: tuple[Fact, ...] = ()

    @property
    def words(self) -> str:
        """The title with what an object says, or the technical name when the registry has no words for it."""
        said = "; ".join(f"{fact.label}: {fact.value}" for fact in self.facts)
        return f"{self.title or self.scope}{f' ({said})' if said else ''}"


@dataclass(frozen=True, slots=True)
class HeldGroup:
    """The permissions a record holds at one resource."""

    name: str
    permissions: tuple[HeldPermission, ...]
    host: str = ""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One act in the life of a record; `permissions` are the words of what it was about. `at` is aware.

    `by` is who did it when it was not the person himself; `before` and `after` are the words of what was allowed, the
    same where that did not change. `request_id` is empty for what no request did.
    """

    act: HistoryAct
    at: datetime
    permissions: tuple[str, ...] = ()
    by: str = ""
    request_id: str = ""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    @property
    def look(self) -> str:
        """How the timeline draws it: filled gave, hollow took away, square was the system."""
        taken = dict.fromkeys(("removed", "disconnected", "given_up", "ended", "left"), "less")
        return {**taken, **dict.fromkeys(("deleted", "lapsed", "revoked", "stolen"), "system")}.get(self.act, "more")


@dataclass(frozen=True, slots=True)
class SignedInPlace:
    """One place where an application is signed in. Times are aware; `phone` tells how the browser looked.

    `signed_in` is when the person signed in there, None when that sign-in is forgotten.
    """

    id: str
    begun: datetime
    last_used: datetime
    signed_in: datetime | None = None
    address: str = ""
    program: str = ""
    phone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectedApplicationPage(DeskPage):
    """One connected application.

    Each Remove POSTs `csrf`, `scope` and `resource` to `{url}/remove`, each End `csrf` and `family` to `{url}/end`.
    `removed` names the permission just taken away; `sign_in_ended`: a place has just been taken from the list.
    `more_places` of them are not shown. `older_url` is where the history goes on.
    """

    template: ClassVar[str] = "application.html"

    entry: ConnectedApplication
    groups: tuple[HeldGroup, ...]
    lifetime: Lifetime
    history: tuple[HistoryEntry, ...]
    csrf: str
    now: datetime
    removed: str = ""
    places: tuple[SignedInPlace, ...] = ()
    more_places: int = 0
    sign_in_ended: bool = False
    older_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedApplicationPage(DeskPage):
    """The history of a connection that is over, or an older part of that of a live one (`live`)."""

    template: ClassVar[str] = "application_history.html"

    entry: EndedApplication
    history: tuple[HistoryEntry, ...]
    live: bool = False
    older_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnect(DeskPage):
    """Asks before all access ends. POSTs `csrf` to `{url}/disconnect`."""

    template: ClassVar[str] = "disconnect.html"

    entry: ConnectedApplication
    csrf: str
