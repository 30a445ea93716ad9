"""The self-check about FAPI 2.0: each rule has a case that is fine and one that is not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.protocol.dpop import DpopRules
from app.protocol.features import Feature, FeatureSet
from app.protocol.openid_settings import OpenIdSettings
from app.protocol.policy import Lifetimes, ServerPolicy
from app.protocol.request_settings import RequestSettings
from app.services.doctor import Finding, Level
from app.services.doctor_fapi import check_fapi
from app.store.condition import RegisteredApplication

ALL = FeatureSet(Feature)
POLICY = ServerPolicy("https://id.example", Lifetimes(authorization_code=timedelta(minutes=5)))
CLOCKS = DpopRules()
BANK = RegisteredApplication(
    client_id="bank",
    confidential=True,
    redirect_uris=("https://bank.example/cb",),
    require_pkce=True,
    rotates=True,
    unmet=(),
    auth_method="private_key_jwt",
    response_types=("code",),
    openid=OpenIdSettings(id_token_alg="ES256"),
    requests=RequestSettings(answer_alg="PS256"),
    fapi=True,
    signs_messages=True,
)


def findings(
    *applications: RegisteredApplication,
    policy: ServerPolicy = POLICY,
    features: FeatureSet = ALL,
    dpop: DpopRules = CLOCKS,
) -> list[Finding]:
    return list(check_fapi(applications, policy, features, dpop))


def test_a_server_with_all_that_its_applications_need_is_fine() -> None:
    [finding] = findings(BANK, replace(BANK, signs_messages=False, requests=RequestSettings()))
    assert finding.level is Level.OK
    assert finding.seen == "held to it: 2, signing messages: 1; codes live 60 seconds"


def test_nothing_is_asked_of_a_server_without_such_applications() -> None:
    plain = replace(BANK, fapi=False, signs_messages=False, auth_method="client_secret_basic")
    [finding] = findings(plain, features=FeatureSet())
    assert (finding.level, finding.seen) == (Level.OK, "no application is held to it")


@pytest.mark.spec("standards", "F-1")
@pytest.mark.parametrize(
    "feature",
    [
        *(Feature.METADATA, Feature.PUSHED_REQUESTS, Feature.ISSUER_IDENTIFICATION),
        *(Feature.REQUEST_OBJECTS, Feature.SIGNED_ANSWERS, Feature.SIGNED_INTROSPECTION),
    ],
    ids=lambda feature: feature.key,
)
def test_a_feature_that_is_off_and_needed_is_named(feature: Feature) -> None:
    [finding] = findings(BANK, features=FeatureSet(ALL - {feature}))
    assert finding.level is Level.WARN
    assert finding.seen == f"features.{feature.key} is off, which they need"
    assert feature.key in finding.remedy


@pytest.mark.spec("standards", "F-22")
@pytest.mark.spec("standards", "F-13")
@pytest.mark.parametrize(
    ("server", "said"),
    [
        ({"policy": replace(POLICY, issuer="http://localhost:8000")}, "the issuer is not https"),
        ({"policy": replace(POLICY, algorithms=("RS256",))}, "the server signs with RS256 alone"),
        ({"dpop": DpopRules(ahead=timedelta(seconds=5))}, "a clock 10 seconds ahead"),
    ],
    ids=["issuer", "algorithms", "clock"],
)
def test_a_server_that_cannot_do_what_they_are_held_to_is_told(server: dict[str, Any], said: str) -> None:
    [finding] = findings(BANK, **server)
    assert finding.level is Level.WARN
    assert said in finding.seen
    assert finding.remedy


@pytest.mark.spec("standards", "F-14")
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"auth_method": "client_secret_basic"}, "bank proves itself by client_secret_basic"),
        ({"openid": OpenIdSettings()}, "bank has RS256 as id_token_signed_response_alg"),
        ({"openid": OpenIdSettings("ES256", userinfo_alg="RS256")}, "bank has RS256 as userinfo_signed_response_alg"),
        ({"requests": RequestSettings()}, "bank has RS256 as authorization_signed_response_alg"),
        ({"asks_everything": True}, "bank may ask for every scope"),
    ],
    ids=["method", "id_token", "userinfo", "answers", "scopes"],
)
def test_what_an_application_had_before_it_was_held_to_it_is_named(changed: dict[str, Any], said: str) -> None:
    [finding] = findings(replace(BANK, **changed))
    assert finding.level is Level.WARN
    assert finding.seen.startswith(said)
    assert finding.remedy
