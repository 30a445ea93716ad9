"""API keys as the pages show them: words for permissions, and forms filled in."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.protocol.scopes import ScopeRegistry
from app.services.api_keys import DEFAULT_LABEL, Problem, Wanted
from app.store.api_keys import KeyDescription, StoredKey
from app.views.names import display_name
from app.views.pages.api_keys import ApiKeyEntry, KeyForm, OfferedScope
from app.views.pages.forms import Trouble

_SUBJECTS = {"label": "The label", "scopes": "The permissions", "allowed_origins": "The allowed origins"}


@dataclass(frozen=True, slots=True)
class Offer:
    """Which permissions a form has: those that its reader `held` himself, and those that the key `has` already."""

    registry: ScopeRegistry
    held: frozenset[str]
    has: tuple[str, ...] = ()

    def tick(self, ticked: Iterable[str]) -> tuple[OfferedScope, ...]:
        """Return the boxes, in the order of the registry; what has left it comes last."""
        chosen = frozenset(ticked)
        known = [one for one in self.registry if one.name in self.held or one.name in self.has]
        boxes = [
            OfferedScope(one.name, one.title, one.detail, one.name in chosen, kept=one.name not in self.held)
            for one in known
        ]
        gone = [scope for scope in self.has if scope not in self.registry]
        return (*boxes, *(OfferedScope(scope, ticked=scope in chosen, kept=True) for scope in gone))


def entry_of(key: StoredKey) -> ApiKeyEntry:
    """Return a key as the pages show it."""
    return ApiKeyEntry(
        id=str(key.id),
        label=key.description.label,
        last_four=key.last_four,
        scopes=key.description.scopes,
        created=key.created_at,
        allowed_origins=key.description.allowed_origins,
        retiring=key.retiring_last_four or "",
        active=key.description.status == "active",
        last_used=key.last_used_at,
        retiring_last_used=key.retiring_last_used_at,
    )


def new_form(offer: Offer, usual: tuple[str, ...]) -> KeyForm:
    """Return the form of a new key."""
    return KeyForm(label=DEFAULT_LABEL, permissions=offer.tick(usual))


def form_of(offer: Offer, description: KeyDescription) -> KeyForm:
    """Return the form of a key as it is."""
    return KeyForm(
        label=description.label,
        permissions=offer.tick(description.scopes),
        allowed_origins="\n".join(description.allowed_origins),
        active=description.status == "active",
    )


def typed_form(offer: Offer, wanted: Wanted, problems: Iterable[Problem] = ()) -> KeyForm:
    """Return the form as it was sent, with what is wrong with it."""
    return KeyForm(
        label=wanted.label or "",
        permissions=offer.tick(wanted.scopes or ()),
        allowed_origins="\n".join(wanted.allowed_origins or ()),
        active=wanted.status != "inactive",
        problems=tuple(_told(problem) for problem in problems),
    )


def _told(problem: Problem) -> Trouble:
    subject = display_name(problem.entry, fallback="A line") if problem.entry else _SUBJECTS[problem.field]
    return Trouble(problem.field, f"{subject} {problem.message}")
