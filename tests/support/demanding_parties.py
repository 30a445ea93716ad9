"""Who the programs with demanding requests are to the server, and what it must know of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.crypto import jose
from app.protocol.grant_types import ciba
from tests.support.client_round import CALLBACK, ROBIN

LIBRARIES = ("oauth4webapi", "openid_client")
SCOPE = "openid profile project:read"
PAYMENT = "payment"
DETAILS = [
    {"type": PAYMENT, "actions": ["initiate"], "limit": "50.00", "creditor": "Saltbarn Bakery"},
    {"type": PAYMENT, "actions": ["initiate", "cancel"], "limit": "20.00", "creditor": "Harbour Library"},
]
_TYPES = {
    PAYMENT: {
        "description": "Make a payment",
        "schema": {
            "type": "object",
            "required": ["actions", "limit", "creditor"],
            "properties": {
                "actions": {"type": "array", "items": {"enum": ["initiate", "cancel"]}},
                "limit": {"type": "string"},
                "creditor": {"type": "string"},
            },
        },
        "compare": {"limit": "at_most"},
    }
}
KEYS: Mapping[str, Mapping[str, Any]] = {library: jose.generate("ES256") for library in LIBRARIES}
"""What each signs its requests and its assertions with."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How an application makes its requests: what its program is told, and what it has registered."""

    name: str
    told: Mapping[str, bool]
    registered: Mapping[str, Any]
    has_secret: bool = False

    def client_id(self, library: str) -> str:
        """Return the application of this manner on a library."""
        return f"{library}_{self.name}"

    def application(self, library: str) -> dict[str, Any]:
        """Return what a program knows of itself."""
        known = {"client_id": self.client_id(library), "jwk": KEYS[library]}
        return known | ({"client_secret": secret_of(library)} if self.has_secret else {})


PUSHING = Manner("pushing", {"pushes": True}, {"require_pushed_authorization_requests": True}, has_secret=True)
SIGNING = Manner(
    "signing",
    {"signs": True, "answers_signed": True},
    {"require_signed_request_object": True, "request_object_signing_alg": "ES256"},
    has_secret=True,
)
BANK = Manner("bank", {"pushes": True, "binds": True}, {"profile": "fapi2"})
VAULT = Manner(
    "vault",
    {"pushes": True, "signs": True, "binds": True, "answers_signed": True},
    {"profile": "fapi2-message-signing"},
)
MANNERS = (PUSHING, SIGNING, BANK, VAULT)
DESK = Manner("desk", {}, {})
"""A call centre, which sends nobody anywhere."""


def secret_of(library: str) -> str:
    """Return the secret of the applications that have one."""
    return f"{library}-keeps-0123456789-abcdefghij-to-itself"


def settings() -> dict[str, str]:
    """Return the settings: a type of details, and clients that need not wait long between two questions."""
    return {"AUTHORIZATION_DETAILS": json.dumps(_TYPES), "DEVICE__INTERVAL": "1"}


def data() -> dict[str, Any]:
    """Return the data file."""
    sends = [_application(manner, library) for manner in MANNERS for library in LIBRARIES]
    return {
        "users": [{"username": ROBIN.username, "password": ROBIN.password, "claims": {"name": "Robin Ashdown"}}],
        "applications": [*sends, *(_call_centre(library) for library in LIBRARIES)],
    }


def _application(manner: Manner, library: str) -> dict[str, Any]:
    method = "client_secret_basic" if library == "oauth4webapi" else "client_secret_post"
    secret = {"client_secret": secret_of(library), "token_endpoint_auth_method": method}
    signed = {"authorization_signed_response_alg": "ES256", "introspection_signed_response_alg": "ES256"}
    return {
        **_known(manner, library),
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "authorization_details_types": [PAYMENT],
        **(secret if manner.has_secret else {"token_endpoint_auth_method": "private_key_jwt"}),
        **(signed if manner.told.get("answers_signed") else {}),
        **manner.registered,
    }


def _call_centre(library: str) -> dict[str, Any]:
    return {
        **_known(DESK, library),
        "grant_types": [ciba.NAME],
        "token_endpoint_auth_method": "private_key_jwt",
        "backchannel_token_delivery_mode": "poll",
    }


def _known(manner: Manner, library: str) -> dict[str, Any]:
    return {
        "client_id": manner.client_id(library),
        "client_name": manner.client_id(library).replace("_", " ").title(),
        "id_token_signed_response_alg": "ES256",
        "jwks": {"keys": [jose.public_part(KEYS[library])]},
    }
