"""The `authorization_details` parameter (RFC 9396): read strictly, laid beside a record, narrowed for a token.

How whoever takes requests uses it: `Subject.asked_details` reads the parameter, as one of the checks of the checklist;
`Wanted.details` are the objects with pairs of their own, and `Wanted.resting(record, types)` is the same request once
it is known which record it is laid beside. What is approved is approved whole: `pairs_of` has the pairs of all details,
`kept` the objects behind them, and the grant stores `granted_details.stored(wanted.details)`.
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson

from app.crypto import strict_json
from app.crypto.hashing import digest
from app.protocol import granted_details
from app.protocol.detail_types import (
    Check,
    Content,
    DetailType,
    canonical,
    compiled,
    problem_with_common,
    unknown_member,
)
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import RecordFact
from app.protocol.features import Feature, FeatureSet
from app.protocol.granted_details import PAIR_PREFIX, GrantedDetail

PARAMETER = "authorization_details"

MAX_LENGTH = 16_384
"""Characters of the parameter."""

MOST = 20
"""Objects of one request."""

MOST_REMEMBERED = 100
"""Objects that one record keeps. For what is beyond, a person is asked each time, as for types that never remember."""

_LEVELS = 10  # the list, the object, and eight in it
_LARGEST = 2**53
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufffe\uffff\U000e0000-\U000e007f]"
)
"""Control characters, those that turn the direction of text or take no room in it, and what is no character: nobody can
read them on a page, two objects that differ in them look alike, and a database may refuse them."""


class DetailTypes:
    """The types that the operator has defined. `offered`: requests can ask for them; what was granted before keeps its
    rules and its words where they cannot."""

    def __init__(self, types: Iterable[DetailType] = (), *, offered: bool = True) -> None:
        self.offered = offered
        self._types = {kind.name: kind for kind in types}
        self._checks: dict[str, Check] = {}

    def __iter__(self) -> Iterator[DetailType]:
        return iter(self._types.values())

    def get(self, name: str) -> DetailType | None:
        """Return the type of this name."""
        return self._types.get(name)

    def known(self, name: str) -> DetailType:
        """Return the type of this name, also one that is no longer defined: that is called by its name."""
        return self._types.get(name) or DetailType(name, f"Use {name}", remember=False)

    def words(self, content: Content) -> str:
        """Return what an object says in one line: `Make a payment (To: Ada Bakery; Amount: 20.00)`."""
        return self.known(str(content["type"])).words(content)

    def problem_with(self, kind: DetailType, content: Content) -> str:
        """RA-2, RFC 9396 §5: tell what an object of a type says wrongly, as a clause; empty: nothing."""
        if len(canonical(content)) > kind.longest:
            return f"it is longer than {kind.longest} characters"
        if problem := problem_with_common(content):
            return problem
        if kind.definition is None:
            unknown = unknown_member(content)
            return f"its type knows no {unknown[:40]}" if unknown else ""
        if kind.name not in self._checks:
            self._checks[kind.name] = compiled(kind)
        return self._checks[kind.name](content)

    def is_within(self, asked: Content, granted: Content) -> bool:
        """RA-8: tell whether an object asks for no more than one of the same type grants, by the rules of that type."""
        return bool(asked["type"] == granted["type"]) and self.known(str(asked["type"])).is_within(asked, granted)


NO_DETAILS = DetailTypes(offered=False)
"""A server without authorization details, for which the parameter is one that nobody knows (G4)."""


def offered(types: Iterable[DetailType], features: FeatureSet) -> DetailTypes:
    """Return the types of a server with these features."""
    return DetailTypes(types, offered=Feature.AUTHORIZATION_DETAILS in features)


def read(text: str, types: DetailTypes, allowed: tuple[str, ...] = ()) -> tuple[GrantedDetail, ...]:
    """Return the objects that a parameter asks for, each once, with a pair of its own (RA-1).

    `allowed` are the types that the application may use, empty: all (RA-7). Raises `invalid_authorization_details` for
    what is not a list of objects of known types, each as its type demands; nothing of it is ignored (RA-2).
    """
    found: dict[bytes, GrantedDetail] = {}
    for place, content in enumerate(_objects(text), 1):
        name = content.get("type")
        if not isinstance(name, str):
            raise _refused(f"object {place} of {PARAMETER} has no type, which must be a string")
        kind = types.get(name)
        if kind is None:
            names = ", ".join(one.name for one in types) or "none"
            raise _refused(f"{PARAMETER} has the type {name[:60]}; this server knows: {names}")
        if allowed and name not in allowed:
            raise _refused(f"the application may not use the type {name[:60]}; it has registered others")
        if problem := types.problem_with(kind, content):
            raise _refused(f"object {place} of {PARAMETER}, of the type {name[:60]}: {problem}")
        anew, kept_as = names_of(content)
        found.setdefault(canonical(content), GrantedDetail(kept_as if kind.remember else anew, content))
    return tuple(found.values())


def resting(
    details: tuple[GrantedDetail, ...], record: RecordFact | None, types: DetailTypes
) -> tuple[GrantedDetail, ...]:
    """Return the details with the pairs that they rest on in a record (AR-2, AR-7).

    One that is within what the record holds rests on the pair of that; every other one on its own, which the record
    does not hold yet. Two are never made into one: what only both together would allow nobody has approved.
    """
    held = _held(record)
    room = MOST_REMEMBERED - len(held)
    found = []
    for detail in details:
        pair = detail.pair
        if is_remembered(pair) and pair not in held:
            wider = (known for known, content in held.items() if types.is_within(detail.content, content))
            pair = next(wider, pair if room > 0 else PAIR_PREFIX + detail.type)
            room -= 1 if pair == detail.pair else 0
        found.append(replace(detail, pair=pair))
    return tuple(found)


def is_remembered(pair: str) -> bool:
    """Tell whether a pair stands for one object that a record keeps; else for whatever is asked anew each time."""
    return "#" in pair


def asked_anew(details: Iterable[GrantedDetail]) -> bool:
    """Tell whether a person is asked for some of the details each time, whatever he has approved before."""
    return not all(is_remembered(detail.pair) for detail in details)


def pairs(details: Iterable[GrantedDetail]) -> tuple[str, ...]:
    """Return the pairs that approving these details makes: not those of wider objects, which are there, and which are
    not given back when somebody takes them away at the same moment."""
    return tuple(dict.fromkeys(detail.pair for detail in details if _is_own(detail)))


def kept(details: Iterable[GrantedDetail]) -> dict[str, Content]:
    """Return the objects behind the pairs that a record is to keep, by pair."""
    return {detail.pair: detail.content for detail in details if is_remembered(detail.pair) and _is_own(detail)}


def parameters(details: Iterable[GrantedDetail]) -> tuple[tuple[str, str], ...]:
    """Return the parameter that has asked for these details, for a request that was kept without its parameters."""
    asked = contents(details)
    return ((PARAMETER, orjson.dumps(asked).decode("utf-8")),) if asked else ()


def told(details: Iterable[GrantedDetail]) -> dict[str, list[Content]]:
    """Return what the audit trail says of details that a person has approved: what he has read."""
    approved = contents(details)
    return {"details": approved} if approved else {}


def contents(details: Iterable[GrantedDetail]) -> list[Content]:
    """Return the objects alone: what a client reads (RFC 9396 §7)."""
    return [detail.content for detail in details]


def narrowed(text: str | None, held: tuple[GrantedDetail, ...], types: DetailTypes) -> tuple[GrantedDetail, ...]:
    """Return what a token request takes of the details of its grant: all of them when it names none (RA-3, §6).

    Raises `invalid_authorization_details` for what is no parameter, and for an object that is within none of those
    that were granted. Each takes the place of one of them, for out of one payment there come no two: a token never
    grows.
    """
    if text is None or not types.offered:
        return held
    asked = read(text, types)
    # Compared once each, however often they change places: objects can be long.
    fits = [[at for at, one in enumerate(held) if types.is_within(detail.content, one.content)] for detail in asked]
    placed: dict[int, int] = {}
    for place in range(len(asked)):
        if not _place(place, fits, placed, set()):
            raise _refused(f"object {place + 1} of {PARAMETER} asks for more than was granted, or than still is")
    pairs_of = {place: held[at].pair for at, place in placed.items()}
    return tuple(replace(detail, pair=pairs_of[place]) for place, detail in enumerate(asked))


def _place(place: int, fits: list[list[int]], placed: dict[int, int], tried: set[int]) -> bool:
    """Give an asked object the place of a granted one that it `fits`, if need be by moving others; `placed` tells who
    has which."""
    for at in fits[place]:
        if at in tried:
            continue
        tried.add(at)
        if at not in placed or _place(placed[at], fits, placed, tried):
            placed[at] = place
            return True
    return False


def check_places(details: Iterable[GrantedDetail], resources: tuple[str, ...]) -> None:
    """RA-5: refuse an object whose locations are at none of the resources of its request: a person would approve what
    no token can carry. Raises `invalid_authorization_details`."""
    for place, detail in enumerate(details, 1):
        if not reaches(detail.content, resources):
            raise _refused(f"object {place} of {PARAMETER} is for none of the resources of this request; name its own")


def reaching(details: tuple[GrantedDetail, ...], audience: tuple[str, ...]) -> tuple[GrantedDetail, ...]:
    """RA-4, RFC 9396 §9: return the details that a token for these resources is to carry, and that they may see."""
    return tuple(detail for detail in details if reaches(detail.content, audience))


def reaches(content: Content, audience: tuple[str, ...]) -> bool:
    """Tell whether an object is for one of these resources; one without locations is for all, and so is a token without
    resources."""
    locations = content.get("locations")
    if not locations or not audience:
        return True
    return any(is_at(location, identifier) for location in locations for identifier in audience)


def is_at(location: str, identifier: str) -> bool:
    """Tell whether a location is a resource, or a part of it."""
    return location == identifier or location.startswith(f"{identifier.rstrip('/')}/")


def names_of(content: Content) -> tuple[str, str]:
    """Return what a record may call an object: `detail:TYPE`, where it is asked for anew each time, and
    `detail:TYPE#DIGEST`, where it is kept."""
    anew = f"{PAIR_PREFIX}{content['type']}"
    return anew, f"{anew}#{_digest(content)}"


def _digest(content: Content) -> str:
    return urlsafe_b64encode(digest(canonical(content)))[:22].decode("ascii")


def _is_own(detail: GrantedDetail) -> bool:
    own = detail.pair.partition("#")[2]
    return not own or own == _digest(detail.content)


def _held(record: RecordFact | None) -> Mapping[str, Content]:
    """Return the objects that a record keeps; those that were taken away are none of them."""
    if record is None:
        return {}
    mine = (pair for pair in record.pairs if granted_details.is_pair(pair) and is_remembered(pair))
    return {pair: record.details[pair] for pair in mine if pair in record.details}


def _objects(text: str) -> list[dict[str, Any]]:
    if len(text) > MAX_LENGTH:
        raise _refused(f"{PARAMETER} is longer than {MAX_LENGTH} characters")
    try:
        found = _sound(strict_json.read(text, _LEVELS))
    except strict_json.Unreadable as unreadable:
        raise _refused(f"{PARAMETER} {unreadable}") from None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _refused(f"{PARAMETER} must be a JSON list of objects")
    if len(found) > MOST:
        raise _refused(f"{PARAMETER} has more than {MOST} objects")
    return found


def _sound(value: Any) -> Any:
    """Return a value whose every part reads the same wherever it is stored or shown; raises Unreadable (RA-6)."""
    match value:
        case str() if _UNSEEN.search(value):
            raise strict_json.Unreadable("has a control character in a string")
        case str() | bool() | None:
            return value
        case int() | float():
            return _number(value)
        case list():
            return [_sound(one) for one in value]
        case _:
            return {_sound(name): _sound(one) for name, one in value.items()}


def _number(value: int | float) -> int | float:
    """RFC 7493 §2.2: a number is one for every parser; a whole one has one spelling (RFC 8785)."""
    if not -_LARGEST <= value <= _LARGEST:  # an infinite one is not; a whole one may be too large for a float
        raise strict_json.Unreadable("has a number that not every parser reads; send it as a string")
    return int(value) if value == int(value) else value


def _refused(description: str) -> OAuthError:
    return OAuthError(ErrorCode.INVALID_AUTHORIZATION_DETAILS, description)
