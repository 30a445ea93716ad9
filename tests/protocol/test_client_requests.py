"""What applications may register for request objects and signed answers, and what must fit together."""

from typing import Any

import pytest

from app.protocol import client_requests
from app.protocol.client_metadata import ClientMetadata, read
from app.protocol.errors import OAuthError
from tests.support.assertions import key_of, key_set
from tests.support.facts import REDIRECT_URI, REGISTRY

KEYS = key_set(key_of("registered"))
SYMMETRIC_ENC = {"authorization_encrypted_response_enc": "A256GCM"}


def metadata(**members: Any) -> ClientMetadata:
    return read({"redirect_uris": [REDIRECT_URI], **members}, REGISTRY, signing=("ES256", "RS256"))


@pytest.mark.spec("standards", "RO-4")
@pytest.mark.spec("standards", "RO-10")
@pytest.mark.spec("standards", "RT-8")
@pytest.mark.spec("standards", "RT-9")
@pytest.mark.parametrize(
    "members",
    [
        {},
        {"request_object_signing_alg": "ES256", "jwks": KEYS},
        {"request_object_signing_alg": "PS256", "jwks_uri": "https://client.example/jwks"},
        {"require_signed_request_object": True, "jwks": KEYS},
        {"request_uris": ["https://client.example/r.jwt#x"]},
        {"authorization_signed_response_alg": "ES256", "response_modes": ["jwt", "form_post.jwt", "query"]},
        {"authorization_encrypted_response_alg": "ECDH-ES", "jwks_uri": "https://client.example/jwks"},
        {"jwks": {"keys": [{"kty": "EC"}]}},
    ],
)
def test_what_fits_together_is_registered(members: dict[str, Any]) -> None:
    assert metadata(**members).document().items() >= members.items()


@pytest.mark.spec("standards", "RO-4")
@pytest.mark.spec("standards", "RO-9")
@pytest.mark.spec("standards", "RO-10")
@pytest.mark.spec("standards", "RT-8")
@pytest.mark.spec("standards", "RT-9")
@pytest.mark.spec("standards", "JV-1")
@pytest.mark.spec("standards", "JV-6")
@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"request_object_signing_alg": "none", "jwks": KEYS}, "request_object_signing_alg is none, and"),
        ({"request_object_signing_alg": "HS256", "jwks": KEYS}, "request_object_signing_alg is HS256, and"),
        ({"request_object_signing_alg": "ES256"}, "request_object_signing_alg needs jwks or jwks_uri"),
        ({"request_object_signing_alg": "ES384", "jwks": KEYS}, "request_object_signing_alg is ES384, and no key"),
        ({"request_object_signing_alg": "RS256", "jwks": KEYS}, "request_object_signing_alg is RS256, and no key"),
        ({"request_object_signing_alg": "ES256", "jwks": {"keys": [{"kty": "EC"}]}}, "jwks.keys.0 "),
        ({"require_signed_request_object": True}, "require_signed_request_object needs jwks or jwks_uri"),
        ({"request_object_encryption_alg": "ECDH-ES"}, "request_object_encryption_alg is for servers with keys"),
        ({"request_object_encryption_enc": "A256GCM"}, "request_object_encryption_enc is for servers with keys"),
        ({"request_uris": ["http://client.example/r"]}, "request_uris.0 must be an https URL"),
        (
            {"request_uris": ["https://a.example/", f"https://a.example/{'r' * 500}"]},
            "request_uris.1 is longer than 512",
        ),
        ({"authorization_signed_response_alg": "none"}, "authorization_signed_response_alg must not be none"),
        ({"authorization_signed_response_alg": "HS256"}, "authorization_signed_response_alg is HS256, with which"),
        ({"authorization_signed_response_alg": "PS256"}, "authorization_signed_response_alg is PS256, with which"),
        ({"authorization_encrypted_response_alg": "ECDH-ES"}, "authorization_encrypted_response_alg needs jwks"),
        (SYMMETRIC_ENC, "authorization_encrypted_response_enc needs authorization_encrypted_response_alg"),
        ({"authorization_encrypted_response_alg": "dir", "jwks": KEYS}, "authorization_encrypted_response_alg must be"),
        ({"response_modes": ["query", "web_message"]}, "response_modes has web_message, which is no mode"),
    ],
)
def test_what_does_not_fit_says_which_member_and_why(members: dict[str, Any], said: str) -> None:
    with pytest.raises(OAuthError) as refused:
        metadata(**members)
    assert refused.value.code.wire == "invalid_client_metadata"
    assert refused.value.description.startswith(said)


@pytest.mark.spec("standards", "RT-6")
@pytest.mark.spec("standards", "RT-7")
def test_every_mode_that_a_server_can_have_may_be_registered() -> None:
    assert (
        *("query", "fragment", "form_post", "query.jwt", "fragment.jwt", "form_post.jwt", "jwt"),
    ) == client_requests.MODES
