"""What may be approved, what is missing, and how a record merges: the arithmetic of the authorization record (AR-1)."""

from collections.abc import Iterable

from app.protocol.facts import ClientFact, RecordFact
from app.protocol.scopes import OFFLINE_ACCESS, OPENID, ScopeRegistry


def merge(held: tuple[str, ...], approved: Iterable[str]) -> tuple[str, ...]:
    """AR-3: append what is new, keep the order, lose nothing. The store does the same in one statement."""
    return tuple(dict.fromkeys((*held, *approved)))


def missing(record: RecordFact | None, pairs: tuple[str, ...]) -> tuple[str, ...]:
    """Return the asked pairs that the record does not hold, in the order asked (AR-7)."""
    held = frozenset(record.pairs) if record else frozenset()
    return tuple(pair for pair in pairs if pair not in held)


def optional_scopes(asked: tuple[str, ...], client: ClientFact, registry: ScopeRegistry) -> frozenset[str]:
    """Return the asked scopes that may be unticked: those that the registry or the application marks as optional.

    `openid` is never one of them: it is no permission beside others, but what kind of request it is (OC-1).
    """
    return frozenset(
        scope
        for scope in asked
        if scope != OPENID
        and (scope in client.optional_scopes or ((known := registry.get(scope)) is not None and known.optional))
    )


def approved_scopes(
    asked: tuple[str, ...], *, optional: frozenset[str], granted_before: frozenset[str], ticked: frozenset[str]
) -> tuple[str, ...]:
    """Return what the person approved, in the order asked: all of it or a part (CS-7).

    Required scopes come with approval; an optional one only when it was ticked or granted before. Ticks for scopes
    that were not asked are ignored: the choice is cut to the request (architecture §7).
    """
    return tuple(scope for scope in asked if scope not in optional or scope in granted_before or scope in ticked)


def ends_with_session(scopes: Iterable[str]) -> bool:
    """LB-5: whether what comes of a request in a browser ends when the person signs out: it signs him in, and is not to
    work offline (OC-17)."""
    asked = frozenset(scopes)
    return OPENID in asked and OFFLINE_ACCESS not in asked


def lasts_longer(record: RecordFact | None, scopes: Iterable[str]) -> bool:
    """Whether a request asks to go on after the person signs out, where what he allowed before ends then."""
    return record is not None and OFFLINE_ACCESS in scopes and ends_with_session(record.pairs)
