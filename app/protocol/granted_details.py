"""Details of permissions (RFC 9396) as a grant, its family and their tokens carry them: objects, each with the pair of
the record that it rests on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson

PAIR_PREFIX = "detail:"
"""How the pairs of a record begin that are about details: `detail:TYPE` for types that are asked for each time anew,
`detail:TYPE#DIGEST` for an object that the record keeps. No scope begins so."""


@dataclass(frozen=True, slots=True)
class GrantedDetail:
    """An object that a person has approved, and the pair that stands for it in the record: its own, or that of a wider
    one that he had approved before."""

    pair: str
    content: Mapping[str, Any] = field(hash=False)

    @property
    def type(self) -> str:
        """The type of the object."""
        return str(self.content["type"])


def stored(details: Iterable[GrantedDetail]) -> str | None:
    """Return the form of the column; None when there are none."""
    pairs = [[detail.pair, detail.content] for detail in details]
    return orjson.dumps(pairs).decode("utf-8") if pairs else None


@lru_cache(maxsize=256)  # what is asked for once is asked for again, and each refresh reads it
def read(text: str | None) -> tuple[GrantedDetail, ...]:
    """Return the details of their stored form."""
    if text is None:
        return ()
    return tuple(GrantedDetail(pair, content) for pair, content in orjson.loads(text))


def is_pair(pair: str) -> bool:
    """Tell whether a pair of a record is about details."""
    return pair.startswith(PAIR_PREFIX)


def type_of(pair: str) -> str:
    """Return the type that such a pair is about."""
    return pair.removeprefix(PAIR_PREFIX).partition("#")[0]
