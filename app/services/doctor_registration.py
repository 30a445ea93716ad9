"""The part of the self-check about applications that introduce themselves: who may, and what they leave (DR-13)."""

from collections.abc import Iterator

from app.protocol.configuration import DocumentRules, RegistrationRules
from app.services.doctor import Finding, Level, fine
from app.store.condition import IntroducedApplications

_REGISTRATION, _DOCUMENTS = "registration", "documents"


def check_registration(rules: RegistrationRules, known: IntroducedApplications, *, on: bool) -> Iterator[Finding]:
    """Who may register applications over the protocol, what those may ask for, and that dead ones go."""
    if not on:
        yield fine(_REGISTRATION, "closed")
    elif rules.needs_statement:
        issuers = ", ".join(sorted(issuer.issuer for issuer in rules.issuers))
        yield fine(_REGISTRATION, f"with a software statement of {issuers}")
    elif rules.by_token:
        there = f"with one of {known.permissions} registration tokens"
        yield fine(_REGISTRATION, there if known.permissions else "with a registration token, of which there is none")
    else:
        seen = "open: everybody can register an application, and call it what he likes"
        remedy = 'Set registration.mode = "token", unless programs of strangers are to connect, such as MCP clients.'
        yield Finding(Level.WARN, _REGISTRATION, seen, remedy)
    if on and rules.imitations == "mark":
        seen = "names that look like those of known applications are taken, with a warning on the consent page"
        yield Finding(Level.WARN, _REGISTRATION, seen, 'Set registration.imitations = "refuse".')
    if on and rules.scopes is None:
        seen = "applications that register themselves may ask for every scope that others may ask for"
        yield Finding(Level.WARN, _REGISTRATION, seen, "Name those that they need in registration.scopes.")
    yield from _check_leftovers(known)


def check_running_registration(*, on: bool, published: bool) -> Iterator[Finding]:
    """Whether the running server lets applications register although these settings do not, as the demo does."""
    if published and not on:
        seen = "the running server lets applications register, and these settings do not"
        remedy = "The demo does so. A server with these settings does not: start it without --demo, or anew."
        yield Finding(Level.WARN, _REGISTRATION, seen, remedy)


def check_documents(rules: DocumentRules, *, on: bool) -> Iterator[Finding]:
    """Whose metadata documents count, and for whose names the operator answers."""
    if not on:
        yield fine(_DOCUMENTS, "off")
        return
    yield fine(_DOCUMENTS, f"of {', '.join(sorted(rules.allowed)) or 'every host'}")
    if rules.vouched:
        seen = f"names in documents of {', '.join(sorted(rules.vouched))} are shown as if you had checked them"
        yield Finding(Level.WARN, _DOCUMENTS, seen, "Keep only hosts of your own in client_documents.vouched.")


def _check_leftovers(known: IntroducedApplications) -> Iterator[Finding]:
    if known.overdue:
        noun = "application" if known.overdue == 1 else "applications"
        seen = f"{known.overdue} {noun} that nobody has used should be gone for a day"
        yield Finding(Level.WARN, _REGISTRATION, seen, "Let the server run: it removes them.")
    else:
        counted = f"{known.registered} registered themselves, {known.by_document} known by a document"
        yield fine(_REGISTRATION, f"{counted}; {known.unused} not used yet")
