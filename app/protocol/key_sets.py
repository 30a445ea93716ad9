"""Key sets that applications publish at their `jwks_uri`: which are accepted, and how long they count (JW-6)."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from app.crypto.jose_keys import PRIVATE_MEMBERS
from app.crypto.strict_json import members_once
from app.protocol.fetching import Failed, Refused

Jwk = Mapping[str, Any]

MEDIA_TYPES = ("application/json", "application/jwk-set+json")
MAX_BYTES = 65_536
MAX_KEYS = 50

DEFAULT_FRESH = timedelta(hours=1)
SHORTEST_FRESH = timedelta(minutes=5)
LONGEST_FRESH = timedelta(hours=24)
"""However the answer is marked, it is kept for at least the shortest and at most the longest time."""

USABLE = timedelta(hours=24)
"""A set that cannot be renewed counts for so long after it was fetched; then its keys may have been withdrawn."""

PAUSE = timedelta(seconds=30)
"""Between two requests for one set, after a failure and for key ids that it does not have."""

LONGEST_PAUSE = timedelta(minutes=10)
"""The same after many failures in a row: whoever makes us wait again and again shall keep few others waiting."""

_KNOWN_TYPES = frozenset({"EC", "OKP", "RSA"})
_TEXTS = ("kty", "use", "alg", "kid", "crv", "x", "y", "n", "e")
_LISTS = ("key_ops", "x5c")
_LONGEST_LIST = 20
"""What is kept of a key. The rest nobody here reads, and in memory it can take twenty times what it took on the way."""


def read_set(body: bytes) -> tuple[Jwk, ...]:
    """Return the keys of a JWK set (RFC 7517 §5), as `known_keys` does; raises Failed also for what is not JSON, and
    for members that come twice, which every reader understands differently."""
    try:
        content = json.loads(body, object_pairs_hook=members_once)
    except (ValueError, RecursionError):
        raise Failed("is not JSON with every member once") from None
    return known_keys(content)


def known_keys(content: object) -> tuple[Jwk, ...]:
    """Return the keys of a JWK set without types and members that nobody here understands.

    Raises Refused for private and symmetric keys: whoever publishes them has lost them, and the set with them. Raises
    Failed for what is no set.
    """
    keys = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(keys, list) or not all(map(_is_key, keys)):
        raise Failed("is no JWK set: an object whose member keys is a list of JWKs")
    if len(keys) > MAX_KEYS:
        raise Failed(f"has more than {MAX_KEYS} keys")
    if any(key["kty"] == "oct" or not PRIVATE_MEMBERS.isdisjoint(key) for key in keys):
        raise Refused("must have public keys only; make new keys and publish their public halves")
    return tuple(
        {name: key[name] for name in (*_TEXTS, *_LISTS) if name in key} for key in keys if key["kty"] in _KNOWN_TYPES
    )


def fresh_time(fresh_for: int | None) -> timedelta:
    """Return how long a set is used without asking again; `fresh_for` are the seconds that its server allows."""
    if fresh_for is None:
        return DEFAULT_FRESH
    return min(max(timedelta(seconds=fresh_for), SHORTEST_FRESH), LONGEST_FRESH)


def pause(failures: int) -> timedelta:
    """Return how long a set is not asked for again after so many failures in a row: twice as long after each."""
    return min(PAUSE * (1 << min(max(failures - 1, 0), 10)), LONGEST_PAUSE)


def has_key(keys: tuple[Jwk, ...], kid: str | None) -> bool:
    """Tell whether a set can answer for the key id; without an id it always does."""
    return kid is None or any(key.get("kid") == kid for key in keys)


def _is_key(key: object) -> bool:
    return (
        isinstance(key, dict)
        and "kty" in key
        and all(isinstance(key.get(name, ""), str) for name in _TEXTS)
        and all(_is_short_list(key.get(name, [])) for name in _LISTS)
    )


def _is_short_list(value: object) -> bool:
    return isinstance(value, list) and len(value) <= _LONGEST_LIST and all(isinstance(item, str) for item in value)
