"""The Authorization header of the server's own API (original behaviour §4.1)."""

from base64 import b64encode

import pytest

from app.protocol import authorization_header
from app.protocol.authorization_header import Challenged, Credentials, Scheme
from app.protocol.errors import ErrorCode
from app.protocol.sender import UNBOUND, Binding


def basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


@pytest.mark.spec("standards", "BR-1")
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_without_case(scheme: str) -> None:
    assert authorization_header.read(f"{scheme} asat_x") == Credentials("asat_x")


@pytest.mark.parametrize("header", [basic("key:"), basic("key"), basic("key").replace("Basic", "bAsIc")])
def test_basic_holds_a_key_as_the_user_name(header: str) -> None:
    assert authorization_header.read(header) == Credentials("key")


@pytest.mark.parametrize(
    ("header", "code", "said"),
    [
        ("Bearer", ErrorCode.INVALID_REQUEST, "no token"),
        ("Bearer   ", ErrorCode.INVALID_REQUEST, "no token"),
        ("Bearer a b", ErrorCode.INVALID_REQUEST, "more than one word"),
        ("", ErrorCode.INVALID_REQUEST, "send a token or key"),
        ("Digest x", ErrorCode.INVALID_REQUEST, "send a token or key"),
        ("asat_x", ErrorCode.INVALID_REQUEST, "send a token or key"),
        ("Basic", ErrorCode.INVALID_TOKEN, ""),
        ("Basic ...", ErrorCode.INVALID_TOKEN, "not base64"),
        ("Basic /w==", ErrorCode.INVALID_TOKEN, "not base64"),
        (basic("asat_x:"), ErrorCode.INVALID_TOKEN, "Bearer"),
        (basic("aspt_x"), ErrorCode.INVALID_TOKEN, "Bearer"),
    ],
)
def test_what_is_malformed_is_refused_and_told_why(header: str, code: ErrorCode, said: str) -> None:
    if not said:
        assert authorization_header.read(header) == Credentials("")
        return
    with pytest.raises(Challenged, match=said) as refused:
        authorization_header.read(header)
    assert refused.value.code is code


def test_basic_with_a_password_is_refused_instead_of_ignored() -> None:
    """Original behaviour §4.1 fell through to the session: whoever shows a wrong credential would act as somebody else.

    RFC 7617 knows no credential that does not count.
    """
    with pytest.raises(Challenged, match="no password") as refused:
        authorization_header.read(basic("key:password"))
    assert refused.value.code is ErrorCode.INVALID_TOKEN


def test_a_challenge_is_bearers_also_after_basic() -> None:
    """The original's `xBasic realm="api"` kept browsers from asking for a password; so does Bearer (RFC 6750 §3)."""
    with pytest.raises(Challenged) as refused:
        authorization_header.read("Basic !")
    assert refused.value.challenge_for("https://id.example") == (
        'Bearer realm="https://id.example", error="invalid_token", '
        'error_description="the Basic header is not base64 of the key and a colon"'
    )


@pytest.mark.spec("standards", "BR-3")
@pytest.mark.spec("standards", "BR-4")
def test_a_bare_challenge_names_no_error_and_a_scope_is_named_last() -> None:
    assert Challenged(ErrorCode.INVALID_TOKEN, "x", bare=True).challenge_for("r") == 'Bearer realm="r"'
    lacking = Challenged(ErrorCode.INSUFFICIENT_SCOPE, "x", scope="a b").challenge_for("r")
    assert lacking == 'Bearer realm="r", error="insufficient_scope", error_description="x", scope="a b"'


@pytest.mark.spec("standards", "PR-3")
@pytest.mark.parametrize("scheme", ["Bearer", "DPoP"])
def test_a_challenge_names_the_metadata_of_its_api_once_in_either_scheme(scheme: Scheme) -> None:
    there = "https://r.example/.well-known/oauth-protected-resource"
    for bare in (True, False):
        told = Challenged(ErrorCode.INVALID_TOKEN, "x", bare=bare, scheme=scheme).challenge_for("r", there)
        assert told.startswith(f'{scheme} realm="r", ')
        assert told.count(f'resource_metadata="{there}"') == 1


@pytest.mark.spec("standards", "DP-14")
@pytest.mark.spec("standards", "DP-1")
@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP"])
def test_a_token_with_a_proof_has_a_scheme_of_its_own(scheme: str) -> None:
    shown = authorization_header.read(f"{scheme} asat_x")
    assert shown == Credentials("asat_x", by_proof=True)
    assert shown.scheme == "DPoP"
    assert "asat_x" not in repr(shown)
    for header in (scheme, f"{scheme} a b"):
        with pytest.raises(Challenged, match=scheme) as refused:
            authorization_header.read(header)
        assert refused.value.code is ErrorCode.INVALID_REQUEST


@pytest.mark.spec("standards", "DP-14")
def test_the_scheme_follows_the_binding() -> None:
    by_proof, plain = Credentials("x", by_proof=True), Credentials("x")
    for binding in (UNBOUND, Binding(x5t="print")):
        authorization_header.check_scheme(plain, binding)
        with pytest.raises(Challenged, match="not bound") as refused:
            authorization_header.check_scheme(by_proof, binding)
        assert refused.value.scheme == "Bearer"
    authorization_header.check_scheme(by_proof, Binding(jkt="thumb"))
    with pytest.raises(Challenged, match="bound to a key") as refused:
        authorization_header.check_scheme(plain, Binding(jkt="thumb"))
    assert refused.value.scheme == "DPoP"


@pytest.mark.spec("standards", "DP-1")
@pytest.mark.spec("standards", "HD-6")
def test_a_challenge_for_proofs_names_the_algorithms() -> None:
    challenge = Challenged(ErrorCode.USE_DPOP_NONCE, "x", scheme="DPoP").challenge_for("r")
    algorithms = 'algs="ES256 ES384 EdDSA Ed25519 PS256 RS256"'
    assert challenge == f'DPoP realm="r", error="use_dpop_nonce", error_description="x", {algorithms}'
