"""Who acts for whom: the `act` and `may_act` members (RFC 8693 §4.1, §4.4).

The outermost actor is the one who acts now, and the only one who counts for access; those inside acted before him.
"""

from collections.abc import Mapping
from typing import Any

Actor = Mapping[str, Any]
"""The members that name an actor, and under `act` the one who acted before."""

MOST = 5
"""Actors that one token may name: each of them has seen what it opens."""

_NAMES = frozenset({"iss", "sub", "client_id"})
_LONGEST = 2000


def application(client_id: str) -> Actor:
    """Return an application that acts under its own name."""
    return {"sub": client_id, "client_id": client_id}


def person(subject: str, client_id: str) -> Actor:
    """Return one of our users, who acts through an application."""
    return {"sub": subject, "client_id": client_id}


def stranger(issuer: str, subject: str) -> Actor:
    """Return somebody whom another issuer names."""
    return {"iss": issuer, "sub": subject}


def depth(actor: Actor | None) -> int:
    """Return how many actors there are, one behind the other."""
    count = 0
    while actor is not None:
        count, actor = count + 1, actor.get("act")
    return count


def follow(actor: Actor, before: Actor | None) -> Actor | None:
    """Return the chain when this actor takes over (TX-5); None when there are too many of them.

    Who acts already does not follow himself: going round in a circle of one adds nobody.
    """
    if before is not None and {name: value for name, value in before.items() if name != "act"} == actor:
        return before
    if before is None:
        return actor
    return None if depth(before) >= MOST else {**actor, "act": before}


def read(claim: object, issuer: str) -> Actor | None:
    """Return the chain that a JWT of another issuer has under `act`, cut to the members that name somebody.

    Names without an `iss` are that issuer's. Raises ValueError when it names nobody, or too many.
    """
    if claim is None:
        return None
    named: list[dict[str, Any]] = []
    while claim is not None:
        if not isinstance(claim, Mapping) or len(named) >= MOST:
            raise ValueError("act is no chain of at most five actors")
        names = {name: value for name, value in claim.items() if name in _NAMES}
        if "sub" not in names or not all(isinstance(one, str) and len(one) <= _LONGEST for one in names.values()):
            raise ValueError("act has an actor without a name")
        named.append({"iss": issuer, **names})
        claim = claim.get("act")
    chain: dict[str, Any] | None = None
    for actor in reversed(named):
        chain = actor if chain is None else {**actor, "act": chain}
    return chain


def may_act(claim: object, actor: Actor, *, ours: str, theirs: str) -> bool:
    """Tell whether a `may_act` of an issuer (`theirs`) allows an actor (TX-5); without the claim everybody may.

    A `sub` without an `iss` is a name of that issuer's. Members that name nobody, or that nobody here understands,
    allow nobody.
    """
    if claim is None:
        return True
    if not isinstance(claim, Mapping) or not claim.keys() <= _NAMES or not claim.keys() & {"sub", "client_id"}:
        return False
    asked = {"iss": theirs, **claim} if "sub" in claim else claim
    known = {"iss": ours, **actor}
    return all(known.get(name) == value for name, value in asked.items())
