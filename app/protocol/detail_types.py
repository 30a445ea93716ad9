"""Types of authorization details (RFC 9396 §2): what an object of a type may say, and when one is within another.

Each type has its own rules (RA-8), for the specification leaves it to the server what "within the grant" means (§6.1).
Whatever a rule does not understand counts as not within: then a person is asked, or a token is refused, and nothing
grows by itself.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

import orjson

from app.protocol.scopes import ScopeKind

Comparison = Literal["equal", "set", "at_most"]
"""How a member is compared: it is the same; each of its elements is among those granted; it is no larger."""

Content = Mapping[str, Any]
"""An object of authorization details, as JSON."""

COMMON: Mapping[str, str] = {
    "actions": "Actions",
    "datatypes": "Data",
    "privileges": "Privileges",
    "identifier": "Which one",
    "locations": "Where",
}
"""The members that every type may have (RFC 9396 §2.2), with what people read; all but `identifier` are lists."""

LONGEST_NAME = 200
LONGEST_VALUE = 200
"""Characters of a value where an object is said in one line; what is longer is cut there."""

MOST_SAID = 20
"""Members of an object that are said in one line."""

_NAMES_MEMBERS = frozenset({"properties", "items", "$ref", "allOf", "anyOf", "oneOf"})
_NAME = re.compile(r"[!$-\[\]-~]{1,200}")
_DECIMAL = re.compile(r"[0-9]{1,30}(?:\.[0-9]{1,30})?")

Check = Callable[[Content], str]
"""Tell what an object of a type says wrongly, by its JSON Schema; empty: nothing."""


@dataclass(frozen=True, slots=True)
class DetailType:
    """A type as its operator has defined it.

    `description` is what people read, `kind` what it lets an application do. `definition` is the JSON Schema that its
    objects satisfy, None: they have the common members alone. `remember`: the record keeps objects that a person has
    approved, and he is not asked again for what is within them; else he is asked each time. `compare` are the rules
    of members, by their path with dots; without one, lists of strings compare as sets and everything else has to be
    equal. `shows` are the paths of the members that people see, with their names, empty: all. An object is at most
    `longest` characters of JSON.
    """

    name: str
    description: str
    detail: str = ""
    kind: ScopeKind = "change"
    definition: Mapping[str, Any] | None = field(default=None, hash=False)
    remember: bool = True
    compare: Mapping[str, Comparison] = field(default_factory=dict, hash=False)
    shows: Mapping[str, str] = field(default_factory=dict, hash=False)
    longest: int = 4096

    def is_within(self, asked: Content, granted: Content) -> bool:
        """RA-8: tell whether an object of this type asks for no more than another one grants."""
        return _within(asked, granted, "", self.compare)

    def facts(self, content: Content) -> tuple[tuple[str, str], ...]:
        """Return what people are shown of an object before they agree to it: names and values, whole, for nobody
        agrees to what was cut away. The limits of a request bound what a page has to show (RA-6)."""
        shown = self.shows or _names_of(content)
        found = ((name, _text(value)) for path, name in shown.items() if (value := _at(content, path)) is not None)
        return tuple((name, text) for name, text in found if text)

    def words(self, content: Content) -> str:
        """Return what an object says in one line, cut to a length that a list can have."""
        facts = self.facts(content)
        said = [f"{_cut(name)}: {_cut(text)}" for name, text in facts[:MOST_SAID]]
        if (more := len(facts) - MOST_SAID) > 0:
            said.append(f"{more} more")
        return f"{self.description} ({'; '.join(said)})" if said else self.description


def problem_with_name(name: str) -> str | None:
    """Return why a text cannot name a type, as half a sentence; None when it can. The pairs of a record name types."""
    if _NAME.fullmatch(name):
        return None
    return f"is no type: use up to {LONGEST_NAME} printable ASCII characters without space, quote, backslash and #"


def canonical(value: object) -> bytes:
    """Return the one spelling of a JSON value: members in their order, no spaces."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def problem_with_common(content: Content) -> str:
    """RFC 9396 §2.2: tell which of the common members has no value of its kind; empty: none."""
    for name in COMMON:
        value = content.get(name)
        if name not in content:
            continue
        if name == "identifier":
            if not isinstance(value, str):
                return "identifier must be a string"
        elif not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            return f"{name} must be a list of strings"
    return ""


def unknown_member(content: Content) -> str:
    """Return the first member that a type without a schema does not know; empty: none."""
    return next((name for name in content if name != "type" and name not in COMMON), "")


