"""What the JSON API tells of an application's demanding requests and answers."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from app.services.request_members import RequestMembers

_ABSENT: dict[str, Any] = RequestMembers().model_dump(mode="json")

SHOWN: dict[str, Any] = {**_ABSENT, "require_pushed_authorization_requests": True}
"""An example of them."""


class RequestAnswer(BaseModel):
    """The members of RFC 9101, RFC 9126, RFC 9396, RFC 9701, JARM and CIBA, as they are registered."""

    require_pushed_authorization_requests: bool
    require_signed_request_object: bool
    request_uris: list[str]
    request_object_signing_alg: str | None
    response_modes: list[str]
    authorization_signed_response_alg: str | None
    authorization_encrypted_response_alg: str | None
    authorization_encrypted_response_enc: str | None
    authorization_details_types: list[str]
    introspection_signed_response_alg: str | None
    introspection_encrypted_response_alg: str | None
    introspection_encrypted_response_enc: str | None
    backchannel_token_delivery_mode: str | None
    backchannel_client_notification_endpoint: str | None
    backchannel_authentication_request_signing_alg: str | None


def request_members(registration: Mapping[str, Any]) -> dict[str, Any]:
    """Return them from what is registered; what was never given is what it is without."""
    return {name: registration.get(name, absent) for name, absent in _ABSENT.items()}
