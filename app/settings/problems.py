"""Pydantic's findings about settings, in the words of this product."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from annotated_types import Ge, Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from app.settings.model import Settings, is_mapping, section_of

_PLAIN = {
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be a string",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "missing": "is missing; add it",
}


def message_of(error: ErrorDetails) -> str:
    """Return the second half of the sentence for one of Pydantic's findings."""
    kind, path = error["type"], [part for part in error["loc"] if isinstance(part, str)]
    if kind == "extra_forbidden":
        return unknown(path[-1], siblings(path))
    if kind in {"greater_than_equal", "less_than_equal"} and (field := field_at(path)) is not None:
        return f"must be from {bounds(field)}"
    if kind in _PLAIN:
        return _PLAIN[kind]
    return error["msg"].replace("Input should be", "must be").replace("String should", "must")


def unknown(name: str, known: Iterable[str]) -> str:
    """Return the sentence's half for a name that does not exist, with the nearest ones that do."""
    known = sorted(known)
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"is not a setting; rename it to {near[0]}, which is the nearest one, or remove it"
    return f"is not a setting; remove it (there are: {', '.join(known)})"


def siblings(path: Sequence[str]) -> list[str]:
    """Return the names that could stand where `path` ends."""
    table: type[BaseModel] | None = Settings
    for part in path[:-1]:
        field = table.model_fields.get(part) if table is not None else None
        if field is not None:
            table = section_of(field)
    return [field.alias or name for name, field in table.model_fields.items()] if table is not None else []


def field_at(path: Sequence[str]) -> FieldInfo | None:
    """Return the field that a path leads to; keys that operators choose are stepped over."""
    table: type[BaseModel] | None = Settings
    field: FieldInfo | None = None
    for part in path:
        if table is not None and part in table.model_fields:
            field = table.model_fields[part]
            table = section_of(field)
        elif field is None or not is_mapping(field):
            return None
    return field


def bounds(field: FieldInfo) -> str:
    """Return `low to high unit` of a number; empty for anything that is not bounded on both sides."""
    low = next((constraint.ge for constraint in field.metadata if isinstance(constraint, Ge)), None)
    high = next((constraint.le for constraint in field.metadata if isinstance(constraint, Le)), None)
    if low is None or high is None:
        return ""
    extra = field.json_schema_extra
    unit = extra.get("unit") if isinstance(extra, dict) else None
    return f"{low} to {high} {unit}" if unit else f"{low} to {high}"
