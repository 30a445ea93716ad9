"""Assurance levels: what is read, and what is refused before a server starts."""

from datetime import timedelta
from typing import Any

import pytest

from app.protocol.acr import STANDARD, AssuranceLevel
from app.settings import SettingsError, load

FRESH, PASSWORD = "urn:example:fresh", "urn:assent:acr:password"
LEVELS: dict[str, Any] = {FRESH: {"max_age": 300}, PASSWORD: {"methods": ["pwd"]}}
PWD = frozenset({"pwd"})


def settings(levels: dict[str, Any], **tables: Any) -> Any:
    return load(overrides={"assurance": levels, **tables}, environment={})


def test_levels_are_read_as_they_are_written_down_the_strongest_first() -> None:
    policy = settings(LEVELS).policy()
    assert policy.assurance.levels == (
        AssuranceLevel(FRESH, PWD, timedelta(seconds=300)),
        AssuranceLevel(PASSWORD, PWD),
    )


def test_without_any_there_is_the_one_of_passwords() -> None:
    assert settings({}).policy().assurance == STANDARD


def test_a_scope_can_need_one() -> None:
    scopes = {"pay": {"description": "Pay", "acr": FRESH}, "org:admin": {"description": "All"}}
    read = settings(LEVELS, scopes=scopes)
    assert read.scope_registry().level("pay") == FRESH
    assert read.scope_registry().levels(["org:admin", "pay", "nothing"]) == (FRESH,)


@pytest.mark.parametrize(
    ("levels", "key", "words"),
    [
        ({"two words": {}}, "assurance.two words", "is no name of a level"),
        (
            {FRESH: {"methods": ["otp"]}},
            f"assurance.{FRESH}.methods",
            "'otp', which no sign-in here has; there is: pwd",
        ),
        ({FRESH: {"methods": []}}, f"assurance.{FRESH}.methods", "at least 1"),
        ({FRESH: {"max_age": 5}}, f"assurance.{FRESH}.max_age", "60"),
        ({PASSWORD: {}, FRESH: {"max_age": 300}}, f"assurance.{PASSWORD}", "put the strongest first"),
        ({"a": {"max_age": 300}, "b": {"max_age": 300}}, "assurance.a", "as strong or stronger"),
    ],
    ids=["name", "method", "no_method", "too_short", "order", "twice"],
)
def test_a_level_that_cannot_be_is_refused_by_name(levels: dict[str, Any], key: str, words: str) -> None:
    with pytest.raises(SettingsError) as problem:
        settings(levels)
    assert key in str(problem.value)
    assert words in str(problem.value)


def test_a_scope_that_needs_a_level_which_there_is_not_is_refused() -> None:
    with pytest.raises(SettingsError, match=f"no assurance level here; there are: {PASSWORD}"):
        settings({}, scopes={"pay": {"description": "Pay", "acr": FRESH}})


def test_broken_scopes_are_told_of_once() -> None:
    with pytest.raises(SettingsError) as problem:
        settings(LEVELS, scopes={"a b": {"acr": "nowhere"}})
    assert str(problem.value).count("a b") == 1
