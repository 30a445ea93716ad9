"""What an application may register for signing people in, and what must fit together."""

from typing import Any

import pytest

from app.protocol import client_openid
from app.protocol.client_metadata import MAX_SECONDS, ClientMetadata, read
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.openid_settings import PLAIN, OpenIdSettings
from app.protocol.openid_settings import read as read_settings
from app.protocol.scopes import DEFAULT, ScopeRegistry

SCOPES = ScopeRegistry(DEFAULT)
CALLBACK = "https://client.example/cb"
SIGNING = ("ES256", "RS256")
RSA = {"kty": "RSA", "n": "AA", "e": "AQAB"}
EC = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "BB"}
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def metadata(signing: tuple[str, ...] = SIGNING, **members: Any) -> ClientMetadata:
    return read({"redirect_uris": [CALLBACK], **members}, SCOPES, signing=signing)


def refusal(**members: Any) -> str:
    """Return why metadata is refused."""
    with pytest.raises(OAuthError) as refused:
        metadata(**members)
    assert refused.value.code is ErrorCode.INVALID_CLIENT_METADATA
    return refused.value.description


def keys(*listed: dict[str, Any]) -> dict[str, Any]:
    return {"keys": list(listed)}


@pytest.mark.spec("standards", "DR-5")
def test_whoever_registers_nothing_gets_the_defaults_of_the_specification() -> None:
    assert metadata().openid() == PLAIN
    assert (PLAIN.id_token_alg, PLAIN.id_token_encryption, PLAIN.userinfo_alg) == ("RS256", None, "")


@pytest.mark.spec("standards", "DR-15")
@pytest.mark.spec("standards", "OC-18")
def test_everything_that_is_registered_is_acted_on() -> None:
    given: dict[str, Any] = {
        "jwks": keys(RSA),
        "subject_type": "pairwise",
        "id_token_signed_response_alg": "ES256",
        "id_token_encrypted_response_alg": "RSA-OAEP-256",
        "userinfo_signed_response_alg": "RS256",
        "userinfo_encrypted_response_alg": "RSA-OAEP",
        "userinfo_encrypted_response_enc": "A128GCM",
        "default_max_age": 600,
        "require_auth_time": True,
        "default_acr_values": ["urn:assent:acr:password"],
        "initiate_login_uri": "https://client.example/login",
        "post_logout_redirect_uris": ["https://client.example/bye"],
        "frontchannel_logout_uri": "https://client.example/front?app=1",
        "frontchannel_logout_session_required": True,
        "backchannel_logout_uri": "https://back.example/logout",
        "backchannel_logout_session_required": True,
    }
    found = metadata(**given)
    assert found.not_in_effect() == ()
    settings = found.openid()
    assert settings == OpenIdSettings(
        id_token_alg="ES256",
        id_token_encryption=("RSA-OAEP-256", "A128CBC-HS256"),
        userinfo_alg="RS256",
        userinfo_encryption=("RSA-OAEP", "A128GCM"),
        sector="client.example",
        default_max_age=600,
        default_acr_values=("urn:assent:acr:password",),
        post_logout_redirect_uris=("https://client.example/bye",),
        backchannel_logout_uri="https://back.example/logout",
        backchannel_logout_session_required=True,
        frontchannel_logout_uri="https://client.example/front?app=1",
        frontchannel_logout_session_required=True,
    )
    assert read_settings({n: list(v) if isinstance(v, tuple) else v for n, v in settings.stored.items()}) == settings
    assert set(given) - {"jwks"} <= set(client_openid.MEMBERS)


@pytest.mark.spec("standards", "ID-2")
@pytest.mark.parametrize("member", ["id_token_signed_response_alg", "userinfo_signed_response_alg"])
@pytest.mark.parametrize(
    ("alg", "reason"),
    [("none", "always signed"), ("HS256", "client secret"), ("PS256", "does not sign"), ("XY1", "does not sign")],
)
def test_only_what_the_server_signs_with_can_be_registered(member: str, alg: str, reason: str) -> None:
    description = refusal(**{member: alg})
    assert description.startswith(member)
    assert reason in description
    assert description.endswith("use one of ES256, RS256")


def test_where_nobody_knows_the_server_every_signature_can_be_registered() -> None:
    assert metadata((), id_token_signed_response_alg="PS256").openid().id_token_alg == "PS256"


@pytest.mark.spec("standards", "ID-6")
@pytest.mark.parametrize("kind", ["id_token", "userinfo"])
@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"alg": "RSA1_5", "jwks": keys(RSA)}, "must be one of RSA-OAEP-256"),
        ({"alg": "RSA-OAEP", "enc": "A192GCM", "jwks": keys(RSA)}, "must be one of A128CBC-HS256"),
        ({"enc": "A128GCM", "jwks": keys(RSA)}, "encrypted_response_alg"),
        ({"alg": "RSA-OAEP"}, "needs jwks or jwks_uri"),
        ({"alg": "RSA-OAEP", "jwks": keys(EC)}, "no key in jwks"),
        ({"alg": "ECDH-ES", "jwks": keys(RSA)}, "no key in jwks"),
        ({"alg": "ECDH-ES", "jwks": keys({**EC, "use": "sig"})}, "no key in jwks"),
        ({"alg": "ECDH-ES", "jwks": keys({**EC, "alg": "ECDH-ES+A128KW"})}, "no key in jwks"),
    ],
    ids=["padding", "content", "no_alg", "no_keys", "not_rsa", "not_ec", "for_signatures", "for_another"],
)
def test_what_cannot_be_encrypted_cannot_be_registered(kind: str, members: dict[str, Any], reason: str) -> None:
    named = {f"{kind}_encrypted_response_{name}": members[name] for name in ("alg", "enc") if name in members}
    description = refusal(**named, **{name: members[name] for name in members if name == "jwks"})
    assert description.startswith(f"{kind}_encrypted_response_")
    assert reason in description


