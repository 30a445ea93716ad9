"""The developer pages in every state they can be in."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from app.views.pages import Account, Page
from app.views.pages.account import OrganizationTab
from app.views.pages.error import Link
from app.views.pages.forms import Trouble
from app.views.pages.portal import (
    Choice,
    Narrowed,
    NewApplication,
    OrganizationApplications,
    OwnApplication,
    OwnApplications,
    SecretSeen,
    SecretShown,
)
from app.views.pages.portal_application import (
    AskableScope,
    AskableSet,
    DeleteApplication,
    Details,
    HandOver,
    OwnApplicationPage,
    OwnSecret,
    RemoveSecret,
    TurnOff,
)
from app.views.pages.portal_authentication import METHOD_WORDS, Authentication
from app.views.pages.portal_requests import Requests
from app.views.pages.portal_signing_in import SigningIn

LONG_NAME = "Wonderfullylongnamesforapplicationsthatnobodycanrememberatallxyz"
ARABIC_NAME = "يوميات النشر للفرق الكبيرة والصغيرة"
SCRIPT_NAME = "<script>alert(1)</script>"
METHODS = tuple(METHOD_WORDS)
CONFIDENTIAL = Authentication(
    "client_secret_basic", methods=METHODS[:4], algorithms=("ES256", "RS256", "PS256", "EdDSA", "HS256")
)
ISSUER = "https://id.lumenfold.example"

NORTHQUAY = OrganizationTab(
    "northquay", "Northquay", ("organization", "members", "api-keys", "organization-applications", "audit")
)


def portal_pages(person: Account, now: datetime) -> Iterator[tuple[str, Page]]:
    """Yield the pages by name, for a person at a moment."""
    diary = OwnApplication(
        "deploy-diary-7f3k",
        "Deploy Diary",
        "web",
        owner="Northquay",
        owner_url="/organizations/northquay/applications",
        people=1318,
        last_used=now - timedelta(minutes=2),
    )
    others = (
        OwnApplication("3b1f" * 8, "Night Watch", "native", people=10_000, more_people=True, has_secrets=False),
        OwnApplication("c0de" * 8, "Robin’s Test", "browser", state="off", people=1, has_secrets=False),
        OwnApplication("5afe" * 8, "Pager Bridge", "machine", last_used=now - timedelta(seconds=5)),
        OwnApplication("1057" * 8, LONG_NAME, "web", state="off", locked=True, owner=LONG_NAME, owner_url="/x"),
        OwnApplication("a4ab" * 8, ARABIC_NAME, "web", state="deleted", restorable_until=now + timedelta(minutes=4)),
        OwnApplication("5c41" * 8, SCRIPT_NAME, "web"),
    )
    owners = (Choice("me", "You"), Choice("northquay", "Northquay"))
    listed = OwnApplications(account=person, applications=(diary, *others), now=now)
    yield "portal-list", replace(listed, filterable=True, owners=owners, next_url="/apps?after=x")
    yield "portal-list-one", replace(listed, applications=(diary,))
    yield "portal-list-empty", replace(listed, applications=())
    narrowed = Narrowed(q='"><b>', owner="northquay", state="off")
    yield "portal-list-nothing-fits", replace(listed, applications=(), narrowed=narrowed, owners=owners)
    of_organization = OrganizationApplications(
        account=person, organization=NORTHQUAY, applications=(diary,), now=now, previous_url="/apps"
    )
    yield "portal-organization", of_organization
    yield "portal-organization-empty", replace(of_organization, applications=(), previous_url="")
    yield "portal-organization-seen-by-operator", replace(of_organization, manages=False, previous_url="")
    yield from _new(person, owners)
    yield from _secrets(person, diary)
    yield from _application(person, diary, others, now)
    yield from _questions(person, diary, others, now)


def _new(person: Account, owners: tuple[Choice, ...]) -> Iterator[tuple[str, Page]]:
    new = NewApplication(account=person, csrf="csrf-value", once="once-value", name="Proud Marmot", owners=owners[:1])
    yield "portal-new", new
    yield (
        "portal-new-problems",
        replace(
            new,
            name="",
            owners=owners,
            owner="northquay",
            kind="native",
            redirect_uris="http://deploydiary.example/callback\nhttps://two.example/",
            pairwise=True,
            signs_in=True,
            problems=(
                Trouble("pairwise", "It is pairwise, which needs one https host in all redirect_uris."),
                Trouble("name", "Give the application a name"),
                Trouble("kind", "Choose what kind of application it is"),
                Trouble("owner", "Choose yourself, or an organization whose applications you may manage"),
                Trouble("redirect_uris", "The 1st must use https"),
            ),
        ),
    )


def _secrets(person: Account, diary: OwnApplication) -> Iterator[tuple[str, Page]]:
    shown = SecretShown(
        account=person, entry=diary, secret="acs_" + "not-a-real-secret-" * 5, issuer=ISSUER, created=True
    )
    yield "portal-secret-created", shown
    yield "portal-secret-added", replace(shown, created=False)
    yield "portal-created-without-secret", replace(shown, secret=None)
    yield "portal-secret-seen", SecretSeen(account=person, url=diary.url)


def _application(
    person: Account, diary: OwnApplication, others: tuple[OwnApplication, ...], now: datetime
) -> Iterator[tuple[str, Page]]:
    new = OwnSecret("0198c1f0-1", "h2wq", now - timedelta(hours=1), "robin")
    old = OwnSecret("0198c1f0-0", "c81m", now - timedelta(days=300), LONG_NAME, now - timedelta(minutes=2))
    page = OwnApplicationPage(
        account=person,
        entry=diary,
        version=7,
        csrf="csrf-value",
        once="once-value",
        now=now,
        issuer=ISSUER,
        discovery=Link("openid-configuration", f"{ISSUER}/.well-known/openid-configuration"),
        authentication=CONFIDENTIAL,
        details=Details("Deploy Diary", "https://deploydiary.example/", "https://deploydiary.example/privacy"),
        secrets=(new, old),
        redirect_uris=("https://deploydiary.example/callback", f"https://{'staging.' * 12}example/callback"),
        allowed_origins=("*.deploydiary.example",),
        scope_sets=(
            AskableSet(
                "Project",
                (
                    AskableScope("project:read", "See your projects", "see", True),
                    AskableScope("billing:invoices.read-and-export-everything-there-is", "", "manage", False),
                ),
            ),
        ),
        unknown_scopes=("old:scope",),
        can_hand_over=True,
    )
    yield "portal-application", page
    yield "portal-application-in-use", replace(page, secrets=(replace(new, last_used=now), old))
    yield "portal-application-one-secret", replace(page, secrets=(replace(old, last_four=""),), done="Saved")
    yield (
        "portal-application-no-secret",
        replace(page, secrets=(), redirect_uris=(), allowed_origins=(), unfinished=True),
    )
    yield "portal-application-stale", replace(page, stale=True)
    yield (
        "portal-application-problems",
        replace(
            page,
            typed_uri="http://deploydiary.example/callback",
            typed_origin="https://example.com:80",
            details=Details("", "example", "example", "example"),
            problems=(
                Trouble("uri", "Use https. Plain http is accepted only for 127.0.0.1, [::1] and localhost."),
                Trouble("origin", "Leave out the port"),
                Trouble("scopes", "Tick what this server knows"),
                Trouble("name", "Give the application a name"),
                Trouble("home_page", "Start with https://"),
                Trouble("privacy", "Start with https://"),
                Trouble("terms", "Start with https://"),
            ),
        ),
    )
    mine = replace(page, everything=True, unknown_scopes=(), authentication=Authentication("none"), secrets=())
    yield "portal-application-own", replace(mine, entry=others[0])
    yield "portal-application-off", replace(mine, entry=others[1])
    signing = replace(CONFIDENTIAL, method="private_key_jwt", keys_url="https://example.com/jwks", algorithm="PS256")
    machine = replace(mine, entry=others[2], authentication=signing, unmet=("require_signed_request_object",))
    yield "portal-application-machine", machine
    yield from _authentication(page, mine)
    yield from _signing_in(page)
    yield from _requests(page)
    yield "portal-application-locked", replace(mine, entry=others[3])
    yield "portal-application-deleted", replace(mine, entry=others[4])
    yield "portal-application-gone", replace(mine, entry=replace(others[4], restorable_until=None))
    yield "portal-application-script", replace(mine, entry=others[5], details=Details(SCRIPT_NAME))


def _authentication(page: OwnApplicationPage, mine: OwnApplicationPage) -> Iterator[tuple[str, Page]]:
    certified = replace(
        CONFIDENTIAL,
        method="tls_client_auth",
        methods=METHODS[:-1],
        certificates=True,
        subject_kind="tls_client_auth_subject_dn",
        subject="CN=deploy.lumenfold.example,O=Lumenfold,C=DE",
        dpop=True,
    )
    yield "portal-application-certificate", replace(page, authentication=certified, secrets=())
    macing = replace(CONFIDENTIAL, method="client_secret_jwt", unusable_secrets=True)
    yield "portal-application-secret-unusable", replace(page, authentication=macing)
    yield "portal-application-secret-unusable-one", replace(page, authentication=macing, secrets=page.secrets[:1])
    typed = replace(certified, keys='{"keys": [{"kty": "oct", "k": "<script>"}]}', keys_url="http://a.example/")
    troubles = (
        Trouble("method", "It is tls_client_auth, which needs exactly one of: tls_client_auth_subject_dn"),
        Trouble("keys", "It must have public keys only; make new keys and register their public halves."),
        Trouble("keys_url", "It must be an https URL."),
        Trouble("algorithm", "It must be one of ES256, RS256 for private_key_jwt."),
        Trouble("subject", "It must be an IP address."),
    )
    yield "portal-application-authentication-problems", replace(page, authentication=typed, problems=troubles)
    yield "portal-application-public-bound", replace(mine, authentication=Authentication("none", dpop=True))


def _signing_in(page: OwnApplicationPage) -> Iterator[tuple[str, Page]]:
    form = SigningIn(
        algorithm="ES256",
        algorithms=("ES256", "RS256"),
        signed_out="https://deploydiary.example/bye\nhttps://deploydiary.example/goodbye",
        back_channel="https://deploydiary.example/backchannel-logout",
        userinfo_algorithm="RS256",
        id_token_encryption="ECDH-ES",
        encryptions=("RSA-OAEP-256", "ECDH-ES"),
        max_age="3600",
    )
    yield "portal-application-signing-in", replace(page, signing_in=form, done="Saved")
    typed = replace(form, pairwise=True, front_channel="<script>", sector_url="http://a.example/")
    troubles = (
        Trouble("id_token_algorithm", "It is HS256, with which every holder of the client secret could make them."),
        Trouble("signed_out", "It must use https."),
        Trouble("back_channel", "It must not have a fragment."),
        Trouble("front_channel", "It must have the scheme, host and port of one of the redirect_uris."),
        Trouble("sector_url", "It does not list https://deploydiary.example/callback; add it there first."),
    )
    yield "portal-application-signing-in-problems", replace(page, signing_in=typed, problems=troubles)


def _requests(page: OwnApplicationPage) -> Iterator[tuple[str, Page]]:
    form = Requests(
        push=True,
        object_algs=("ES256", "PS256"),
        answer_alg="ES256",
        answer_algs=("ES256", "RS256"),
        details="payment account_information",
    )
    yield "portal-application-requests", replace(page, requests=form, done="Saved")
    held = replace(form, sign=True, sealed=True, object_alg="PS256", details=None, demanded=True, signed=True)
    yield "portal-application-profile", replace(page, requests=held, profile="fapi2-message-signing")
    bare = replace(form, push=None, sign=None, sealed=None, demanded=True)
    troubles = (Trouble("details", "It must have at most 100 characters."),)
    yield "portal-application-requests-bare", replace(page, requests=bare, profile="fapi2", problems=troubles)
    wrong = tuple(
        Trouble(field, "It cannot be.") for field in ("push", "sign", "object_alg", "sealed", "answer_alg", "details")
    )
    yield "portal-application-requests-problems", replace(page, requests=form, problems=wrong)


def _questions(
    person: Account, diary: OwnApplication, others: tuple[OwnApplication, ...], now: datetime
) -> Iterator[tuple[str, Page]]:
    used = OwnSecret("0198c1f0-0", "c81m", now - timedelta(days=300), "robin", now - timedelta(minutes=2))
    remove = RemoveSecret(account=person, entry=diary, version=7, csrf="csrf-value", secret=used, now=now)
    yield "portal-remove-secret", remove
    unused = replace(used, last_four="", last_used=None)
    yield "portal-remove-unused-secret", replace(remove, secret=unused)
    owners = (Choice("northquay", "Northquay"), Choice("long", LONG_NAME))
    hand_over = HandOver(account=person, entry=others[1], version=7, csrf="csrf-value", owners=owners)
    yield "portal-hand-over", hand_over
    trouble = (Trouble("owner", "Choose an organization whose applications you manage"),)
    yield "portal-hand-over-refused", replace(hand_over, entry=diary, problems=trouble)
    yield "portal-hand-over-to-nobody", replace(hand_over, owners=())
    off = TurnOff(account=person, entry=diary, version=7, csrf="csrf-value")
    yield "portal-off", off
    yield "portal-off-one-person", replace(off, entry=others[1])
    yield "portal-off-nobody", replace(off, entry=others[3])
    delete = DeleteApplication(account=person, entry=diary, version=7, csrf="csrf-value", grace_seconds=3600, secrets=2)
    yield "portal-delete", delete
    yield "portal-delete-one-person", replace(delete, entry=others[1], secrets=1)
    trouble = (Trouble("name", "Type the name as it stands above"),)
    yield "portal-delete-wrong-name", replace(delete, entry=others[3], secrets=0, typed="Dairy", problems=trouble)
