"""Signed authorization answers: what they say (JARM §2.1)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from app.crypto import jose
from app.crypto.jose import JoseError
from app.protocol import id_token_hint
from app.protocol.tokens import answer_jwt
from tests.support.facts import ISSUER, NOW
from tests.support.jose import key_pair, public, signed

MEMBERS = {"code": "c", "state": "s", "iss": ISSUER}


def written(members: dict[str, str]) -> tuple[str, str, Mapping[str, Any]]:
    """Return what there is to be signed: algorithm, kind and claims."""
    orders: list[tuple[str, str, Mapping[str, Any]]] = []

    def sign(alg: str, typ: str, claims: Mapping[str, Any]) -> str:
        orders.append((alg, typ, claims))
        return "a.b.c"

    assert answer_jwt.write(members, "client", ISSUER, "PS256", NOW, sign) == "a.b.c"
    return orders[0]


@pytest.mark.spec("standards", "RT-8")
@pytest.mark.spec("standards", "SR-2")
@pytest.mark.spec("standards", "G1")
@pytest.mark.parametrize(
    "members", [MEMBERS, {"error": "access_denied", "error_description": "no", "state": "s", "iss": ISSUER}, {}]
)
def test_it_says_who_answers_whom_until_when_and_what_the_answer_is(members: dict[str, str]) -> None:
    alg, typ, claims = written(members)
    ends = int((NOW + timedelta(minutes=10)).timestamp())
    assert (alg, typ, claims) == ("PS256", "JWT", {**members, "iss": ISSUER, "aud": "client", "exp": ends})


@pytest.mark.spec("standards", "RT-8")
def test_no_member_speaks_for_the_jwt_itself() -> None:
    claims = written({"iss": "https://mallory.example", "aud": "other", "exp": "9999999999"})[2]
    assert (claims["iss"], claims["aud"]) == (ISSUER, "client")
    assert claims["exp"] < 9999999999


@pytest.mark.spec("standards", "ID-5")
@pytest.mark.spec("standards", "JV-4")
def test_it_is_no_id_token() -> None:
    text = answer_jwt.write(MEMBERS, "client", ISSUER, "ES256", NOW, lambda alg, typ, claims: signed(alg, claims, typ))
    jwt = jose.verify(text, [public("ES256")], ["ES256"])
    assert jwt.kid == key_pair("ES256")["kid"]
    with pytest.raises(JoseError, match="lacks iat, sub"):
        id_token_hint.read(jwt, ISSUER, NOW)
