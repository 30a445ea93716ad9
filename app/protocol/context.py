"""Frozen contexts that decisions are functions of."""

from dataclasses import dataclass, field
from datetime import datetime

from app.protocol.facts import ClientFact
from app.protocol.policy import EffectivePolicy
from app.protocol.tokens.refresh_chain import ServerKeys


@dataclass(frozen=True, slots=True)
class TokenContext:
    """An authenticated (or identified public) client at the token endpoint, at one moment."""

    now: datetime
    client: ClientFact
    policy: EffectivePolicy
    keys: ServerKeys = field(repr=False)
