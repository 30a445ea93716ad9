"""When an introspection answer is a JWT, and what it says (RFC 9701)."""

import pytest

from app.protocol import introspection_jwt
from app.protocol.client_keys import KeyMaterial
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.features import Feature, FeatureSet
from app.protocol.params import Parameters
from app.protocol.policy import ApplicationPolicy, ServerPolicy, effective
from tests.support.facts import ISSUER, NOW

JWT = "application/token-introspection+jwt"


def test_there_are_such_answers_where_the_feature_is_on() -> None:
    assert introspection_jwt.is_offered(FeatureSet({Feature.SIGNED_INTROSPECTION}))
    assert not introspection_jwt.is_offered(FeatureSet())


@pytest.mark.spec("standards", "IN-9")
@pytest.mark.parametrize(
    "accept",
    [
        JWT,
        JWT.upper(),
        f"  {JWT} ; q=0.5 ",
        f"{JWT};q=0.001",
        f"application/json, {JWT}",
        f"{JWT}, */*",
        f"{JWT}, */*;q=0.1",
        f"*/*, application/json;q=0.2, {JWT};q=0.3",
        f"text/html, {JWT};q=nonsense",
        f"{JWT};profile=a;q=1.000",
    ],
)
def test_whoever_names_the_media_type_and_likes_json_no_better_gets_a_jwt(accept: str) -> None:
    assert introspection_jwt.is_asked_for(accept)


@pytest.mark.spec("standards", "IN-9")
@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "*/*",
        "application/*",
        "application/json",
        "application/jwt",
        f"{JWT};q=0",
        f"{JWT};q=0.000, application/json",
        f"{JWT};q=0.5, application/json",
        f"{JWT};q=0.5, application/json;q=0.6",
        f"{JWT};q=0.5, application/*;q=0.6",
        f"{JWT};q=0.9, */*",
        "token-introspection+jwt",
    ],
)
def test_everybody_else_gets_json(accept: str | None) -> None:
    assert not introspection_jwt.is_asked_for(accept)


@pytest.mark.spec("standards", "IN-10")
def test_a_request_for_a_jwt_that_shows_nothing_of_its_sender_is_an_invalid_request() -> None:
    for shown in ({}, {"client_id": "spa"}):
        with pytest.raises(OAuthError) as refused:
            introspection_jwt.require_credentials(None, Parameters(shown, {}), certificate=False)
        assert (refused.value.code, refused.value.code.status) == (ErrorCode.INVALID_REQUEST, 400)


@pytest.mark.spec("standards", "IN-10")
def test_whatever_may_prove_who_asks_is_judged_by_client_authentication() -> None:
    introspection_jwt.require_credentials("Basic eA==", Parameters({}, {}), certificate=False)
    introspection_jwt.require_credentials(None, Parameters({"client_secret": "x"}, {}), certificate=False)
    introspection_jwt.require_credentials(None, Parameters({"client_assertion": "x"}, {}), certificate=False)
    introspection_jwt.require_credentials(None, Parameters({"client_id": "x"}, {}), certificate=True)


@pytest.mark.spec("standards", "IN-9")
def test_the_answer_is_a_member_and_never_the_jwt_itself() -> None:
    answer = {"active": True, "sub": "somebody", "exp": 7}
    assert introspection_jwt.claims(answer, issuer=ISSUER, audience="api", now=NOW) == {
        "iss": ISSUER,
        "aud": "api",
        "iat": int(NOW.timestamp()),
        "token_introspection": answer,
    }


@pytest.mark.spec("standards", "F-22")
@pytest.mark.spec("standards", "FM-3")
@pytest.mark.parametrize(
    ("algorithms", "registered", "used"),
    [
        (("RS256", "PS256", "ES256"), "", "PS256"),
        (("ES256", "PS256"), "PS256", "PS256"),
        (("RS256",), "", "RS256"),
    ],
    ids=["the_first_that_is_strong", "registered", "none_is_strong"],
)
def test_answers_to_fapi_are_signed_strongly_where_the_server_can(
    algorithms: tuple[str, ...], registered: str, used: str
) -> None:
    server = ServerPolicy(ISSUER, algorithms=algorithms)
    policy = effective(server, ApplicationPolicy(fapi=True), confidential=True)
    assert introspection_jwt.signing_alg(KeyMaterial(introspection_signing_alg=registered), policy) == used


@pytest.mark.spec("standards", "IN-11")
def test_the_algorithms_are_those_that_were_registered_or_the_specifications_own() -> None:
    plain = effective(ServerPolicy(ISSUER), ApplicationPolicy(), confidential=True)
    assert introspection_jwt.signing_alg(KeyMaterial(), plain) == "RS256"
    assert introspection_jwt.signing_alg(KeyMaterial(introspection_signing_alg="ES256"), plain) == "ES256"
    assert introspection_jwt.encryption(KeyMaterial(introspection_encryption_enc="A256GCM")) is None
    assert introspection_jwt.encryption(KeyMaterial(introspection_encryption_alg="RSA-OAEP-256")) == (
        "RSA-OAEP-256",
        "A128CBC-HS256",
    )
    chosen = KeyMaterial(introspection_encryption_alg="ECDH-ES", introspection_encryption_enc="A256GCM")
    assert introspection_jwt.encryption(chosen) == ("ECDH-ES", "A256GCM")
