"""Frozen contexts that decisions are functions of."""

from dataclasses import dataclass
from datetime import datetime

from app.protocol.facts import ClientFact
from app.protocol.policy import EffectivePolicy
from app.protocol.scopes import ScopeRegistry


@dataclass(frozen=True, slots=True)
class TokenContext:
    """An authenticated (or identified public) client at the token endpoint, at one moment."""

    now: datetime
    client: ClientFact
    policy: EffectivePolicy
    scopes: ScopeRegistry
