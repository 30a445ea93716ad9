"""Profiles: what an operator holds an application to."""

from typing import Any

import pytest

from app.protocol import profiles
from app.protocol.client_metadata import ClientMetadata, read
from app.protocol.features import Feature, FeatureSet
from app.protocol.policy import ApplicationPolicy
from app.protocol.profiles import DEFAULT, FAPI, FAPI_SIGNED
from app.protocol.scopes import DEFAULT as SCOPES
from app.protocol.scopes import ScopeRegistry
from tests.support.assertions import key_of, key_set

REGISTRY = ScopeRegistry(SCOPES)
KEYS = key_set(key_of("a"), key_of("a", "RS256"))
BROWSER = {
    "grant_types": ["authorization_code", "refresh_token"],
    "redirect_uris": ["https://app.example/cb"],
    "id_token_signed_response_alg": "ES256",
}
SIGNED = BROWSER | {"authorization_signed_response_alg": "PS256"}


def metadata(**members: Any) -> ClientMetadata:
    proved = {"token_endpoint_auth_method": "private_key_jwt", "jwks": KEYS}
    return read({"grant_types": ["client_credentials"], **proved, **members}, REGISTRY)


def problem(profile: str, **members: Any) -> str:
    return profiles.problem_with(profile, metadata(**members)) or ""


@pytest.mark.spec("standards", "F-3")
@pytest.mark.spec("standards", "F-6")
@pytest.mark.parametrize("profile", [FAPI, FAPI_SIGNED])
@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post", "client_secret_jwt"])
def test_fapi_knows_no_secrets_and_no_public_applications(method: str, profile: str) -> None:
    grants = ["client_credentials"] if method != "none" else []
    weak = read({"grant_types": grants, "token_endpoint_auth_method": method}, REGISTRY)
    refused = profiles.problem_with(profile, weak) or ""
    assert refused.startswith("token_endpoint_auth_method must be one of: private_key_jwt, ")
    assert refused.endswith(f", because of the profile {profile}")
    assert profiles.problem_with(DEFAULT, weak) is None


@pytest.mark.spec("standards", "F-6")
@pytest.mark.parametrize(
    "members",
    [
        {},
        {"token_endpoint_auth_signing_alg": "ES256"},
        {"token_endpoint_auth_method": "self_signed_tls_client_auth"},
        {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "a.example"},
        BROWSER,
        BROWSER | {"subject_type": "pairwise"},
        {"grant_types": []},
    ],
    ids=["keys", "one_algorithm", "own_certificate", "certificate", "browser", "pairwise", "only_introspects"],
)
def test_fapi_accepts_keys_and_certificates(members: dict[str, Any]) -> None:
    assert problem(FAPI, **members) == ""


