"""ID tokens: what they say and never say, and the hashes by which they vouch for what goes with them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.protocol.claims import PROTOCOL
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import Authentication
from app.protocol.outcomes import IdTokenContent
from app.protocol.tokens import id_token
from app.protocol.tokens.id_token import half_hash
from tests.support.facts import ISSUER, NOW

SECONDS = int(NOW.timestamp())
SIGNED_IN = Authentication(auth_time=NOW - timedelta(minutes=5))
BARE = IdTokenContent(ISSUER, "web", "u-1", NOW, NOW + timedelta(minutes=10), SIGNED_IN)
CLAIMS: dict[str, Any] = {
    "iss": ISSUER, "sub": "u-1", "aud": "web", "exp": SECONDS + 600, "iat": SECONDS, "auth_time": SECONDS - 300,
}  # fmt: skip
GUIDE = "YmJiZTAwYmYtMzgyOC00NzhkLTkyOTItNjJjNDM3MGYzOWIy9sFhvH8K_x8UIHj1osisS57f5DduL"
HALVES = {
    "sha256": "xsZZrUssMXjL3FBlzoSh2g",
    "sha384": "adt46pcdiB-l6eTNifgoVM-5AIJAxq84",
    "sha512": "p2LHG4H-8pYDc0hyVOo3iIHvZJUqe9tbj3jESOuXbkY",
    "shake256": "sB_U72jyb0WgtX8TsVoqJnm6CD295W9gfSDRxkilB3LAL7REi9JYutRW_s1yE4lD8cOfMZf83gi4",
}


def said(content: IdTokenContent, alg: str = "ES256") -> dict[str, Any]:
    """Return the claims that an ID token is signed over."""
    asked: list[Any] = []

    def sign(*order: Any) -> str:
        asked.extend(order)
        return "signed"

    assert id_token.write(content, alg, sign) == "signed"
    assert asked[:2] == [alg, "JWT"]
    claims: dict[str, Any] = asked[2]
    return claims


@pytest.mark.spec("standards", "TV-4")
def test_the_access_token_of_the_specification_has_its_half_hash() -> None:
    assert half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", "RS256") == "77QmUPtjPfzWtF2AnpK9RQ"


@pytest.mark.spec("standards", "TV-5")
def test_the_code_of_the_specification_has_its_half_hash() -> None:
    code = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"
    assert half_hash(code, "RS256") == "LDktKdoQak3Pk0cnXxCltA"


@pytest.mark.parametrize(
    ("alg", "hashed"),
    [
        *((f"{family}256", "sha256") for family in ("RS", "PS", "ES")),
        *((f"{family}384", "sha384") for family in ("RS", "PS", "ES")),
        *((f"{family}512", "sha512") for family in ("RS", "PS", "ES")),
        ("EdDSA", "sha512"),
        ("Ed25519", "sha512"),
        ("Ed448", "shake256"),
    ],
)
@pytest.mark.spec("standards", "ID-3")
@pytest.mark.spec("standards", "TV-6")
def test_each_algorithm_has_the_half_hash_that_the_guide_says(alg: str, hashed: str) -> None:
    assert half_hash(GUIDE, alg) == HALVES[hashed]


@pytest.mark.parametrize("alg", ["none", "HS256", ""])
def test_there_is_no_half_hash_for_what_no_id_token_is_signed_with(alg: str) -> None:
    with pytest.raises(KeyError):
        half_hash(GUIDE, alg)


@pytest.mark.spec("standards", "ID-1")
@pytest.mark.spec("standards", "OC-9")
def test_an_id_token_says_who_for_whom_until_when_and_when_he_signed_in() -> None:
    assert said(BARE) == CLAIMS


@pytest.mark.spec("standards", "ID-1")
def test_what_is_known_beside_that_is_said_too_and_there_is_no_azp() -> None:
    known = replace(SIGNED_IN, acr="urn:assent:acr:password", amr=("pwd",))
    full = replace(BARE, authentication=known, nonce="n-0S6", sid="s1", claims={"email": "ada@example.com"})
    assert said(full) == CLAIMS | {
        "acr": "urn:assent:acr:password", "amr": ["pwd"], "nonce": "n-0S6", "sid": "s1", "email": "ada@example.com",
    }  # fmt: skip


@pytest.mark.spec("standards", "ID-1")
def test_an_empty_nonce_is_a_nonce_all_the_same() -> None:
    assert said(replace(BARE, nonce=""))["nonce"] == ""


@pytest.mark.spec("standards", "ID-4")
def test_it_vouches_for_what_goes_out_with_it_by_the_hash_of_its_algorithm() -> None:
    with_all = replace(BARE, access_token=GUIDE, code=GUIDE, state=GUIDE)
    for alg, hashed in (("RS256", "sha256"), ("ES384", "sha384")):
        hashes = {name: value for name, value in said(with_all, alg).items() if name.endswith("_hash")}
        assert hashes == dict.fromkeys(("at_hash", "c_hash", "s_hash"), HALVES[hashed])


@pytest.mark.spec("standards", "ID-1")
def test_claims_about_a_person_never_change_what_the_protocol_says() -> None:
    forged = dict.fromkeys(PROTOCOL, "forged")
    assert said(replace(BARE, claims=forged | {"name": "Ada"})) == CLAIMS | {"name": "Ada"}


def test_nobody_gets_an_id_token_that_would_speak_for_the_server_itself() -> None:
    with pytest.raises(OAuthError) as refused:
        said(replace(BARE, subject=ISSUER))
    assert refused.value.code is ErrorCode.ACCESS_DENIED
    assert "issuer" in refused.value.description


def test_neither_the_order_nor_what_it_vouches_for_is_in_a_log() -> None:
    told = repr(replace(BARE, access_token="opaque-token", code="the-code", claims={"email": "ada@example.com"}))
    assert not any(secret in told for secret in ("opaque-token", "the-code", "ada@example.com"))
