"""A name has one limit, at whichever door it comes in, and somebody who answers for it or nobody."""

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from app.protocol.names import MAX_NAME_LENGTH, is_vouched_for, name_key
from app.services import names, organizations, personal_tokens
from app.services.application_settings import ApplicationSettings
from tests.support.facts import client


def of_an_application(name: str) -> str:
    """Return what is wrong with an application's name."""
    try:
        ApplicationSettings(client_name=name)
    except ValidationError as refused:
        return str(refused)
    return ""


@pytest.mark.spec("original", "BUG 19")
@pytest.mark.parametrize(
    "problem_with",
    [
        of_an_application,
        organizations.problem_with_name,
        personal_tokens.problem_with_name,
        names.problem_with_username,
    ],
    ids=["application", "organization", "personal token", "username"],
)
def test_the_longest_name_is_the_same_for_everything_that_people_name(problem_with: Callable[[str], str]) -> None:
    assert problem_with("n" * MAX_NAME_LENGTH) == ""
    assert str(MAX_NAME_LENGTH) in problem_with("n" * (MAX_NAME_LENGTH + 1))


@pytest.mark.parametrize(
    ("verified", "self_registered", "owner_name", "vouched"),
    [
        (False, False, "", True),
        (False, False, "robin", False),
        (False, True, "", False),
        (True, False, "robin", True),
        (True, True, "", True),
    ],
    ids=["the operator's", "somebody's", "its own", "somebody's, checked", "its own, checked"],
)
def test_a_name_counts_when_it_is_the_operators_or_he_has_checked_it(
    verified: bool, self_registered: bool, owner_name: str, vouched: bool
) -> None:
    shown = client(verified=verified, self_registered=self_registered, owner_name=owner_name)
    assert is_vouched_for(verified=verified, self_registered=self_registered, owner_name=owner_name) is vouched
    assert shown.vouched_for is vouched


@pytest.mark.parametrize("spelling", ["ada", "ADA", " Ada ", "\uff21da", "\U0001d400da"])
def test_spellings_of_one_name_have_one_key(spelling: str) -> None:
    assert name_key(spelling) == "ada"
