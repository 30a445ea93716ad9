"""Every setting: its name, type, bounds, default and meaning. `docs/reference/settings.md` is generated from here."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import AfterValidator, BaseModel, Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.crypto.hashing import digest
from app.protocol import global_revocation, grant_management, own_api, response_types, userinfo
from app.protocol.configuration import Configuration, OutboundRules, SystemKey
from app.protocol.features import Feature, FeatureSet
from app.protocol.policy import ServerPolicy
from app.protocol.resources import Resource
from app.protocol.roles import Roles
from app.protocol.scopes import BUILTIN, DEFAULT, ScopeDefinition, ScopeKind, ScopeRegistry
from app.settings import plugins, values
from app.settings.assurance import AssuranceSettings, assurance
from app.settings.bound_tokens import DpopSettings, MtlsSettings
from app.settings.ciba import CibaSettings
from app.settings.claims import ClaimSettings
from app.settings.delegation import TokenExchangeSettings, TrustedIssuerSettings
from app.settings.details import AuthorizationDetailSettings
from app.settings.fields import Section, Words, number, span
from app.settings.grants import GrantManagementSettings
from app.settings.lifetimes import LifetimeSettings
from app.settings.limits import LimitSettings
from app.settings.logout import LogoutSettings
from app.settings.registration import ClientDocumentSettings, RegistrationSettings
from app.settings.resources import ResourceSettings
from app.settings.signing import SigningSettings


class DeviceSettings(Section):
    """Devices that ask again and again whether their person has decided."""

    interval: int = span(5, 1, 60, "How long a device has to wait between two requests to the token endpoint.")


class OutboundSettings(Section):
    """What the server may connect to."""

    allow: Annotated[Words, AfterValidator(values.check_host_ports)] = Field(
        (),
        description="Exact `host:port` pairs, written as in the URLs, that may be in the own network: exempt from the "
        "ban on private addresses, from the rule for ports, and from https (but for the `jwks_uri` of applications).",
    )
    ca_file: Annotated[Path, AfterValidator(values.check_ca_file)] | None = Field(
        None, description="PEM file of certificate authorities to trust besides those of the system."
    )
    proxy: Annotated[str, AfterValidator(values.check_host_port)] | None = Field(
        None,
        description="An egress proxy as `host:port`, asked for a tunnel (CONNECT) to each address but the exempted "
        "ones. Variables such as `HTTPS_PROXY` have no effect.",
    )


class ScopeSettings(Section):
    """One scope, named by the key of its table."""

    description: str = Field("", max_length=200, description="What a person reads on the consent page.")
    detail: str = Field("", max_length=500, description="A second sentence for the consent page.")
    kind: ScopeKind = Field("see", description="Whether it lets an application see, change or manage.")
    set: str = Field(
        "", max_length=100, description="Display set; its first scope swallows the later ones on the page."
    )
    covers: Words = Field((), description="Further scopes that this one swallows on the consent page.")
    optional: bool = Field(False, description="Whether a person may untick it.")
    legacy_bit: int | None = number(
        None, 0, 62, "Its bit in the masks of a system that kept scopes as numbers, for `assent import legacy`."
    )
    acr: str = Field("", description="The level of `assurance` that a sign-in needs for it. Without it: any sign-in.")


class Settings(BaseSettings):
    """The settings of a server: made by `app.settings.load`, and unchangeable. Secrets are never printed."""

    model_config = SettingsConfigDict(
        env_prefix="ASSENT_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    SECRETS: ClassVar[tuple[str, ...]] = (
        *("secret_key", "database_url", "database_owner_url", "system_key"),
        "ciba.notification_secret",
    )

    issuer: Annotated[str, AfterValidator(values.check_issuer)] | None = Field(
        None,
        description="The server’s address for browsers and clients: https, or http on a loopback host. "
        "Without it: `http://localhost` with the port; required when `host` is neither loopback nor `0.0.0.0`.",
    )
    service_name: str = Field("Assent", min_length=1, max_length=60, description="What pages call the service.")
    host: str = Field("127.0.0.1", min_length=1, description="The address that the server listens on.")
    port: int = number(8000, 0, 65_535, "The port that the server listens on; 0 takes a free one.")
    workers: int = number(1, 1, 256, "Worker processes.")
    data_dir: Path | None = Field(
        None,
        description="Where the embedded database and generated secrets are kept. "
        "Without it: `data` in the working directory, or `/var/lib/assent/data` for root where that is out of reach.",
    )
    database_url: Annotated[SecretStr, AfterValidator(values.check_database_url)] | None = Field(
        None,
        description="An external PostgreSQL 15 or newer, as `postgresql://user:password@host/database`. "
        "Without it the server starts its own.",
    )
    database_owner_url: Annotated[SecretStr, AfterValidator(values.check_database_url)] | None = Field(
        None,
        description="The same database as the role that owns the schema, for migrations and partitions. "
        "Without it: `database_url`.",
    )
    secret_key: Annotated[SecretStr, AfterValidator(values.check_secret_key)] | None = Field(
        None,
        description="The root secret, at least 32 characters. Generated into `data_dir` with the embedded database; "
        "required with `database_url`.",
    )
    trusted_proxies: Annotated[Words, AfterValidator(values.check_networks)] = Field(
        (), description="Networks whose forwarding headers are believed, such as `10.0.0.0/8`."
    )
    features: dict[str, bool] = Field(default_factory=dict, description="Features to switch off or on, by key.")
    lifetimes: LifetimeSettings = Field(default_factory=LifetimeSettings, description="How long things live.")
    limits: LimitSettings = Field(default_factory=LimitSettings, description="How many failures are too many.")
    scopes: dict[str, ScopeSettings] | None = Field(
        None, description="The scope registry, strongest first within a set. Without it: the default registry."
    )
    assurance: dict[str, AssuranceSettings] = Field(
        default_factory=dict,
        description="What sign-ins can be worth (`acr`), the strongest first. Without it: `urn:assent:acr:password`.",
    )
    claims: dict[str, ClaimSettings] = Field(
        default_factory=dict,
        description="What else applications can be told of a person, besides the standard claims of OpenID Connect.",
    )
    roles: dict[str, Words] = Field(
        default_factory=dict,
        description="Roles of organization members, the weakest first: each a list of scopes. One of them must hold "
        "every scope of the others. Without it: member, admin, manager and owner.",
    )
    system_key: Annotated[SecretStr, AfterValidator(values.check_system_key)] | None = Field(
        None,
        description="The operator’s root credential for the JSON API, at least 32 characters. Without it: none.",
    )
    system_key_networks: Annotated[Words, AfterValidator(values.check_networks)] = Field(
        ("127.0.0.0/8", "::1/128"), description="Networks from which the system key counts."
    )
    organization_founders: Literal["everyone", "operators"] = Field(
        "everyone", description="Who may found organizations."
    )
    require_pushed_requests: bool = Field(
        False,
        description="Whether every application has to push its authorization requests (RFC 9126). Without it: those "
        "that are registered so, or whose profile says so.",
    )
    require_signed_requests: bool = Field(
        False,
        description="Whether every application has to send its authorization requests as signed request objects "
        "(RFC 9101). Without it: those that are registered so, or whose profile says so.",
    )
    registration: RegistrationSettings = Field(
        default_factory=RegistrationSettings,
        description="Who may register applications over the protocol, and which.",
    )
    client_documents: ClientDocumentSettings = Field(
        default_factory=ClientDocumentSettings,
        description="Clients that are known by a metadata document at the address that is their client_id.",
    )
    outbound: OutboundSettings = Field(default_factory=OutboundSettings, description="What the server may connect to.")
    logout: LogoutSettings = Field(
        default_factory=LogoutSettings, description="How applications learn that a session is over."
    )
    signing: SigningSettings = Field(
        default_factory=SigningSettings, description="The keys that sign what the server says."
    )
    device: DeviceSettings = Field(
        default_factory=DeviceSettings,
        description="Devices that ask again and again whether their person has decided.",
    )
    resources: dict[str, ResourceSettings] = Field(
        default_factory=dict, description="APIs that accept tokens, by identifier; a data file can declare more."
    )
    dpop: DpopSettings = Field(default_factory=DpopSettings, description="Proofs of possession (RFC 9449).")
    mtls: MtlsSettings = Field(
        default_factory=MtlsSettings, description="Certificates of clients (RFC 8705), with the feature `mutual_tls`."
    )
    trusted_issuers: dict[str, TrustedIssuerSettings] = Field(
        default_factory=dict,
        description="Others whose JWTs count here as authorization grants (RFC 7523), by their `iss`.",
    )
    token_exchange: dict[str, TokenExchangeSettings] = Field(
        default_factory=dict,
        description="Who may exchange whose tokens (RFC 8693), each permission under a name of your choice. Without "
        "any: an application can make its own tokens narrower.",
    )
    ciba: CibaSettings = Field(
        default_factory=CibaSettings, description="Requests that applications send to people (CIBA)."
    )
    grant_management: GrantManagementSettings = Field(
        default_factory=GrantManagementSettings, description="Grants that applications manage themselves."
    )
    authorization_details: dict[str, AuthorizationDetailSettings] = Field(
        default_factory=dict, description="Types of `authorization_details` (RFC 9396), by name."
    )

    @property
    def issuer_url(self) -> str:
        """The issuer identifier: as configured, else the address on this computer."""
        if self.issuer is not None:
            return self.issuer
        return "http://localhost" if self.port == 80 else f"http://localhost:{self.port}"

    @property
    def root_secret(self) -> bytes | None:
        """The root secret as key material; None when the data directory has it."""
        return self.secret_key.get_secret_value().encode("utf-8") if self.secret_key else None

    def policy(self) -> ServerPolicy:
        """Return what the operator decided for the whole server."""
        return ServerPolicy(
            issuer=self.issuer_url,
            lifetimes=self.lifetimes.lifetimes(),
            issuer_in_answers=Feature.ISSUER_IDENTIFICATION in self.feature_set(),
            response_types=response_types.offered(self.feature_set()),
            response_modes=response_types.modes(self.feature_set()),
            device_interval=timedelta(seconds=self.device.interval),
            require_pushed_requests=self.require_pushed_requests,
            require_signed_requests=self.require_signed_requests,
            assurance=assurance(self.assurance),
            algorithms=self.signing.algorithms,
            require_grant_action=self.grant_management.required and Feature.GRANT_MANAGEMENT in self.feature_set(),
        )

    def scope_registry(self) -> ScopeRegistry:
        """Return the registry: configured or default scopes, then those of plug-ins.

        Raises `plugins.ScopeClash`, naming the distribution at fault, or ValueError for a broken definition.
        """
        own = DEFAULT if self.scopes is None else tuple(_definition(*entry) for entry in self.scopes.items())
        signs_in = self.switched_on(Feature.OPENID)
        return ScopeRegistry(
            (*(BUILTIN if signs_in else ()), *own, *plugins.scopes({definition.name for definition in own})),
            for_applications=(global_revocation.SCOPE,) if self.switched_on(Feature.GLOBAL_REVOCATION) else (),
            own_affairs=grant_management.SCOPES if self.switched_on(Feature.GRANT_MANAGEMENT) else (),
        )

    def switched_on(self, feature: Feature) -> bool:
        """Tell whether a feature is on, whatever else may be wrong with the features."""
        return self.features.get(feature.key, feature.value.default)

    def role_set(self) -> Roles:
        """Return the roles of organization members. Raises ValueError when none of them can give all the others."""
        return Roles.chosen(self.roles, self.scope_registry())

    def feature_set(self) -> FeatureSet:
        """Return the features that are on. Raises ValueError for an unknown key or an unmet requirement."""
        chosen = FeatureSet.chosen(self.features)
        if self.registration.mode == "closed":
            return FeatureSet(chosen - {Feature.DYNAMIC_REGISTRATION})
        return chosen

    def configuration(self) -> Configuration:
        """Return what workers need to know. Raises what `scope_registry`, `role_set` and `feature_set` raise."""
        return Configuration(
            service_name=self.service_name,
            policy=self.policy(),
            scopes=self.scope_registry(),
            features=self.feature_set(),
            roles=self.role_set(),
            limits=self.limits.sign_in_limits(),
            secret_limits=self.limits.secret_limits(),
            registration_limits=self.limits.registration_limits(),
            asking_limits=self.limits.asking_limits(),
            push_limits=self.limits.push_limits(),
            documents=self.client_documents.rules(self.limits.document_requests),
            registration=self.registration.rules(),
            trusted_proxies=self.trusted_proxies,
            system_key=self._system_key(),
            everyone_founds=self.organization_founders == "everyone",
            outbound=self._outbound_rules(),
            signing=self.signing.plan(),
            trusted_issuers=tuple(entry.trusted_issuer(name) for name, entry in self.trusted_issuers.items()),
            exchange_rules=tuple(entry.rule(name) for name, entry in self.token_exchange.items()),
            dpop=self.dpop.rules(),
            mtls=self.mtls.rules(self.issuer_url),
            logout=self.logout.rules(),
            calls=self.ciba.rules(),
            resources=self.known_resources(),
            claims=tuple(entry.claim(name) for name, entry in self.claims.items()),
            details=tuple(entry.detail_type(name) for name, entry in self.authorization_details.items()),
        )

    def known_resources(self) -> tuple[Resource, ...]:
        """Return our own and those of the settings. Raises ValueError for an identifier that names none."""
        claims = (entry.claim(name) for name, entry in self.claims.items())
        people = (userinfo.resource(self.issuer_url, claims),) if Feature.OPENID in self.feature_set() else ()
        own = (own_api.resource(self.issuer_url), *people)
        return (*own, *(entry.resource(identifier) for identifier, entry in self.resources.items()))

    def _outbound_rules(self) -> OutboundRules:
        return OutboundRules(
            allow=frozenset(pair.lower() for pair in self.outbound.allow),
            ca_file=None if self.outbound.ca_file is None else str(self.outbound.ca_file.absolute()),
            proxy=self.outbound.proxy,
            fetches_per_minute=self.limits.document_fetches,
        )

    def _system_key(self) -> SystemKey | None:
        if self.system_key is None:
            return None
        secret = self.system_key.get_secret_value().encode("utf-8")
        return SystemKey(digest(secret), self.system_key_networks)


def _definition(name: str, entry: ScopeSettings) -> ScopeDefinition:
    return ScopeDefinition(
        *(name, entry.description, entry.detail, entry.kind, entry.set, entry.covers),
        optional=entry.optional,
        legacy_bit=entry.legacy_bit,
        acr=entry.acr,
    )


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the table behind a field, or behind each value of a field that is a mapping; None for plain values."""
    for candidate in (field.annotation, *get_args(field.annotation)):
        for inner in (candidate, *get_args(candidate)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                return inner
    return None


def is_mapping(field: FieldInfo) -> bool:
    """Tell whether the operator chooses the keys below this field."""
    annotations = (field.annotation, *get_args(field.annotation))
    return any(getattr(annotation, "__origin__", annotation) in (dict, Mapping) for annotation in annotations)
