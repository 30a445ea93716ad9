"""`/account/tokens`: a person's own tokens, a new one that is shown once, and the question before one ends."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Literal
from urllib.parse import quote

from app.protocol.scopes import ScopeKind
from app.views import words
from app.views.names import display_name
from app.views.pages.account import DeskPage, DeskPlace
from app.views.pages.forms import FormPage

TOKENS = "/account/tokens"

_SOON = timedelta(days=14)
_UNUSED_AFTER = timedelta(days=90)
_YEAR_SECONDS = 365 * 86_400

TokenState = Literal["live", "ended", "shut_out"]
"""`shut_out`: its maker's account was disabled since it was made, and it never works again."""


@dataclass(frozen=True, slots=True)
class TokenLine:
    """One token as its maker sees it. Times are aware; `ends` is None when it never does, `last_used` until used."""

    id: str
    name: str
    last_four: str
    scopes: tuple[str, ...]
    created: datetime
    ends: datetime | None
    last_used: datetime | None = None
    state: TokenState = "live"

    @property
    def url(self) -> str:
        """Where its page is."""
        return f"{TOKENS}/{quote(self.id, safe='')}"

    @property
    def shown(self) -> str:
        """The name as it may stand in a sentence."""
        return display_name(self.name, fallback="Unnamed token")

    def days_left(self, now: datetime) -> int | None:
        """Return in how many days it ends, begun ones counted, when that is soon."""
        if self.state != "live" or self.ends is None or self.ends - now > _SOON:
            return None
        return -(-(self.ends - now) // timedelta(days=1))

    def unused(self, now: datetime) -> bool:
        """Tell whether it works though nothing has used it for a long time."""
        return self.state == "live" and now - (self.last_used or self.created) > _UNUSED_AFTER


@dataclass(frozen=True, slots=True)
class ShownToken:
    """A token that was made just now, with its secret; `can` says in words what it may do."""

    line: TokenLine
    text: str
    can: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OfferedScope:
    """A permission that a token of this person may hold."""

    scope: str
    title: str = ""
    detail: str = ""
    kind: ScopeKind = "see"

    @property
    def words(self) -> str:
        """The title, or the technical name when the registry has no words for it."""
        return self.title or self.scope


@dataclass(frozen=True, slots=True)
class ScopeGroup:
    """The permissions of one display set, the strongest first; `name` is empty for those without one."""

    name: str
    scopes: tuple[OfferedScope, ...]


@dataclass(frozen=True, slots=True)
class End:
    """A way for a token to end, and the moment at which it then does; None: never."""

    value: str
    at: datetime | None
    after_seconds: int = 0

    @property
    def title(self) -> str:
        """In words: "In 90 days, on 20 February 2027"."""
        if self.at is None:
            return "Never, until you delete it"
        length = "1 year" if self.after_seconds == _YEAR_SECONDS else words.duration(self.after_seconds)
        return f"In {length}, on {words.date(self.at)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenForm:
    """The form for a new token. POSTs `csrf`, `once`, `name`, `ends` and any number of `scope` to the list's address.

    `once` is a word of this very form: sent again, it makes nothing new.
    """

    csrf: str
    once: str
    groups: tuple[ScopeGroup, ...]
    ends: tuple[End, ...]
    end: str
    name: str = ""
    ticked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalTokens(FormPage):
    """`/account/tokens`, the newest first. `form` is None while the person has to sign in again before he makes one.

    `made` was made by this very request, `deleted` is the name of one that was deleted just now.
    """

    template: ClassVar[str] = "tokens.html"
    place: ClassVar[DeskPlace] = "tokens"

    tokens: tuple[TokenLine, ...]
    form: TokenForm | None
    now: datetime
    made: ShownToken | None = None
    deleted: str = ""
    older: str = ""
    first: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPage(FormPage):
    """One token. A new name is POSTed as `csrf` and `name` to `{url}/rename`."""

    template: ClassVar[str] = "token.html"
    place: ClassVar[DeskPlace] = "tokens"

    line: TokenLine
    groups: tuple[ScopeGroup, ...]
    csrf: str
    now: datetime
    name: str = ""
    renamed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteToken(DeskPage):
    """Asks before a token ends. POSTs `csrf` to `{url}/delete`."""

    template: ClassVar[str] = "token_delete.html"
    place: ClassVar[DeskPlace] = "tokens"

    line: TokenLine
    csrf: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSeen(DeskPage):
    """Instead of a token that was shown before: its form was sent again."""

    template: ClassVar[str] = "token_seen.html"
    place: ClassVar[DeskPlace] = "tokens"
