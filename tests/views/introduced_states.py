"""The consent page of applications that introduce themselves, in every state of what is known of them."""

from collections.abc import Iterator
from dataclasses import replace

from app.views.pages import Application, Destination, Page
from app.views.pages.consent import Consent, PermissionGroup

LOGO = "/static/logo.svg"
"""Stands for an address of ours below /logos/."""


def introduced_pages(
    first: Consent, unchecked: Application, more: tuple[PermissionGroup, ...], held: tuple[PermissionGroup, ...]
) -> Iterator[tuple[str, Page]]:
    """Yield them: from the page of an application that asks for the first time, and one that nobody has checked, with
    permissions of which some, and of which all, are there already."""
    here = replace(
        unchecked,
        host="notes-agent.example",
        described_at="notes-agent.example",
        first_seen="Not seen here before",
        policy_uri="https://notes-agent.example/privacy",
        tos_uri="https://legal.example/terms",
    )
    page = replace(first, application=here, destination=Destination.of("https://notes-agent.example/callback"))
    local = replace(
        page,
        application=replace(here, host="localhost"),
        destination=Destination.of("http://localhost:33418/callback"),
    )
    yield "consent-document", page
    yield "consent-document-logo", replace(page, application=replace(here, logo=LOGO))
    yield "consent-document-elsewhere", local
    yield "consent-document-more", replace(page, groups=more)
    yield "consent-document-again", replace(page, groups=held)
    yield "consent-document-stays", replace(page, groups=held, lifetime=replace(first.lifetime, longer=True))
    changed = ("its name", "where it sends you", "its logo", "how it proves who it is")
    yield "consent-document-changed", replace(page, groups=held, changed=changed)
    seen = "First seen 2 hours ago"
    imitation = replace(here, described_at="", first_seen=seen, name="Dep1oy Diary", imitates="Deploy Diary")
    yield "consent-imitation", replace(local, application=imitation, changed=("its name",))
    yield "consent-imitates-us", replace(page, application=replace(here, name="Lumenfo1d", imitates="Lumenfold"))
    checked = replace(here, name="Deploy Diary", verified=True, logo=LOGO)
    yield "consent-document-checked", replace(page, application=checked, changed=("its logo",))
