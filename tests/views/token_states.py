"""The pages of personal tokens in every state they can be in."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app.views.pages import Account, Page
from app.views.pages.forms import Trouble
from app.views.pages.tokens import (
    DeleteToken,
    End,
    OfferedScope,
    PersonalTokens,
    ScopeGroup,
    ShownToken,
    TokenForm,
    TokenLine,
    TokenPage,
    TokenSeen,
)

_NOW = datetime(2026, 11, 22, 14, 28, 7, tzinfo=UTC)
_TEXT = "aspt_AYkKXayWd0u8zrMCCZqAV7yVxVIpAuKJfDq5zDYnpWq1T8nWb0kHgY3mQ2eRz7uLpA1xdw"

_RELEASE = TokenLine(
    id="0198c1f0",
    name="Release script",
    last_four="1xdw",
    scopes=("project:read", "project:releases"),
    created=_NOW,
    ends=_NOW + timedelta(days=90),
)
_LINES = (
    _RELEASE,
    replace(
        _RELEASE,
        id="2",
        name="Nightly export",
        scopes=("event:read", "org:read"),
        created=_NOW - timedelta(days=84),
        ends=_NOW + timedelta(days=5, hours=3),
        last_used=_NOW - timedelta(hours=12),
    ),
    replace(_RELEASE, id="3", name="Laptop", created=_NOW - timedelta(days=200), ends=None),
    replace(
        _RELEASE,
        id="4",
        name="Wonderfully-long-names-for-tokens-that-nobody-can-ever-remember!",
        scopes=tuple(f"a-rather-long-name-of-a-scope:{number}" for number in range(9)),
        ends=_NOW - timedelta(days=3),
        last_used=_NOW - timedelta(days=9),
        state="ended",
    ),
    replace(_RELEASE, id="5", name="Old dashboard", ends=None, state="shut_out"),
)
_GROUPS = (
    ScopeGroup(
        "project",
        (
            OfferedScope("project:write", "Create and edit projects", "It can’t delete them.", "change"),
            OfferedScope("project:read", "See projects"),
        ),
    ),
    ScopeGroup("", (OfferedScope("billing:invoices.read-and-export-everything-there-is", kind="manage"),)),
)
_FORM = TokenForm(
    csrf="csrf-value",
    once="once-value",
    groups=_GROUPS,
    ends=(
        *(End(str(days * 86_400), _NOW + timedelta(days=days), days * 86_400) for days in (7, 30, 90, 365)),
        End("never", None),
    ),
    end="7776000",
)


def token_pages(person: Account, now: datetime) -> Iterator[tuple[str, Page]]:
    """Yield each page with its name, as seen by a person at a moment."""
    listed = PersonalTokens(account=person, tokens=_LINES, form=_FORM, now=now)
    yield "tokens", listed
    made = ShownToken(_RELEASE, _TEXT, ("See projects", "Manage project releases"))
    yield "tokens-made", replace(listed, form=None, made=made)
    yield "tokens-made-endless", replace(listed, form=None, made=replace(made, line=replace(_RELEASE, ends=None)))
    yield "tokens-deleted", replace(listed, tokens=_LINES[1:], deleted="Release script")
    yield "tokens-empty", replace(listed, tokens=())
    yield "tokens-sign-in-again", replace(listed, form=None)
    yield "tokens-nothing-to-give", replace(listed, tokens=(), form=replace(_FORM, groups=()))
    yield "tokens-older", replace(listed, older="AZCmR1sLdBuLzrMCCZqAVw", first=False)
    yield (
        "tokens-problems",
        replace(
            listed,
            form=replace(_FORM, ticked=frozenset({"project:read"})),
            problems=(
                Trouble("name", "Give the token a name"),
                Trouble("ends", "Choose when the token ends"),
                Trouble("scope", "org:admin is more than your roles allow you in any of your organizations"),
            ),
        ),
    )
    one = TokenPage(account=person, line=_LINES[1], groups=_GROUPS, csrf="csrf-value", now=now)
    yield "token", one
    yield "token-endless", replace(one, line=_LINES[2])
    yield "token-ended", replace(one, line=_LINES[3], renamed=True)
    yield "token-shut-out", replace(one, line=_LINES[4])
    yield "token-rename-problem", replace(one, problems=(Trouble("name", "Use 64 characters or fewer"),), name="x" * 65)
    question = DeleteToken(account=person, line=_LINES[1], csrf="csrf-value", now=now)
    yield "token-delete", question
    yield "token-delete-unused", replace(question, line=_LINES[0])
    yield "token-delete-ended", replace(question, line=_LINES[3])
    yield "token-seen", TokenSeen(account=person)
