"""Frozen contexts that decisions are functions of."""

from dataclasses import dataclass, field
from datetime import datetime

from app.protocol.details import NO_DETAILS, DetailTypes
from app.protocol.exchange_policy import ExchangeRule
from app.protocol.facts import ClientFact
from app.protocol.openid_tokens import IdTokenRules
from app.protocol.policy import EffectivePolicy
from app.protocol.resources import NO_RESOURCES, ResourceRegistry
from app.protocol.scopes import ScopeRegistry
from app.protocol.sender import NOBODY, Sender
from app.protocol.tokens.refresh_chain import ServerKeys


@dataclass(frozen=True, slots=True)
class TokenContext:
    """An authenticated (or identified public) client at the token endpoint, at one moment; `sender` is the key that
    the request proved, `id_tokens` the rules of ID tokens where there are any."""

    now: datetime
    client: ClientFact
    policy: EffectivePolicy
    scopes: ScopeRegistry
    keys: ServerKeys = field(repr=False)
    resources: ResourceRegistry = NO_RESOURCES
    sender: Sender = NOBODY
    exchange_rules: tuple[ExchangeRule, ...] = ()
    id_tokens: IdTokenRules | None = None
    detail_types: DetailTypes = NO_DETAILS
