"""Signing in, waiting after too many tries, and the first operator's start."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from app.views.pages.forms import Trouble, problem_of
from app.views.pages.identity import Application, Page, Policy
from app.views.words import waiting_time

SignInState = Literal["plain", "failed", "ended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn(Page):
    """The sign-in form. POSTs `csrf`, `interaction`, `to`, `again`, `account`, `username`, `password` to `/login`.

    `to` is the reference to the page that the login leads back to. With an `account` it asks that person to confirm
    that it is he (`max_age`, `prompt=login`, step-up); the username is fixed then. `failed` keeps what was typed as
    username, never the password. `ended` tells that the session ran out after `idle_seconds` without use. `chosen` is
    what the person has said about the account (`account`). The other links are empty where they lead nowhere.
    """

    template: ClassVar[str] = "sign_in.html"
    policy: ClassVar[Policy] = Policy.MAY_END_AT_CLIENT

    csrf: str
    interaction: str = ""
    to: str = ""
    application: Application | None = None
    state: SignInState = "plain"
    username: str = ""
    idle_seconds: int = 0
    chosen: str = ""
    another_url: str = ""
    choose_url: str = ""
    sign_up_url: str = ""

    @property
    def status(self) -> int:
        """422 after a failed try: password managers then know not to save what was typed."""
        return 422 if self.state == "failed" else 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInSlowedDown(Page):
    """Too many failed tries. Answer with `Retry-After: {retry_after}`; `again_url` leads back to the form."""

    template: ClassVar[str] = "slowed_down.html"

    retry_after: int
    now: datetime
    again_url: str = "/login"

    @property
    def status(self) -> int:
        return 429

    @property
    def wait(self) -> str:
        """How long to wait, in words."""
        return waiting_time(self.retry_after)

    @property
    def until(self) -> datetime:
        """When the next try is heard, on the full minute after the wait."""
        moment = self.now + timedelta(seconds=self.retry_after)
        return moment if moment.second == 0 else moment.replace(second=0, microsecond=0) + timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount(Page):
    """A form that makes an account: it sends `username`, `email`, `password` and `password_confirm`, and passwords are
    never given back to it."""

    csrf: str
    username: str = ""
    email: str = ""
    min_password_length: int = 15
    problems: tuple[Trouble, ...] = ()

    @property
    def status(self) -> int:
        return 422 if self.problems else 200

    def problem(self, field: str) -> str:
        """Return what is wrong with a field; empty when nothing is."""
        return problem_of(self.problems, field)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup(NewAccount):
    """The first operator chooses name and password. POSTs to `/setup`, with `csrf` and `token`, the one-time token of
    the link."""

    template: ClassVar[str] = "setup.html"

    token: str
