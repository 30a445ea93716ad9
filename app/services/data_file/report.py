"""What applying a data file does, or would do: changes, remarks, and secrets that are shown once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

Sign = Literal["+", "~", "="]
_LONGEST_VALUE = 100


@dataclass(frozen=True, slots=True)
class Change:
    """`+` a new entry, `~` a changed one with what changes, `=` one that is already so."""

    sign: Sign
    noun: Literal["user", "organization", "application", "resource", "api_key"]
    name: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GeneratedSecret:
    """A secret that stands nowhere else; `kind` says what it is for."""

    noun: Literal["user", "application", "api_key"]
    name: str
    kind: Literal["password", "client_secret", "key"]
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome. `not_in_effect` and `weak` are sentences' subjects such as `application shop: jwks_uri`."""

    changes: tuple[Change, ...]
    not_in_effect: tuple[str, ...]
    weak: tuple[str, ...]
    secrets: tuple[GeneratedSecret, ...]

    @property
    def changed(self) -> bool:
        """Whether anything differs from the database."""
        return any(change.sign != "=" for change in self.changes)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return `member: before → after` for each member that differs, by name; pass no secrets."""
    return tuple(
        f"{name}: {_shown(before.get(name))} → {_shown(after.get(name))}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    )


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = orjson.dumps(value).decode()
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
