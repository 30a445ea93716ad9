"""RFC 7636 with S256 alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol import pkce
from app.protocol.errors import ErrorCode, OAuthError
from tests.support.facts import CHALLENGE, VERIFIER

_UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"


@pytest.mark.spec("standards", "TV-1")
@pytest.mark.spec("standards", "P-1")
def test_the_vector_of_rfc_7636_appendix_b() -> None:
    assert pkce.s256(VERIFIER) == CHALLENGE
    assert pkce.verify(CHALLENGE, VERIFIER)


@pytest.mark.spec("standards", "P-1")
@pytest.mark.spec("standards", "BC-2")
@given(st.text(_UNRESERVED, min_size=43, max_size=128))
def test_every_well_formed_verifier_meets_its_own_challenge_and_no_other(verifier: str) -> None:
    assert pkce.verify(pkce.s256(verifier), verifier)
    assert not pkce.verify(pkce.s256(verifier), verifier[:-1] + ("A" if verifier[-1] != "A" else "B"))


@pytest.mark.spec("standards", "AC-4")
@pytest.mark.parametrize("verifier", ["", "a" * 42, "a" * 129, "a" * 42 + "ä", "a" * 42 + "\n", "a" * 42 + "+"])
def test_a_malformed_verifier_never_matches(verifier: str) -> None:
    assert not pkce.verify(CHALLENGE, verifier)


@pytest.mark.spec("standards", "P-2")
@pytest.mark.spec("standards", "P-3")
@pytest.mark.spec("standards", "P-4")
@pytest.mark.spec("standards", "P-5")
@pytest.mark.spec("standards", "P-6")
@pytest.mark.parametrize(
    ("challenge", "method", "required"),
    [
        (None, None, True),
        (None, "S256", False),
        (CHALLENGE, None, True),
        (CHALLENGE, "plain", True),
        (CHALLENGE, "s256", True),
        (CHALLENGE + "=", "S256", True),
        (CHALLENGE[:-1], "S256", False),
        (CHALLENGE[:-1] + "+", "S256", False),
    ],
)
def test_a_bad_challenge_is_invalid_request(challenge: str | None, method: str | None, required: bool) -> None:
    with pytest.raises(OAuthError) as refused:
        pkce.check_challenge(challenge, method, required=required)
    assert refused.value.code is ErrorCode.INVALID_REQUEST
    assert "code_challenge" in refused.value.description


def test_an_exempted_application_may_leave_the_challenge_out() -> None:
    pkce.check_challenge(None, None, required=False)
    pkce.check_challenge(CHALLENGE, "S256", required=False)
