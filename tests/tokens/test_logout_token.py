"""Logout tokens: the shape of the specification, and nothing by which one could be taken for an ID token."""

from dataclasses import replace
from typing import Any

import pytest

from app.crypto.jose import Jwt, peek
from app.protocol.tokens import logout_token
from app.protocol.tokens.jwt_rules import Flaw, JwtRefused, Kind, Rules, check
from app.protocol.tokens.logout_token import LogoutContent
from tests.support.facts import ISSUER, NOW, TOKEN
from tests.support.jose import signed

SECONDS = int(NOW.timestamp())
CONTENT = LogoutContent(ISSUER, "s6BhdRkqt3", "248289761001", TOKEN, NOW, sid="08a5019c-17e1")


def written(content: LogoutContent) -> Jwt:
    return peek(logout_token.write(content, "RS256", lambda alg, typ, claims: signed(alg, claims, typ)))


@pytest.mark.spec("standards", "LB-2")
@pytest.mark.spec("standards", "TV-14")
def test_a_logout_token_has_the_shape_of_the_specification() -> None:
    token = written(CONTENT)
    expected: dict[str, Any] = {
        "iss": ISSUER, "sub": "248289761001", "aud": "s6BhdRkqt3", "iat": SECONDS, "exp": SECONDS + 120,
        "jti": str(TOKEN), "sid": "08a5019c-17e1",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }  # fmt: skip
    assert token.claims == expected
    assert token.typ == "logout+jwt"


@pytest.mark.spec("standards", "LB-3")
def test_without_a_session_it_is_about_all_sessions_of_the_person() -> None:
    claims = written(replace(CONTENT, sid="")).claims
    assert "sid" not in claims
    assert claims["sub"] == "248289761001"


@pytest.mark.spec("standards", "LB-2")
@pytest.mark.spec("standards", "JV-3")
def test_it_is_no_id_token_and_counts_for_two_minutes() -> None:
    token = written(CONTENT)
    assert "nonce" not in token.claims
    check(token, Rules(Kind.LOGOUT_TOKEN, issuers=(ISSUER,), audiences=("s6BhdRkqt3",)), NOW)
    with pytest.raises(JwtRefused) as refused:
        check(token, Rules(Kind.ID_TOKEN), NOW)
    assert refused.value.flaw is Flaw.KIND