def compiled(kind: DetailType) -> Check:
    """Return the check by the JSON Schema (2020-12) of a type; raises ValueError for one that is wrong in itself.

    What the schema does not name is unknown (RA-2), in the object and in whatever stands in it, unless it says
    otherwise, and it need not name `type`. Patterns run in linear time, whatever is sent, and nothing is fetched.
    """
    import jsonschema_rs  # 9 MiB, for those alone who have types with a schema

    schema = dict(kind.definition or {})
    schema.pop("$schema", None)
    if isinstance(members := schema.get("properties", {}), dict):
        schema["properties"] = {"type": {"const": kind.name}, **members}
    schema = _closed(schema)
    validator = jsonschema_rs.Draft202012Validator(
        schema, pattern_options=jsonschema_rs.RegexOptions(), validate_formats=True, offline=True
    )

    def check(content: Content) -> str:
        wrong = next(iter(validator.iter_errors(content)), None)
        if wrong is None:
            return ""
        where, rule = ".".join(map(str, wrong.instance_path)), wrong.schema_path[-1]
        return f"{where[:100] or 'it'} is not as its schema demands with {rule}"

    return check


def _closed(schema: Any) -> Any:
    """Return a schema that refuses members which it does not name, also in values: what stands in one might be nothing
    that people are shown. Parts of a schema that are about the same object stay open, for none of them names all."""
    if not isinstance(schema, dict) or not _NAMES_MEMBERS & schema.keys():
        return schema
    closed = dict(schema)
    if isinstance(members := schema.get("properties"), dict):
        closed["properties"] = {name: _closed(value) for name, value in members.items()}
    if "items" in schema:
        closed["items"] = _closed(schema["items"])
    if not {"additionalProperties", "unevaluatedProperties"} & schema.keys():
        closed["unevaluatedProperties"] = False
    return closed


def _within(asked: Any, granted: Any, path: str, rules: Mapping[str, Comparison]) -> bool:
    rule = rules.get(path)
    if rule is None and isinstance(asked, dict) and isinstance(granted, dict) and _has_rules_below(path, rules):
        return asked.keys() == granted.keys() and all(
            _within(value, granted[name], f"{path}.{name}" if path else name, rules) for name, value in asked.items()
        )
    if rule is None:
        rule = "set" if _is_words(asked) and _is_words(granted) else "equal"
    return _COMPARED[rule](asked, granted)


def _has_rules_below(path: str, rules: Mapping[str, Comparison]) -> bool:
    """Tell whether members of what stands at a path are compared one by one; those of the whole object are."""
    return not path or any(rule.startswith(f"{path}.") for rule in rules)


def _is_words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _equal(asked: object, granted: object) -> bool:
    """Compare as JSON does, for which 1 is not true."""
    return canonical(asked) == canonical(granted)


def _in_set(asked: object, granted: object) -> bool:
    """An empty list may mean everything: it is within another empty one alone."""
    if not isinstance(asked, list) or not isinstance(granted, list) or not asked:
        return _equal(asked, granted)
    held = {canonical(one) for one in granted}
    return all(canonical(one) in held for one in asked)


def _at_most(asked: object, granted: object) -> bool:
    """Compare numbers, or decimal numbers as strings, as amounts of money are; neither is negative."""
    if isinstance(asked, str) is not isinstance(granted, str):
        return False
    less, more = _amount(asked), _amount(granted)
    return less is not None and more is not None and 0 <= less <= more


def _amount(value: object) -> Decimal | None:
    if isinstance(value, str):
        return Decimal(value) if _DECIMAL.fullmatch(value) else None
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else None


_COMPARED: Mapping[Comparison, Callable[[object, object], bool]] = {
    "equal": _equal,
    "set": _in_set,
    "at_most": _at_most,
}


def _names_of(content: Content) -> dict[str, str]:
    """Return the members of an object by what people call them, the common ones first."""
    known = {name: title for name, title in COMMON.items() if name in content}
    return known | {name: name for name in content if name != "type" and name not in COMMON}


def _at(content: Content, path: str) -> object:
    """Return what stands at a path; a member whose own name has dots is found first."""
    if path in content:
        return content[path]
    found: Any = content
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case []:
            return "none named"  # which may mean all of them, so that nobody is to pass over it
        case list():
            return ", ".join(filter(None, map(_text, value)))
        case dict():
            return ", ".join(f"{name}: {text}" for name, inner in value.items() if (text := _text(inner)))
        case _:
            return str(value)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
