"""What the pages of the audit trail share: filters out of the address, a page of rows, and the way to the next one."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request

from app.pipeline.server import Server, server_of
from app.services import trail
from app.services.trail import Filters, Told, ToldPage
from app.store.partitions import Retention
from app.store.trail import Place, Selection
from app.views.event_words import GROUPS, Deed, sentence
from app.views.names import display_name
from app.views.pages.audit import EventChoice, LogDay, LogFilters, LogRow, by_day
from app.views.pages.forms import Trouble

PAGE = 50
KEPT_DAYS = Retention().kept["audit"].days
_LONGEST = 200
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Shown:
    """A page of rows by day, and where the newer and the older ones are (empty: nowhere)."""

    days: tuple[LogDay, ...]
    newer_url: str
    older_url: str


def filters_of(request: Request) -> LogFilters:
    """Return the filters as they were typed, with what is wrong with them."""
    asked = request.query_params
    typed = LogFilters(
        q=asked.get("q", "").replace("\x00", "")[:_LONGEST],
        event=asked.get("event", "")[:_LONGEST],
        since=asked.get("from", "")[:_LONGEST],
        until=asked.get("to", "")[:_LONGEST],
    )
    wrong = [
        Trouble(field, f"Write the day after “{label}” as year-month-day, like 2026-11-22")
        for field, label, text in (("from", "From", typed.since), ("to", "To", typed.until))
        if text and _day(text) is None
    ]
    return LogFilters(q=typed.q, event=typed.event, since=typed.since, until=typed.until, problems=tuple(wrong))


def asked_of(typed: LogFilters) -> Filters:
    """Return what the filters mean: whole days, the last one included."""
    since, until = _day(typed.since), _day(typed.until)
    return Filters(event=typed.event, q=typed.q, since=since, until=until + _DAY if until else None)


def export_url(path: str, typed: LogFilters, **more: str) -> str:
    """Return the address of an export at the API that follows the filters."""
    asked = asked_of(typed)
    query = {
        "event": asked.event,
        "q": asked.q,
        "since": asked.since.isoformat() if asked.since else "",
        "until": asked.until.isoformat() if asked.until else "",
        **more,
    }
    return _address(path, query)


async def show_rows(
    request: Request,
    selection: Selection,
    path: str,
    typed: LogFilters,
    row_of: Callable[[Told], LogRow],
) -> Shown:
    """Read the page that the address asks for; one that is none of ours begins at the newest row."""
    place = _place(request)
    found = await trail.read(server_of(request).database, selection, place, PAGE)
    newer, older = _around(place, found)
    kept = {"q": typed.q, "event": typed.event, "from": typed.since, "to": typed.until}
    return Shown(
        days=by_day(tuple(row_of(told) for told in found.entries)),
        newer_url=_address(path, kept | newer) if newer else "",
        older_url=_address(path, kept | older) if older else "",
    )


def row_of(server: Server, told: Told, *, address: bool, traced: bool) -> LogRow:
    """Return a row of a log that names everybody."""
    entry = told.entry
    return LogRow(
        at=entry.at,
        who=who_of(server, told),
        what=words_of(told),
        event=entry.event,
        address=entry.address if address else "",
        request_id=entry.request_id,
        traced=traced,
    )


def words_of(told: Told) -> str:
    """Return what was done, in one sentence."""
    entry = told.entry
    return sentence(
        Deed(
            event=entry.event,
            data=entry.data,
            subject=entry.subject_id,
            person=told.person,
            application=told.application,
            organization=told.organization,
        )
    )


def who_of(server: Server, told: Told) -> str:
    """Return what an actor is called in a log: what he is stands with it, whatever he calls himself."""
    entry = told.entry
    called = display_name(told.actor or entry.actor_id, fallback="")
    match entry.actor_kind:
        case "anonymous":
            return "Somebody"
        case "server":
            return server.views.service_name
        case "system_key":
            return "System key"
        case "operator":
            return f"{called} (operator)" if called else "Operator"
        case "api_key":
            return f"API key {called}"
        case "personal_token":
            return f"Token {called}"
        case "user":
            return called if told.actor else "Somebody who is gone"
        case "application":
            return f"Application {called}"
    return called


def choices(beginnings: Iterable[str], chosen: str) -> tuple[EventChoice, ...]:
    """Return the event filter: any, the groups with these beginnings, and what an address asks for beside them."""
    groups = {beginning: GROUPS[beginning] for beginning in beginnings}
    beside = {chosen: chosen} if chosen and chosen not in groups else {}
    return tuple(EventChoice(value, title) for value, title in ({"": "Any"} | groups | beside).items())


def _place(request: Request) -> Place:
    before = _read(request.query_params.get("before", ""))
    after = _read(request.query_params.get("after", ""))
    if before is not None:
        return Place(before, "older")
    return Place(after, "newer") if after is not None else Place()


def _around(place: Place, found: ToldPage) -> tuple[dict[str, str], dict[str, str]]:
    """Return the parameters of the newer and of the older page; none where there is no such page."""
    first = found.entries[0].entry.id if found.entries else place.id
    last = found.entries[-1].entry.id if found.entries else place.id
    if place.side == "older":
        newer = first if place.id is not None else None
        older = found.onwards
    else:
        newer = found.onwards
        older = last
    return (
        {"after": str(newer)} if newer is not None else {},
        {"before": str(older)} if older is not None else {},
    )


def _address(path: str, query: dict[str, str]) -> str:
    asked = urlencode({name: value for name, value in query.items() if value})
    return f"{path}?{asked}" if asked else path


def _read(text: str) -> UUID | None:
    """Return the id in an address; None for anything that is not spelled as we spell it."""
    try:
        known = UUID(text)
    except ValueError:
        return None
    return known if str(known) == text else None


def _day(text: str) -> datetime | None:
    """Return the beginning (UTC) of a day spelled as date fields spell it; None for anything else."""
    try:
        day = date.fromisoformat(text)
        return datetime.combine(day, time(), UTC) if day.isoformat() == text and day.year < 9999 else None
    except ValueError:
        return None
