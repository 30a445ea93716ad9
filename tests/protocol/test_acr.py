"""What a sign-in is worth, and what may be demanded of it."""

from datetime import timedelta

import pytest

from app.protocol.acr import NOTHING, PASSWORD, STANDARD, Assurance, AssuranceLevel, Required
from app.protocol.errors import ErrorCode, OAuthError
from tests.support.facts import NOW

PWD = frozenset({"pwd"})
FRESH = "urn:example:fresh"
TWO = "urn:example:two"
LEVELS = Assurance(
    (
        AssuranceLevel(TWO, frozenset({"pwd", "otp"})),
        AssuranceLevel(FRESH, PWD, timedelta(minutes=5)),
        AssuranceLevel(PASSWORD, PWD),
    )
)
YOUNG, OLD = timedelta(minutes=1), timedelta(minutes=5)


@pytest.mark.parametrize(
    ("methods", "reached"),
    [(("pwd",), PASSWORD), (("pwd", "otp"), PASSWORD), ((), ""), (("otp",), "")],
    ids=["password", "more_than_a_password", "unknown", "something_else"],
)
@pytest.mark.spec("standards", "OC-10")
def test_a_server_without_levels_of_its_own_knows_passwords(methods: tuple[str, ...], reached: str) -> None:
    assert STANDARD.reached(methods, OLD) == reached
    assert STANDARD.names == ("urn:assent:acr:password",)


@pytest.mark.parametrize(
    ("methods", "age", "reached"),
    [
        (("pwd", "otp"), OLD, TWO),
        (("pwd",), YOUNG, FRESH),
        (("pwd",), OLD, PASSWORD),
        (("otp",), YOUNG, ""),
    ],
    ids=["two_methods", "recent", "long_ago", "another_method"],
)
def test_a_sign_in_is_worth_the_strongest_level_that_it_reaches(
    methods: tuple[str, ...], age: timedelta, reached: str
) -> None:
    assert LEVELS.reached(methods, age) == reached


@pytest.mark.spec("standards", "OC-10")
@pytest.mark.parametrize(
    ("preferred", "reached"),
    [((PASSWORD, FRESH), PASSWORD), ((TWO, "urn:unknown"), FRESH), ((TWO, PASSWORD), PASSWORD)],
    ids=["the_weaker_one_first", "none_of_them", "the_second"],
)
def test_of_several_levels_the_one_that_was_asked_for_is_named(preferred: tuple[str, ...], reached: str) -> None:
    assert LEVELS.reached(("pwd",), YOUNG, NOTHING, preferred) == reached


@pytest.mark.spec("standards", "OC-11")
@pytest.mark.parametrize(
    ("required", "age", "reached"),
    [
        (Required((PASSWORD,)), YOUNG, PASSWORD),
        (Required((TWO, FRESH)), YOUNG, FRESH),
        (Required((FRESH,)), OLD, None),
        (Required((), (FRESH,)), YOUNG, FRESH),
        (Required((), (PASSWORD,)), OLD, PASSWORD),
        (Required((PASSWORD,), (FRESH,)), YOUNG, None),
        (Required((), ("urn:gone",)), YOUNG, None),
    ],
    ids=[
        *("one", "one_of_two", "too_long_ago", "of_a_scope", "of_a_scope_and_met_by_any"),
        *("less_than_its_scope_needs", "a_level_that_is_gone"),
    ],
)
def test_what_is_required_is_met_or_the_sign_in_is_worth_nothing(
    required: Required, age: timedelta, reached: str | None
) -> None:
    assert LEVELS.reached(("pwd",), age, required) == reached


@pytest.mark.spec("standards", "OC-11")
@pytest.mark.parametrize(
    ("required", "said"),
    [
        (Required(("urn:gold",)), f"it has {TWO}, {FRESH}, {PASSWORD}"),
        (Required((PASSWORD,), (FRESH,)), f"which need {FRESH}"),
        (Required((), (FRESH, TWO)), f"which need {FRESH}, {TWO}"),
    ],
    ids=["unknown", "excluded_by_a_scope", "scopes_that_exclude_each_other"],
)
def test_what_nobody_can_meet_is_refused_at_once(required: Required, said: str) -> None:
    assert not LEVELS.is_possible(required)
    with pytest.raises(OAuthError, match=said) as refused:
        LEVELS.require_possible(required)
    assert refused.value.code is ErrorCode.UNMET_AUTHENTICATION_REQUIREMENTS


@pytest.mark.parametrize("required", [NOTHING, Required(("urn:gold", FRESH)), Required((), (FRESH,))], ids=repr)
def test_what_a_sign_in_can_meet_is_possible(required: Required) -> None:
    LEVELS.require_possible(required)


@pytest.mark.spec("standards", "AT-5")
@pytest.mark.parametrize(
    ("acr", "ago", "met"),
    [
        (FRESH, YOUNG, True),
        (PASSWORD, YOUNG, True),
        (TWO, YOUNG, True),
        (FRESH, OLD, False),
        ("", YOUNG, False),
        ("urn:gone", YOUNG, False),
        (FRESH, None, False),
    ],
    ids=[
        *("of_the_level", "of_a_weaker_one_and_recent", "of_another_and_recent", "of_the_level_once"),
        *("of_no_level", "of_a_level_that_is_gone", "nobody_signed_in"),
    ],
)
def test_a_token_counts_by_the_level_and_the_moment_of_its_sign_in(acr: str, ago: timedelta | None, met: bool) -> None:
    auth_time = None if ago is None else NOW - ago
    assert LEVELS.is_met(FRESH, acr, auth_time, NOW) is met


def test_nothing_counts_for_a_level_that_is_gone() -> None:
    assert not LEVELS.is_met("urn:gone", TWO, NOW, NOW)


def test_a_level_implies_those_that_need_no_more() -> None:
    two, fresh, password = LEVELS.levels
    fresher = AssuranceLevel("urn:example:fresher", PWD, timedelta(minutes=1))
    assert [level.implies(password) for level in (two, fresh, fresher, password)] == [True] * 4
    assert [level.implies(fresh) for level in (two, fresh, fresher, password)] == [False, True, True, False]
    assert not fresh.implies(two)
    assert LEVELS.known(("urn:gold", PASSWORD, FRESH)) == (PASSWORD, FRESH)
