"""The pages of the administration in every state."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from app.views.pages.admin import (
    AdminApplication,
    AdminApplications,
    AdminDisableApplication,
    AdminDisableUser,
    AdminUser,
    AdminUsers,
    ApplicationLine,
    CheckMark,
    Holdings,
    PersonLine,
)
from app.views.pages.decision import AdminRequest, AdminRequests, Check, Decision
from app.views.pages.identity import Account, Page
from tests.views.session_states import session_lines

NOW = datetime(2026, 11, 22, 14, 28, 7, tzinfo=UTC)
MARCH = datetime(2026, 3, 3, 16, 20, tzinfo=UTC)
OPERATOR = Account(username="ada", email="ada@lumenfold.example", name="Ada", operator=True)
ADA = PersonLine(id="a", username="ada", created=MARCH, email="ada@lumenfold.example", operator=True, yourself=True)
ROBIN = PersonLine(id="r", username="robin", created=NOW, email="robin@lumenfold.example", name="Robin Ashdown")
LONG = PersonLine(id="l", username="x" * 64, created=MARCH, email="y" * 60 + "@" + "z" * 60 + ".example", disabled=NOW)
HOLDINGS = Holdings(sessions=2, authorizations=5, personal_tokens=1, organizations=1, applications=3)
URIS = ("https://deploydiary.example/callback", "https://deploydiary.example/" + "long-" * 40)
DIARY = ApplicationLine(
    client_id="deploy-diary", name="Deploy Diary", kind="web", created=MARCH, owner="robin", redirect_uris=URIS
)
UNCHECKED = replace(DIARY, unchecked=True)
CHECKED = replace(DIARY, check=CheckMark(NOW, "ada", "Known to us; the domain is theirs."))
OWN = ApplicationLine(client_id="a/b", name="Status board", kind="machine", created=MARCH)
DISABLED = replace(UNCHECKED, status="inactive", off_by="operator", self_registered=True, name="N" * 64)
OFF = replace(CHECKED, status="inactive", off_by="owner")
LEAVING = replace(CHECKED, status="pending_deletion")

PASSED = (
    Check("return path", "passed", "deploydiary.example", "RFC 9700 §4.1.3"),
    Check("parameters once", "passed", section="RFC 6749 §3.1"),
)
ADDRESS = Decision(
    at=NOW,
    client_id="deploy-diary",
    outcome="page",
    checks=(
        Check(
            "return path",
            "failed",
            "redirect_uri is not registered for this application",
            "RFC 6749 §4.1.2.1",
            received="https://deploydiary.example/callback/",
            closest="https://deploydiary.example/callback",
        ),
    ),
    application="Deploy Diary",
    application_url="/admin/applications/deploy-diary",
    not_reached=("parameters once", "scope", "prompt", "max_age"),
)
SCOPE = Decision(
    at=NOW,
    client_id="n" * 200,
    outcome="refused: invalid_scope",
    checks=(*PASSED, Check("scope", "failed", "invalid_scope: org:fly is unknown", "RFC 6749 §3.3")),
    not_reached=("prompt",),
)
ASKED = Decision(
    at=NOW,
    client_id="",
    outcome="asked for consent",
    checks=(*PASSED, Check("ask for consent", "asked", "the application was never connected", "RFC 6749 §4.1.1")),
)
GRANTED = Decision(
    at=NOW,
    client_id="deploy-diary",
    outcome="granted",
    checks=(*PASSED, Check("the person's choice", "passed", "2 of 2 permissions")),
)
DENIED = replace(GRANTED, outcome="denied", checks=PASSED)


def admin_pages() -> Iterator[tuple[str, Page]]:
    """Yield each state of each page."""
    users = AdminUsers(account=OPERATOR, people=(ROBIN, ADA, LONG))
    yield "admin-users", users
    yield "admin-users-paged", replace(users, q="x", first_url="/admin/users?q=x", next_url="/admin/users?q=x&after=l")
    yield "admin-users-none", replace(users, people=(), q="nobody")
    sessions = session_lines(NOW)
    user = AdminUser(
        account=OPERATOR, person=ROBIN, holdings=HOLDINGS, csrf="csrf-value", now=NOW, sessions=sessions[1:]
    )
    yield "admin-user", user
    yield "admin-user-yourself", replace(user, person=ADA, holdings=Holdings(sessions=30), sessions=sessions)
    yield "admin-user-signed-out", replace(user, holdings=Holdings(), sessions=(), done="signed-out")
    yield "admin-user-disabled", replace(user, person=LONG, done="disabled")
    yield "admin-user-enabled", replace(user, done="enabled")
    disable = AdminDisableUser(account=OPERATOR, person=ROBIN, holdings=HOLDINGS, csrf="csrf-value")
    yield "admin-user-disable", disable
    yield "admin-user-disable-nothing", replace(disable, person=LONG, holdings=Holdings())
    yield "admin-user-disable-last", replace(disable, hindrance="last")
    yield "admin-user-disable-yourself", replace(disable, person=ADA, hindrance="yourself")
    everything = (UNCHECKED, CHECKED, OWN, DISABLED, OFF, LEAVING)
    applications = AdminApplications(account=OPERATOR, applications=everything)
    yield "admin-applications", applications
    yield (
        "admin-applications-unchecked",
        replace(applications, applications=(UNCHECKED,), show="unchecked", next_url="/admin/applications?after=x"),
    )
    introduced = (replace(UNCHECKED, self_registered=True, client_id="https://app.example/client.json"),)
    yield "admin-applications-self-registered", replace(applications, applications=introduced, show="self-registered")
    yield "admin-applications-none", replace(applications, applications=(), q="none")
    application = AdminApplication(account=OPERATOR, application=UNCHECKED, version=3, csrf="csrf-value")
    yield "admin-application-unchecked", application
    yield "admin-application-checked", replace(application, application=CHECKED, done="checked")
    yield "admin-application-declared", replace(application, application=replace(DIARY, check=CheckMark()))
    yield "admin-application-taken-back", replace(application, done="unchecked")
    yield "admin-application-own", replace(application, application=OWN, done="enabled")
    yield "admin-application-disabled", replace(application, application=DISABLED, done="disabled")
    yield "admin-application-off", replace(application, application=OFF)
    yield (
        "admin-application-note-too-long",
        replace(application, note="x" * 501, note_problem="Use 500 characters or fewer"),
    )
    yield (
        "admin-application-disable",
        AdminDisableApplication(account=OPERATOR, application=UNCHECKED, csrf="csrf-value"),
    )
    requests = AdminRequests(account=OPERATOR)
    yield "admin-requests", requests
    yield "admin-requests-missing", replace(requests, q="req_nothing", missing=True)
    for name, decisions in (
        ("address", (ADDRESS,)),
        ("scope", (SCOPE,)),
        ("asked", (ASKED,)),
        ("granted", (GRANTED, ASKED)),
        ("denied", (DENIED,)),
    ):
        yield (
            f"admin-request-{name}",
            AdminRequest(account=OPERATOR, request_id="req_01k3q7x2ae5t", decisions=decisions),
        )
