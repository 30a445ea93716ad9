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
    INTROSPECTION = FeatureSpec("introspection", "RFC 7662")
    REVOCATION = FeatureSpec("revocation", "RFC 7009")
    METADATA = FeatureSpec("metadata", "RFC 8414")
    ISSUER_IDENTIFICATION = FeatureSpec("issuer_identification", "RFC 9207", requires=("authorization_code",))
    IMPLICIT = FeatureSpec("implicit", "RFC 6749 §4.2", Maturity.LEGACY, False, requires=("authorization_code",))

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
        for feature in on:
            for needed in feature.value.requires:
                if known[needed] not in on:
                    raise ValueError(f"features.{feature.key} needs features.{needed}; switch both on or both off")
        return on
