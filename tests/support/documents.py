"""Metadata documents as the makers of clients publish them."""

import json
from typing import Any

CLIENT_ID = "https://app.example/oauth/client.json"

DOCUMENT: dict[str, Any] = {
    "client_id": CLIENT_ID,
    "client_name": "Notebook",
    "client_uri": "https://app.example",
    "redirect_uris": ["https://app.example/callback", "http://127.0.0.1/callback"],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "none",
}


def document(**changes: Any) -> dict[str, Any]:
    """Return the document with changes; None takes a member away."""
    return {name: value for name, value in (DOCUMENT | changes).items() if value is not None}


def written(**changes: Any) -> bytes:
    """Return the same as it is sent."""
    return json.dumps(document(**changes)).encode()
