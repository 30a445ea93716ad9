"""What an operator has configured, as a running server needs it.

The parent makes it of the settings and sends it to its workers. So they learn none of the secrets that only the parent
needs, and do without the machinery that reads settings: 3 MiB of each.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from app.protocol.ciba_calls import CallRules
from app.protocol.claim_values import Claim
from app.protocol.detail_types import DetailType
from app.protocol.dpop import DpopRules
from app.protocol.exchange_policy import ExchangeRule
from app.protocol.features import FeatureSet
from app.protocol.logout_delivery import DeliveryRules
from app.protocol.mtls import MutualTls
from app.protocol.policy import ServerPolicy
from app.protocol.resources import Resource
from app.protocol.roles import Roles
from app.protocol.scopes import ScopeRegistry
from app.protocol.tokens.keyring import SigningPlan
from app.protocol.trusted_issuers import TrustedIssuer


@dataclass(frozen=True, slots=True)
class SignInLimits:
    """From the `account_failures`-th failure in a row the account waits, `first_wait` doubling up to `longest_wait`;
    an address waits after `address_failures` within `address_window`."""

    account_failures: int = 10
    first_wait: timedelta = timedelta(seconds=30)
    longest_wait: timedelta = timedelta(hours=1)
    address_failures: int = 300
    address_window: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class SecretLimits:
    """How many wrong secrets are judged within a `window` (T-7): of one application from one address, and of whatever
    applications from one address."""

    client_failures: int = 100
    address_failures: int = 300
    window: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class RegistrationLimits:
    """How many accounts, or applications, anybody may register from one address within a `window`."""

    address_registrations: int = 300
    window: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class DocumentRules:
    """Which metadata documents count (Client ID Metadata Documents).

    `allowed` and `denied` are hosts, or `*.` and a domain for all below it; none allowed: all that are not denied.
    `vouched` are those whose documents the operator answers for. A document is read again after its own time, at least
    `shortest` and at most `longest`; so long it may also stand in for one that cannot be had. `requests` are the
    documents that may be asked for from one address within a `window`, by requests behind which nobody is known.
    """

    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    vouched: tuple[str, ...] = ()
    shortest: timedelta = timedelta(minutes=5)
    longest: timedelta = timedelta(days=1)
    requests: int = 300
    window: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class StatementIssuer:
    """Somebody whose software statements count here (RFC 7591 §2.3): keys of his own, or where they are."""

    issuer: str
    jwks: tuple[dict[str, object], ...] = ()
    jwks_uri: str = ""


Imitations = Literal["refuse", "mark"]


@dataclass(frozen=True, slots=True)
class RegistrationRules:
    """Who may register applications over the protocol, and which.

    `by_token`: whoever shows an initial access token; otherwise everybody. `scopes` are all that such applications may
    ask for, None: whatever others may. Names that look like those of known applications are refused, or marked on the
    pages. An application that never got a token is gone after `unused_after`. `needs_statement`: nobody registers
    without a software statement of one of the `issuers`.
    """

    by_token: bool = True
    scopes: tuple[str, ...] | None = None
    imitations: Imitations = "refuse"
    unused_after: timedelta = timedelta(days=7)
    needs_statement: bool = False
    issuers: tuple[StatementIssuer, ...] = ()


@dataclass(frozen=True, slots=True)
class PushLimits:
    """How many requests may be pushed from one address within a `window` by applications that do not prove who they
    are."""

    pushes: int = 300
    window: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class AskingLimits:
    """How many requests to one person that he does not approve are let through within a `window` (CB-11): of one
    application, and of all together that he allows nothing. Beyond the one the application is refused, beyond the other
    the person is left in peace."""

    of_application: int = 10
    of_person: int = 20
    window: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class SystemKey:
    """The operator's root credential: the SHA-256 digest of its UTF-8 bytes, and from where it counts."""

    digest: bytes = field(repr=False)
    networks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OutboundRules:
    """What the server may connect to when others chose the address.

    `allow` are the `host:port` pairs, in lower case, that may be in our own network. `ca_file` has certificate
    authorities besides the system's. `proxy` is the `host:port` that everything but the exempted pairs goes through.
    """

    allow: frozenset[str] = frozenset()
    ca_file: str | None = None
    proxy: str | None = None
    fetches_per_minute: int = 60


@dataclass(frozen=True, slots=True)
class Configuration:
    """A server's configuration. `everyone_founds`: organizations are not the operator's affair alone. `claims` are the
    ones that the operator has defined, `details` his types of authorization details."""

    service_name: str
    policy: ServerPolicy
    scopes: ScopeRegistry
    features: FeatureSet
    roles: Roles
    limits: SignInLimits
    trusted_proxies: tuple[str, ...]
    system_key: SystemKey | None
    everyone_founds: bool
    outbound: OutboundRules = field(default_factory=OutboundRules)
    secret_limits: SecretLimits = field(default_factory=SecretLimits)
    registration_limits: RegistrationLimits = field(default_factory=RegistrationLimits)
    asking_limits: AskingLimits = field(default_factory=AskingLimits)
    push_limits: PushLimits = field(default_factory=PushLimits)
    documents: DocumentRules = field(default_factory=DocumentRules)
    registration: RegistrationRules = field(default_factory=RegistrationRules)
    signing: SigningPlan = field(default_factory=SigningPlan)
    dpop: DpopRules = field(default_factory=DpopRules)
    mtls: MutualTls = field(default_factory=MutualTls)
    logout: DeliveryRules = field(default_factory=DeliveryRules)
    calls: CallRules = field(default_factory=CallRules)
    resources: tuple[Resource, ...] = ()
    trusted_issuers: tuple[TrustedIssuer, ...] = ()
    exchange_rules: tuple[ExchangeRule, ...] = ()
    claims: tuple[Claim, ...] = ()
    details: tuple[DetailType, ...] = ()
