"""Who the FAPI plans are run with: a person, and two applications for each variant, both with keys and certificates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from app.crypto import jose
from app.protocol.features import Feature
from tests.conformance.ciba_plans import PING, POLL, Calling
from tests.conformance.fapi_plans import BY_CERTIFICATE, BY_KEY, Demanding
from tests.support.assertions import key_set
from tests.support.certificates import Issued, issue
from tests.support.dpop import Holder
from tests.support.service import PASSWORD, REDIRECT_URI

USERNAME, EMAIL = "robin", "robin@example.com"
PROXY = "10.0.0.1"
"""Where requests with certificates come from."""

ROOT = issue("authority", authority=True)
SCOPE, OPENID_SCOPE = "project:read team:read", "openid project:read team:read"
GRANT_SCOPES = "grant_management_query grant_management_revoke"


@dataclass(frozen=True, slots=True)
class Belongings:
    """What an application has: the key that it signs with, the one that its tokens are bound to, and a certificate."""

    signing: Mapping[str, Any] = field(default_factory=lambda: jose.generate("ES256"), repr=False)
    holder: Holder = field(default_factory=Holder, repr=False)
    certificate: Issued | None = None


@cache
def belongings(client_id: str) -> Belongings:
    """Return what an application has, the same at each call."""
    return Belongings(certificate=issue(client_id, ROOT))


def other(client_id: str) -> str:
    """Return the other application of a variant."""
    return f"other.{client_id}"


def settings(authorities: Path, bell: str, ca_file: str) -> dict[str, Any]:
    """Return the settings: a proxy forwards certificates of `authorities`, and `bell` may be called."""
    return {
        "features": {Feature.MUTUAL_TLS.key: True},
        "trusted_proxies": (f"{PROXY}/32",),
        "mtls": {"proxy_header": True, "client_ca_file": authorities, "url": "https://mtls.id.example"},
        "outbound": {"allow": [bell], "ca_file": ca_file},
    }


def data(bell: str) -> dict[str, Any]:
    """Return the data file; `bell` is the host and port where applications are told of decisions."""
    claims = {"given_name": "Robin", "family_name": "Ashdown"}
    demanding = (Demanding(), Demanding(BY_CERTIFICATE), Demanding(signs=True))
    calling = (Calling(BY_KEY, POLL), Calling(BY_CERTIFICATE, PING))
    return {
        "users": [{"username": USERNAME, "email": EMAIL, "password": PASSWORD, "claims": claims}],
        "applications": [
            *(_demanding(variant, name) for variant in demanding for name in _names(variant.client_id)),
            *(_calling(variant, name, bell) for variant in calling for name in _names(variant.client_id)),
        ],
    }


def _names(client_id: str) -> tuple[str, str]:
    return client_id, other(client_id)


def _demanding(variant: Demanding, client_id: str) -> dict[str, Any]:
    signed = {"authorization_signed_response_alg": "ES256", "introspection_signed_response_alg": "ES256"}
    return {
        **_proved(client_id, by_key=variant.by_key),
        "profile": "fapi2-message-signing" if variant.signs else "fapi2",
        "redirect_uris": [REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "tls_client_certificate_bound_access_tokens": not variant.by_key,
        **(signed if variant.signs else {}),
    }


def _calling(variant: Calling, client_id: str, bell: str) -> dict[str, Any]:
    called = {"backchannel_client_notification_endpoint": f"https://{bell}/{client_id}"}
    return {
        **_proved(client_id, by_key=variant.by_key),
        "profile": "fapi2-message-signing",
        "grant_types": ["urn:openid:params:grant-type:ciba", "refresh_token"],
        "tls_client_certificate_bound_access_tokens": True,
        "backchannel_token_delivery_mode": variant.mode,
        "backchannel_authentication_request_signing_alg": "ES256",
        **(called if variant.mode == PING else {}),
    }


def _proved(client_id: str, *, by_key: bool) -> dict[str, Any]:
    proof: dict[str, Any] = {"token_endpoint_auth_method": "private_key_jwt"}
    if not by_key:
        proof = {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": f"CN={client_id}"}
    return {
        "client_id": client_id,
        "client_name": client_id.title(),
        "id_token_signed_response_alg": "ES256",
        "jwks": key_set(belongings(client_id).signing),
        **proof,
    }
