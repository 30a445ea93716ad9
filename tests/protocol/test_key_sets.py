"""Which key sets are accepted (JW-6)."""

import json
from datetime import timedelta
from typing import Any

import pytest

from app.protocol import key_sets
from app.protocol.fetching import Failed, Refused

KEY: dict[str, Any] = {"kty": "EC", "kid": "a", "crv": "P-256", "x": "x", "y": "y"}


def body(*keys: object) -> bytes:
    """Return a set as it is sent."""
    return json.dumps({"keys": keys}).encode()


@pytest.mark.spec("standards", "JW-6")
def test_the_keys_of_a_set_are_its_known_ones() -> None:
    other = {"kty": "RSA", "n": "n", "e": "AQAB"}
    assert key_sets.read_set(body(KEY, {"kty": "future", "x": "1"}, other)) == (KEY, other)
    assert key_sets.read_set(body()) == ()


@pytest.mark.spec("standards", "JW-6")
def test_of_a_key_is_kept_what_somebody_reads() -> None:
    whole = {**KEY, "use": "sig", "alg": "ES256", "key_ops": ["verify"], "x5c": ["MII"]}
    assert key_sets.read_set(body({**whole, "x5u": "https://a.example/", "more": [[]] * 1000})) == (whole,)


@pytest.mark.spec("standards", "JW-6")
@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_private_members_refuse_the_set(member: str) -> None:
    with pytest.raises(Refused, match="must have public keys only"):
        key_sets.read_set(body(KEY, {**KEY, member: "x"}))


@pytest.mark.spec("standards", "JW-6")
def test_a_symmetric_key_refuses_the_set() -> None:
    with pytest.raises(Refused, match="must have public keys only"):
        key_sets.read_set(body({"kty": "oct"}))


@pytest.mark.spec("standards", "JW-6")
@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"", "is not JSON", id="empty"),
        pytest.param(b"<html>", "is not JSON", id="html"),
        pytest.param(b"\xff\xfe\x00", "is not JSON", id="no text"),
        pytest.param(b'{"keys":[],"keys":[]}', "with every member once", id="keys twice"),
        pytest.param(b'{"keys":[{"kty":"EC","kty":"oct"}]}', "with every member once", id="kty twice"),
        pytest.param(b"[" * 60_000, "is not JSON", id="deep"),
        pytest.param(b'{"keys":' + b"9" * 5000 + b"}", "is not JSON", id="a long number"),
        pytest.param(b"[]", "is no JWK set", id="a list"),
        pytest.param(b"{}", "is no JWK set", id="no keys"),
        pytest.param(b'{"keys":{}}', "is no JWK set", id="keys are no list"),
        pytest.param(b'{"keys":[1]}', "is no JWK set", id="a number for a key"),
        pytest.param(b'{"keys":[{"kid":"a"}]}', "is no JWK set", id="no kty"),
        pytest.param(b'{"keys":[{"kty":"EC","kid":1}]}', "is no JWK set", id="kid is no string"),
        pytest.param(b'{"keys":[{"kty":"EC","x":[]}]}', "is no JWK set", id="x is no string"),
        pytest.param(b'{"keys":[{"kty":"EC","key_ops":"verify"}]}', "is no JWK set", id="key_ops is no list"),
        pytest.param(b'{"keys":[{"kty":"EC","x5c":[[]]}]}', "is no JWK set", id="x5c has no strings"),
        pytest.param(body(KEY | {"x5c": ["a"] * 21}), "is no JWK set", id="x5c has too many"),
        pytest.param(body(*[KEY] * 51), "has more than 50 keys", id="too many"),
    ],
)
def test_what_is_no_set_is_a_failure(content: bytes, why: str) -> None:
    with pytest.raises(Failed, match=why):
        key_sets.read_set(content)


@pytest.mark.spec("standards", "JW-6")
@pytest.mark.parametrize(
    ("said", "kept"),
    [(None, 3600), (0, 300), (299, 300), (301, 301), (86_399, 86_399), (86_401, 86_400), (999_999_999, 86_400)],
)
def test_a_set_is_kept_for_five_minutes_to_a_day(said: int | None, kept: int) -> None:
    assert key_sets.fresh_time(said) == timedelta(seconds=kept)


def test_a_set_answers_for_the_ids_that_it_has() -> None:
    keys = key_sets.read_set(body(KEY, {"kty": "EC"}))
    assert key_sets.has_key(keys, "a")
    assert key_sets.has_key(keys, None)
    assert not key_sets.has_key(keys, "b")
