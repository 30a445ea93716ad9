"""ID tokens of ours as hints: what counts, and what only looks like one."""

from datetime import timedelta
from typing import Any

import pytest

from app.crypto.jose import Jwt
from app.protocol import id_token_hint
from app.protocol.id_token_hint import Hinted
from app.protocol.tokens.jwt_rules import JwtRefused
from tests.support.facts import ISSUER, NOW

CLAIMS = {
    "iss": ISSUER,
    "sub": "subject-1",
    "aud": "client",
    "iat": int(NOW.timestamp()) - 60,
    "exp": int(NOW.timestamp()) + 600,
    "sid": "session",
}


def read(*, typ: str | None = "JWT", **changes: Any) -> Hinted:
    """Read an ID token whose signature is right, with claims changed by keyword; None leaves one out."""
    header = {"alg": "ES256", "kid": "k"} | ({"typ": typ} if typ else {})
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    return id_token_hint.read(Jwt(header, claims), ISSUER, NOW)


@pytest.mark.spec("standards", "OC-12")
def test_an_id_token_names_application_person_and_session() -> None:
    assert read() == read(typ=None) == read(aud=["client"]) == Hinted("client", "subject-1", "session")
    assert read(sid=None) == read(sid=7) == Hinted("client", "subject-1")


@pytest.mark.spec("standards", "OC-12")
@pytest.mark.parametrize("ago", [timedelta(hours=1), timedelta(days=30)], ids=str)
def test_it_counts_after_its_end_too(ago: timedelta) -> None:
    assert read(exp=int((NOW - ago).timestamp()), iat=int((NOW - ago).timestamp()) - 600).subject == "subject-1"


@pytest.mark.spec("standards", "OC-12")
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"sub": None},
        {"aud": None},
        {"aud": ["client", "other"]},
        {"aud": 7},
        {"iat": None},
        {"exp": None},
        {"iat": int(NOW.timestamp()) + 3600},
        {"typ": "at+jwt"},
        {"typ": "logout+jwt"},
        {"typ": "token-introspection+jwt"},
    ],
    ids=str,
)
def test_what_is_no_id_token_of_ours_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(JwtRefused):
        read(**changes)
