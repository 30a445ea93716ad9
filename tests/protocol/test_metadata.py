"""The metadata document follows features and registries (RFC 8414, standards MD-4)."""

import pytest

from app.protocol.features import FeatureSet
from app.protocol.metadata import document
from app.protocol.scopes import ScopeRegistry
from tests.support.facts import ISSUER, REGISTRY

WITHOUT_CODES = dict.fromkeys(("authorization_code", "refresh_token", "issuer_identification"), False)
WITHOUT_GRANTS = {**WITHOUT_CODES, "client_credentials": False}


def test_a_whole_server_publishes_what_it_has() -> None:
    assert document(ISSUER, FeatureSet.chosen({}), REGISTRY) == {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/oauth/authorize",
        "token_endpoint": f"{ISSUER}/oauth/token",
        "introspection_endpoint": f"{ISSUER}/oauth/introspect",
        "revocation_endpoint": f"{ISSUER}/oauth/revoke",
        "service_documentation": f"{ISSUER}/docs",
        "scopes_supported": ["a", "b", "c"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


@pytest.mark.parametrize(
    ("feature", "members"),
    [
        ("introspection", {"introspection_endpoint", "introspection_endpoint_auth_methods_supported"}),
        ("revocation", {"revocation_endpoint", "revocation_endpoint_auth_methods_supported"}),
        ("issuer_identification", {"authorization_response_iss_parameter_supported"}),
    ],
)
def test_what_is_switched_off_is_not_published(feature: str, members: set[str]) -> None:
    whole = document(ISSUER, FeatureSet.chosen({}), REGISTRY)
    reduced = document(ISSUER, FeatureSet.chosen({feature: False}), REGISTRY)
    assert whole.keys() - reduced.keys() == members


def test_the_implicit_grant_is_published_only_where_it_is_on() -> None:
    whole = document(ISSUER, FeatureSet.chosen({}), REGISTRY)
    legacy = document(ISSUER, FeatureSet.chosen({"implicit": True}), REGISTRY)
    assert {name: value for name, value in legacy.items() if value != whole[name]} == {
        "response_types_supported": ["code", "token"],
        "response_modes_supported": ["query", "fragment"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials", "implicit"],
    }


def test_a_grant_that_is_switched_off_is_not_published() -> None:
    reduced = document(ISSUER, FeatureSet.chosen({"refresh_token": False}), REGISTRY)
    assert reduced["grant_types_supported"] == ["authorization_code", "client_credentials"]


def test_a_server_for_machines_alone_has_a_token_endpoint_and_sends_nobody_anywhere() -> None:
    reduced = document(ISSUER, FeatureSet.chosen(WITHOUT_CODES), REGISTRY)
    assert reduced["grant_types_supported"] == ["client_credentials"]
    assert reduced["token_endpoint"] == f"{ISSUER}/oauth/token"
    assert reduced["token_endpoint_auth_methods_supported"] == ["client_secret_basic", "client_secret_post", "none"]
    assert "authorization_endpoint" not in reduced


def test_a_server_without_grants_says_so_because_silence_would_mean_code_and_implicit() -> None:
    reduced = document(ISSUER, FeatureSet.chosen(WITHOUT_GRANTS), REGISTRY)
    assert (reduced["grant_types_supported"], reduced["response_types_supported"]) == ([], [])
    assert not {"authorization_endpoint", "token_endpoint"} & reduced.keys()


def test_an_empty_registry_publishes_no_scopes() -> None:
    assert "scopes_supported" not in document(ISSUER, FeatureSet.chosen({}), ScopeRegistry([]))
