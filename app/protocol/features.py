"""The features of the server: one enum, asked in three places only (mounting, registry discovery, metadata)."""

from dataclasses import dataclass
from enum import Enum, StrEnum


class Maturity(StrEnum):
    """How settled the specification behind a feature is."""

    STANDARD = "standard"
    DRAFT = "draft"
    LEGACY = "legacy"


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """What a feature implements, how settled that is, whether it is on by default, and what it needs."""

    key: str
    spec: str
    maturity: Maturity = Maturity.STANDARD
    default: bool = True
    requires: tuple[str, ...] = ()


class Feature(Enum):
    """Everything that can be switched; the key is its name in `[features]`."""

    AUTHORIZATION_CODE = FeatureSpec("authorization_code", "RFC 6749 §4.1, RFC 7636, OAuth 2.1")
    REFRESH_TOKEN = FeatureSpec("refresh_token", "RFC 6749 §6, RFC 9700 §4.14", requires=("authorization_code",))
    CLIENT_CREDENTIALS = FeatureSpec("client_credentials", "RFC 6749 §4.4")
    DEVICE_AUTHORIZATION = FeatureSpec("device_authorization", "RFC 8628")
    JWT_BEARER = FeatureSpec("jwt_bearer", "RFC 7523 §2.1")
    TOKEN_EXCHANGE = FeatureSpec("token_exchange", "RFC 8693")
    CLIENT_ASSERTIONS = FeatureSpec("client_assertions", "RFC 7523 §2.2, RFC 7521 §4.2")
    MUTUAL_TLS = FeatureSpec("mutual_tls", "RFC 8705", default=False)
    DPOP = FeatureSpec("dpop", "RFC 9449")
    RESOURCE_INDICATORS = FeatureSpec("resource_indicators", "RFC 8707")
    JWT_ACCESS_TOKENS = FeatureSpec("jwt_access_tokens", "RFC 9068", requires=("resource_indicators", "published_keys"))
    PUBLISHED_KEYS = FeatureSpec("published_keys", "RFC 7517")
    INTROSPECTION = FeatureSpec("introspection", "RFC 7662")
    SIGNED_INTROSPECTION = FeatureSpec("signed_introspection", "RFC 9701", requires=("published_keys",))
    GLOBAL_REVOCATION = FeatureSpec(
        "global_revocation", "draft-parecki-oauth-global-token-revocation-04", Maturity.DRAFT, default=False
    )
    REVOCATION = FeatureSpec("revocation", "RFC 7009")
    METADATA = FeatureSpec("metadata", "RFC 8414, OpenID Connect Discovery 1.0")
    OPENID = FeatureSpec("openid", "OpenID Connect Core 1.0", requires=("authorization_code", "published_keys"))
    CLAIMS_PARAMETER = FeatureSpec("claims_parameter", "OpenID Connect Core §5.5", requires=("openid",))
    FRONT_CHANNEL_ID_TOKENS = FeatureSpec(
        "front_channel_id_tokens",
        "OpenID Connect Core §3.2, §3.3, OAuth 2.0 Multiple Response Types",
        requires=("openid",),
    )
    FORM_POST = FeatureSpec("form_post", "OAuth 2.0 Form Post Response Mode", requires=("authorization_code",))
    SIGN_UP = FeatureSpec(
        "sign_up", "Initiating User Registration via OpenID Connect 1.0 (prompt=create)", default=False
    )
    RP_INITIATED_LOGOUT = FeatureSpec(
        "rp_initiated_logout", "OpenID Connect RP-Initiated Logout 1.0", requires=("openid",)
    )
    BACKCHANNEL_LOGOUT = FeatureSpec(
        "backchannel_logout", "OpenID Connect Back-Channel Logout 1.0", requires=("openid",)
    )
    FRONTCHANNEL_LOGOUT = FeatureSpec(
        "frontchannel_logout", "OpenID Connect Front-Channel Logout 1.0", requires=("openid",)
    )
    SESSION_MANAGEMENT = FeatureSpec(
        "session_management", "OpenID Connect Session Management 1.0", default=False, requires=("openid",)
    )
    PUSHED_REQUESTS = FeatureSpec("pushed_requests", "RFC 9126", requires=("authorization_code",))
    REQUEST_OBJECTS = FeatureSpec(
        "request_objects", "RFC 9101, OpenID Connect Core §6", requires=("authorization_code",)
    )
    REQUEST_OBJECTS_BY_REFERENCE = FeatureSpec(
        "request_objects_by_reference",
        "RFC 9101 §5.2, OpenID Connect Core §6.2",
        default=False,
        requires=("request_objects",),
    )
    SIGNED_ANSWERS = FeatureSpec(
        "signed_answers",
        "JWT Secured Authorization Response Mode (JARM)",
        requires=("authorization_code", "published_keys"),
    )
    AUTHORIZATION_DETAILS = FeatureSpec("authorization_details", "RFC 9396", requires=("authorization_code",))
    BACKCHANNEL_AUTHENTICATION = FeatureSpec(
        "backchannel_authentication", "OpenID Connect CIBA Core 1.0", requires=("openid",)
    )
    GRANT_MANAGEMENT = FeatureSpec(
        "grant_management",
        "draft-ietf-oauth-v2-grant-management-03",
        Maturity.DRAFT,
        requires=("authorization_code",),
    )
    CLIENT_DOCUMENTS = FeatureSpec(
        "client_documents",
        "draft-ietf-oauth-client-id-metadata-document-02",
        Maturity.DRAFT,
        requires=("authorization_code",),
    )
    DYNAMIC_REGISTRATION = FeatureSpec("dynamic_registration", "RFC 7591, RFC 7592")
    PROTECTED_RESOURCE_METADATA = FeatureSpec("protected_resource_metadata", "RFC 9728")
    ISSUER_IDENTIFICATION = FeatureSpec("issuer_identification", "RFC 9207", requires=("authorization_code",))
    IMPLICIT = FeatureSpec("implicit", "RFC 6749 §4.2", Maturity.LEGACY, False, requires=("authorization_code",))

    __hash__ = object.__hash__  # each is one object; that of Enum is written in Python and asked in every request

    @property
    def key(self) -> str:
        """The name in settings."""
        return self.value.key


class FeatureSet(frozenset[Feature]):
    """The features that are on."""

    @classmethod
    def chosen(cls, switches: dict[str, bool]) -> "FeatureSet":
        """Return the defaults changed by `switches`; raises ValueError for an unknown key or an unmet requirement."""
        known = {feature.key: feature for feature in Feature}
        for key in switches:
            if key not in known:
                raise ValueError(f"features.{key} is not a feature; there are: {', '.join(known)}")
        on = cls(feature for feature in Feature if switches.get(feature.key, feature.value.default))
        for needed in (feature for feature in Feature if feature not in on):
            stranded = [f"features.{one.key}" for one in Feature if one in on and needed.key in one.value.requires]
            if len(stranded) == 1:
                raise ValueError(f"{stranded[0]} needs features.{needed.key}; switch both on or both off")
            if stranded:
                raise ValueError(f"{', '.join(stranded)} need features.{needed.key}; switch it on, or all of these off")
        return on
