"""Features: which are on, and what the switches may say."""

import re

import pytest

from app.protocol import grant_types
from app.protocol.authorize import pushed, request_object
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.features import Feature, FeatureSet
from tests.support.facts import client


def test_without_switches_the_defaults_are_on() -> None:
    assert FeatureSet.chosen({}) == FeatureSet(feature for feature in Feature if feature.value.default)


def test_a_switch_turns_one_feature_off_and_leaves_the_others() -> None:
    assert FeatureSet.chosen({"introspection": False}) == FeatureSet.chosen({}) - {Feature.INTROSPECTION}


def test_an_unknown_switch_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"features\.nope is not a feature; there are: authorization_code, "):
        FeatureSet.chosen({"nope": True})


def test_a_feature_cannot_be_on_without_what_it_needs() -> None:
    with pytest.raises(ValueError, match=r"session_management needs features\.openid; switch both on or both off"):
        FeatureSet.chosen(
            {
                feature.key: False
                for feature in Feature
                if feature is Feature.OPENID or "openid" in feature.value.requires
            }
            | {"session_management": True}
        )


def test_all_that_needs_what_is_off_is_said_at_once() -> None:
    needing = ("claims_parameter", "front_channel_id_tokens", "rp_initiated_logout", "backchannel_logout")
    listed = ", ".join(f"features.{name}" for name in (*needing, "frontchannel_logout", "backchannel_authentication"))
    said = re.escape(f"{listed} need features.openid; switch it on, or all of these off")
    with pytest.raises(ValueError, match=f"^{said}$"):
        FeatureSet.chosen({"openid": False})


def test_what_needs_each_other_can_be_switched_off_together() -> None:
    off = {Feature.PUBLISHED_KEYS, Feature.OPENID, Feature.JWT_ACCESS_TOKENS, Feature.SIGNED_INTROSPECTION}
    off |= {feature for feature in Feature if "published_keys" in feature.value.requires}
    off |= {feature for feature in Feature if "openid" in feature.value.requires}
    assert FeatureSet.chosen(dict.fromkeys((feature.key for feature in off), False)) == FeatureSet.chosen({}) - off


def test_every_requirement_names_a_feature() -> None:
    keys = {feature.key for feature in Feature}
    assert all(keys.issuperset(feature.value.requires) for feature in Feature)


def test_an_application_uses_the_grant_types_that_it_is_registered_for() -> None:
    grant_types.require_registered("refresh_token", client())
    with pytest.raises(OAuthError) as refused:
        grant_types.require_registered("client_credentials", client())
    assert refused.value.code is ErrorCode.UNAUTHORIZED_CLIENT
    assert "its owner can add it" in refused.value.description
    by_document = client(client_id="https://app.example/client.json", self_registered=True)
    with pytest.raises(OAuthError, match="authorization_code and refresh_token, and nothing else"):
        grant_types.require_registered("client_credentials", by_document)


def test_forms_ask_for_what_the_server_takes() -> None:
    taking, nothing = FeatureSet({Feature.PUSHED_REQUESTS, Feature.REQUEST_OBJECTS}), FeatureSet()
    assert pushed.is_offered(taking)
    assert request_object.is_offered(taking)
    assert not pushed.is_offered(nothing)
    assert not request_object.is_offered(nothing)
