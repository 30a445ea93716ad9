"""What an application may register for asking people elsewhere (CIBA §4)."""

from typing import Any

import pytest

from app.protocol.client_metadata import ClientMetadata, read
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.grant_types import ciba
from app.protocol.request_settings import RequestSettings
from tests.support.assertions import key_of, key_set
from tests.support.facts import REGISTRY

POLLS = {"grant_types": [ciba.NAME], "backchannel_token_delivery_mode": "poll"}
PINGED = {
    "backchannel_token_delivery_mode": "ping",
    "backchannel_client_notification_endpoint": "https://client.example/ping",
}
ALG = "backchannel_authentication_request_signing_alg"
KEYS = {"jwks": key_set(key_of("client"))}


def registered(**members: Any) -> ClientMetadata:
    return read({**POLLS, **members}, REGISTRY)


@pytest.mark.spec("standards", "CB-10")
def test_an_application_polls_or_is_pinged() -> None:
    assert registered().requests() == RequestSettings(ciba_mode="poll")
    endpoint = "https://client.example/ping"
    signed = registered(**PINGED, **KEYS, **{ALG: "ES256"})
    assert signed.requests() == RequestSettings(ciba_mode="ping", ciba_endpoint=endpoint, ciba_alg="ES256")
    assert signed.not_in_effect() == ()


@pytest.mark.parametrize(
    ("members", "told"),
    [
        pytest.param({"backchannel_token_delivery_mode": None}, "is missing", id="no delivery mode"),
        pytest.param({"backchannel_token_delivery_mode": "push"}, "must be poll or ping", id="push"),
        pytest.param(
            {**PINGED, "backchannel_token_delivery_mode": "push"}, "must be poll or ping", id="push with an endpoint"
        ),
        pytest.param({"backchannel_token_delivery_mode": "carrier pigeon"}, "must be 'poll'", id="another mode"),
        pytest.param(
            {**PINGED, "backchannel_client_notification_endpoint": None},
            "needs backchannel_client_notification_endpoint",
            id="ping to nowhere",
        ),
        pytest.param(
            {**PINGED, "backchannel_client_notification_endpoint": "http://client.example/ping"},
            "must be an https URL",
            id="plain http",
        ),
        pytest.param(
            {**PINGED, "backchannel_client_notification_endpoint": "https://client.example/#ping"},
            "must not have a fragment",
            id="fragment",
        ),
        pytest.param({"backchannel_user_code_parameter": True}, "people have no user codes here", id="user codes"),
        pytest.param({"token_endpoint_auth_method": "none"}, "must not be none", id="public"),
        pytest.param({**KEYS, ALG: "HS256"}, "requests are signed with keys", id="MAC"),
        pytest.param({**KEYS, ALG: "none"}, "must not be none", id="unsigned"),
        pytest.param({**KEYS, ALG: "RS256"}, "no key in jwks is for that", id="no key for the algorithm"),
        pytest.param({ALG: "ES256"}, "needs jwks or jwks_uri", id="no keys"),
    ],
)
@pytest.mark.spec("standards", "CB-9")
@pytest.mark.spec("standards", "CB-10")
def test_what_does_not_fit_together_cannot_be_registered(members: dict[str, Any], told: str) -> None:
    with pytest.raises(OAuthError) as refused:
        registered(**members)
    assert refused.value.code is ErrorCode.INVALID_CLIENT_METADATA
    assert told in refused.value.description


def test_what_is_registered_for_later_harms_nobody() -> None:
    """Keys that stand elsewhere are looked at when they are needed, and a mode may be there before the grant type."""
    assert registered(jwks_uri="https://client.example/keys", **{ALG: "PS256"}).requests().ciba_alg == "PS256"
    early = read({"redirect_uris": ["https://client.example/cb"], **PINGED}, REGISTRY)
    assert early.requests().ciba_mode == "ping"
