"""The developer pages: one's applications in a list, a new one, and a secret that is shown once."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal
from urllib.parse import quote

from app.protocol.facts import ApplicationKind
from app.views.addresses import segment_of
from app.views.names import display_name, initials
from app.views.pages.account import DeskPage, DeskPlace
from app.views.pages.forms import FormPage

PORTAL = "/apps"
_OTHER_PAGES = frozenset({"new"})

ApplicationState = Literal["active", "off", "deleted"]
"""What is `deleted` can be restored for a while; after that nobody sees it any more."""

_KINDS: dict[ApplicationKind, str] = {
    "web": "Web",
    "browser": "Browser",
    "native": "Phone or desktop",
    "machine": "Machine",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a list to choose from; `hint` says what it means."""

    value: str
    title: str
    hint: str = ""


KINDS = (
    Choice("web", "Web", "Runs on a server of yours, which can keep a secret."),
    Choice("browser", "Browser", "Runs in the browser alone, and so can’t keep a secret."),
    Choice("native", "Phone or desktop", "Installed on people’s devices, and so can’t keep a secret."),
    Choice(
        "machine",
        "Machine",
        "Signs nobody in. It checks tokens that others bring and, once an operator has checked it, works for itself.",
    ),
)
"""What a new application can be."""


@dataclass(frozen=True, slots=True)
class OwnApplication:
    """An application as its owner sees it. `owner` is the organization that owns it, `owner_url` where its applications
    are; empty: the person himself.

    `people` have allowed it something and not taken it back; with `more_people` they are not all counted. Times are
    aware; when it was `last_used` is known of what `has_secrets` alone. `locked`: the operator turned it off, so its
    owner can't turn it on. `restorable_until` is set as long as it is deleted and can come back.
    """

    client_id: str
    name: str
    kind: ApplicationKind
    state: ApplicationState = "active"
    owner: str = ""
    owner_url: str = ""
    people: int = 0
    more_people: bool = False
    has_secrets: bool = True
    last_used: datetime | None = None
    locked: bool = False
    restorable_until: datetime | None = None

    @property
    def url(self) -> str:
        """Where its page is."""
        return url_of(self.client_id)

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
        return _KINDS[self.kind]

    @property
    def people_number(self) -> str:
        """How many people, for tables: "1,318", "10,000+"."""
        return f"{self.people:,}{'+' if self.more_people else ''}"

    @property
    def people_words(self) -> str:
        """How many people, for sentences: "1 person", "1,318 people", "More than 10,000 people"."""
        if self.people == 1:
            return "1 person"
        return f"{'More than ' if self.more_people else ''}{self.people:,} people"

    @property
    def owner_shown(self) -> str:
        """Who owns it, in words."""
        return display_name(self.owner) if self.owner else "You"


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What the list is narrowed to; empty means everything. `owner` is the slug of an organization, or `me`."""

    q: str = ""
    owner: str = ""
    state: str = ""

    @property
    def anything(self) -> bool:
        """Whether it is narrowed at all."""
        return bool(self.q or self.owner or self.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnApplications(DeskPage):
    """`/apps`: what the person and his organizations own, by name.

    `filterable`: there is enough to look through. `owners` are those to choose from. `manages`: the person may open
    what stands here, and add to it.
    """

    template: ClassVar[str] = "portal_list.html"
    place: ClassVar[DeskPlace] = "apps"

    applications: tuple[OwnApplication, ...]
    now: datetime
    narrowed: Narrowed = Narrowed()
    owners: tuple[Choice, ...] = ()
    filterable: bool = False
    previous_url: str = ""
    next_url: str = ""
    manages: bool = True

    @property
    def list_url(self) -> str:
        """Where the list is."""
        return PORTAL

    @property
    def new_url(self) -> str:
        """Where a new application is made."""
        return f"{PORTAL}/new"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationApplications(OwnApplications):
    """`/organizations/{slug}/applications`: what one organization owns. Its `organization` is always given.

    An operator who is no member sees it, and `manages` nothing.
    """

    place: ClassVar[DeskPlace] = "organization-applications"

    @property
    def list_url(self) -> str:
        """Where the list is."""
        return f"{self.organization.url}/applications" if self.organization else PORTAL

    @property
    def new_url(self) -> str:
        """Where a new application of this organization is made."""
        return f"{PORTAL}/new?owner={quote(self.organization.slug, safe='')}" if self.organization else f"{PORTAL}/new"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApplication(FormPage):
    """`/apps/new`. POSTs `csrf`, `once`, `name`, `kind`, `owner`, `redirect_uris` (one per line) and `pairwise`.

    `signs_in`: applications can ask who somebody is here, and so know him by a name of their own.
    """

    template: ClassVar[str] = "portal_new.html"
    place: ClassVar[DeskPlace] = "apps"

    csrf: str
    once: str
    name: str
    kind: str = "web"
    owner: str = ""
    owners: tuple[Choice, ...] = ()
    redirect_uris: str = ""
    pairwise: bool = False
    signs_in: bool = False

    kinds: ClassVar[tuple[Choice, ...]] = KINDS


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretShown(DeskPage):
    """A secret, or the identifier of an application that has none, right after it was made: the answer to the POST."""

    template: ClassVar[str] = "portal_secret.html"
    place: ClassVar[DeskPlace] = "apps"

    entry: OwnApplication
    secret: str | None = field(repr=False)
    issuer: str
    created: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSeen(DeskPage):
    """The form of a secret was sent once more: what it made is there, and its secret is not shown twice."""

    template: ClassVar[str] = "portal_secret_seen.html"
    place: ClassVar[DeskPlace] = "apps"

    url: str

    @property
    def status(self) -> int:
        return 409


def url_of(client_id: str) -> str:
    """Return where the page of an application is."""
    return f"{PORTAL}/{segment_of(client_id, reserved=_OTHER_PAGES)}"