@pytest.mark.spec("standards", "JW-4")
@pytest.mark.spec("standards", "F-22")
@pytest.mark.parametrize(
    ("members", "member"),
    [
        ({"token_endpoint_auth_signing_alg": "RS256"}, "token_endpoint_auth_signing_alg"),
        ({"id_token_signed_response_alg": "RS256"}, "id_token_signed_response_alg"),
        ({"grant_types": ["authorization_code"]}, "id_token_signed_response_alg"),  # it would get RS256
        ({"userinfo_signed_response_alg": "RS256"}, "userinfo_signed_response_alg"),
        ({"introspection_signed_response_alg": "RS256"}, "introspection_signed_response_alg"),
        ({"request_object_signing_alg": "RS256"}, "request_object_signing_alg"),
        ({"authorization_signed_response_alg": "RS256"}, "authorization_signed_response_alg"),
        (
            {"backchannel_authentication_request_signing_alg": "RS256"},
            "backchannel_authentication_request_signing_alg",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "-",
)
def test_what_fapi_and_its_server_sign_is_signed_strongly(members: dict[str, Any], member: str) -> None:
    at = {"redirect_uris": ["https://app.example/cb"]}
    assert problem(FAPI, **at, **members).startswith(f"{member} must be one of: PS256, ES256, EdDSA, Ed25519")
    assert problem(DEFAULT, **at, **members) == ""
    strong = {**members, member: "ES256", "id_token_signed_response_alg": "PS256"}
    assert problem(FAPI, **at, **strong) == ""


@pytest.mark.spec("standards", "F-20")
@pytest.mark.parametrize(
    ("members", "said"),
    [
        (
            {"response_types": ["code id_token"], "grant_types": ["authorization_code", "implicit"]},
            "response_types must be code alone",
        ),
        ({"grant_types": ["authorization_code", "implicit"]}, "grant_types must not have implicit"),
        ({"redirect_uris": ["http://127.0.0.1/cb"]}, "redirect_uris.0 must use https"),
        ({"redirect_uris": ["https://a.example/cb", "com.example.app:/cb"]}, "redirect_uris.1 must use https"),
        (
            {"redirect_uris": ["com.example.app:/cb"], "application_type": "native"},
            "redirect_uris.0 must use https",
        ),
    ],
    ids=["hybrid", "implicit", "loopback_of_a_website", "private_scheme", "private_scheme_of_a_native_one"],
)
def test_fapi_has_codes_alone_and_sends_them_where_nobody_listens(members: dict[str, Any], said: str) -> None:
    assert problem(FAPI, **BROWSER | members).startswith(said)


@pytest.mark.spec("standards", "F-2")
def test_fapi_is_never_registered_for_passwords() -> None:
    assert problem(FAPI, grant_types=["password"]).startswith("grant_types must not have password")


@pytest.mark.spec("standards", "F-20")
def test_a_native_application_of_fapi_may_use_its_loopback() -> None:
    assert problem(FAPI, **BROWSER | {"redirect_uris": ["http://127.0.0.1/cb"], "application_type": "native"}) == ""


@pytest.mark.spec("standards", "F-4")
@pytest.mark.spec("standards", "F-5")
@pytest.mark.parametrize("profile", [FAPI, FAPI_SIGNED])
def test_tokens_of_fapi_are_always_bound_and_those_of_others_when_they_say_so(profile: str) -> None:
    by_certificate = metadata(tls_client_certificate_bound_access_tokens=True)
    assert profiles.bindings(profile, metadata()) == {"dpop_bound": True, "tls_bound": False}
    assert profiles.bindings(profile, by_certificate) == {"dpop_bound": False, "tls_bound": True}
    assert profiles.bindings(DEFAULT, metadata()) == {"dpop_bound": False, "tls_bound": False}
    assert profiles.bindings(DEFAULT, metadata(dpop_bound_access_tokens=True))["dpop_bound"]


@pytest.mark.spec("standards", "FM-1")
@pytest.mark.spec("standards", "FM-2")
@pytest.mark.spec("standards", "FM-4")
@pytest.mark.parametrize(
    ("members", "said"),
    [
        (BROWSER, "authorization_signed_response_alg must be one of: PS256"),
        (SIGNED | {"response_modes": ["jwt", "query"]}, "response_modes must not have query"),
        (
            SIGNED
            | {"jwks": None, "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "a.example"},
            "jwks or jwks_uri must have the keys",
        ),
        (SIGNED, ""),
        (SIGNED | {"response_modes": ["jwt", "form_post.jwt"]}, ""),
        ({}, ""),
    ],
    ids=["unsigned_answers", "plain_mode", "no_keys", "signed", "signed_modes", "no_browser"],
)
def test_message_signing_demands_keys_and_signed_answers(members: dict[str, Any], said: str) -> None:
    refused = problem(FAPI_SIGNED, **members)
    assert refused.startswith(said)
    assert bool(refused) is bool(said)
    assert problem(FAPI, **members) == ""


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (ApplicationPolicy(require_pkce=False), "require_pkce must not be false, because of the profile fapi2"),
        (ApplicationPolicy(allow_implicit=True), "allow_implicit must not be true, because of the profile fapi2"),
        (ApplicationPolicy(rotate_refresh_tokens=False), None),
    ],
    ids=["pkce", "implicit", "rotation"],
)
def test_nobody_is_exempt_from_fapi(policy: ApplicationPolicy, said: str | None) -> None:
    assert profiles.problem_with_policy(FAPI, policy) == said
    assert profiles.problem_with_policy(DEFAULT, policy) is None


@pytest.mark.parametrize(
    ("profile", "unmet"),
    [("oauth2.1", False), ("fapi2", False), ("fapi2-message-signing", False), ("fapi3", True), ("legacy-2012", False)],
    ids=str,
)
def test_what_demands_more_than_there_is_is_unmet(profile: str, unmet: bool) -> None:
    assert profiles.is_unmet(profile) is unmet


def test_a_server_is_told_which_features_fapi_needs() -> None:
    everything = FeatureSet(frozenset(Feature))
    assert profiles.lacking(everything, signs=True) == ()
    without = FeatureSet(frozenset(Feature) - {Feature.PUSHED_REQUESTS, Feature.SIGNED_ANSWERS})
    assert profiles.lacking(without, signs=False) == (Feature.PUSHED_REQUESTS.key,)
    assert profiles.lacking(without, signs=True) == (Feature.PUSHED_REQUESTS.key, Feature.SIGNED_ANSWERS.key)
