"""Who stands on a page: the person, the application, and where the answer goes."""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Literal, Self
from urllib.parse import urlsplit

from app.protocol.redirect_uri import LOOPBACK_NAMES, display_host, parse
from app.views.names import claimed_name, display_name, initials


class Policy(Enum):
    """Which content policy a page needs; `app.views.headers` spells it out."""

    OWN_FORMS = "its forms stay here"
    MAY_END_AT_CLIENT = "its POST may end at a client after redirects"
    POSTS_ANSWER = "posts an answer to a client by itself"
    API_EXPLORER = "runs the API explorer"
    EXPLORER_RETURN = "hands an authorization answer to the API explorer"


DestinationKind = Literal["web", "loopback", "app"]


@dataclass(frozen=True, slots=True)
class Account:
    """The signed-in person. `name` is what people call him; without it the username stands for it.

    An `operator` sees the pages of the administration.
    """

    username: str
    email: str = ""
    name: str = ""
    operator: bool = False

    @property
    def title(self) -> str:
        """The name to address the person by."""
        return display_name(self.name or self.username)

    @property
    def address(self) -> str:
        """What tells this account from another one of the same person."""
        return display_name(self.email or self.username)

    @property
    def initials(self) -> str:
        """The letters of the round mark."""
        return initials(self.title)


@dataclass(frozen=True, slots=True)
class OwnPage:
    """A page on which an application says something about itself; `host` is where it is, when that is elsewhere."""

    title: str
    url: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class Application:
    """An application as the pages introduce it.

    `name` and `owner` are taken as claimed and cleaned here. `host` cannot be forged: the host of the redirect URI the
    answer goes to (MC-6). Nor can `described_at`, the host of its metadata document, if it is known by one (CI-12).
    `verified` says that somebody here answers for the name.

    Of one that nobody answers for, `first_seen` says in words since when it is known here, and `imitates` is the name
    of another application, or of this server, that its own name looks like (DR-13). `logo` is an address of ours;
    `policy_uri` and `tos_uri` are its own pages.
    """

    name: str
    host: str
    owner: str = ""
    verified: bool = True
    self_registered: bool = False
    described_at: str = ""
    first_seen: str = ""
    imitates: str = ""
    logo: str = ""
    policy_uri: str = ""
    tos_uri: str = ""

    @property
    def place(self) -> str:
        """The host to know it by, where there is room for one."""
        return self.described_at or self.host

    @property
    def imitated(self) -> str:
        """The name that its own looks like, as it may stand in a sentence; empty: none."""
        return display_name(self.imitates, fallback="")

    @property
    def own_pages(self) -> tuple[OwnPage, ...]:
        """Its pages that may be opened: on the web, whatever it registered."""
        pages = (("Privacy policy", self.policy_uri), ("Terms", self.tos_uri))
        return tuple(OwnPage(title, uri, self._elsewhere(uri)) for title, uri in pages if _is_on_the_web(uri))

    def _elsewhere(self, uri: str) -> str:
        host = display_host(uri)
        return "" if host == self.place else host

    @property
    def shown(self) -> str:
        """The name as it may stand in a sentence."""
        return display_name(self.name) if self.verified else claimed_name(self.name)

    @property
    def maker(self) -> str:
        """The owner as it may stand in a sentence; empty when unknown."""
        cleaned = display_name if self.verified else claimed_name
        return cleaned(self.owner, fallback="")

    @property
    def initials(self) -> str:
        """The letters of the square mark; "?" for an unchecked application, which must not look familiar."""
        return initials(self.shown) if self.verified else "?"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the answer goes: a web host, a program on this computer (loopback), or an app with a URI scheme (CS-5)."""

    kind: DestinationKind
    host: str
    port: int | None = None

    @classmethod
    def of(cls, redirect_uri: str) -> Self:
        """Read a redirect URI that has already been accepted; hosts stay as written, so punycode shows as punycode."""
        parts = urlsplit(redirect_uri)
        if parts.scheme not in {"http", "https"}:
            return cls("app", f"{parts.scheme}:")
        host = parts.hostname or ""
        if host in LOOPBACK_NAMES:
            return cls("loopback", host, parts.port)
        return cls("web", host if parts.port is None else f"{host}:{parts.port}", parts.port)


def _is_on_the_web(uri: str) -> bool:
    parts = parse(uri)
    return parts is not None and parts.scheme in {"https", "http"} and bool(parts.host)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What every page has: its template, its status, its content policy, and the person it is for, if known."""

    template: ClassVar[str]
    policy: ClassVar[Policy] = Policy.OWN_FORMS

    account: Account | None = None

    @property
    def status(self) -> int:
        """The HTTP status to answer with."""
        return 200

    @property
    def frame_origins(self) -> tuple[str, ...]:
        """The origins whose pages it shows in frames: none, as a rule."""
        return ()
