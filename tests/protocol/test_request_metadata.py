"""What is published about request objects and signed answers (OpenID Connect Discovery §3, RFC 9101 §10.5, JARM §4)."""

from typing import Any

import pytest

from app.crypto import jose
from app.protocol import request_metadata
from app.protocol.features import FeatureSet

SIGNING = ("ES256", "RS256")
OBJECTS = {"request_object_signing_alg_values_supported": list(jose.SIGNATURES), "require_signed_request_object": False}
ANSWERS = {
    "authorization_signing_alg_values_supported": ["ES256", "RS256"],
    "authorization_encryption_alg_values_supported": list(jose.KEY_MANAGEMENT_ALGORITHMS),
    "authorization_encryption_enc_values_supported": list(jose.CONTENT_ENCRYPTION_ALGORITHMS),
}


@pytest.mark.spec("standards", "A7.1 request_parameter_supported")
@pytest.mark.spec("standards", "A7.1 request_uri_parameter_supported")
@pytest.mark.spec("standards", "A7.1 require_request_uri_registration")
@pytest.mark.spec("standards", "A7.1 require_signed_request_object")
@pytest.mark.spec("standards", "A7.1 authorization_signing_alg_values_supported")
@pytest.mark.spec("standards", "RO-9")
@pytest.mark.parametrize(
    ("switches", "supported", "further"),
    [
        ({}, (True, False), {**OBJECTS, **ANSWERS}),
        ({"request_objects": False}, (False, False), ANSWERS),
        ({"signed_answers": False}, (True, False), OBJECTS),
        (
            {"request_objects_by_reference": True},
            (True, True),
            {**OBJECTS, **ANSWERS, "require_request_uri_registration": True},
        ),
    ],
    ids=["as it comes", "no objects", "no signed answers", "by reference"],
)
def test_what_there_is_is_published_and_what_silence_would_promise_is_denied(
    switches: dict[str, bool], supported: tuple[bool, bool], further: dict[str, Any]
) -> None:
    told = request_metadata.members(FeatureSet.chosen(switches), SIGNING)
    by_value, by_reference = supported
    assert told == {
        "request_parameter_supported": by_value,
        "request_uri_parameter_supported": by_reference,
        **further,
    }


@pytest.mark.spec("standards", "RO-4")
@pytest.mark.spec("standards", "RO-10")
def test_that_signatures_are_demanded_is_published_and_none_is_no_signature() -> None:
    told = request_metadata.members(FeatureSet.chosen({}), SIGNING, require_signed=True)
    assert told["require_signed_request_object"] is True
    assert not {"none", "HS256"} & set(jose.SIGNATURES)
