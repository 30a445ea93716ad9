"""When a JWT counts: its kind, who made it, for whom, and when (RFC 8725)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.crypto.jose import Jwt
from app.protocol.errors import describable
from app.protocol.tokens.jwt_rules import (
    Flaw,
    JwtRefused,
    Kind,
    Rules,
    audiences_of,
    check,
    moment_of,
)

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
ISSUER, SERVER = "https://client.example", "https://id.example"
T = int(NOW.timestamp())
MINUTE = timedelta(minutes=1)

RULES = Rules(
    Kind.CLIENT_ASSERTION,
    issuers=(ISSUER,),
    audiences=(SERVER, f"{SERVER}/oauth/token"),
    subject=ISSUER,
    required=("jti",),
    longest=timedelta(hours=1),
)
CLAIMS = {"iss": ISSUER, "sub": ISSUER, "aud": SERVER, "exp": T + 60, "iat": T, "jti": "one"}


def _jwt(typ: str | None = None, **changes: Any) -> Jwt:
    claims = {**CLAIMS, **changes}
    header = {"alg": "ES256", **({} if typ is None else {"typ": typ})}
    return Jwt(header, {name: value for name, value in claims.items() if value is not ...})


def _flaw(jwt: Jwt, rules: Rules = RULES) -> Flaw | None:
    """Return why a JWT does not count; every reason may be said to its sender as it is (G8)."""
    try:
        check(jwt, rules, NOW)
    except JwtRefused as refused:
        return refused.flaw if describable(str(refused)) == str(refused) else None
    return None


def test_a_jwt_that_is_all_that_it_has_to_be_counts() -> None:
    assert _flaw(_jwt()) is None


@pytest.mark.spec("standards", "JV-3")
@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.name)
def test_a_kind_is_named_in_any_case_with_or_without_application(kind: Kind) -> None:
    for typ in (kind.typ, kind.typ.upper(), f"application/{kind.typ}", f"Application/{kind.typ.title()}"):
        assert kind.is_named_by(typ)
    assert kind.is_named_by(None) is kind.untyped
    assert not kind.is_named_by(f"text/{kind.typ}")
    assert not kind.is_named_by("something+jwt")


@pytest.mark.spec("standards", "JV-3")
@pytest.mark.spec("standards", "JV-4")
@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.name)
@pytest.mark.parametrize("other", Kind, ids=lambda kind: kind.name)
def test_no_kind_passes_for_another(kind: Kind, other: Kind) -> None:
    """An ID token is typed like JWTs in general; where these are accepted, audience and issuer tell them apart."""
    if other is not kind and other is not Kind.ID_TOKEN:
        assert not kind.is_named_by(other.typ)
        assert _flaw(_jwt(typ=other.typ), Rules(kind)) is Flaw.KIND


@pytest.mark.spec("standards", "JV-3")
def test_the_kinds_of_the_specifications_are_known() -> None:
    assert {kind.typ for kind in Kind} >= {
        *("at+jwt", "dpop+jwt", "logout+jwt", "oauth-authz-req+jwt", "token-introspection+jwt"),
        *("oauth-id-jag+jwt", "client-authentication+jwt", "statuslist+jwt", "secevent+jwt"),
    }


@pytest.mark.spec("standards", "JV-4")
@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "jti"])
@pytest.mark.parametrize("value", [..., None, "", []], ids=["absent", "null", "empty", "empty list"])
def test_what_is_required_must_be_there(name: str, value: object) -> None:
    changes: dict[str, Any] = {name: value}
    assert _flaw(_jwt(**changes)) is Flaw.MISSING


def test_what_nobody_asks_for_may_be_absent() -> None:
    assert _flaw(_jwt(exp=..., iat=..., jti=..., sub=...), Rules(Kind.CLIENT_ASSERTION, expires=False)) is None
    assert _flaw(_jwt(iat=...), Rules(Kind.CLIENT_ASSERTION, oldest=MINUTE)) is Flaw.MISSING


@pytest.mark.spec("standards", "JV-4")
@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"iss": "https://evil.example"}, Flaw.ISSUER),
        ({"iss": ISSUER + "/"}, Flaw.ISSUER),
        ({"iss": [ISSUER]}, Flaw.MALFORMED),
        ({"sub": "somebody"}, Flaw.SUBJECT),
        ({"sub": 5}, Flaw.MALFORMED),
        ({"jti": 5}, Flaw.MALFORMED),
        ({"aud": "https://other.example"}, Flaw.AUDIENCE),
        ({"aud": ["https://other.example"]}, Flaw.AUDIENCE),
        ({"aud": SERVER + "/"}, Flaw.AUDIENCE),
        ({"aud": SERVER.upper()}, Flaw.AUDIENCE),
        ({"aud": {"id": SERVER}}, Flaw.MALFORMED),
        ({"aud": [SERVER, 5]}, Flaw.MALFORMED),
        ({"aud": ["https://other.example", SERVER]}, None),
        ({"aud": f"{SERVER}/oauth/token"}, None),
    ],
    ids=str,
)
def test_parties_are_compared_letter_by_letter(changes: dict[str, Any], flaw: Flaw | None) -> None:
    assert _flaw(_jwt(**changes)) is flaw


def test_a_profile_can_ask_for_one_audience_alone() -> None:
    strict = Rules(Kind.CLIENT_ASSERTION, audiences=(SERVER,), only_audience=True)

    assert _flaw(_jwt(aud=[SERVER]), strict) is None
    assert _flaw(_jwt(aud=[SERVER, "https://other.example"]), strict) is Flaw.AUDIENCE


@pytest.mark.spec("standards", "JV-4")
@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"exp": T - 59}, None),
        ({"exp": T - 60}, Flaw.EXPIRED),
        ({"exp": T - 60.5}, Flaw.EXPIRED),
        ({"nbf": T + 60}, None),
        ({"nbf": T + 61}, Flaw.TOO_EARLY),
        ({"iat": T + 60, "exp": T + 90}, None),
        ({"iat": T + 61, "exp": T + 90}, Flaw.TOO_EARLY),
        ({"exp": T + 3600}, None),
        ({"exp": T + 3601}, Flaw.TOO_LONG),
        ({"iat": T - 1000, "exp": T + 2601}, Flaw.TOO_LONG),
        ({"iat": ..., "exp": T + 3660}, None),
        ({"iat": ..., "exp": T + 3661}, Flaw.TOO_LONG),
        ({"iat": T + 60, "exp": T + 3661}, Flaw.TOO_LONG),
        ({"exp": 253402300799}, Flaw.TOO_LONG),
        ({"nbf": -62135596800}, None),
    ],
    ids=str,
)
def test_clocks_may_differ_by_a_minute_and_no_more(changes: dict[str, Any], flaw: Flaw | None) -> None:
    assert _flaw(_jwt(**changes)) is flaw


def test_whoever_wants_a_fresh_one_gets_a_fresh_one() -> None:
    fresh = Rules(Kind.DPOP_PROOF, expires=False, oldest=2 * MINUTE, leeway=timedelta(seconds=5))

    assert _flaw(_jwt(typ="dpop+jwt", iat=T - 125), fresh) is None
    assert _flaw(_jwt(typ="dpop+jwt", iat=T - 126), fresh) is Flaw.TOO_OLD
    assert _flaw(_jwt(typ="dpop+jwt", iat=T + 6), fresh) is Flaw.TOO_EARLY


@pytest.mark.parametrize(
    "value", ["1", "", True, [], {}, float("inf"), float("nan"), 1e300, -1e300, 10**20], ids=lambda value: repr(value)
)
def test_a_moment_is_a_number_of_seconds(value: object) -> None:
    with pytest.raises(JwtRefused) as refused:
        moment_of({"exp": value}, "exp")
    assert refused.value.flaw is Flaw.MALFORMED


def test_moments_and_audiences_are_read_as_they_are_written() -> None:
    assert moment_of({"exp": T + 0.5}, "exp") == NOW + timedelta(seconds=0.5)
    assert moment_of({}, "exp") is None
    assert audiences_of({}) == ()
    assert audiences_of({"aud": SERVER}) == (SERVER,)
    assert audiences_of({"aud": ["a", "b"]}) == ("a", "b")


@pytest.mark.spec("standards", "JV-4")
@pytest.mark.parametrize("leeway", [timedelta(seconds=61), timedelta(seconds=-1)], ids=["more", "less"])
def test_nobody_can_ask_for_a_wider_skew(leeway: timedelta) -> None:
    with pytest.raises(ValueError, match="60 seconds"):
        Rules(Kind.CLIENT_ASSERTION, leeway=leeway)
