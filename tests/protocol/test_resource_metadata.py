"""What the metadata of protected resources says, and where it stands (RFC 9728)."""

from datetime import timedelta
from typing import Any

import pytest

from app.protocol import dpop, own_api, userinfo
from app.protocol.features import Feature, FeatureSet
from app.protocol.resource_metadata import (
    NO_DOCUMENTS,
    OwnDocuments,
    address_of,
    challenge,
    document,
    identifiers_at,
    own_documents,
    own_resources,
)
from app.protocol.resources import Resource
from app.protocol.scopes import BUILTIN, DEFAULT, ScopeRegistry

ISSUER = "https://id.example"
BELOW = "https://h.example/t1"
EVERYTHING = FeatureSet(Feature)
SCOPES = ScopeRegistry((*DEFAULT, *BUILTIN))


@pytest.mark.spec("standards", "PR-1")
@pytest.mark.parametrize(
    ("identifier", "address"),
    [
        ("https://mcp.example.com", "https://mcp.example.com/.well-known/oauth-protected-resource"),
        ("https://mcp.example.com/", "https://mcp.example.com/.well-known/oauth-protected-resource"),
        ("https://mcp.example.com/mcp", "https://mcp.example.com/.well-known/oauth-protected-resource/mcp"),
        ("https://mcp.example.com/mcp/", "https://mcp.example.com/.well-known/oauth-protected-resource/mcp/"),
        ("http://localhost:3001/a/b", "http://localhost:3001/.well-known/oauth-protected-resource/a/b"),
        ("https://h.example/a?b=c", "https://h.example/.well-known/oauth-protected-resource/a?b=c"),
        ("https://h.example?b=c", "https://h.example/.well-known/oauth-protected-resource?b=c"),
        ("urn:example:billing", ""),
        ("https:///nowhere", ""),
    ],
    ids=["origin", "slash", "path", "path with a slash", "port", "query", "query alone", "no place", "no host"],
)
def test_the_well_known_part_stands_between_host_and_path(identifier: str, address: str) -> None:
    assert address_of(identifier) == address


@pytest.mark.spec("standards", "PR-1")
@pytest.mark.parametrize(
    ("issuer", "path", "identifiers"),
    [
        (ISSUER, "", (ISSUER, f"{ISSUER}/")),
        (ISSUER, "/", (ISSUER, f"{ISSUER}/")),
        (ISSUER, "/api/v1", (f"{ISSUER}/api/v1",)),
        (BELOW, "/t1/api/v1", (f"{BELOW}/api/v1",)),
        (BELOW, "/mcp", ("https://h.example/mcp",)),
    ],
    ids=["origin", "origin with a slash", "path", "below the issuer", "beside the issuer"],
)
def test_a_path_stands_for_the_resource_whose_document_is_there(
    issuer: str, path: str, identifiers: tuple[str, ...]
) -> None:
    assert identifiers_at(issuer, f"/.well-known/oauth-protected-resource{path}") == identifiers
    assert all(address_of(one).endswith(path.rstrip("/")) for one in identifiers)


def test_below_an_issuer_with_a_path_the_rest_is_read_as_its_own() -> None:
    assert identifiers_at(BELOW, "/t1/.well-known/oauth-protected-resource/api/v1") == (f"{BELOW}/api/v1",)
    assert identifiers_at(BELOW, "/.well-known/oauth-protected-resource/a", "b=c") == ("https://h.example/a?b=c",)


