"""Who the programs on Node.js are to the server, and what it must know of them."""

import json
from collections.abc import Mapping
from typing import Any

from app.crypto import jose
from app.protocol.grant_types import device_code, token_exchange
from tests.support.client_round import CALLBACK, ROBIN

SCOPE = "project:read team:read"
ORDERS, STOCK = "https://orders.example", "https://stock.example"
LIBRARIES = ("oauth4webapi", "openid_client")

REGISTERED_KEY, SERVED_KEY = jose.generate("ES256"), jose.generate("PS256")
SEALING_KEY = {**jose.generate("ES256"), "use": "enc", "alg": "ECDH-ES"}
MACHINES = {"sweeper": REGISTERED_KEY, "duster": SERVED_KEY}
"""One has its key registered, the other one says where it is."""


def secret_of(client_id: str) -> str:
    """Return the secret of an application that has one."""
    return f"{client_id}-keeps-0123456789-abcdefghij-to-itself"


def gateway(library: str) -> str:
    """Return who exchanges tokens on a library."""
    return f"{library}_gateway"


def settings(keys: str, ca_file: str) -> dict[str, str]:
    """Return the settings: every proof needs a nonce, and `keys` is a host and port that may be asked for keys."""
    onwards = {
        "clients": [gateway(library) for library in LIBRARIES],
        "subject_clients": ["television"],
        "resources": [STOCK],
    }
    return {
        "OUTBOUND__ALLOW": json.dumps([keys]),
        "OUTBOUND__CA_FILE": ca_file,
        "DPOP__REQUIRE_NONCE": "true",
        "DEVICE__INTERVAL": "1",
        "TOKEN_EXCHANGE": json.dumps({"onwards": onwards}),
    }


def data(jwks_uri: str) -> dict[str, Any]:
    """Return the data file; `jwks_uri` is where `SERVED_KEY` is published."""
    methods = ("client_secret_basic", "client_secret_post")
    return {
        "users": [{"username": ROBIN.username, "password": ROBIN.password}],
        "resources": [
            {
                "identifier": ORDERS,
                "token_format": "jwt",
                "scopes": SCOPE.split(),
                "introspection_clients": ["orders", "orders_signing", "orders_sealing"],
            },
            {"identifier": STOCK, "token_format": "jwt", "signing_alg": "RS256", "scopes": ["project:read"]},
        ],
        "applications": [
            _machine("sweeper", jwks=_set_of(REGISTERED_KEY)),
            _machine("duster", jwks_uri=jwks_uri, token_endpoint_auth_signing_alg="PS256"),
            _public("television", device_code.NAME),
            _public("phone", "authorization_code", redirect_uris=[CALLBACK], dpop_bound_access_tokens=True),
            *(
                _with_secret(gateway(library), token_exchange.NAME, token_endpoint_auth_method=method)
                for library, method in zip(LIBRARIES, methods, strict=True)
            ),
            _with_secret("orders"),
            _with_secret("orders_signing", introspection_signed_response_alg="ES256"),
            _with_secret(
                "orders_sealing",
                introspection_signed_response_alg="ES256",
                introspection_encrypted_response_alg="ECDH-ES",
                jwks=_set_of(SEALING_KEY),
            ),
        ],
    }


def published() -> bytes:
    """Return the document at `jwks_uri`."""
    return json.dumps(_set_of(SERVED_KEY)).encode()


def _set_of(key: Mapping[str, Any]) -> dict[str, Any]:
    return {"keys": [jose.public_part(key)]}


def _machine(client_id: str, **members: Any) -> dict[str, Any]:
    return {
        "client_id": client_id,
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "private_key_jwt",
        **members,
    }


def _public(client_id: str, grant_type: str, **members: Any) -> dict[str, Any]:
    return {
        "client_id": client_id,
        "grant_types": [grant_type, "refresh_token"],
        "token_endpoint_auth_method": "none",
        **members,
    }


def _with_secret(client_id: str, *grant_types: str, **members: Any) -> dict[str, Any]:
    return {
        "client_id": client_id,
        "client_secret": secret_of(client_id),
        "grant_types": list(grant_types),
        **members,
    }
