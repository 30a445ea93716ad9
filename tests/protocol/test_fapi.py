"""What requests of applications keep that are held to FAPI 2.0, whatever is registered about them."""

from datetime import timedelta
from typing import Any

import pytest

from app.protocol import client_auth, resources, response_types, sender
from app.protocol.client_auth import METHODS, Means, Presented
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.policy import ApplicationPolicy, EffectivePolicy, Lifetimes, ServerPolicy, effective
from app.protocol.resources import Resource
from app.protocol.sender import Binding, Sender
from tests.support.facts import ISSUER, client

LOOSE = ApplicationPolicy(fapi=True, require_pkce=False, allow_implicit=True, rotate_refresh_tokens=True)
SERVER = ServerPolicy(
    ISSUER,
    Lifetimes(authorization_code=timedelta(minutes=5)),
    response_types=("code", "code id_token", "id_token", "none", "token"),
)


def policy(server: ServerPolicy = SERVER, **own: Any) -> EffectivePolicy:
    return effective(server, ApplicationPolicy(fapi=True, **own), confidential=True)


@pytest.mark.spec("standards", "F-4")
@pytest.mark.spec("standards", "F-8")
@pytest.mark.spec("standards", "F-9")
@pytest.mark.spec("standards", "F-11")
@pytest.mark.spec("standards", "F-20")
def test_the_profile_outweighs_what_is_written_down() -> None:
    held = effective(SERVER, LOOSE, confidential=True)
    assert held.authorization_code == timedelta(seconds=60)
    assert held.require_pkce
    assert held.require_pushed_requests
    assert held.strict_assertions
    assert held.dpop_bound
    assert not held.allow_implicit
    assert not held.rotate_refresh_tokens
    free = effective(SERVER, ApplicationPolicy(require_pkce=False, allow_implicit=True), confidential=True)
    assert free.authorization_code == timedelta(minutes=5)
    assert free.allow_implicit
    assert not free.require_pushed_requests


@pytest.mark.spec("standards", "F-11")
def test_a_shorter_life_of_codes_stays() -> None:
    short = ServerPolicy(ISSUER, Lifetimes(authorization_code=timedelta(seconds=20)))
    assert policy(short).authorization_code == timedelta(seconds=20)


@pytest.mark.spec("standards", "F-5")
def test_a_certificate_binds_instead_of_a_proof() -> None:
    assert not policy(tls_bound=True).dpop_bound
    assert not policy(tls_bound=True).rotate_refresh_tokens


@pytest.mark.spec("standards", "FM-1")
def test_message_signing_demands_signed_requests() -> None:
    assert policy(signs_messages=True).require_signed_requests
    assert not policy().require_signed_requests


@pytest.mark.spec("standards", "F-20")
@pytest.mark.parametrize("response_type", ["id_token code", "id_token", "none", "token"])
def test_nothing_but_codes_comes_through_the_browser(response_type: str) -> None:
    everything = client(
        response_types=frozenset(SERVER.response_types), grant_types=frozenset({"authorization_code", "implicit"})
    )
    with pytest.raises(OAuthError, match="send response_type=code") as refused:
        response_types.check(response_type, everything, policy())
    assert refused.value.code is ErrorCode.UNAUTHORIZED_CLIENT
    response_types.check("code", everything, policy())


@pytest.mark.spec("standards", "F-3")
@pytest.mark.spec("standards", "F-6")
@pytest.mark.spec("standards", "F-20")
@pytest.mark.parametrize(
    "presented",
    [Presented("none", "client"), Presented("client_secret_basic", "client", "secret")],
    ids=["none", "secret"],
)
def test_a_method_that_the_profile_does_not_know_proves_nothing(presented: Presented) -> None:
    free = client(auth_method=presented.method)
    held = client(auth_method=presented.method, policy=ApplicationPolicy(fapi=True))
    assert client_auth.authenticate(presented, free, Means(METHODS)) is free
    with pytest.raises(OAuthError) as refused:
        client_auth.authenticate(presented, held, Means(METHODS))
    assert refused.value.code is ErrorCode.INVALID_CLIENT
    assert "the profile that it is held to" in refused.value.detail


@pytest.mark.spec("standards", "F-4")
@pytest.mark.spec("standards", "F-22")
def test_tokens_are_bound_to_a_key_whose_proof_is_signed_strongly() -> None:
    weak = Sender(jkt="thumb", weak=True)
    assert sender.bind(Sender(jkt="thumb"), policy()) == Binding(jkt="thumb")
    assert sender.bind(Sender(x5t="print"), policy(tls_bound=True)) == Binding(x5t="print")
    assert sender.bind(weak, effective(SERVER, ApplicationPolicy(), confidential=True)) == Binding(jkt="thumb")
    for shown in (Sender(), Sender(x5t="print"), weak):
        with pytest.raises(OAuthError) as refused:
            sender.bind(shown, policy())
        assert refused.value.code is ErrorCode.INVALID_DPOP_PROOF


@pytest.mark.spec("standards", "F-22")
@pytest.mark.parametrize(
    ("registered", "algorithms", "used"),
    [
        ("", ("RS256", "PS256"), "PS256"),
        ("ES256", ("RS256", "ES256"), "ES256"),
        ("RS256", ("ES256", "RS256"), None),
        ("", ("RS256",), None),
    ],
    ids=["the_first_that_is_strong", "of_the_resource", "a_resource_that_wants_rs256", "none_is_strong"],
)
def test_tokens_for_resources_are_signed_strongly_or_not_at_all(
    registered: str, algorithms: tuple[str, ...], used: str | None
) -> None:
    api = Resource("https://api.example", token_format="jwt", signing_alg=registered)
    held = policy(ServerPolicy(ISSUER, algorithms=algorithms))
    free = effective(ServerPolicy(ISSUER, algorithms=algorithms), ApplicationPolicy(), confidential=True)
    assert resources.shape((api,), free).audience == api
    if used is None:
        with pytest.raises(OAuthError, match="signed too weakly") as refused:
            resources.shape((api,), held)
        assert refused.value.code is ErrorCode.INVALID_TARGET
    else:
        shape = resources.shape((api,), held)
        assert shape.audience is not None
        assert shape.audience.signing_alg == used
    assert resources.shape((), held).audience is None
