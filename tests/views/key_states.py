"""The pages of an organization's API keys in every state they can be in."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from app.views.pages import Account, Page
from app.views.pages.account import OrganizationTab
from app.views.pages.api_keys import (
    ApiKeyEntry,
    ApiKeyPage,
    ApiKeys,
    KeyForm,
    NewApiKey,
    OfferedScope,
    RemoveApiKey,
    RetireApiKeySecret,
)
from app.views.pages.forms import Trouble

LONG = "Wonderfullylonglabelsforkeysthatnobodycanrememberatallxyz0123456"
SECRET = "asak_AZrRkW4LcBeUxS1pQx9mZ2Vt0Hh3Yw7Kq5Jd8Fg6Tn4Rb2Lc1Xs0Zp9Vy8Ua7Me6Wi5"
NORTHQUAY = OrganizationTab(
    "northquay", "Northquay", ("organization", "members", "api-keys", "organization-applications", "audit")
)


def key_pages(person: Account, now: datetime) -> Iterator[tuple[str, Page]]:
    """Yield the pages by name, for a person at a moment."""
    created = now - timedelta(days=90)
    build = ApiKeyEntry(
        id="01890a5d-ac96-774b-bcce-b302099a8057",
        label="Nightly build",
        last_four="9mZw",
        scopes=("project:read", "project:releases"),
        created=created,
        last_used=now - timedelta(hours=12),
    )
    rotating = replace(
        build, label="Status page", retiring="k2Rw", allowed_origins=("*.northquay.example", "https://status.example")
    )
    keys = (
        build,
        rotating,
        replace(build, label="Old dashboard", active=False, last_used=None, scopes=()),
        replace(build, label=LONG, scopes=("billing:invoices.read-and-export-everything-there-is",) * 3),
        replace(build, label="مفتاح البناء", last_used=created),
        replace(build, label="<script>alert(1)</script>"),
    )
    listed = ApiKeys(account=person, organization=NORTHQUAY, of=NORTHQUAY, keys=keys, now=now)
    yield "api-keys", listed
    yield "api-keys-removed", replace(listed, keys=keys[:1], removed="Old <b>dashboard</b>")
    yield "api-keys-empty", replace(listed, keys=())
    form = KeyForm(
        label="Nightly build",
        permissions=(
            OfferedScope("project:read", "See projects", "", ticked=True),
            OfferedScope("project:write", "Create and edit projects", "It can’t delete them."),
            OfferedScope("org:admin", "Manage your organizations", "", ticked=True, kept=True),
            OfferedScope("billing:invoices.read-and-export-everything-there-is", ticked=True),
        ),
        allowed_origins="*.northquay.example\nhttps://status.example",
    )
    new = NewApiKey(account=person, organization=NORTHQUAY, of=NORTHQUAY, form=form, csrf="csrf-value", once="once")
    yield "api-key-new", new
    problems = (
        Trouble("label", "The label must have 64 characters or fewer"),
        Trouble("scopes", "org:admin is more than your role here allows"),
        Trouble("allowed_origins", "example.com:80 must have no port; a host stands for all of its ports"),
    )
    yield "api-key-new-problems", replace(new, form=replace(form, label=LONG + "x", problems=problems))
    yield "api-key-new-full", replace(new, full=200)
    yield "api-key-new-nothing-to-give", replace(new, form=replace(form, permissions=()))
    page = ApiKeyPage(
        account=person,
        organization=NORTHQUAY,
        of=NORTHQUAY,
        entry=build,
        form=form,
        version=3,
        csrf="csrf-value",
        once="once-value",
        now=now,
    )
    yield "api-key", page
    yield "api-key-created", replace(page, secret=SECRET, entry=replace(build, last_used=None, created=now))
    yield "api-key-rotated", replace(page, secret=SECRET, entry=rotating)
    yield "api-key-rotating", replace(page, entry=rotating)
    yield "api-key-saved", replace(page, done="saved", entry=keys[2], form=replace(form, active=False))
    yield "api-key-retired", replace(page, done="retired")
    yield "api-key-stale", replace(page, stale=True)
    yield "api-key-problems", replace(page, form=replace(form, problems=problems[2:]))
    yield "api-key-seen", replace(page, trouble="seen")
    yield "api-key-two-secrets", replace(page, trouble="retiring", entry=rotating)
    yield "api-key-beyond-reach", replace(page, trouble="beyond")
    yield "api-key-one-secret", replace(page, trouble="one-secret")
    yield "api-key-long-label", replace(page, entry=keys[3])
    retire = RetireApiKeySecret(
        account=person, organization=NORTHQUAY, of=NORTHQUAY, entry=rotating, csrf="csrf-value", now=now
    )
    yield "api-key-retire", retire
    remove = RemoveApiKey(account=person, organization=NORTHQUAY, of=NORTHQUAY, entry=build, csrf="csrf-value", now=now)
    yield "api-key-remove", remove
    yield "api-key-remove-two-secrets", replace(remove, entry=rotating)
