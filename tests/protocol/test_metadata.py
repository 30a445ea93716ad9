"""The metadata document follows features and registries (RFC 8414, standards MD-4)."""

from typing import Any

import pytest

from app.protocol import metadata
from app.protocol.claim_values import Claim
from app.protocol.claims import ClaimsRegistry
from app.protocol.features import Feature, FeatureSet
from app.protocol.metadata import document
from app.protocol.scopes import ScopeRegistry
from app.settings import Settings
from app.settings.claims import ClaimSettings
from tests.support.facts import ISSUER, REGISTRY

SIGNING = ("ES256", "RS256")
MTLS = "https://mtls.id.example"
SECRETS = ["client_secret_basic", "client_secret_post"]
ASSERTIONS = ["client_secret_jwt", "private_key_jwt"]
CERTIFICATES = ["tls_client_auth", "self_signed_tls_client_auth"]
SIGNATURES = [
    *("ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA", "Ed25519"),
]
ALGORITHMS = [*SIGNATURES, "HS256", "HS384", "HS512"]
DEVICE, BEARER, EXCHANGE, ELSEWHERE = (
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:token-exchange",
    "urn:openid:params:grant-type:ciba",
)
TOKEN_GRANTS = ["authorization_code", "refresh_token", "client_credentials", DEVICE, BEARER, EXCHANGE, ELSEWHERE]
GRANTS = [*TOKEN_GRANTS, "implicit"]
MODES = ["query", "fragment", "form_post"]
ANSWERS = ["code", "code id_token", "id_token", "none"]
WITHOUT_OPENID = dict.fromkeys(
    (
        *("openid", "claims_parameter", "front_channel_id_tokens"),
        *("rp_initiated_logout", "backchannel_logout", "frontchannel_logout", "backchannel_authentication"),
    ),
    False,
)
WITHOUT_CODES = WITHOUT_OPENID | dict.fromkeys(
    (
        *("authorization_code", "refresh_token", "issuer_identification", "form_post", "client_documents"),
        *("pushed_requests", "request_objects", "signed_answers", "authorization_details", "grant_management"),
    ),
    False,
)
WITHOUT_GRANTS = WITHOUT_CODES | dict.fromkeys(
    ("client_credentials", "device_authorization", "jwt_bearer", "token_exchange"), False
)


