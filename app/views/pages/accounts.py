"""Several accounts on one browser: which one it is to be, and making a new one."""

from dataclasses import dataclass
from typing import ClassVar

from app.views.pages.identity import Account, Application, Page, Policy
from app.views.pages.sign_in import NewAccount, SignInSlowedDown


@dataclass(frozen=True, slots=True)
class AccountChoice:
    """One account of the browser. `id` is that of its session; `signed_out` tells that it needs the password first."""

    id: str
    account: Account
    signed_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChooseAccount(Page):
    """The account chooser. POSTs `csrf`, `interaction`, `to`, `seen` and the pressed `account` to `/select-account`.

    `seen` is which choice for the application was the last one when the page was made. Without an `application` the
    choice leads to one of our own pages, by the reference `to`.
    """

    template: ClassVar[str] = "select_account.html"
    policy: ClassVar[Policy] = Policy.MAY_END_AT_CLIENT

    csrf: str
    choices: tuple[AccountChoice, ...]
    another_url: str
    interaction: str = ""
    to: str = ""
    seen: str = ""
    application: Application | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp(NewAccount):
    """The form for a new account. POSTs to `/sign-up`, with `csrf`, `interaction` and `to`."""

    template: ClassVar[str] = "sign_up.html"
    policy: ClassVar[Policy] = Policy.MAY_END_AT_CLIENT

    sign_in_url: str
    interaction: str = ""
    to: str = ""
    application: Application | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpSlowedDown(SignInSlowedDown):
    """Too many registrations. Answer with `Retry-After: {retry_after}`."""

    template: ClassVar[str] = "sign_up_slowed_down.html"
