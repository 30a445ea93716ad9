"""Signing out: the question, and what has been done, also to the applications of the session."""

from dataclasses import dataclass
from typing import ClassVar

from app.protocol.frontchannel import web_origin
from app.views.pages.consent import Fact
from app.views.pages.error import ErrorPage, Link, Reference
from app.views.pages.identity import Account, Application, Page, Policy

GOES_ON_AFTER = 2
"""Seconds for the frames to be heard, once the browser has loaded them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOut(Page):
    """Asks before signing out. POSTs `csrf` and `request` (what it is about, sealed) to `/logout`.

    `application` is the one that asks, None when the person does. `told` are those that are signed out too.
    """

    template: ClassVar[str] = "sign_out.html"
    policy: ClassVar[Policy] = Policy.MAY_END_AT_CLIENT

    account: Account
    csrf: str
    request: str = ""
    application: Application | None = None
    told: tuple[Application, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOut(Page):
    """Says what was signed out, and where not.

    `told` are the applications that are told, `untold` those that cannot be; `frames` are addresses of theirs, opened
    out of sight, to sign the browser out there. `others` counts the accounts that stay signed in on this browser.
    `onward` leads back to the application; with `goes_on` the browser follows it by itself when the frames are loaded.
    """

    template: ClassVar[str] = "signed_out.html"

    told: tuple[Application, ...] = ()
    untold: tuple[Application, ...] = ()
    frames: tuple[str, ...] = ()
    others: int = 0
    onward: Link | None = None
    goes_on: bool = False

    @property
    def frame_origins(self) -> tuple[str, ...]:
        """Whose pages it opens, each once (LF-2)."""
        return tuple(dict.fromkeys(origin for url in self.frames if (origin := web_origin(url)) is not None))

    @property
    def refresh(self) -> str:
        """The header that sends the browser on, without scripts; empty: it stays."""
        return f"{GOES_ON_AFTER}; url={self.onward.url}" if self.goes_on and self.onward else ""


def refused(
    reference: Reference, *, description: str, client_id: str = "", account: Account | None = None
) -> ErrorPage:
    """An application asked for sign-out with a mistake in it: nobody is sent to it, and signing out here is offered
    (LO-6). `account` is who is signed in, None also for a form from elsewhere, with which no cookie comes."""
    return ErrorPage(
        code=400,
        title="We stopped",
        headline="We stopped: this request to sign out has a mistake in it",
        unharmed=("You are still signed in here.", "Nothing was shared.") if account else ("Nothing was shared.",),
        happened="An application sent you here to sign out. What it sent can’t be trusted, so we don’t follow it.",
        who="The makers of the application.",
        who_note="You did nothing wrong.",
        todo="You can sign out here instead, and go back to the application by yourself."
        if account
        else "Go back to the application by yourself. If you are still signed in here, you can sign out here.",
        link=Link("Sign out", "/logout"),
        reference=reference,
        facts=(
            Fact("Error", f"invalid_request: {description}"),
            *([Fact("Client ID", client_id)] if client_id else []),
        ),
        account=account,
    )