ENCRYPTION = ["RSA-OAEP-256", "RSA-OAEP", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"]
CONTENT_ENCRYPTION = ["A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM"]
CLAIMS = [
    *("sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "amr"),
    *("name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture"),
    *("website", "gender", "birthdate", "zoneinfo", "locale", "updated_at", "email", "email_verified", "address"),
    *("phone_number", "phone_number_verified"),
]
OPENID: dict[str, Any] = {
    "userinfo_endpoint": f"{ISSUER}/oauth/userinfo",
    "subject_types_supported": ["public", "pairwise"],
    "id_token_signing_alg_values_supported": ["ES256", "RS256"],
    "id_token_encryption_alg_values_supported": ENCRYPTION,
    "id_token_encryption_enc_values_supported": CONTENT_ENCRYPTION,
    "userinfo_signing_alg_values_supported": ["ES256", "RS256"],
    "userinfo_encryption_alg_values_supported": ENCRYPTION,
    "userinfo_encryption_enc_values_supported": CONTENT_ENCRYPTION,
    "claim_types_supported": ["normal"],
    "claims_supported": CLAIMS,
    "claims_parameter_supported": True,
    "display_values_supported": ["page"],
    "end_session_endpoint": f"{ISSUER}/oauth/logout",
    "backchannel_logout_supported": True,
    "backchannel_logout_session_supported": True,
    "frontchannel_logout_supported": True,
    "frontchannel_logout_session_supported": True,
    "backchannel_authentication_endpoint": f"{ISSUER}/oauth/bc-authorize",
    "backchannel_token_delivery_modes_supported": ["poll", "ping"],
    "backchannel_authentication_request_signing_alg_values_supported": SIGNATURES,
    "backchannel_user_code_parameter_supported": False,
}


def published(switches: dict[str, bool] | None = None, *, issuer: str = ISSUER, mtls_url: str | None = MTLS) -> Any:
    """Return the document of a server with the default features, changed by switches."""
    return document(issuer, FeatureSet.chosen(switches or {}), REGISTRY, signing=SIGNING, mtls_url=mtls_url)


@pytest.mark.spec("standards", "A7.1")
@pytest.mark.spec("standards", "A1-2")
@pytest.mark.spec("standards", "MD-5")
@pytest.mark.spec("standards", "MD-6")
@pytest.mark.spec("standards", "P-8")
@pytest.mark.spec("standards", "RV-8")
@pytest.mark.spec("standards", "BC-13")
@pytest.mark.spec("standards", "IN-11")
@pytest.mark.spec("standards", "CI-13")
def test_a_whole_server_publishes_what_it_has() -> None:
    assert published() == {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/oauth/authorize",
        "token_endpoint": f"{ISSUER}/oauth/token",
        "introspection_endpoint": f"{ISSUER}/oauth/introspect",
        "registration_endpoint": f"{ISSUER}/oauth/register",
        "client_id_metadata_document_supported": True,
        "revocation_endpoint": f"{ISSUER}/oauth/revoke",
        "device_authorization_endpoint": f"{ISSUER}/oauth/device_authorization",
        "jwks_uri": f"{ISSUER}/oauth/jwks",
        "service_documentation": f"{ISSUER}/docs",
        "scopes_supported": ["a", "b", "c"],
        "response_types_supported": ANSWERS,
        "response_modes_supported": [*MODES, "query.jwt", "fragment.jwt", "form_post.jwt", "jwt"],
        "grant_types_supported": GRANTS,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "acr_values_supported": ["urn:assent:acr:password"],
        "token_endpoint_auth_methods_supported": [*SECRETS, *ASSERTIONS, "none"],
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": [*SECRETS, *ASSERTIONS, "none"],
        "revocation_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "introspection_endpoint_auth_methods_supported": [*SECRETS, *ASSERTIONS],
        "introspection_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "introspection_signing_alg_values_supported": ["ES256", "RS256"],
        "introspection_encryption_alg_values_supported": ENCRYPTION,
        "introspection_encryption_enc_values_supported": CONTENT_ENCRYPTION,
        "dpop_signing_alg_values_supported": ["ES256", "ES384", "EdDSA", "Ed25519", "PS256", "RS256"],
        "authorization_response_iss_parameter_supported": True,
        "pushed_authorization_request_endpoint": f"{ISSUER}/oauth/par",
        "require_pushed_authorization_requests": False,
        "request_parameter_supported": True,
        "request_uri_parameter_supported": False,
        "require_signed_request_object": False,
        "request_object_signing_alg_values_supported": SIGNATURES,
        "authorization_signing_alg_values_supported": ["ES256", "RS256"],
        "authorization_encryption_alg_values_supported": ENCRYPTION,
        "authorization_encryption_enc_values_supported": CONTENT_ENCRYPTION,
        "grant_management_endpoint": f"{ISSUER}/oauth/grants",
        "grant_management_actions_supported": ["query", "revoke", "create", "merge", "replace"],
        **OPENID,
    }


@pytest.mark.spec("standards", "A7.1")
@pytest.mark.spec("standards", "MT-3")
@pytest.mark.spec("standards", "MT-4")
@pytest.mark.spec("standards", "GT-5")
def test_what_is_off_unless_it_is_switched_on_is_published_then() -> None:
    whole = published({feature.key: True for feature in Feature})
    usual = published()
    assert {name: value for name, value in whole.items() if value != usual.get(name)} == {
        "response_types_supported": [*ANSWERS, "token", "code token", "id_token token", "code id_token token"],
        "token_endpoint_auth_methods_supported": [*SECRETS, *ASSERTIONS, *CERTIFICATES, "none"],
        "revocation_endpoint_auth_methods_supported": [*SECRETS, *ASSERTIONS, *CERTIFICATES, "none"],
        "introspection_endpoint_auth_methods_supported": [*SECRETS, *ASSERTIONS, *CERTIFICATES],
        "prompt_values_supported": ["none", "login", "consent", "select_account", "create"],
        "request_uri_parameter_supported": True,
        "require_request_uri_registration": True,
        "check_session_iframe": f"{ISSUER}/oauth/check-session",
        "tls_client_certificate_bound_access_tokens": True,
        "mtls_endpoint_aliases": {
            "token_endpoint": f"{MTLS}/oauth/token",
            "revocation_endpoint": f"{MTLS}/oauth/revoke",
            "introspection_endpoint": f"{MTLS}/oauth/introspect",
            "device_authorization_endpoint": f"{MTLS}/oauth/device_authorization",
            "backchannel_authentication_endpoint": f"{MTLS}/oauth/bc-authorize",
            "pushed_authorization_request_endpoint": f"{MTLS}/oauth/par",
            "userinfo_endpoint": f"{MTLS}/oauth/userinfo",
        },
        "global_token_revocation_endpoint": f"{ISSUER}/oauth/global-token-revocation",
        "global_token_revocation_endpoint_auth_methods_supported": ["Bearer", "DPoP"],
    }
    assert whole.keys() >= usual.keys()
    without_proofs = published({"global_revocation": True, "dpop": False})
    assert without_proofs["global_token_revocation_endpoint_auth_methods_supported"] == ["Bearer"]


@pytest.mark.spec("standards", "A7.1")
@pytest.mark.spec("standards", "MD-4")
@pytest.mark.spec("standards", "MD-6")
def test_a_server_with_everything_switched_off_says_what_must_be_said_and_no_more() -> None:
    assert document(ISSUER, FeatureSet(), ScopeRegistry([]), signing=SIGNING, mtls_url=MTLS) == {
        "issuer": ISSUER,
        "response_types_supported": [],
        "grant_types_supported": [],
        "service_documentation": f"{ISSUER}/docs",
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


@pytest.mark.spec("standards", "A7.1")
@pytest.mark.parametrize(
    ("switches", "gone"),
    [
        ({"introspection": False}, {"introspection_"}),
        (
            {"signed_introspection": False},
            {"introspection_signing_alg_values_supported", "introspection_encryption_"},
        ),
        ({"revocation": False}, {"revocation_"}),
        ({"issuer_identification": False}, {"authorization_response_iss_parameter_supported"}),
        ({"device_authorization": False}, {"device_authorization_endpoint"}),
        ({"dpop": False}, {"dpop_signing_alg_values_supported"}),
        ({"pushed_requests": False}, {"pushed_authorization_request_endpoint", "require_pushed_"}),
        (
            WITHOUT_OPENID
            | dict.fromkeys(("published_keys", "jwt_access_tokens", "signed_introspection", "signed_answers"), False),
            {
                *("jwks_uri", "introspection_signing_alg_values_supported", "introspection_encryption_"),
                *("authorization_signing_alg_values_supported", "authorization_encryption_"),
                *("end_session_endpoint", "frontchannel_logout_", "check_session_iframe"),
                *("id_token_", "userinfo_", "claims_", "claim_types_", "subject_types_", "display_", "ui_loc"),
                *("backchannel_",),
            },
        ),
        (
            {"client_assertions": False},
            {
                "token_endpoint_auth_signing_alg_values_supported",
                "revocation_endpoint_auth_signing_alg_values_supported",
                "introspection_endpoint_auth_signing_alg_values_supported",
            },
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_what_is_switched_off_is_not_published(switches: dict[str, bool], gone: set[str]) -> None:
    whole, reduced = published(), published(switches)
    assert whole.keys() - reduced.keys() == {name for name in whole if name.startswith(tuple(gone))}
    assert reduced.keys() <= whole.keys()


@pytest.mark.spec("standards", "A7.1")
@pytest.mark.parametrize(
    ("key", "grant"),
    [
        ("refresh_token", "refresh_token"),
        ("client_credentials", "client_credentials"),
        ("device_authorization", DEVICE),
        ("jwt_bearer", BEARER),
        ("token_exchange", EXCHANGE),
        ("backchannel_authentication", ELSEWHERE),
    ],
)
def test_a_grant_that_is_switched_off_is_not_published(key: str, grant: str) -> None:
    assert published({key: False})["grant_types_supported"] == [name for name in GRANTS if name != grant]


@pytest.mark.spec("standards", "A7.1 response_types_supported")
@pytest.mark.spec("standards", "A7.1 response_modes_supported")
def test_the_implicit_grant_is_published_only_where_something_comes_through_the_browser() -> None:
    codes_alone = {"front_channel_id_tokens": False, "form_post": False}
    whole, legacy = published(codes_alone), published(codes_alone | {"implicit": True})
    assert (whole["response_types_supported"], whole["grant_types_supported"]) == (["code"], TOKEN_GRANTS)
    assert whole["response_modes_supported"] == ["query", "fragment", "query.jwt", "fragment.jwt", "jwt"]
    assert {name: value for name, value in legacy.items() if value != whole[name]} == {
        "response_types_supported": ["code", "token", "code token"],
        "grant_types_supported": GRANTS,
    }


def test_a_server_for_machines_alone_has_a_token_endpoint_and_sends_nobody_anywhere() -> None:
    reduced = published(WITHOUT_CODES)
    assert reduced["grant_types_supported"] == ["client_credentials", DEVICE, BEARER, EXCHANGE]
    assert reduced["token_endpoint"] == f"{ISSUER}/oauth/token"
    assert reduced["token_endpoint_auth_methods_supported"] == [*SECRETS, *ASSERTIONS, "none"]
    assert "authorization_endpoint" not in reduced


@pytest.mark.spec("standards", "MD-6")
@pytest.mark.spec("standards", "A7.1")
def test_a_server_without_grants_says_so_because_silence_would_mean_code_and_implicit() -> None:
    reduced = published(WITHOUT_GRANTS)
    assert (reduced["grant_types_supported"], reduced["response_types_supported"]) == ([], [])
    assert not {"authorization_endpoint", "token_endpoint"} & reduced.keys()


@pytest.mark.spec("standards", "MD-4")
def test_an_empty_registry_publishes_no_scopes() -> None:
    assert "scopes_supported" not in document(ISSUER, FeatureSet.chosen({}), ScopeRegistry([]))


@pytest.mark.spec("standards", "MD-4")
@pytest.mark.parametrize("off", [feature.key for feature in Feature])
def test_no_list_and_no_map_is_ever_empty_but_those_whose_silence_would_say_something(off: str) -> None:
    """Whatever the combination: each feature alone, and all but each with what it needs."""
    for features in (
        FeatureSet({one for one in Feature if one.key == off}),
        FeatureSet(Feature) - {Feature[off.upper()]},
    ):
        members = document(ISSUER, FeatureSet(features), REGISTRY)
        empty = {name for name, value in members.items() if value in ([], {}, "", None)}
        assert empty <= {"response_types_supported", "grant_types_supported"}
        assert "none" not in members.get("token_endpoint_auth_signing_alg_values_supported", [])  # type: ignore[operator]


@pytest.mark.spec("standards", "MD-1")
@pytest.mark.spec("standards", "MD-5")
@pytest.mark.spec("standards", "G1")
def test_an_issuer_with_a_path_stands_before_every_address_letter_by_letter() -> None:
    issuer = "https://h.example/t1"
    here, below = published(), published(issuer=issuer, mtls_url=None)
    assert below["issuer"] == issuer
    for name, value in here.items():
        if isinstance(value, str):
            assert below[name] == value.replace(ISSUER, issuer, 1), name
        else:
            assert below[name] == value, name


@pytest.mark.spec("standards", "A7.1")
@pytest.mark.spec("standards", "MD-8")
def test_without_openid_connect_nothing_of_it_is_published() -> None:
    members = {
        *("userinfo_endpoint", "subject_types_supported", "claims_supported"),
        *("claim_types_supported", "claims_parameter_supported", "end_session_endpoint"),
        *("frontchannel_logout_supported", "frontchannel_logout_session_supported"),
        *("backchannel_logout_supported", "backchannel_logout_session_supported"),
    }
    assert members <= published().keys()
    assert OPENID.keys().isdisjoint(published(WITHOUT_OPENID))
    assert published({"claims_parameter": False})["claims_parameter_supported"] is False


@pytest.mark.spec("standards", "A7.1")
def test_claims_of_ones_own_are_published_after_the_usual_ones() -> None:
    own = ClaimsRegistry([Claim("department", ("profile",), "")])
    told = document(ISSUER, FeatureSet.chosen({}), REGISTRY, signing=SIGNING, claims=own)
    assert told["claims_supported"] == [*CLAIMS, "department"]


@pytest.mark.spec("standards", "MD-6")
def test_the_metadata_is_that_of_the_configuration() -> None:
    own = {"department": ClaimSettings(scopes=("profile",))}
    told: Any = metadata.of(Settings(issuer=ISSUER, claims=own).configuration())
    assert told["issuer"] == ISSUER
    assert "RS256" in told["id_token_signing_alg_values_supported"]
    assert told["claims_supported"] == [*CLAIMS, "department"]
    assert {"openid", "offline_access"} <= {*told["scopes_supported"]}


@pytest.mark.spec("standards", "UA-4")
@pytest.mark.spec("standards", "A7.1 acr_values_supported")
def test_the_levels_of_the_operator_are_published_also_without_openid_connect() -> None:
    levels = ("urn:example:fresh", "urn:assent:acr:password")
    features = FeatureSet.chosen(WITHOUT_OPENID)
    assert document(ISSUER, features, REGISTRY, acr=levels)["acr_values_supported"] == list(levels)
    codes_off = document(ISSUER, FeatureSet.chosen(WITHOUT_CODES), REGISTRY, acr=levels)
    assert "acr_values_supported" not in codes_off


@pytest.mark.spec("standards", "F-1")
def test_all_that_fapi_needs_is_published() -> None:
    configured = metadata.of(Settings(issuer=ISSUER).configuration())
    assert configured["pushed_authorization_request_endpoint"]
    assert configured["authorization_response_iss_parameter_supported"] is True
    assert "private_key_jwt" in configured["token_endpoint_auth_methods_supported"]  # type: ignore[operator]
    assert "jwt" in configured["response_modes_supported"]  # type: ignore[operator]


@pytest.mark.spec("standards", "RA-7")
def test_types_of_details_are_named_where_requests_can_ask_for_them() -> None:
    told = document(ISSUER, FeatureSet.chosen({}), REGISTRY, details=("payment", "accounts"))
    assert told["authorization_details_types_supported"] == ["payment", "accounts"]
    assert "authorization_details_types_supported" not in document(ISSUER, FeatureSet.chosen({}), REGISTRY)
    off = FeatureSet.chosen({"authorization_details": False})
    assert "authorization_details_types_supported" not in document(ISSUER, off, REGISTRY, details=("payment",))
