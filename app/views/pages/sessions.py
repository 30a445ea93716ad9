"""`/account/sessions`: where a person is signed in."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from app.views import devices
from app.views.pages.account import DeskPage, DeskPlace
from app.views.pages.identity import Application

SESSIONS = "/account/sessions"

SessionsDone = Literal["", "one", "others"]
"""What has just been ended, to be told on top of the page."""

_WAYS = {"pwd": "password"}
"""The ways to sign in (RFC 8176), in words."""


@dataclass(frozen=True, slots=True)
class SessionLine:
    """One session. Times are aware; `present` is the one of the browser that looks. `applications` are those that it
    has signed the person in to."""

    id: str
    user_agent: str
    address: str
    signed_in: datetime
    last_used: datetime
    amr: tuple[str, ...] = ()
    present: bool = False
    applications: tuple[Application, ...] = ()

    @property
    def device(self) -> str:
        """What to call the device."""
        return devices.device_words(self.user_agent)

    @property
    def phone(self) -> bool:
        """Whether it is on a phone."""
        return devices.is_phone(self.user_agent)

    @property
    def ways(self) -> str:
        """How it was signed in, in words: "password"; empty when unknown."""
        return " and ".join(_WAYS[way] for way in self.amr if way in _WAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions(DeskPage):
    """The list. POSTs `csrf` and `session`, the id of one or `others`, to `/account/sessions/end`."""

    template: ClassVar[str] = "sessions.html"
    place: ClassVar[DeskPlace] = "sessions"

    sessions: tuple[SessionLine, ...]
    csrf: str
    now: datetime
    idle_seconds: int
    absolute_seconds: int
    done: SessionsDone = ""
    first_url: str = ""
    older_url: str = ""

    @property
    def has_others(self) -> bool:
        """Whether there is more than the session of this browser."""
        return any(not line.present for line in self.sessions) or bool(self.first_url or self.older_url)
