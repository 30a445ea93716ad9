"""Every page in every state it can be in, by a name that says which."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app.views.docs_page import DocsRedirectPage
from app.views.pages import (
    Account,
    AccountOverview,
    Application,
    ConnectedApplication,
    ConnectedApplicationPage,
    ConnectedApplications,
    Consent,
    Destination,
    Disconnect,
    ErrorPage,
    Fact,
    HeldGroup,
    HeldPermission,
    HistoryEntry,
    Home,
    Lifetime,
    Link,
    Page,
    Permission,
    PermissionGroup,
    Reference,
    Setup,
    SignedOut,
    SignIn,
    SignInSlowedDown,
    SignOut,
    Trouble,
)
from app.views.pages.consent import GrantNote
from app.views.pages.sign_out import refused
from app.views.pages.start_again import start_again
from app.views.render import Views
from tests.views.admin_states import admin_pages
from tests.views.answer_states import answer_pages
from tests.views.approval_states import approval_pages
from tests.views.audit_states import audit_pages, connection_pages
from tests.views.device_states import device_pages
from tests.views.introduced_states import introduced_pages
from tests.views.key_states import key_pages
from tests.views.organization_states import organization_pages
from tests.views.portal_states import portal_pages
from tests.views.registration_states import registration_pages
from tests.views.resource_states import resource_pages
from tests.views.session_states import account_choice_pages, session_pages
from tests.views.token_states import token_pages

NOW = datetime(2026, 11, 22, 14, 28, 7, tzinfo=UTC)
MARCH = datetime(2026, 3, 3, 16, 20, tzinfo=UTC)

VIEWS = Views(
    "Lumenfold",
    "https://id.lumenfold.example",
    footer_links=(Link("Help", "https://help.lumenfold.example/", outside=True),),
    asks_elsewhere=True,
)

PERSON = Account(username="robin", email="robin@lumenfold.example", name="Robin Ashdown")
DIARY = Application("Deploy Diary", "deploydiary.example", owner="Saltbarn")
UNCHECKED = Application("Notes Agent", "notes-agent.example", verified=False, self_registered=True)
LONG = Application(
    "Wonderfully long names for applications that nobody can remember", "a." * 30 + "example", "Saltbarn"
)
REFERENCE = Reference("req_01k3q7x2ae5t", NOW)

SEE_PROJECTS = Permission("project:read", "See your projects and teams", "Names, settings and who is in them.")
SEE_EVENTS = Permission("event:read", "See issues and events", "Including stack traces, which can hold personal data.")
EDIT = Permission("project:releases", "Create and edit releases", "It can’t delete them.", kind="change")
MEMBERS = Permission("member:read", "See who is in your organization", "To name the author.", optional=True)
COMMENT = Permission("issue:comment", "Comment on issues", "As you, under your name.", kind="change", optional=True)
PLAN = Permission("plan:read", "See your plan", "No invoices, no payment details.", kind="manage")
UNTITLED = Permission("billing:invoices.read-and-export-everything-there-is")

PAY = Permission(
    "detail:payment",
    "Make a payment",
    "At once, and for this one time.",
    kind="change",
    facts=(
        Fact("To", "Ada Bakery " + "of a name that goes on and on " * 5),
        Fact("Amount", "20.00 EUR"),
    ),
)
ACCOUNTS = Permission("detail:accounts#a", "See your bank accounts", facts=(Fact("Actions", "read_balance, list"),))

TRACKER = PermissionGroup("Tracker", (SEE_PROJECTS, SEE_EVENTS, EDIT, MEMBERS, COMMENT), "api.lumenfold.example")
BILLING = PermissionGroup("Billing", (PLAN, UNTITLED), "billing.lumenfold.example")
OFFLINE = Lifetime(offline=True, access_seconds=3600, idle_seconds=2_592_000)

FIRST = Consent(
    account=PERSON,
    csrf="csrf-value",
    interaction="interaction-value",
    application=DIARY,
    destination=Destination.of("https://deploydiary.example/callback"),
    groups=(TRACKER, BILLING),
    lifetime=OFFLINE,
    details=(Fact("Client ID", "deploy-diary"), Fact("Redirect URI", "https://deploydiary.example/callback")),
)

CONNECTED = ConnectedApplication(
    "0198c1f0", DIARY, sees=4, changes=2, manages=0, connected=MARCH, last_used=NOW - timedelta(hours=2)
)
LIST = (
    CONNECTED,
    ConnectedApplication("2", UNCHECKED, 1, 1, 0, NOW - timedelta(days=4), NOW - timedelta(days=4)),
    ConnectedApplication("3", replace(DIARY, name="Sheet Export"), 2, 0, 0, MARCH, MARCH, unused=True),
    ConnectedApplication("4", LONG, 0, 0, 1, MARCH, unused=True),
)


def had(permission: Permission) -> Permission:
    """Return the permission as one that was allowed in March."""
    return replace(permission, granted=True, since=MARCH)


def sign_in_pages() -> Iterator[tuple[str, Page]]:
    plain = SignIn(csrf="csrf-value", interaction="interaction-value", application=DIARY)
    yield "sign-in", plain
    yield "sign-in-failed", replace(plain, state="failed", username="robin@lumenfold.example")
    yield "sign-in-session-ended", replace(plain, state="ended", idle_seconds=43_200)
    yield "sign-in-confirm", replace(plain, account=PERSON)
    yield "sign-in-confirm-failed", replace(plain, account=PERSON, state="failed")
    yield "sign-in-no-application", SignIn(csrf="csrf-value")
    yield "sign-in-unchecked", replace(plain, application=UNCHECKED)
    yield "sign-in-slowed-down", SignInSlowedDown(retry_after=230, now=NOW)
    yield from sign_out_pages()
    setup = Setup(csrf="csrf-value", token="setup-token-value")
    yield "setup", setup
    yield (
        "setup-problems",
        replace(
            setup,
            username="robin",
            problems=(
                Trouble("email", "Write the email address with an @"),
                Trouble("password", "Use 15 characters or more"),
                Trouble("password-confirm", "Type the same password twice"),
            ),
        ),
    )


def sign_out_pages() -> Iterator[tuple[str, Page]]:
    plain = SignOut(account=PERSON, csrf="csrf-value", request="request-value")
    yield "sign-out", plain
    yield "sign-out-asked", replace(plain, application=DIARY, told=(replace(DIARY, name="Sheet Export"), LONG))
    yield "sign-out-unchecked", replace(plain, application=UNCHECKED, told=(DIARY,))
    yield "signed-out", SignedOut()
    onward = Link("Go on to deploydiary.example", "https://deploydiary.example/bye?state=1", outside=True)
    yield "signed-out-onward", SignedOut(told=(DIARY, LONG), untold=(UNCHECKED,), others=1, onward=onward)
    frames = ("https://deploydiary.example/out?sid=1", "https://sheets.example/out?iss=2&sid=2")
    yield "signed-out-frames", SignedOut(told=(DIARY,), frames=frames, others=2, onward=onward, goes_on=True)
    said = "post_logout_redirect_uri is not registered for this application"
    yield "logout-refused", refused(REFERENCE, description=said, client_id="deploy-diary", account=PERSON)
    yield "logout-refused-nobody", refused(REFERENCE, description=said)


def consent_pages() -> Iterator[tuple[str, Page]]:
    tracker_had = replace(TRACKER, permissions=(had(SEE_PROJECTS), had(SEE_EVENTS), replace(COMMENT, optional=False)))
    all_had = (replace(TRACKER, permissions=(had(SEE_PROJECTS), had(EDIT))),)
    optional_only = (replace(TRACKER, permissions=(MEMBERS, COMMENT)),)
    yield "consent", FIRST
    yield "consent-details", replace(FIRST, groups=(PermissionGroup("Bank", (PAY, had(ACCOUNTS), SEE_EVENTS)),))
    yield "consent-one-hour", replace(FIRST, groups=(BILLING,), lifetime=Lifetime(False, 3600, lag_seconds=900))
    session = replace(OFFLINE, with_session=True)
    yield "consent-until-sign-out", replace(FIRST, lifetime=session)
    yield "consent-stays", replace(FIRST, groups=all_had, lifetime=replace(OFFLINE, longer=True))
    yield "consent-long-name", replace(FIRST, application=LONG)
    yield "consent-no-permission", replace(FIRST, groups=())
    yield "consent-optional-only", replace(FIRST, groups=optional_only)
    yield "consent-nothing-ticked", replace(FIRST, groups=optional_only, nothing_ticked=True)
    yield "consent-more", replace(FIRST, groups=(tracker_had, BILLING), switch_account_url="/login?switch=1")
    yield "consent-one-more", replace(FIRST, groups=(tracker_had,))
    yield (
        "consent-more-optional",
        replace(FIRST, groups=(replace(TRACKER, permissions=(had(SEE_PROJECTS), MEMBERS)),)),
    )
    yield "consent-confirm", replace(FIRST, groups=all_had)
    lost = GrantNote(True, ("See your plan", UNTITLED.name))
    yield "consent-replaces", replace(FIRST, grant=lost, ticked=frozenset({MEMBERS.name}))
    yield "consent-replaces-the-same", replace(FIRST, grant=GrantNote(True))
    yield "consent-beside", replace(FIRST, grant=GrantNote(False))
    yield "consent-loopback", replace(FIRST, destination=Destination.of("http://127.0.0.1:33418/callback"))
    yield "consent-app", replace(FIRST, destination=Destination.of("example.diary:/callback"))
    unchecked = replace(
        FIRST,
        application=UNCHECKED,
        destination=Destination.of("http://localhost:33418/callback"),
        groups=(BILLING,),
    )
    yield "consent-unchecked", unchecked
    yield (
        "consent-unchecked-again",
        replace(
            unchecked,
            application=replace(UNCHECKED, self_registered=False, owner="Saltbarn"),
            destination=Destination.of("https://notes-agent.example/cb"),
            groups=all_had,
        ),
    )
    yield from introduced_pages(FIRST, UNCHECKED, (tracker_had, BILLING), all_had)


def error_pages() -> Iterator[tuple[str, Page]]:
    back = "https://notes-agent.example/cb?error=invalid_scope&state=s"
    yield (
        "error-redirect-uri-unknown",
        ErrorPage.redirect_uri_unknown(
            REFERENCE,
            DIARY,
            client_id="deploy-diary",
            received="https://deploydiary.example/callback/",
            closest="https://deploydiary.example/callback",
            account=PERSON,
        ),
    )
    yield "error-client-unknown", ErrorPage.client_unknown(REFERENCE, client_id="nobody")
    yield (
        "error-request-wrong",
        ErrorPage.request_wrong(REFERENCE, error="invalid_request", description="state is given twice; send it once"),
    )
    yield (
        "error-request-wrong-of-application",
        ErrorPage.request_wrong(
            REFERENCE,
            error="invalid_request",
            description="response_mode is unknown; leave it out",
            application=DIARY,
            facts=(Fact("Client ID", "deploy-diary"),),
        ),
    )
    yield (
        "error-refused",
        ErrorPage.refused(
            REFERENCE, UNCHECKED, error="invalid_scope", description="unknown scope", return_to=back, account=PERSON
        ),
    )
    yield (
        "error-answer-not-made",
        ErrorPage.answer_not_made(
            REFERENCE, DIARY, error="invalid_request", description="no key to encrypt for", status=400
        ),
    )
    yield "error-denied", ErrorPage.denied(REFERENCE, UNCHECKED, return_to=back, account=PERSON)
    yield (
        "error-start-again",
        start_again(
            REFERENCE,
            DIARY,
            error="invalid_request_uri",
            description="request_uri was used before",
            facts=(Fact("Client ID", "deploy-diary"),),
        ),
    )
    yield "error-page-expired", ErrorPage.page_expired(REFERENCE, kept_seconds=600)
    yield "error-cookie-missing", ErrorPage.cookie_missing(REFERENCE, host="id.lumenfold.example")
    yield "error-form-refused", ErrorPage.form_refused(REFERENCE)
    yield "error-setup-link-used", ErrorPage.setup_link_used(REFERENCE)
    yield "error-not-found", ErrorPage.not_found(REFERENCE, account=PERSON)
    yield "error-method-not-allowed", ErrorPage.method_not_allowed(REFERENCE)
    yield "error-password-queue-full", ErrorPage.password_queue_full(REFERENCE)
    yield "error-broken", ErrorPage.broken(REFERENCE)


def account_pages() -> Iterator[tuple[str, Page]]:
    yield "home", Home()
    yield "home-signed-in", Home(account=PERSON)
    overview = AccountOverview(account=PERSON, applications=LIST, signed_in=NOW - timedelta(minutes=50), now=NOW)
    yield "account", overview
    yield "account-one-application", replace(overview, applications=LIST[:1])
    yield "account-empty", replace(overview, applications=())
    yield "account-asked", replace(overview, waiting=2)
    applications = ConnectedApplications(account=PERSON, applications=LIST, now=NOW)
    yield "applications", applications
    yield "applications-disconnected", replace(applications, applications=LIST[1:], disconnected=DIARY)
    yield "applications-empty", replace(applications, applications=())
    held = (
        HeldPermission("project:read", MARCH, NOW, "See your projects and teams", resource="https://api.example/"),
        HeldPermission("project:releases", MARCH, MARCH, "Create and edit releases", kind="change"),
        HeldPermission("billing:invoices.read-and-export-everything-there-is", MARCH, MARCH, kind="manage"),
    )
    application = ConnectedApplicationPage(
        account=PERSON,
        entry=CONNECTED,
        groups=(
            HeldGroup("Tracker", held, "api.lumenfold.example"),
            HeldGroup(
                "Lumenfold",
                (
                    *held[:1],
                    HeldPermission(ACCOUNTS.name, MARCH, NOW, ACCOUNTS.title, claim=True, facts=ACCOUNTS.facts),
                ),
            ),
        ),
        lifetime=OFFLINE,
        history=(
            HistoryEntry("revoked", NOW),
            HistoryEntry("disconnected", NOW),
            HistoryEntry("removed", NOW, ("Delete issues",)),
            HistoryEntry("confirmed", NOW),
            HistoryEntry("approved", NOW, ("Make a payment (To: Ada Bakery; Amount: 20.00 EUR)",)),
            HistoryEntry("allowed", NOW, ("Comment on issues", "See your invoices")),
            HistoryEntry("connected", MARCH, ("See your plan",)),
        ),
        csrf="csrf-value",
        now=NOW,
    )
    yield "application", application
    yield "application-removed", replace(application, removed="Delete issues")
    yield (
        "application-unchecked-and-empty",
        replace(
            application,
            entry=LIST[1],
            groups=(),
            history=(),
            lifetime=Lifetime(False, 3600, lag_seconds=900),
            removed="Delete issues",
        ),
    )
    yield "application-long-name", replace(application, entry=LIST[3])
    apart = replace(CONNECTED, id="5", beside=True, several=True)
    yield "applications-apart", replace(applications, applications=(CONNECTED, apart))
    instead = HistoryEntry("replaced", NOW)
    told = (
        HistoryEntry("given_up", NOW),
        HistoryEntry("lapsed", NOW),
        replace(instead, permissions=("See your plan",)),
        instead,
    )
    yield "application-apart", replace(application, entry=apart, history=told)
    yield from connection_pages(applications, application, UNCHECKED)
    yield "disconnect", Disconnect(account=PERSON, entry=CONNECTED, csrf="csrf-value")
    yield "disconnect-one-of-several", Disconnect(account=PERSON, entry=apart, csrf="csrf-value")
    yield "disconnect-one-permission", Disconnect(account=PERSON, entry=LIST[3], csrf="csrf-value")
    yield "disconnect-nothing", Disconnect(account=PERSON, entry=replace(LIST[1], sees=0, changes=0), csrf="csrf-value")
    yield "docs-redirect", DocsRedirectPage()


ASKED_OFFERED_HELD = (
    replace(TRACKER, permissions=(SEE_PROJECTS, SEE_EVENTS, EDIT)),
    replace(BILLING, permissions=(MEMBERS, COMMENT)),
    replace(BILLING, permissions=(had(PLAN),)),
)

GALLERY: dict[str, Page] = {
    name: page
    for pages in (
        sign_in_pages(),
        consent_pages(),
        device_pages(PERSON, NOW, (DIARY, UNCHECKED, LONG), ASKED_OFFERED_HELD),
        approval_pages(PERSON, NOW, (DIARY, UNCHECKED, LONG), ASKED_OFFERED_HELD),
        error_pages(),
        answer_pages(PERSON, UNCHECKED, REFERENCE),
        account_choice_pages(PERSON, NOW, (DIARY, UNCHECKED, LONG)),
        session_pages(PERSON, NOW),
        account_pages(),
        portal_pages(PERSON, NOW),
        key_pages(PERSON, NOW),
        token_pages(PERSON, NOW),
        organization_pages(PERSON, NOW),
        admin_pages(),
        registration_pages(),
        resource_pages(),
        audit_pages(PERSON, NOW),
    )
    for name, page in pages
}
