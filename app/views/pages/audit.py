"""The audit trail on pages: an organization's log, the operators' log, and a person's own activity."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import ClassVar
from urllib.parse import quote

from app.views import words
from app.views.pages.account import DeskPage, DeskPlace
from app.views.pages.forms import Trouble, problem_of


@dataclass(frozen=True, slots=True)
class LogRow:
    """One deed: when (aware), who did it, what was done, and by which event's name programs know it.

    `address` is empty where the reader may not know it; `traced` rows have a request whose decisions he may read.
    """

    at: datetime
    who: str
    what: str
    event: str
    address: str = ""
    request_id: str = ""
    traced: bool = False

    @property
    def trace_url(self) -> str:
        """Where the decisions of its request are told."""
        return f"/admin/requests/{quote(self.request_id, safe='')}" if self.traced and self.request_id else ""


@dataclass(frozen=True, slots=True)
class LogDay:
    """The deeds of one day (UTC), newest first."""

    title: str
    rows: tuple[LogRow, ...]


def by_day(rows: tuple[LogRow, ...]) -> tuple[LogDay, ...]:
    """Return rows, newest first, under their days."""
    return tuple(LogDay(title, tuple(of_day)) for title, of_day in groupby(rows, key=lambda row: words.day(row.at)))


@dataclass(frozen=True, slots=True)
class EventChoice:
    """One choice of the event filter."""

    value: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilters:
    """What was typed into the filters, and what is wrong with it. `since` and `until` are days: "2026-11-22"."""

    q: str = ""
    event: str = ""
    since: str = ""
    until: str = ""
    problems: tuple[Trouble, ...] = ()

    def problem(self, field: str) -> str:
        """Return what is wrong with one field; empty when nothing is."""
        return problem_of(self.problems, field)

    @property
    def asked(self) -> bool:
        """Whether anything was asked for."""
        return any((self.q, self.event, self.since, self.until))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage(DeskPage):
    """A page of a trail. `newer_url` and `older_url` are empty at its ends; there may be older rows though it has none:
    so many were looked through. `kept_days` is how long rows are kept."""

    path: str
    days: tuple[LogDay, ...]
    kept_days: int
    newer_url: str = ""
    older_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLog(LogPage):
    """A log for whoever administers something. `addresses` says whether he may know from where; the exports follow the
    filters. `whose` is what the log is of, empty for all of it."""

    template: ClassVar[str] = "audit.html"

    filters: LogFilters
    choices: tuple[EventChoice, ...]
    lines_url: str
    table_url: str
    addresses: bool = True
    whose: str = ""

    @property
    def status(self) -> int:
        """422 when a filter cannot be read."""
        return 422 if self.filters.problems else 200


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationAudit(AuditLog):
    """`/organizations/{slug}/audit`."""

    place: ClassVar[DeskPlace] = "audit"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminAudit(AuditLog):
    """`/admin/audit`."""

    place: ClassVar[DeskPlace] = "admin-audit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity(LogPage):
    """`/account/activity`: what happened to the person's account; `who` of a row is empty when it was he."""

    template: ClassVar[str] = "activity.html"
    place: ClassVar[DeskPlace] = "activity"

    lines_url: str
