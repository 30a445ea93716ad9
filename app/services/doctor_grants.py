"""The part of the self-check about grants that applications manage."""

from collections.abc import Iterable, Iterator

from app.services.doctor import Finding, Level, fine
from app.store.condition import RegisteredApplication

_SUBJECT = "grants"


def check_grants(applications: Iterable[RegisteredApplication], *, on: bool, required: bool) -> Iterator[Finding]:
    """Applications that are shut out because each request has to say which grant it is for (GM-1, GM-6)."""
    if not on:
        yield fine(_SUBJECT, "off")
        return
    shut_out = [one.client_id for one in applications if required and one.redirect_uris and not one.confidential]
    for client_id in shut_out:
        seen = f"{client_id} is public and cannot say which grant its requests are for: all of them are refused"
        remedy = "Register a way for it to authenticate, or set grant_management.required to false."
        yield Finding(Level.WARN, _SUBJECT, seen, remedy)
    if not shut_out:
        yield fine(_SUBJECT, "every request names its grant" if required else "applications may keep some of their own")
