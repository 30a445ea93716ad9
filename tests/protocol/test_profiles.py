"""Profiles: what an operator holds an application to."""

from typing import Any

import pytest

from app.protocol import profiles
from app.protocol.client_metadata import ClientMetadata, read
from app.protocol.scopes import DEFAULT, ScopeRegistry
from tests.support.assertions import key_of, key_set

SCOPES = ScopeRegistry(DEFAULT)


def metadata(**members: Any) -> ClientMetadata:
    signing = {"token_endpoint_auth_method": "private_key_jwt", "jwks": key_set(key_of("a"), key_of("a", "RS256"))}
    return read({"grant_types": ["client_credentials"], **signing, **members}, SCOPES)


@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post", "client_secret_jwt"])
def test_fapi_knows_no_secrets_and_no_public_applications(method: str) -> None:
    grants = ["client_credentials"] if method != "none" else []
    weak = read({"grant_types": grants, "token_endpoint_auth_method": method}, SCOPES)
    assert "private_key_jwt" in (profiles.problem_with(profiles.FAPI, weak) or "")
    assert profiles.problem_with(profiles.DEFAULT, weak) is None


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"token_endpoint_auth_signing_alg": "ES256"},
        {"token_endpoint_auth_method": "self_signed_tls_client_auth"},
        {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "a.example"},
    ],
    ids=str,
)
def test_fapi_accepts_keys_and_certificates(members: dict[str, Any]) -> None:
    assert profiles.problem_with(profiles.FAPI, metadata(**members)) is None


def test_fapi_accepts_strong_algorithms_alone() -> None:
    weak = metadata(token_endpoint_auth_signing_alg="RS256")
    assert "token_endpoint_auth_signing_alg" in (profiles.problem_with(profiles.FAPI, weak) or "")


@pytest.mark.spec("standards", "JW-4")
@pytest.mark.parametrize(
    ("members", "member"),
    [
        ({"id_token_signed_response_alg": "RS256"}, "id_token_signed_response_alg"),
        ({"grant_types": ["authorization_code"]}, "id_token_signed_response_alg"),  # it would get RS256
        ({"userinfo_signed_response_alg": "RS256"}, "userinfo_signed_response_alg"),
        ({"introspection_signed_response_alg": "RS256"}, "introspection_signed_response_alg"),
    ],
    ids=str,
)
def test_what_is_signed_for_fapi_is_signed_strongly(members: dict[str, Any], member: str) -> None:
    weak = metadata(redirect_uris=["https://app.example/cb"], **members)
    assert (profiles.problem_with(profiles.FAPI, weak) or "").startswith(f"{member} must be one of: PS256, ES256")
    assert profiles.problem_with(profiles.DEFAULT, weak) is None
    strong = metadata(
        redirect_uris=["https://app.example/cb"],
        **{**members, member: "ES256", "id_token_signed_response_alg": "PS256"},
    )
    assert profiles.problem_with(profiles.FAPI, strong) is None


def test_tokens_of_fapi_are_always_bound_and_those_of_others_when_they_say_so() -> None:
    by_certificate = metadata(tls_client_certificate_bound_access_tokens=True)
    assert profiles.bindings(profiles.FAPI, metadata()) == {"dpop_bound": True, "tls_bound": False}
    assert profiles.bindings(profiles.FAPI, by_certificate) == {"dpop_bound": False, "tls_bound": True}
    assert profiles.bindings(profiles.DEFAULT, metadata()) == {"dpop_bound": False, "tls_bound": False}
    assert profiles.bindings(profiles.DEFAULT, metadata(dpop_bound_access_tokens=True))["dpop_bound"]


@pytest.mark.parametrize(
    ("profile", "grants", "unmet"),
    [
        ("oauth2.1", {"authorization_code"}, False),
        ("fapi2", {"client_credentials"}, False),
        ("fapi2", {"authorization_code", "refresh_token"}, True),
        ("fapi3", {"client_credentials"}, True),
        ("legacy-2012", {"authorization_code"}, False),
    ],
    ids=lambda value: " ".join(sorted(value)) if isinstance(value, set) else str(value),
)
def test_what_demands_more_than_there_is_is_unmet(profile: str, grants: set[str], unmet: bool) -> None:
    assert profiles.is_unmet(profile, grants) is unmet
