"""What applications ask a person elsewhere (CIBA): the list of what waits, the question, and how it ended."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from urllib.parse import quote

from app.views.pages.account import DeskPage, DeskPlace
from app.views.pages.consent import AskingElsewhere
from app.views.pages.error import ErrorPage, Link, Reference
from app.views.pages.identity import Account, Application, Page

APPROVALS = "/approvals"

ApprovalOutcome = Literal["approved", "refused", "over"]


@dataclass(frozen=True, slots=True)
class WaitingApproval:
    """One request that waits. Times are aware; `binding_message` is what the other device shows too, if anything."""

    id: str
    application: Application
    asked_at: datetime
    ends_at: datetime
    binding_message: str = ""

    @property
    def url(self) -> str:
        """Where it is decided."""
        return f"{APPROVALS}/{quote(self.id, safe='')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals(DeskPage):
    """`/approvals`: what waits for the person, the newest first."""

    template: ClassVar[str] = "approvals.html"
    place: ClassVar[DeskPlace] = "approvals"

    approvals: tuple[WaitingApproval, ...]
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalConsent(AskingElsewhere):
    """Asks for a decision (CB-11). POSTs to `/approvals/{id}`. Something is always required: `openid` is (CB-3).

    Sends `csrf`, `decision` = `approve` | `deny`, and each ticked optional line as `scope`. `ends_at` is aware.
    """

    template: ClassVar[str] = "approval_consent.html"

    id: str
    binding_message: str
    ends_at: datetime
    switch_account_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalDone(Page):
    """Says how it ended: approved, refused, or over before anybody decided.

    `record_url` leads to what the application may do now.
    """

    template: ClassVar[str] = "approval_done.html"

    account: Account
    application: Application
    outcome: ApprovalOutcome
    record_url: str = ""


def nothing_waits(reference: Reference, account: Account, *, switch_account_url: str) -> ErrorPage:
    """Return the page for a request that is not this person's, or never was: it does not tell which."""
    return ErrorPage(
        code=404,
        title="Nothing waits here",
        headline=f"Nothing waits here for {account.address}",
        happened="You see what waits for you alone, and each request ends by itself after some minutes.",
        todo="If a message about another account of yours led you here, switch to that account.",
        link=Link("Switch account", switch_account_url),
        reference=reference,
        account=account,
    )