def test_keys_that_are_published_elsewhere_are_looked_at_when_they_are_needed() -> None:
    made = metadata(jwks_uri="https://client.example/jwks", id_token_encrypted_response_alg="ECDH-ES")
    assert made.openid().id_token_encryption == ("ECDH-ES", "A128CBC-HS256")
    mixed = metadata(jwks=keys(RSA, {**EC, "use": "enc"}), id_token_encrypted_response_alg="ECDH-ES+A128KW")
    assert mixed.openid().id_token_encryption == ("ECDH-ES+A128KW", "A128CBC-HS256")


@pytest.mark.spec("standards", "LB-1")
@pytest.mark.spec("standards", "LF-1")
@pytest.mark.spec("standards", "LO-7")
@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"backchannel_logout_uri": "https://client.example/out#now"}, "fragment"),
        ({"frontchannel_logout_uri": "https://client.example/out#now"}, "fragment"),
        ({"backchannel_logout_uri": "/out"}, "absolute"),
        (
            {"backchannel_logout_uri": "http://client.example/out", "token_endpoint_auth_method": "none"},
            "must use https",
        ),
        ({"frontchannel_logout_uri": "http://client.example/out"}, "scheme, host and port"),
        ({"frontchannel_logout_uri": "https://other.example/out"}, "scheme, host and port"),
        ({"frontchannel_logout_uri": "https://client.example:8443/out"}, "scheme, host and port"),
        ({"backchannel_logout_session_required": True}, "needs backchannel_logout_uri"),
        ({"frontchannel_logout_session_required": True}, "needs frontchannel_logout_uri"),
        ({"post_logout_redirect_uris": ["http://client.example/bye"]}, "https"),
        ({"post_logout_redirect_uris": ["https://client.example/bye#now"]}, "fragment"),
    ],
    ids=lambda given: "_".join(given) if isinstance(given, dict) else given.partition(" ")[0],
)
def test_what_cannot_be_told_of_a_logout_cannot_be_registered(members: dict[str, Any], reason: str) -> None:
    assert reason in refusal(**members)


@pytest.mark.spec("standards", "LB-1")
@pytest.mark.spec("standards", "LF-1")
@pytest.mark.spec("standards", "LO-7")
def test_addresses_of_logouts_that_fit_are_registered() -> None:
    made = metadata(
        backchannel_logout_uri="http://inside.example/out",
        frontchannel_logout_uri="https://client.example:443/out",
        post_logout_redirect_uris=["https://anywhere.example/bye", "com.example.app:/bye", "http://localhost:3000/"],
    )
    assert made.openid().backchannel_logout_uri == "http://inside.example/out"
    assert len(made.openid().post_logout_redirect_uris) == 3


@pytest.mark.parametrize("seconds", [-1, MAX_SECONDS + 1])
def test_an_age_is_one_that_a_sign_in_can_have(seconds: int) -> None:
    assert refusal(default_max_age=seconds).startswith("default_max_age")
    assert metadata(default_max_age=0).openid().default_max_age == 0


@pytest.mark.spec("standards", "ID-7")
@pytest.mark.spec("standards", "DR-10")
def test_pairwise_subjects_need_a_sector_and_somebody_who_is_asked() -> None:
    hosts = [CALLBACK, "https://other.example/cb"]
    assert "sector_identifier_uri" in refusal(subject_type="pairwise", redirect_uris=hosts)
    refused = refusal(subject_type="pairwise", grant_types=["authorization_code", JWT_BEARER])
    assert JWT_BEARER in refused
    joined = metadata(subject_type="pairwise", redirect_uris=hosts, sector_identifier_uri="https://sector.example/uris")
    assert joined.openid().sector == "sector.example"


@pytest.mark.spec("standards", "ID-7")
def test_the_sector_stays_wherever_people_are_sent_back_to_later() -> None:
    moved = metadata(subject_type="pairwise", redirect_uris=["https://new.example/cb"])
    assert moved.openid().sector == "new.example"
    assert moved.openid(sector="client.example").sector == "client.example"
    assert metadata(subject_type="public").openid(sector="client.example").sector == ""


@pytest.mark.parametrize(
    ("signing", "preferred"), [((), "ES256"), (("RS256", "ES256"), "ES256"), (("RS256",), "RS256")], ids=str
)
def test_our_own_tools_prefer_the_short_signatures_where_there_are_any(
    signing: tuple[str, ...], preferred: str
) -> None:
    assert client_openid.preferred_alg(signing) == preferred
