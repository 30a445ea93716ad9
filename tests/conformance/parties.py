"""Who the plans are run with: a person of whom everything is known, and one application for each variant."""

from typing import Any

from tests.conformance.plans import BASIC_AUTH, CODE, HYBRID, POST_AUTH, Variant
from tests.support.service import PASSWORD, REDIRECT_URI, SECRET

USERNAME = "robin"
AFTERWARDS = "https://client.example/signed-out"
"""Where applications want people after a sign-out."""

TOLD_BEHIND, TOLD_IN_FRONT = "told-behind", "told-in-front"
FRAME = "https://client.example/front-channel?tenant=1"

FEATURES = {"implicit": True, "session_management": True}

PROFILE = {
    "name": "Robin Ashdown",
    "family_name": "Ashdown",
    "given_name": "Robin",
    "middle_name": "Lee",
    "nickname": "Rob",
    "profile": "https://people.example/robin",
    "picture": "https://people.example/robin.png",
    "website": "https://robin.example",
    "gender": "none of yours",
    "birthdate": "1990-04-01",
    "zoneinfo": "Europe/Oslo",
    "locale": "nb-NO",
}
ADDRESS = {"address": {"street_address": "Saltgate 4", "locality": "Bergen", "country": "Norway"}}
PHONE = {"phone_number": "+47 55 55 01 23", "phone_number_verified": True}
EMAIL = "robin@example.com"


def data(receiver: str) -> dict[str, Any]:
    """Return the data file; `receiver` is the host and port where logout tokens are taken."""
    claims = {**PROFILE, **ADDRESS, **PHONE, "email": EMAIL, "email_verified": True}
    return {
        "users": [{"username": USERNAME, "email": EMAIL, "password": PASSWORD, "claims": claims}],
        "applications": [
            _application(Variant(response_type, client_auth=client_auth))
            for response_type in (CODE, *HYBRID)
            for client_auth in (BASIC_AUTH, POST_AUTH)
        ]
        + [
            _application(
                Variant(),
                client_id=TOLD_BEHIND,
                backchannel_logout_uri=f"http://{receiver}/logout",
                backchannel_logout_session_required=True,
            ),
            _application(
                Variant(),
                client_id=TOLD_IN_FRONT,
                frontchannel_logout_uri=FRAME,
                frontchannel_logout_session_required=True,
            ),
        ],
    }


def _application(variant: Variant, **more: Any) -> dict[str, Any]:
    through_browser = ["implicit"] if variant.response_type != CODE else []
    return {
        "client_id": variant.client_id,
        "client_secret": SECRET,
        "client_name": variant.client_id.title(),
        "redirect_uris": [REDIRECT_URI],
        "response_types": [variant.response_type],
        "grant_types": ["authorization_code", "refresh_token", *through_browser],
        "token_endpoint_auth_method": variant.client_auth,
        "post_logout_redirect_uris": [AFTERWARDS],
        "require_pkce": False,
        "allow_implicit": "token" in variant.words,
        **more,
    }
