"""What a request needs of the running server, wired once in `app.main` and handed to every endpoint."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from starlette.requests import HTTPConnection

from app.crypto.derivation import derive_key
from app.crypto.envelope import Vault
from app.outbound.client import Outbound
from app.outbound.client_documents import ClientDocuments
from app.outbound.jwks import KeySets
from app.outbound.logos import Logos
from app.outbound.request_documents import RequestDocuments
from app.pipeline.guesses import SecretGuesses
from app.pipeline.issued import IssuedTokens
from app.pipeline.keyring import Keyring
from app.pipeline.last_use import LastUses
from app.pipeline.published import Published
from app.pipeline.resources import KnownResources
from app.pipeline.trace import Traces
from app.protocol.ciba_calls import CallRules
from app.protocol.claims import ClaimsRegistry
from app.protocol.configuration import AskingLimits, PushLimits, RegistrationLimits, RegistrationRules, SystemKey
from app.protocol.details import NO_DETAILS, DetailTypes
from app.protocol.dpop import DpopRules
from app.protocol.exchange_policy import ExchangeRule
from app.protocol.facts import ClientFact
from app.protocol.features import FeatureSet
from app.protocol.mtls import MutualTls
from app.protocol.openid_tokens import IdTokenRules
from app.protocol.policy import EffectivePolicy, ServerPolicy, effective
from app.protocol.resource_metadata import NO_DOCUMENTS, OwnDocuments
from app.protocol.roles import Roles
from app.protocol.scopes import ScopeRegistry
from app.protocol.tokens.refresh_chain import ServerKeys
from app.protocol.trusted_issuers import TrustedIssuer
from app.protocol.vocabulary import Vocabulary
from app.store.database import Database
from app.views.render import Views


@dataclass(frozen=True, slots=True)
class Server:
    """The server as the endpoints see it; `clock` returns the aware UTC now."""

    policy: ServerPolicy
    scopes: ScopeRegistry
    features: FeatureSet
    database: Database
    views: Views
    clock: Callable[[], datetime]
    traces: Traces
    last_uses: LastUses
    issued: IssuedTokens
    keys: ServerKeys = field(repr=False)
    vault: Vault
    keyring: Keyring
    roles: Roles
    resources: KnownResources
    outbound: Outbound
    key_sets: KeySets
    key_sets_of_strangers: KeySets
    request_documents: RequestDocuments
    client_documents: ClientDocuments
    logos: Logos
    discovery: Published
    guesses: SecretGuesses
    calls: CallRules = field(default_factory=CallRules)
    asking_limits: AskingLimits = field(default_factory=AskingLimits)
    dpop: DpopRules = field(default_factory=DpopRules)
    mtls: MutualTls = field(default_factory=MutualTls)
    push_limits: PushLimits = field(default_factory=PushLimits)
    registration: RegistrationRules = field(default_factory=RegistrationRules)
    registration_limits: RegistrationLimits = field(default_factory=RegistrationLimits)
    trusted_issuers: Mapping[str, TrustedIssuer] = field(default_factory=dict)
    exchange_rules: tuple[ExchangeRule, ...] = ()
    claims: ClaimsRegistry = field(default_factory=ClaimsRegistry)
    details: DetailTypes = NO_DETAILS
    id_tokens: IdTokenRules | None = None
    system_key: SystemKey | None = None
    own_documents: OwnDocuments = NO_DOCUMENTS
    everyone_founds: bool = True
    """Whether everybody may found organizations, or operators alone."""

    @property
    def issuer(self) -> str:
        """The issuer identifier: one exact string."""
        return self.policy.issuer

    def key_for(self, purpose: str) -> bytes:
        """Return the current key for one purpose, derived from the root secret."""
        return derive_key(self.keys.by_version[self.keys.current], purpose)

    def policy_for(self, client: ClientFact) -> EffectivePolicy:
        """Return the policy in force for an application."""
        return effective(self.policy, client.policy, confidential=client.confidential)

    def key_sets_for(self, client: ClientFact) -> KeySets:
        """Return where the keys of an application are, when they are not here: strangers crowd nobody else out."""
        return self.key_sets_of_strangers if client.stranger else self.key_sets

    @property
    def vocabulary(self) -> Vocabulary:
        """What permissions are called towards people."""
        return Vocabulary(self.scopes, self.claims, self.details)

    @property
    def https(self) -> bool:
        """Whether browsers reach the server over https, by configuration."""
        return self.policy.issuer.startswith("https://")


def server_of(connection: HTTPConnection) -> Server:
    """Return the server behind a request."""
    return cast(Server, connection.app.state.server)
