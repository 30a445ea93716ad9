"""Certificates that a proxy forwards, and where clients show theirs (RFC 9440; RFC 8705 §5)."""

from base64 import b64encode

import pytest

from app.protocol import mtls
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.features import Feature, FeatureSet
from app.protocol.metadata import document
from app.protocol.mtls import MOST_ABOVE, aliases, forwarded, forwarded_chain
from app.protocol.scopes import DEFAULT, ScopeRegistry

DER = b"\x30\x03\x02\x01\x07"
ITEM = f":{b64encode(DER).decode()}:"
ISSUER = "https://id.example/t1"


@pytest.mark.spec("standards", "MT-5")
@pytest.mark.parametrize("header", [ITEM, f" {ITEM} "])
def test_a_certificate_stands_between_colons(header: str) -> None:
    assert forwarded(header) == DER


@pytest.mark.spec("standards", "MT-5")
@pytest.mark.parametrize(
    "header",
    [
        "",
        ITEM[1:-1],
        f"{ITEM},{ITEM}",
        f"{ITEM};p=1",
        ":AwI=B:",
        ":A:",
        ":-_8=:",
        '"text"',
        "-----BEGIN CERTIFICATE-----",
    ],
)
def test_anything_else_is_refused_two_certificates_among_it(header: str) -> None:
    with pytest.raises(OAuthError, match="RFC 9440") as refused:
        forwarded(header)
    assert refused.value.code is ErrorCode.INVALID_REQUEST


@pytest.mark.spec("standards", "MT-5")
def test_a_chain_is_a_list_of_a_few() -> None:
    assert forwarded_chain(None) == ()
    assert forwarded_chain(f"{ITEM}, {ITEM}") == (DER, DER)
    with pytest.raises(OAuthError, match="RFC 9440"):
        forwarded_chain(f"{ITEM},garbage")
    with pytest.raises(OAuthError, match="more than 8"):
        forwarded_chain(",".join([ITEM] * (MOST_ABOVE + 1)))


@pytest.mark.spec("standards", "MT-3")
def test_only_the_endpoints_where_clients_prove_themselves_have_a_second_address() -> None:
    members = {"token_endpoint": f"{ISSUER}/oauth/token", "authorization_endpoint": f"{ISSUER}/oauth/authorize"}
    assert aliases(members, ISSUER, "https://mtls.id.example/t1") == {
        "token_endpoint": "https://mtls.id.example/t1/oauth/token"
    }
    assert aliases(members, ISSUER, None) == {}


@pytest.mark.spec("standards", "MT-3")
@pytest.mark.spec("standards", "MT-4")
@pytest.mark.spec("standards", "DP-2")
@pytest.mark.spec("standards", "A7.1")
def test_the_metadata_tells_what_tokens_can_be_bound_to() -> None:
    registry = ScopeRegistry(DEFAULT)
    plain = document(ISSUER, FeatureSet.chosen({}), registry, mtls_url="https://mtls.id.example/t1")
    assert plain["dpop_signing_alg_values_supported"] == ["ES256", "ES384", "EdDSA", "Ed25519", "PS256", "RS256"]
    assert "tls_client_certificate_bound_access_tokens" not in plain
    assert "mtls_endpoint_aliases" not in plain
    switches = {Feature.DPOP.key: False, Feature.MUTUAL_TLS.key: True}
    mutual = document(ISSUER, FeatureSet.chosen(switches), registry, mtls_url="https://mtls.id.example/t1")
    assert "dpop_signing_alg_values_supported" not in mutual
    assert mutual["tls_client_certificate_bound_access_tokens"] is True
    found = mutual["mtls_endpoint_aliases"]
    assert isinstance(found, dict)
    assert {"token_endpoint", "revocation_endpoint", "introspection_endpoint"} <= found.keys()
    assert all(address.startswith("https://mtls.id.example/t1/oauth/") for address in found.values())
    assert "mtls_endpoint_aliases" not in document(ISSUER, FeatureSet.chosen(switches), registry)


def test_certificates_are_offered_where_the_feature_is_on() -> None:
    assert mtls.is_offered(FeatureSet({Feature.MUTUAL_TLS}))
    assert not mtls.is_offered(FeatureSet())
