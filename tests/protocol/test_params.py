"""Parameter parsing: one reading of every request (standards G4)."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.params import MAX_ESCAPES, MAX_PARAMETERS, Parameters, parse_form

_NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12)
_VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(st.dictionaries(_NAMES.filter(lambda name: name not in {"resource", "audience"}), _VALUES, max_size=8))
def test_what_a_client_encodes_is_what_we_read(pairs: dict[str, str]) -> None:
    assert dict(parse_form(urlencode(pairs).encode()).single) == pairs


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_with_invalid_request(raw: bytes) -> None:
    refusal: OAuthError | None = None
    try:
        params = parse_form(raw)
        assert Parameters.of(params.pairs()).pairs() == params.pairs()
    except OAuthError as refused:
        refusal = refused
    assert refusal is None or refusal.code is ErrorCode.INVALID_REQUEST


def test_empty_pieces_are_no_parameters() -> None:
    assert parse_form(b"&a=1&&b=2&").pairs() == (("a", "1"), ("b", "2"))


@pytest.mark.spec("standards", "G4")
def test_an_empty_value_is_absent() -> None:
    params = parse_form(b"scope=&state=x")
    assert params.get("scope") is None
    assert params.get("state") == "x"
    assert parse_form(b"resource=&resource=https%3A%2F%2Fa").all("resource") == ("https://a",)


@pytest.mark.spec("standards", "G4")
@pytest.mark.spec("standards", "O-8")
def test_a_repeated_parameter_has_no_value_and_is_refused() -> None:
    params = parse_form(b"scope=a&scope=b&scope=c")
    assert params.get("scope") is None
    with pytest.raises(OAuthError, match="scope was sent more than once"):
        params.require_unique()


def test_a_parameter_that_is_empty_once_is_still_repeated() -> None:
    assert parse_form(b"scope=&scope=a").duplicated == ("scope",)


@pytest.mark.spec("standards", "G4")
def test_resource_may_repeat() -> None:
    params = parse_form(b"resource=https%3A%2F%2Fa&resource=https%3A%2F%2Fb")
    params.require_unique()
    assert params.all("resource") == ("https://a", "https://b")


@pytest.mark.spec("standards", "T-1")
@pytest.mark.parametrize("raw", [b"a=%", b"a=%4", b"a=%zz", b"a=%ff", b"\xff=1", b"a=%00", b"%=1"])
def test_broken_encodings_are_refused_not_repaired(raw: bytes) -> None:
    with pytest.raises(OAuthError) as refused:
        parse_form(raw)
    assert refused.value.code is ErrorCode.INVALID_REQUEST


def test_too_many_parameters_are_refused() -> None:
    with pytest.raises(OAuthError, match="more than"):
        parse_form(b"&".join(b"p%d=1" % n for n in range(MAX_PARAMETERS + 1)))


def test_too_many_escapes_are_refused_before_they_are_decoded() -> None:
    assert parse_form(b"scope=" + b"%41" * MAX_ESCAPES).get("scope") == "A" * MAX_ESCAPES
    with pytest.raises(OAuthError, match="escaped"):
        parse_form(b"scope=" + b"%41" * MAX_ESCAPES + b"&state=%41")


def test_one_value_is_replaced_and_the_rest_stays_as_it_was_sent() -> None:
    params = parse_form(b"refresh_token=old&resource=a&resource=b")
    replaced = params.replaced("refresh_token", "new")
    assert replaced.pairs() == (("refresh_token", "new"), ("resource", "a"), ("resource", "b"))
    assert params.get("refresh_token") == "old"


def test_a_parameter_that_means_nothing_here_is_as_if_it_had_not_been_sent() -> None:
    params = parse_form(b"a=1&b=2&c=3&c=4&resource=x")
    assert params.without("a") == parse_form(b"b=2&c=3&c=4&resource=x")
    assert params.without("c") == parse_form(b"a=1&b=2&resource=x")


def test_what_is_kept_of_a_request_is_what_was_named() -> None:
    params = parse_form(b"scope=a&token=secret&resource=https%3A%2F%2Fa&resource=https%3A%2F%2Fb")
    assert params.only({"scope", "resource"}).pairs() == (
        ("scope", "a"), ("resource", "https://a"), ("resource", "https://b"),
    )  # fmt: skip
