"""What the JSON API tells of how an application signs people in."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from app.protocol.client_openid import MEMBERS

SHOWN: dict[str, Any] = {
    "subject_type": None,
    "sector_identifier_uri": None,
    "id_token_signed_response_alg": "ES256",
    "id_token_encrypted_response_alg": None,
    "id_token_encrypted_response_enc": None,
    "userinfo_signed_response_alg": None,
    "userinfo_encrypted_response_alg": None,
    "userinfo_encrypted_response_enc": None,
    "default_max_age": None,
    "require_auth_time": False,
    "default_acr_values": [],
    "initiate_login_uri": None,
    "post_logout_redirect_uris": ["https://diary.example/signed-out"],
    "frontchannel_logout_uri": None,
    "frontchannel_logout_session_required": False,
    "backchannel_logout_uri": "https://diary.example/backchannel-logout",
    "backchannel_logout_session_required": False,
}
"""An example of them."""

_ABSENT: dict[str, Any] = {
    "require_auth_time": False,
    "default_acr_values": [],
    "post_logout_redirect_uris": [],
    "frontchannel_logout_session_required": False,
    "backchannel_logout_session_required": False,
}


class OpenIdAnswer(BaseModel):
    """The members of OpenID Connect Registration, as they are registered."""

    subject_type: str | None
    sector_identifier_uri: str | None
    id_token_signed_response_alg: str | None
    id_token_encrypted_response_alg: str | None
    id_token_encrypted_response_enc: str | None
    userinfo_signed_response_alg: str | None
    userinfo_encrypted_response_alg: str | None
    userinfo_encrypted_response_enc: str | None
    default_max_age: int | None
    require_auth_time: bool
    default_acr_values: list[str]
    initiate_login_uri: str | None
    post_logout_redirect_uris: list[str]
    frontchannel_logout_uri: str | None
    frontchannel_logout_session_required: bool
    backchannel_logout_uri: str | None
    backchannel_logout_session_required: bool


def openid_members(registration: Mapping[str, Any]) -> dict[str, Any]:
    """Return them from what is registered; what was never given is what it is without."""
    return {name: registration.get(name, _ABSENT.get(name)) for name in MEMBERS}
