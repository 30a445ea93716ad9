"""JSON that others send, read strictly: no two parsers shall read one request differently."""

import json
import math
from collections.abc import Iterable
from typing import Any

LARGEST_NUMBER = 2**53 - 1


class Unreadable(ValueError):
    """Why a text is not read, as the second half of a sentence."""


def read(text: str, levels: int) -> Any:
    """Return the value of a JSON text whose arrays and objects are nested at most so many levels; raises Unreadable.

    A member that comes twice in one object is refused: one parser takes the first of them, the next one the last. So
    are numbers that are none (RFC 8259 §6), and those that are larger than a reader can hold.
    """
    try:
        found = json.loads(text, object_pairs_hook=members_once, parse_float=_finite, parse_constant=_finite)
    except Unreadable:
        raise
    except (ValueError, RecursionError):
        raise Unreadable("is not JSON") from None
    if isinstance(found, dict | list) and not _bounded(found, levels):
        raise Unreadable("is nested too deeply")
    return found


def members_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object, as the hook of its reader; raises Unreadable for a member that comes twice."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Unreadable("has a member twice in one object")
    return members


def has_plain_numbers(value: Any) -> bool:
    """Tell whether every reader of JSON reads the whole numbers in a value alike, however deeply they are nested
    (RFC 7493 §2.2): what stores or writes such a value may know no larger ones."""
    match value:
        case list(items):
            return all(map(has_plain_numbers, items))
        case dict(members):
            return all(map(has_plain_numbers, members.values()))
        case int(number):
            return abs(number) <= LARGEST_NUMBER
    return True


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("there is no such number")
    return number


def _bounded(value: dict[str, Any] | list[Any], levels: int) -> bool:
    inner: Iterable[Any] = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_bounded(one, levels - 1) for one in inner if isinstance(one, dict | list))
