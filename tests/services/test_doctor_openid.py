"""The self-check about signing people in: each rule has a case that is fine and one that is not."""

from dataclasses import replace

import pytest

from app.protocol.features import Feature, FeatureSet
from app.protocol.openid_settings import OpenIdSettings
from app.services.doctor import Level
from app.services.doctor_openid import check_openid
from app.store.condition import RegisteredApplication

ALGORITHMS = ("ES256", "RS256")
ALL = FeatureSet(Feature)
APPLICATION = RegisteredApplication(
    client_id="shop",
    confidential=True,
    redirect_uris=("https://shop.example/cb",),
    require_pkce=True,
    rotates=True,
    unmet=(),
)


def test_applications_whose_tokens_can_be_made_are_fine() -> None:
    sealed = OpenIdSettings(sector="shop.example", userinfo_encryption=("ECDH-ES", "A128GCM"))
    local = OpenIdSettings(backchannel_logout_uri="http://localhost:3000/out", userinfo_alg="ES256")
    [finding] = check_openid(
        [APPLICATION, replace(APPLICATION, openid=sealed, has_keys=True), replace(APPLICATION, openid=local)],
        ALGORITHMS,
        ALL,
    )
    assert (finding.level, finding.seen) == (Level.OK, "1 of 3 applications with pairwise subjects")


@pytest.mark.spec("standards", "ID-2")
@pytest.mark.parametrize(
    ("openid", "named"),
    [
        (OpenIdSettings(id_token_alg="PS256"), "ID tokens signed with PS256"),
        (OpenIdSettings(userinfo_alg="EdDSA"), "userinfo answers signed with EdDSA"),
        (OpenIdSettings(id_token_encryption=("RSA-OAEP", "A128GCM")), "RSA-OAEP and has no keys"),
        (OpenIdSettings(backchannel_logout_uri="http://shop.example/out"), "over http (shop.example)"),
    ],
    ids=["ID token", "userinfo", "encryption", "sign-out"],
)
def test_whatever_cannot_be_made_or_is_weak_is_named_with_its_application(openid: OpenIdSettings, named: str) -> None:
    [finding] = check_openid([replace(APPLICATION, openid=openid)], ALGORITHMS, ALL)
    assert finding.level is Level.WARN
    assert finding.seen.startswith("shop ")
    assert named in finding.seen
    assert finding.remedy


@pytest.mark.parametrize("way", ["backchannel", "frontchannel"])
def test_an_address_for_sign_outs_that_nobody_tells_of_is_named(way: str) -> None:
    openid = OpenIdSettings(**{f"{way}_logout_uri": "https://shop.example/out"})  # type: ignore[arg-type]
    off = Feature.BACKCHANNEL_LOGOUT if way == "backchannel" else Feature.FRONTCHANNEL_LOGOUT
    [finding] = check_openid([replace(APPLICATION, openid=openid)], ALGORITHMS, FeatureSet(ALL - {off}))
    assert finding.level is Level.WARN
    assert f"features.{way}_logout is off" in finding.seen


def test_without_openid_connect_there_is_nothing_to_look_at() -> None:
    weak = replace(APPLICATION, openid=OpenIdSettings(id_token_alg="PS256"))
    [finding] = check_openid([weak], ALGORITHMS, FeatureSet(ALL - {Feature.OPENID}))
    assert (finding.level, finding.seen) == (Level.OK, "off")
