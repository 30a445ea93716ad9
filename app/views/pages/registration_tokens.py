"""`/admin/registration-tokens`: with what programs may register applications, a new token that is shown once, and the
question before one ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from urllib.parse import quote

from app.views.names import display_name
from app.views.pages.account import DeskPage, DeskPlace
from app.views.pages.forms import FormPage
from app.views.pages.tokens import End

REGISTRATION_TOKENS = "/admin/registration-tokens"

Mode = Literal["closed", "token", "open"]
"""Who may register: nobody, whoever has a token, everybody."""

USES: Mapping[str, int | None] = {"1": 1, "10": 10, "100": 100, "any": None}
"""How many a new token can let register, by the value of the form."""


@dataclass(frozen=True, slots=True)
class RegistrationTokenLine:
    """One token as operators see it. Times are aware; `uses_left` is None for any number, `ends` when it never does."""

    id: str
    label: str
    made_by: str
    created: datetime
    good: bool = True
    uses_left: int | None = None
    ends: datetime | None = None
    last_used: datetime | None = None

    @property
    def url(self) -> str:
        """Where it is taken back."""
        return f"{REGISTRATION_TOKENS}/{quote(self.id, safe='')}"

    @property
    def shown(self) -> str:
        """The label as it may stand in a sentence."""
        return display_name(self.label, fallback="Unnamed token")

    @property
    def maker(self) -> str:
        """Who made it, as it may stand in a sentence."""
        return display_name(self.made_by, fallback="The operators")


@dataclass(frozen=True, slots=True)
class ShownRegistrationToken:
    """A token that was made just now, with its secret."""

    line: RegistrationTokenLine
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationTokenForm:
    """The form for a new token. POSTs `csrf`, `once`, `label`, `uses` and `ends` to the list's address.

    `once` is a word of this very form: sent again, it makes nothing new.
    """

    csrf: str
    once: str
    ends: tuple[End, ...]
    end: str
    uses: str = "1"
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationTokens(FormPage):
    """The list, the newest first. `form` is None while the operator has to sign in again before he makes one.

    `made` was made by this very request, `revoked` is the label of one that was revoked just now.
    """

    template: ClassVar[str] = "registration_tokens.html"
    place: ClassVar[DeskPlace] = "admin-registration-tokens"

    tokens: tuple[RegistrationTokenLine, ...]
    mode: Mode
    form: RegistrationTokenForm | None
    now: datetime
    made: ShownRegistrationToken | None = None
    revoked: str = ""
    first_url: str = ""
    next_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeRegistrationToken(DeskPage):
    """Asks before a token ends. POSTs `csrf` to `{url}/revoke`."""

    template: ClassVar[str] = "registration_token_revoke.html"
    place: ClassVar[DeskPlace] = "admin-registration-tokens"

    line: RegistrationTokenLine
    csrf: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationTokenSeen(DeskPage):
    """Instead of a token that was shown before: its form was sent again."""

    template: ClassVar[str] = "registration_token_seen.html"
    place: ClassVar[DeskPlace] = "admin-registration-tokens"
