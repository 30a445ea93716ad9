"""The part of the self-check about requests to people (CIBA)."""

from collections.abc import Iterator

from app.protocol.ciba_calls import CallRules
from app.services.doctor import Finding, Level, fine

_SUBJECT = "approvals"


def check_calls(rules: CallRules, *, on: bool) -> Iterator[Finding]:
    """How people hear that an application asks them, and whose requests decide themselves."""
    if not on:
        yield fine(_SUBJECT, "off")
        return
    for key, people, what in (
        ("danger_auto_approve", rules.approved, "approved"),
        ("danger_auto_deny", rules.denied, "denied"),
    ):
        if people:
            seen = f"requests to {', '.join(sorted(people))} are {what} without anybody (ciba.{key})"
            yield Finding(Level.WARN, _SUBJECT, seen, f"Remove ciba.{key} wherever real people sign in.")
    if rules.url and not rules.secret:
        seen = "your service at ciba.notification_url cannot tell this server from a stranger"
        yield Finding(Level.WARN, _SUBJECT, seen, "Set ASSENT_CIBA__NOTIFICATION_SECRET_FILE, and have it check that.")
    elif rules.url:
        yield fine(_SUBJECT, "people hear of them through your service")
    else:
        yield fine(_SUBJECT, "people find them on their account’s pages; no ciba.notification_url")
