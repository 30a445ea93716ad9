"""Personal tokens as the desk shows them: lines, the words of their permissions, and the form for a new one."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby

from app.protocol.facts import SessionFact
from app.protocol.policy import Lifetimes
from app.protocol.scopes import ScopeDefinition, ScopeRegistry
from app.services.personal_tokens import Made
from app.store.personal_tokens import OwnToken
from app.views.pages.tokens import End, OfferedScope, ScopeGroup, ShownToken, TokenLine, TokenState

NEVER = "never"
_USUAL_ENDS = (timedelta(days=7), timedelta(days=30), timedelta(days=90), timedelta(days=365))


def line_of(token: OwnToken, session: SessionFact, now: datetime) -> TokenLine:
    """Return a token as its maker, whose session it is, sees it."""
    return TokenLine(
        id=str(token.id),
        name=token.name,
        last_four=token.last_four,
        scopes=token.scopes,
        created=token.created_at,
        ends=token.expires_at,
        last_used=token.last_used_at,
        state=_state(token, session, now),
    )


def shown_once(made: Made, session: SessionFact, registry: ScopeRegistry, now: datetime) -> ShownToken:
    """Return a new token with its secret."""
    can = tuple(scope.words for group in groups_of(made.token.scopes, registry) for scope in group.scopes)
    return ShownToken(line_of(made.token, session, now), made.text, can)


def groups_of(scopes: Iterable[str], registry: ScopeRegistry) -> tuple[ScopeGroup, ...]:
    """Return the permissions that a token holds, in words; those that have left the registry come last."""
    held = frozenset(scopes)
    known = [definition for definition in registry if definition.name in held]
    gone = [ScopeDefinition(name) for name in scopes if name not in registry]
    return offered([*known, *gone])


def offered(definitions: Iterable[ScopeDefinition]) -> tuple[ScopeGroup, ...]:
    """Return permissions by display set, in the order in which they are given."""
    by_set = groupby(definitions, key=lambda definition: definition.set)
    return tuple(ScopeGroup(name, tuple(map(_offered, group))) for name, group in by_set)


def ends(lifetimes: Lifetimes, now: datetime) -> tuple[End, ...]:
    """Return how a new token can end: the usual ways, that of the server’s policy, and never."""
    return (*_limited(lifetimes, now), End(NEVER, None))


def chosen_by_default(lifetimes: Lifetimes) -> str:
    """Return the value of the end that the server’s policy names."""
    return _value(lifetimes.personal_token)


def _limited(lifetimes: Lifetimes, now: datetime) -> Iterator[End]:
    for length in sorted({*_USUAL_ENDS, lifetimes.personal_token}):
        yield End(_value(length), now + length, int(length.total_seconds()))


def _value(length: timedelta) -> str:
    return str(int(length.total_seconds()))


def _offered(definition: ScopeDefinition) -> OfferedScope:
    return OfferedScope(definition.name, definition.title, definition.detail, definition.kind)


def _state(token: OwnToken, session: SessionFact, now: datetime) -> TokenState:
    if token.user_epoch != session.user_epoch:
        return "shut_out"
    return "live" if token.is_live(session.user_epoch, now) else "ended"
