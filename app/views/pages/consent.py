"""The consent page: who asks, for what, for how long, how to undo it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Literal

from app.protocol.scopes import ScopeKind
from app.views.pages.identity import Account, Application, Destination, Page, Policy
from app.views.words import ago

ConsentState = Literal["first", "more", "confirm", "unchecked"]


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and a value for developers, shown in `<details>` and never needed for a decision."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Permission:
    """One line of what is asked, already melted by the scope registry.

    `name` is the technical name, which stands in for a missing title, and what the box of an optional line sends as
    `scope`. `since` is when a granted line was first allowed (aware, UTC). `facts` are what an object of authorization
    details says.
    """

    name: str
    title: str = ""
    detail: str = ""
    kind: ScopeKind = "see"
    optional: bool = False
    granted: bool = False
    since: datetime | None = None
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class PermissionGroup:
    """The permissions at one resource; those without a resource stand first, under the service's name and no host."""

    name: str
    permissions: tuple[Permission, ...]
    host: str = ""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long the access lasts. Seconds throughout.

    `offline`: the application renews it without the person, while he is away or, `with_session`, until he signs out;
    `longer`: it lasted less long before. `idle_seconds` ends it without use (0: never).
    `lag_seconds` is how long a service that checks tokens by itself may still honour what was taken away (0: not at
    all).
    """

    offline: bool
    access_seconds: int
    idle_seconds: int = 0
    lag_seconds: int = 0
    with_session: bool = False
    longer: bool = False


@dataclass(frozen=True, slots=True)
class GrantNote:
    """What becomes of what was allowed before, where the application manages its grants itself.

    With `replaces`, what is allowed now takes its place, and `lost` are the words of what goes for sure; otherwise it
    stands beside it.
    """

    replaces: bool
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking(Page):
    """What every page has that asks for permissions.

    `nothing_ticked` is the second try after everything was optional and nothing was ticked; `ticked` are the optional
    lines that were ticked the first time, or held before by a grant that is replaced.
    """

    account: Account
    csrf: str
    application: Application
    groups: tuple[PermissionGroup, ...]
    lifetime: Lifetime
    details: tuple[Fact, ...] = ()
    nothing_ticked: bool = False
    ticked: frozenset[str] = frozenset()
    grant: GrantNote | None = None

    @property
    def asked(self) -> tuple[PermissionGroup, ...]:
        """What is asked now: the required lines that are not granted yet, by resource."""
        chosen = (
            replace(group, permissions=tuple(p for p in group.permissions if not p.granted and not p.optional))
            for group in self.groups
        )
        return tuple(group for group in chosen if group.permissions)

    @property
    def offered(self) -> tuple[Permission, ...]:
        """The optional lines that are not granted yet; the person may tick them, each for all resources at once."""
        offered = (p for group in self.groups for p in group.permissions if p.optional and not p.granted)
        return tuple({p.name: p for p in offered}.values())

    @property
    def held(self) -> tuple[PermissionGroup, ...]:
        """What had been allowed before, by resource."""
        chosen = (replace(group, permissions=tuple(p for p in group.permissions if p.granted)) for group in self.groups)
        return tuple(group for group in chosen if group.permissions)

    @property
    def granted(self) -> tuple[Permission, ...]:
        """What had been allowed before; it stays, whatever is chosen now."""
        return tuple(p for group in self.groups for p in group.permissions if p.granted)

    @property
    def granted_since(self) -> datetime | None:
        """When the first of the granted lines was allowed."""
        return min((p.since for p in self.granted if p.since is not None), default=None)

    @property
    def asked_count(self) -> int:
        """How many required lines are new."""
        return sum(len(group.permissions) for group in self.asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskingElsewhere(Asking):
    """What a page has that asks about a client which is not in this browser: it asked at `asked_at` (aware, as `now`)
    from `address`."""

    address: str
    asked_at: datetime
    now: datetime

    @property
    def asked_ago(self) -> str:
        """How long ago it asked, in words."""
        return ago(self.asked_at, self.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent(Asking):
    """Asks for a decision. POSTs to `/consent`.

    Sends `csrf`, `interaction`, `person` (ties the page to the account it was shown to), `decision` = `approve` |
    `deny`, and each ticked optional line as `scope`. `changed` are the words for what has become different about the
    application since the person allowed it something (CI-11).
    """

    template: ClassVar[str] = "consent.html"
    policy: ClassVar[Policy] = Policy.MAY_END_AT_CLIENT

    interaction: str
    person: str = ""
    destination: Destination
    changed: tuple[str, ...] = ()
    switch_account_url: str = ""

    @property
    def status(self) -> int:
        return 422 if self.nothing_ticked else 200

    @property
    def state(self) -> ConsentState:
        """Which question the page asks: an unchecked application is asked about as such every time."""
        if not self.application.verified:
            return "unchecked"
        if not self.granted:
            return "first"
        return "more" if self.asked or self.offered or self.lifetime.longer else "confirm"
