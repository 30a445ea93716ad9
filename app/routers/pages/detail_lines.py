"""What pages tell people of authorization details (RFC 9396 §12): one line for each object, with what it says.

Names and values come from whoever asked. They are shown whole, and templates show them as text, isolated from what
stands around them (RA-6).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from app.pipeline.server import Server
from app.protocol import details
from app.protocol.detail_types import Content
from app.protocol.facts import RecordFact
from app.protocol.granted_details import GrantedDetail, is_pair
from app.protocol.resources import ResourceRegistry
from app.views.pages.consent import Fact, Permission


def by_place(
    server: Server, asked: Iterable[GrantedDetail], record: RecordFact | None, since: Mapping[str, datetime]
) -> dict[str, list[Permission]]:
    """Return the lines by the resource that they are at, empty for none: what is new, then what the record keeps.

    `since` is when each pair of the record was first allowed (aware UTC). Each object has a line of its own (CS-2):
    melted into one, two payments would look like one that nobody asked for.
    """
    found: dict[str, list[Permission]] = {}
    kept = kept_by(record)
    for detail in asked:
        if detail.pair not in kept:
            place = place_of(detail.content, server.resources.current)
            found.setdefault(place, []).append(line(server, detail.pair, detail.content))
    for pair, content in kept.items():
        place = place_of(content, server.resources.current)
        found.setdefault(place, []).append(line(server, pair, content, granted=True, since=since.get(pair)))
    return found


def kept_by(record: RecordFact | None) -> dict[str, Content]:
    """Return the objects that a record keeps, by pair, in the order in which they were granted."""
    if record is None:
        return {}
    return {pair: record.details[pair] for pair in record.pairs if is_pair(pair) and pair in record.details}


def line(
    server: Server, pair: str, content: Content, *, granted: bool = False, since: datetime | None = None
) -> Permission:
    """Return the line of one object."""
    kind = server.details.known(str(content["type"]))
    return Permission(
        name=pair,
        title=kind.description,
        detail=kind.detail,
        kind=kind.kind,
        granted=granted,
        since=since,
        facts=facts_of(server, content),
    )


def facts_of(server: Server, content: Content) -> tuple[Fact, ...]:
    """Return what an object says, as names and values."""
    return tuple(Fact(name, value) for name, value in server.details.known(str(content["type"])).facts(content))


def place_of(content: Content, resources: ResourceRegistry) -> str:
    """Return the identifier of the resource that an object is for; empty where it names none of ours."""
    locations = content.get("locations") or ()
    places = (one.identifier for location in locations for one in resources if details.is_at(location, one.identifier))
    return next(places, "")
