"""The metadata document follows features and registries (RFC 8414, standards MD-4)."""

from typing import Any

import pytest

from app.protocol.features import Feature, FeatureSet
from app.protocol.metadata import document
from app.protocol.scopes import ScopeRegistry
from tests.support.facts import ISSUER, REGISTRY

SIGNING = ("ES256", "RS256")
MTLS = "https://mtls.id.example"
SECRETS = ["client_secret_basic", "client_secret_post"]
ASSERTIONS = ["client_secret_jwt", "private_key_jwt"]
CERTIFICATES = ["tls_client_auth", "self_signed_tls_client_auth"]
ALGORITHMS = [
    *("ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA", "Ed25519"),
    *("HS256", "HS384", "HS512"),
]
DEVICE, BEARER, EXCHANGE = (
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:token-exchange",
)
GRANTS = ["authorization_code", "refresh_token", "client_credentials", DEVICE, BEARER, EXCHANGE]
WITHOUT_CODES = dict.fromkeys(("authorization_code", "refresh_token", "issuer_identification"), False)
WITHOUT_GRANTS = WITHOUT_CODES | dict.fromkeys(
    ("client_credentials", "device_authorization", "jwt_bearer", "token_exchange"), False
)


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
def test_a_whole_server_publishes_what_it_has() -> None:
    assert published() == {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/oauth/authorize",
        "token_endpoint": f"{ISSUER}/oauth/token",
        "introspection_endpoint": f"{ISSUER}/oauth/introspect",
        "revocation_endpoint": f"{ISSUER}/oauth/revoke",
        "device_authorization_endpoint": f"{ISSUER}/oauth/device_authorization",
        "jwks_uri": f"{ISSUER}/oauth/jwks",
        "service_documentation": f"{ISSUER}/docs",
        "scopes_supported": ["a", "b", "c"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": GRANTS,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent"],
        "token_endpoint_auth_methods_supported": [*SECRETS, *ASSERTIONS, "none"],
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": [*SECRETS, *ASSERTIONS, "none"],
        "revocation_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "introspection_endpoint_auth_methods_supported": [*SECRETS, *ASSERTIONS],
        "introspection_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "introspection_signing_alg_values_supported": ["ES256", "RS256"],
        "introspection_encryption_alg_values_supported": [
            *("RSA-OAEP-256", "RSA-OAEP", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW")
        ],
        "introspection_encryption_enc_values_supported": ["A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM"],
        "dpop_signing_alg_values_supported": ["ES256", "ES384", "EdDSA", "Ed25519", "PS256", "RS256"],
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


@pytest.mark.spec("standards", "A7.1")
@pytest.mark.spec("standards", "MT-3")
@pytest.mark.spec("standards", "MT-4")
@pytest.mark.spec("standards", "GT-5")
def test_what_is_off_unless_it_is_switched_on_is_published_then() -> None:
    whole = published({feature.key: True for feature in Feature})
    usual = published()
    assert {name: value for name, value in whole.items() if value != usual.get(name)} == {
        "grant_types_supported": [*GRANTS, "implicit"],
        "response_types_supported": ["code", "token"],
        "response_modes_supported": ["query", "fragment"],
        "token_endpoint_auth_methods_supported": [*SECRETS, *ASSERTIONS, *CERTIFICATES, "none"],
        "revocation_endpoint_auth_methods_supported": [*SECRETS, *ASSERTIONS, *CERTIFICATES, "none"],
        "introspection_endpoint_auth_methods_supported": [*SECRETS, *ASSERTIONS, *CERTIFICATES],
        "tls_client_certificate_bound_access_tokens": True,
        "mtls_endpoint_aliases": {
            "token_endpoint": f"{MTLS}/oauth/token",
            "revocation_endpoint": f"{MTLS}/oauth/revoke",
            "introspection_endpoint": f"{MTLS}/oauth/introspect",
            "device_authorization_endpoint": f"{MTLS}/oauth/device_authorization",
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
        (
            {"published_keys": False, "jwt_access_tokens": False, "signed_introspection": False},
            {"jwks_uri", "introspection_signing_alg_values_supported", "introspection_encryption_"},
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
    ],
)
def test_a_grant_that_is_switched_off_is_not_published(key: str, grant: str) -> None:
    assert published({key: False})["grant_types_supported"] == [name for name in GRANTS if name != grant]


def test_the_implicit_grant_is_published_only_where_it_is_on() -> None:
    whole, legacy = published(), published({"implicit": True})
    assert {name: value for name, value in legacy.items() if value != whole[name]} == {
        "response_types_supported": ["code", "token"],
        "response_modes_supported": ["query", "fragment"],
        "grant_types_supported": [*GRANTS, "implicit"],
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
