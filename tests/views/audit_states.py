"""The pages of the audit trail, and what became of connections, in every state they can be in."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from app.protocol.events import Event
from app.views.pages import Account, Application, ConnectedApplicationPage, ConnectedApplications, HistoryEntry, Page
from app.views.pages.account import EndedApplication, EndedApplicationPage, OrganizationTab, SignedInPlace
from app.views.pages.audit import Activity, AdminAudit, EventChoice, LogFilters, LogRow, OrganizationAudit, by_day
from app.views.pages.forms import Trouble

_LONG = "x" * 64
_REQUEST = "req_01k3q9h7x2ae5t44b0c1"


def _rows(now: datetime) -> tuple[LogRow, ...]:
    browser = "2001:db8:1234:5678:9abc:def0:1234:5678"
    return (
        LogRow(now, "Robin Ashdown", "Made API key “Nightly export” …4f2a", Event.API_KEY_CREATED, browser, _REQUEST),
        LogRow(now, f"API key {_LONG} …e04k", "Changed the role of Sam from member to manager", "member.changed"),
        LogRow(now - timedelta(days=2), "System key", f"Removed API key “{_LONG}” …e04k", Event.API_KEY_REMOVED),
        LogRow(now - timedelta(days=2), "Lumenfold", "Deleted Pager Bridge for good", Event.APPLICATION_DELETED),
    )


def audit_pages(person: Account, now: datetime) -> Iterator[tuple[str, Page]]:
    """Yield the logs and the activity."""
    days = by_day(_rows(now))
    filters = LogFilters(q="robin", event="api_key.", since="2026-11-16", until="2026-11-22")
    log = OrganizationAudit(
        account=person,
        organization=OrganizationTab("northquay", "Northquay", ("organization", "members", "api-keys", "audit")),
        path="/organizations/northquay/audit",
        days=days,
        kept_days=400,
        newer_url="/organizations/northquay/audit?after=1",
        older_url="/organizations/northquay/audit?before=1",
        filters=LogFilters(),
        choices=(EventChoice("", "Any"), EventChoice("api_key.", "API keys")),
        lines_url="/api/v1/organizations/northquay/audit/export",
        table_url="/api/v1/organizations/northquay/audit/export?format=csv",
        whose="Northquay",
    )
    nothing = replace(log, days=(), newer_url="", older_url="")
    yield "audit", log
    yield "audit-filtered", replace(log, filters=filters, newer_url="")
    yield "audit-without-addresses", replace(log, addresses=False, newer_url="", older_url="")
    yield "audit-empty", nothing
    yield "audit-nothing-fits", replace(nothing, filters=filters)
    yield "audit-nothing-so-far", replace(log, days=(), filters=filters)
    troubles = (Trouble("from", "Write the day after “From” as year-month-day, like 2026-11-22"),)
    yield "audit-problems", replace(nothing, filters=replace(filters, since="yesterday", problems=troubles))
    yield (
        "admin-audit",
        AdminAudit(
            account=replace(person, operator=True),
            path="/admin/audit",
            days=by_day(tuple(replace(row, traced=True) for row in _rows(now))),
            kept_days=400,
            filters=LogFilters(),
            choices=log.choices,
            lines_url="/api/v1/admin/audit/export",
            table_url="/api/v1/admin/audit/export?format=csv",
        ),
    )
    activity = Activity(
        account=person,
        path="/account/activity",
        days=by_day(
            (
                LogRow(now, "", "Signed in", Event.LOGIN_SUCCEEDED, "203.0.113.24"),
                LogRow(now, "Somebody", "Failed to sign in", Event.LOGIN_FAILED, "2001:db8::9"),
                LogRow(now - timedelta(days=1), _LONG, "Ended the membership of Robin Ashdown", Event.MEMBER_REMOVED),
            )
        ),
        kept_days=400,
        older_url="/account/activity?before=1",
        lines_url="/api/v1/audit/export",
    )
    yield "activity", activity
    yield "activity-empty", replace(activity, days=(), older_url="")


def connection_pages(
    applications: ConnectedApplications, application: ConnectedApplicationPage, unchecked: Application
) -> Iterator[tuple[str, Page]]:
    """Yield where applications are signed in, how it came about, and what is over."""
    now, diary = application.now, application.entry.application
    see, edit = "See your projects and teams", "Create and edit releases"
    acts = (
        HistoryEntry("stolen", now, by="The operator", request_id=_REQUEST),
        HistoryEntry("revoked", now, by="The operator", request_id=_REQUEST),
        HistoryEntry("left", now, by="The operator", request_id=_REQUEST),
        HistoryEntry("ended", now, request_id=_REQUEST),
        HistoryEntry("removed", now, (edit,), request_id=_REQUEST, before=(see, edit), after=(see,)),
        HistoryEntry("imported", now, (see, edit), by="The operator", after=(see, edit)),
    )
    places = (
        SignedInPlace("1", now, now, now, "203.0.113.24", "Desktop browser"),
        SignedInPlace("2", now, now, now, "2001:db8:1234:5678:9abc:def0:1234:5678", "Phone browser", phone=True),
        SignedInPlace("3", now, now, program="A sign-in that is forgotten"),
    )
    full = replace(application, places=places, more_places=3, history=acts, older_url="/account/applications/1/history")
    yield "application-places", full
    yield "application-sign-in-ended", replace(full, sign_in_ended=True, more_places=0, older_url="")
    ended = EndedApplication("0198c1f0", diary, now - timedelta(days=9))
    gone = EndedApplication("0198c1f1", replace(unchecked, host=""), None)
    deleted = HistoryEntry("deleted", now, (see,), by="The operator", before=(see,))
    over = HistoryEntry("disconnected", now, (see,), request_id=_REQUEST, before=(see,))
    page = EndedApplicationPage(account=application.account, entry=ended, history=(over, *acts))
    yield "application-ended", page
    yield "application-gone", replace(page, entry=gone, history=(deleted, *acts), older_url="/account/applications/1")
    yield "application-history", replace(page, entry=replace(ended, ended=None), history=(), live=True)
    yield (
        "applications-ended",
        replace(applications, ended=(ended, gone), more_ended_url="/account/applications?ended_before=1"),
    )
    yield "applications-empty-ended", replace(applications, applications=(), ended=(ended,))
