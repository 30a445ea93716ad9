"""The `claims` parameter: what it asks, what is passed over, and what is no request at all."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol import claims_parameter
from app.protocol.claims import ClaimsRegistry
from app.protocol.claims_parameter import MAX_CLAIMS, MAX_LENGTH, NOTHING, ClaimsParameter
from app.protocol.errors import ErrorCode, OAuthError


def read(**members: Any) -> ClaimsParameter:
    """Read a parameter with these members."""
    return claims_parameter.read(json.dumps(members))


@pytest.mark.spec("standards", "OC-13")
def test_both_answers_can_be_asked_for_claims_in_every_way_that_is_specified() -> None:
    asked = read(
        userinfo={"given_name": {"essential": True}, "nickname": None, "picture": {}},
        id_token={"auth_time": {"essential": True}, "email": {"essential": False, "value": "a@b.example"}},
    )
    assert asked == ClaimsParameter(("auth_time", "email"), ("given_name", "nickname", "picture"))


def test_nothing_is_asked_by_a_request_without_it_and_by_one_with_empty_members() -> None:
    assert claims_parameter.read(None) == read() == read(userinfo=None, id_token={}) == NOTHING


@pytest.mark.spec("standards", "OC-13")
def test_members_that_nobody_knows_are_ignored_wherever_they_stand() -> None:
    assert read(verified_claims=[1], id_token={"email": {"purpose": "post", "essential": True}}).id_token == ("email",)


@pytest.mark.spec("standards", "OC-13")
def test_claims_that_there_are_not_are_passed_over_and_so_are_those_that_the_protocol_makes() -> None:
    asked = read(id_token={"sub": None, "acr": None, "email": None, "shoe_size": None}, userinfo={"name#de": None})
    assert asked.known(ClaimsRegistry()) == ClaimsParameter(("email",), ("name#de",))


@pytest.mark.spec("standards", "OC-13")
@pytest.mark.parametrize(
    ("members", "subjects"),
    [
        ({"id_token": {"sub": {"value": "s1"}}}, ("s1",)),
        ({"id_token": {"sub": {"values": ["s1", "s2"]}}}, ("s1", "s2")),
        ({"userinfo": {"sub": {"essential": True, "value": "s1"}}}, ("s1",)),
        ({"id_token": {"sub": {"values": ["s1", "s2"]}}, "userinfo": {"sub": {"value": "s2"}}}, ("s2",)),
        ({"id_token": {"sub": {"essential": True}}}, ()),
        ({"id_token": {"sub": None}}, ()),
    ],
    ids=["one", "one of several", "for userinfo", "for both", "no value", "null"],
)
def test_sub_names_who_has_to_be_signed_in(members: dict[str, Any], subjects: tuple[str, ...]) -> None:
    assert read(**members).subjects == subjects


def test_two_people_at_once_are_nobody() -> None:
    with pytest.raises(OAuthError, match="another in userinfo"):
        read(id_token={"sub": {"value": "s1"}}, userinfo={"sub": {"value": "s2"}})


@pytest.mark.spec("standards", "OC-10")
@pytest.mark.spec("standards", "OC-11")
@pytest.mark.parametrize(
    ("acr", "demanded"),
    [
        ({"essential": True, "value": "high"}, ("high",)),
        ({"essential": True, "values": ["high", "low"]}, ("high", "low")),
        ({"essential": True}, ()),
        ({"essential": False, "values": ["high"]}, ()),
        ({"values": ["high"]}, ()),
        (None, ()),
    ],
    ids=["value", "values", "any", "voluntary", "voluntary by default", "null"],
)
def test_only_an_essential_acr_is_a_demand(acr: Any, demanded: tuple[str, ...]) -> None:
    assert read(id_token={"acr": acr}).acr == demanded


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 5000, "not JSON"),
        ('{"id_token":{"a":{"value":NaN}}}', "not JSON"),
        ("[]", "must be a JSON object"),
        ('"id_token"', "must be a JSON object"),
        ("null", "must be a JSON object"),
        ('{"id_token":{},"id_token":{}}', "a member twice"),
        ('{"id_token":{"email":null,"email":null}}', "a member twice"),
        ('{"id_token":[]}', "id_token in claims must be an object"),
        ('{"userinfo":"email"}', "userinfo in claims must be an object"),
        ('{"id_token":{"email":true}}', "ask for email with null or an object"),
        ('{"id_token":{"email":{"essential":"yes"}}}', "essential of email"),
        ('{"id_token":{"email":{"values":"a"}}}', "values of email"),
        ('{"id_token":{"sub":{"value":7}}}', "each value of sub"),
        ('{"id_token":{"acr":{"essential":true,"values":["a",1]}}}', "each value of acr"),
        (json.dumps({"x": json.loads("[" * 9 + "]" * 9)}), "nested too deeply"),
        (json.dumps({"userinfo": {f"c{number}": None for number in range(MAX_CLAIMS + 1)}}), "more than 100 claims"),
        (json.dumps({"userinfo": {"x" * MAX_LENGTH: None}}), "longer than"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_what_is_no_such_request_is_refused_with_a_reason(text: str, why: str) -> None:
    with pytest.raises(OAuthError) as refused:
        claims_parameter.read(text)
    assert refused.value.code is ErrorCode.INVALID_REQUEST
    assert why in refused.value.description


_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: (
    st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id_token", "userinfo", "sub", "acr", "x"]), inner)
), max_leaves=8)  # fmt: skip


@given(_JSON)
def test_any_json_is_read_or_refused(value: Any) -> None:
    with suppress(OAuthError):
        assert isinstance(claims_parameter.read(json.dumps(value)), ClaimsParameter)
