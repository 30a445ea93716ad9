"""What is kept of an application and of a request in columns of their own is read as it was written."""

from datetime import timedelta

import pytest

from app.protocol import claims_request, frontchannel, key_sets, logout, openid_settings, session_state
from app.protocol.claims_request import NO_CLAIMS, ClaimsRequest
from app.protocol.features import FeatureSet
from app.protocol.openid_settings import PLAIN, OpenIdSettings


@pytest.mark.parametrize(
    "request_",
    [
        NO_CLAIMS,
        ClaimsRequest(id_token=("email",)),
        ClaimsRequest(userinfo=("name", "name#ja-Kana-JP"), locales=("ja",)),
        ClaimsRequest(locales=("de", "fr")),
    ],
    ids=["none", "ID token", "userinfo", "languages alone"],
)
def test_a_request_for_claims_is_read_as_it_was_stored(request_: ClaimsRequest) -> None:
    assert claims_request.read(request_.stored) == request_
    assert (request_.stored is None) is (request_ == NO_CLAIMS)


def test_a_claim_s_pair_names_the_claim_and_a_scope_s_does_not() -> None:
    assert claims_request.claim_of(claims_request.pair("email")) == "email"
    assert claims_request.claim_of("email") is None


@pytest.mark.parametrize(
    "settings",
    [
        PLAIN,
        OpenIdSettings(id_token_alg="ES256", id_token_encryption=("ECDH-ES", "A128GCM"), default_max_age=0),
        OpenIdSettings(sector="client.example", post_logout_redirect_uris=("https://client.example/bye",)),
    ],
    ids=["plain", "encrypted", "pairwise"],
)
def test_what_an_application_registered_is_read_as_it_was_stored(settings: OpenIdSettings) -> None:
    assert openid_settings.read(settings.stored) == settings
    assert bool(settings.stored) is (settings != PLAIN)


def test_what_a_newer_server_has_stored_is_passed_over() -> None:
    assert openid_settings.read({"id_token_alg": "ES256", "of_tomorrow": 1}) == OpenIdSettings(id_token_alg="ES256")


def test_each_way_to_sign_out_is_offered_while_its_feature_is_on() -> None:
    usual = FeatureSet.chosen({})
    other = FeatureSet.chosen({"frontchannel_logout": False, "rp_initiated_logout": False, "session_management": True})
    assert [module.is_offered(usual) for module in (frontchannel, logout, session_state)] == [True, True, False]
    assert [module.is_offered(other) for module in (frontchannel, logout, session_state)] == [False, False, True]


def test_a_set_that_fails_again_and_again_is_asked_for_less_and_less() -> None:
    pauses = [key_sets.pause(failures) for failures in range(1, 20)]
    assert pauses == sorted(pauses)
    assert timedelta() < pauses[0] < pauses[-1] == key_sets.LONGEST_PAUSE
