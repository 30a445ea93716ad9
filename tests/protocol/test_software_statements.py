"""Software statements: who may say something about an application, and what (RFC 7591 §2.3)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.crypto import jose
from app.protocol import software_statements as rules
from app.protocol.configuration import StatementIssuer
from app.protocol.errors import ErrorCode, OAuthError
from tests.support.assertions import key_of, signed

OURS, VENDOR = "https://id.example", StatementIssuer("https://vendor.example")
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def statement(**claims: Any) -> str:
    return signed({"iss": VENDOR.issuer, "client_name": "Deploy Diary", **claims}, key_of("vendor"))


@pytest.mark.spec("standards", "DR-11")
@pytest.mark.parametrize("text", [7, None, "", "a.b", "e30.e30"], ids=["number", "null", "empty", "two_parts", "junk"])
def test_what_is_no_jwt_is_invalid(text: object) -> None:
    with pytest.raises(OAuthError) as refused:
        rules.peek(text, [VENDOR])
    assert refused.value.code is ErrorCode.INVALID_SOFTWARE_STATEMENT


@pytest.mark.spec("standards", "DR-11")
def test_the_word_of_somebody_unknown_is_not_approved() -> None:
    for issuers in ([], [StatementIssuer("https://vendor.example/")]):
        with pytest.raises(OAuthError) as refused:
            rules.peek(statement(), issuers)
        assert refused.value.code is ErrorCode.UNAPPROVED_SOFTWARE_STATEMENT
    assert rules.peek(statement(), [VENDOR])[1] is VENDOR


@pytest.mark.spec("standards", "DR-11")
@pytest.mark.parametrize(
    ("claims", "counts"),
    [
        pytest.param({}, True, id="for_ever"),
        pytest.param({"exp": NOW.timestamp() + 60, "aud": OURS, "jti": "1"}, True, id="for_us"),
        pytest.param({"aud": ["https://other.example", f"{OURS}/oauth/register"]}, True, id="for_several"),
        pytest.param({"exp": NOW.timestamp() - 3600}, False, id="expired"),
        pytest.param({"nbf": NOW.timestamp() + 3600}, False, id="too_early"),
        pytest.param({"aud": "https://other.example"}, False, id="for_others"),
    ],
)
def test_it_counts_here_and_now_or_not_at_all(claims: dict[str, Any], counts: bool) -> None:
    jwt = jose.peek(statement(**claims))
    if counts:
        assert rules.members(jwt, VENDOR, OURS, NOW) == {"client_name": "Deploy Diary"}
        return
    with pytest.raises(OAuthError) as refused:
        rules.members(jwt, VENDOR, OURS, NOW)
    assert refused.value.code is ErrorCode.INVALID_SOFTWARE_STATEMENT


@pytest.mark.spec("standards", "DR-11")
@pytest.mark.spec("standards", "JV-3")
def test_another_kind_of_jwt_is_none() -> None:
    jwt = jose.peek(signed({"iss": VENDOR.issuer}, key_of("vendor"), typ="at+jwt"))
    with pytest.raises(OAuthError):
        rules.members(jwt, VENDOR, OURS, NOW)


@pytest.mark.spec("standards", "DR-11")
def test_it_says_nothing_that_is_for_the_server_to_say() -> None:
    said = {"client_id": "mine", "client_secret": "x", "registration_access_token": "y", "software_statement": "z"}
    jwt = jose.peek(statement(**said, sub="s", software_id="7"))
    assert rules.members(jwt, VENDOR, OURS, NOW) == {"client_name": "Deploy Diary", "software_id": "7"}