@pytest.mark.spec("standards", "PR-2")
@pytest.mark.spec("standards", "MC-9")
def test_the_document_of_an_api_names_its_server_its_scopes_and_nothing_that_only_the_api_can_know() -> None:
    mcp = Resource(
        "https://mcp.example.com/mcp",
        "Diary tools",
        frozenset({"project:read", "project:write", "offline_access", "left:behind"}),
        token_format="jwt",
        access_token=timedelta(minutes=5),
        introspection_clients=frozenset({"mcp-server"}),
    )
    assert document(mcp, ISSUER, EVERYTHING, SCOPES) == {
        "resource": "https://mcp.example.com/mcp",
        "authorization_servers": [ISSUER],
        "scopes_supported": ["project:write", "project:read"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Diary tools",
    }


@pytest.mark.spec("standards", "PR-2")
def test_what_is_empty_is_left_out() -> None:
    bare = document(Resource("https://api.example.com"), ISSUER, EVERYTHING, SCOPES)
    assert bare.keys() == {"resource", "authorization_servers", "bearer_methods_supported"}


@pytest.mark.spec("standards", "PR-2")
def test_our_own_apis_tell_how_they_take_tokens() -> None:
    api: Any = document(own_api.resource(ISSUER), ISSUER, EVERYTHING, SCOPES)
    assert api["dpop_signing_alg_values_supported"] == list(dpop.ALGORITHMS)
    assert api["tls_client_certificate_bound_access_tokens"] is True
    assert api["resource_documentation"] == f"{ISSUER}/docs"
    assert (
        {*api["scopes_supported"]}
        == own_api.SCOPES
        == {*(f"{noun}:{verb}" for noun in ("org", "member") for verb in ("read", "write", "admin"))}
    )
    people = document(userinfo.resource(ISSUER, ()), ISSUER, FeatureSet({Feature.OPENID}), SCOPES)
    assert people["resource"] == f"{ISSUER}/oauth/userinfo"
    assert people["scopes_supported"] == ["openid", "profile", "email", "address", "phone"]
    assert people.keys().isdisjoint({"dpop_signing_alg_values_supported", "tls_client_certificate_bound_access_tokens"})


def test_an_operator_who_names_the_scopes_of_our_api_has_the_last_word() -> None:
    narrow = Resource(f"{ISSUER}/api/v1", scopes=frozenset({"org:read"}))
    assert document(narrow, ISSUER, EVERYTHING, SCOPES)["scopes_supported"] == ["org:read"]


@pytest.mark.spec("standards", "PR-3")
@pytest.mark.parametrize(
    ("off", "there"),
    [
        (
            set(),
            OwnDocuments(
                "https://h.example/.well-known/oauth-protected-resource/t1/api/v1",
                "https://h.example/.well-known/oauth-protected-resource/t1/oauth/userinfo",
            ),
        ),
        ({Feature.OPENID}, OwnDocuments("https://h.example/.well-known/oauth-protected-resource/t1/api/v1")),
        ({Feature.PROTECTED_RESOURCE_METADATA}, NO_DOCUMENTS),
    ],
    ids=["all", "nobody signs in", "off"],
)
def test_challenges_name_the_documents_that_there_are(off: set[Feature], there: OwnDocuments) -> None:
    assert own_documents(BELOW, FeatureSet(EVERYTHING - off)) == there


@pytest.mark.spec("standards", "PR-4")
@pytest.mark.parametrize(
    ("off", "named"),
    [
        (set(), (f"{ISSUER}/api/v1", f"{ISSUER}/oauth/userinfo")),
        ({Feature.OPENID}, (f"{ISSUER}/api/v1",)),
        ({Feature.RESOURCE_INDICATORS}, ()),
        ({Feature.PROTECTED_RESOURCE_METADATA}, ()),
    ],
    ids=["all", "nobody signs in", "no resources", "off"],
)
def test_the_server_names_the_resources_of_its_own(off: set[Feature], named: tuple[str, ...]) -> None:
    assert own_resources(ISSUER, FeatureSet(EVERYTHING - off)) == named


@pytest.mark.spec("standards", "PR-3")
def test_an_api_sends_its_clients_to_its_document() -> None:
    assert challenge(Resource("https://mcp.example.com/mcp")) == (
        'WWW-Authenticate: Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"'
    )
