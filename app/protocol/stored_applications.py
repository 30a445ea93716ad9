"""What applications are kept as: what kind they are, and the columns that hold policy and keys."""

from typing import Any

from app.protocol.client_keys import KeyMaterial
from app.protocol.client_metadata import REDIRECTING, ClientMetadata
from app.protocol.facts import ApplicationKind
from app.protocol.policy import ApplicationPolicy

_SWITCHES = ("allow_implicit", "dpop_bound", "tls_bound", "strict_assertions", "fapi", "signs_messages")
"""Members of the policy that are off unless they are stored."""


def kind_of(metadata: ClientMetadata) -> ApplicationKind:
    """Return what the application is: RFC 8252 for native ones (NA-2, RU-6), RFC 6749 §2.1 for the others."""
    if not metadata.redirect_uris and REDIRECTING.isdisjoint(metadata.grant_types):
        return "machine"
    on_web = all(uri.startswith(("https://", "http://")) for uri in metadata.redirect_uris)
    if metadata.application_type == "native" or not on_web:
        return "native"
    if metadata.confidential:
        return "web"
    loopback_only = all(uri.startswith("http://") for uri in metadata.redirect_uris)
    return "native" if metadata.redirect_uris and loopback_only and metadata.application_type is None else "browser"


def stored_policy(policy: ApplicationPolicy) -> dict[str, Any]:
    """Return the policy as JSON values, lifetimes in seconds; what is as the server says is left out."""
    lifetimes = {
        "access_token": policy.access_token,
        "refresh_token_idle": policy.refresh_token_idle,
        "refresh_token_absolute": policy.refresh_token_absolute,
    }
    stored: dict[str, Any] = {
        name: int(value.total_seconds()) for name, value in lifetimes.items() if value is not None
    }
    return stored | {
        "rotate_refresh_tokens": policy.rotate_refresh_tokens,
        "require_pkce": policy.require_pkce,
        **{name: True for name in _SWITCHES if getattr(policy, name)},
    }


def stored_keys(material: KeyMaterial) -> dict[str, Any]:
    """Return the key material as JSON values; what was not given is left out, and what is sealed is no part of it."""
    stored = {
        "jwks": list(material.jwks),
        "jwks_uri": material.jwks_uri,
        "signing_alg": material.signing_alg,
        "tls_subject": list(material.tls_subject or ()),
        "introspection_signing_alg": material.introspection_signing_alg,
        "introspection_encryption_alg": material.introspection_encryption_alg,
        "introspection_encryption_enc": material.introspection_encryption_enc,
    }
    return {name: value for name, value in stored.items() if value}
