"""JSON that others send, read strictly: no two parsers shall read one request differently."""

import json
from typing import Any


class Unreadable(ValueError):
    """Why a text is not read, as the second half of a sentence."""


def read(text: str, levels: int) -> Any:
    """Return the value of a JSON text whose arrays and objects are nested at most so many levels; raises Unreadable.

    A member that comes twice in one object is refused: one parser takes the first of them, the next one the last.
    """
    try:
        found = json.loads(text, object_pairs_hook=_members, parse_constant=_no_number)
    except Unreadable:
        raise
    except (ValueError, RecursionError):
        raise Unreadable("is not JSON") from None
    if isinstance(found, dict | list) and not _bounded(found, levels):
        raise Unreadable("is nested too deeply")
    return found


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Unreadable("has a member twice in one object")
    return members


def _no_number(text: str) -> float:
    raise ValueError(f"RFC 8259 knows no number {text}")


def _bounded(value: dict[str, Any] | list[Any], levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_bounded(one, levels - 1) for one in inner if isinstance(one, dict | list))
