"""Reading the audit trail: an organization's, a person's own, or all of it for operators; and taking it home."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from app.protocol import events
from app.services.names import MAX_LOGIN_LENGTH, name_key
from app.store import trail
from app.store.database import Database
from app.store.trail import Names, Place, Selection, TrailEntry

EXPORT_CHUNK = 500
"""Rows of one transaction of an export, and the most that it holds in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a reader asks for; empty: everything. `event` is a name, or the beginning of names if it ends in a dot.

    `q` is a user name, or an id or label, of whoever did it or suffered it, or of the request.
    """

    event: str = ""
    q: str = ""
    actor: str = ""
    target: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """An entry and what those are called whom it names: its actor, the person, application and organization of it."""

    entry: TrailEntry
    actor: str
    person: str
    application: str
    organization: str


@dataclass(frozen=True, slots=True)
class ToldPage:
    """Entries, newest first; `onwards` as in `store.trail.TrailPage`."""

    entries: tuple[Told, ...]
    onwards: UUID | None


async def of_organization(database: Database, organization_id: UUID, filters: Filters) -> Selection:
    """Select an organization's trail."""
    return replace(await _selection(database, filters), organization_id=organization_id)


async def of_person(database: Database, user_id: UUID, filters: Filters) -> Selection:
    """Select what concerns a person; what his applications do with every token is left out."""
    return replace(await _selection(database, filters), user_id=user_id)


async def of_everybody(database: Database, filters: Filters) -> Selection:
    """Select the whole trail."""
    return await _selection(database, filters)


async def read(database: Database, selection: Selection, place: Place, limit: int) -> ToldPage:
    """Return up to `limit` entries from a place on, with the names to tell them by."""
    page = await trail.page(database, selection, place, limit)
    return ToldPage(await _told(database, page.entries), page.onwards)


async def export(database: Database, selection: Selection) -> AsyncIterator[tuple[Told, ...]]:
    """Yield everything selected, newest first, in chunks: each is a short transaction of its own."""
    place: UUID | None = None
    while True:
        page = await trail.page(database, selection, Place(place), EXPORT_CHUNK)
        if page.entries:
            yield await _told(database, page.entries)
        if page.onwards is None:
            return
        place = page.onwards


def is_own_place(told: Told, user_id: UUID) -> bool:
    """Tell whether it is a person's own business from where something was done: by himself, or by who claimed to be he.

    Where others sit who did something to him is theirs.
    """
    entry = told.entry
    himself = entry.actor_kind == "user" and entry.actor_id == str(user_id)
    return himself or entry.actor_kind in {"anonymous", "application", "personal_token"}


async def _selection(database: Database, filters: Filters) -> Selection:
    wanted = filters.q.strip()
    selection = Selection(
        events=events.named(filters.event) if filters.event else None,
        actor=filters.actor,
        subject=filters.target,
        since=filters.since,
        until=filters.until,
    )
    if not wanted:
        return selection
    people = await trail.ids_of_people(database, name_key(wanted[:MAX_LOGIN_LENGTH]))
    return replace(selection, words=(wanted, *people))


async def _told(database: Database, entries: Iterable[TrailEntry]) -> tuple[Told, ...]:
    found = tuple(entries)
    if not found:
        return ()
    names = await trail.names(database, found)
    return tuple(
        Told(
            entry=entry,
            actor=_actor(entry, names),
            person=names.people.get(str(entry.user_id or entry.subject_id), ""),
            application=names.applications.get(str(entry.application_id or ""), ""),
            organization=names.organizations.get(str(entry.organization_id or ""), ""),
        )
        for entry in found
    )


def _actor(entry: TrailEntry, names: Names) -> str:
    """Return what an actor is called: a person as he is today, the others as they were then."""
    person = names.people.get(entry.actor_id, "") if entry.actor_kind in {"user", "operator"} else ""
    return person or entry.actor_label or names.applications.get(entry.actor_id, "")
