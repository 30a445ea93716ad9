"""The claims of users in a data file (OpenID Connect Core §5.1)."""

from typing import Any

import pytest

from app.protocol.scopes import DEFAULT, ScopeRegistry
from app.services import data_file
from app.services.data_file import DataFileError

REGISTRY = ScopeRegistry(DEFAULT)
WHOLE: dict[str, Any] = {
    "name": "Ada Lovelace",
    "name#ja-Kana-JP": "エイダ",
    "department#de": "Weberei",
    "picture": "https://people.example/ada.png",
    "website": "http://ada.example",
    "birthdate": "1815-12-10",
    "address": {"locality": "London", "region": None},
    "phone_number": "+44 20 1",
    "phone_number_verified": True,
    "badge": {"number": 7},
}


def parsed(**members: Any) -> dict[str, Any] | None:
    """Return the claims of the one user of a file."""
    [user] = data_file.parse({"users": [{"username": "ada", **members}]}, REGISTRY).users
    return user.claims


def test_claims_are_kept_as_they_are_written_and_nulls_are_left_out() -> None:
    assert parsed(claims={**WHOLE, "nickname": None}) == WHOLE
    assert parsed(claims={"birthdate": "1815"}) == {"birthdate": "1815"}
    assert parsed() is None


def test_a_checked_address_is_that_of_the_account_as_it_is_now() -> None:
    checked = {"email_verified": True}
    assert parsed(email="ada@example.com", claims=checked) == {**checked, "email": "ada@example.com"}
    of_another = {**checked, "email": "a@example.org"}
    assert parsed(email="ada@example.com", claims=of_another) == of_another
    assert parsed(claims=checked) == checked
    assert parsed(email="ada@example.com", claims={"email_verified": False}) == {"email_verified": False}


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"sub": "x"}, "must not have sub, which the server itself decides"),
        ({"acr#de": "x"}, "must not have acr#de, which the server itself decides"),
        ({"updated_at": 1}, "must not have updated_at"),
        ({"email#de": "x"}, "must not have email#de: after # stands a language"),
        ({"name#": "x"}, "must not have name#: after #"),
        ({"name": 7}, "must have a text as name"),
        ({"name#de": ["x"]}, "must have a text as name#de"),
        ({"picture": "javascript:alert(1)"}, "must have an address with https:// as picture"),
        ({"website": "https://[::1"}, "must have an address with https:// as website"),
        ({"profile": 7}, "must have an address with https:// as profile"),
        ({"email_verified": "true"}, "must have true or false as email_verified"),
        ({"birthdate": "10.12.1815"}, "must have a date such as 1815-12-10"),
        ({"birthdate": 1815}, "must have a date such as 1815-12-10"),
        ({"address": "London"}, "must have an object as address, with some of formatted"),
        ({"address": {"city": "London"}}, "must not have city in address"),
        ({"address": {"country": 7}}, "must have a text as country of address"),
        ({f"c{number}": 1 for number in range(101)}, "must not be more than 100"),
        ("name", "dictionary"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_claim_that_is_not_what_it_has_to_be_is_refused(claims: Any, said: str) -> None:
    with pytest.raises(DataFileError) as problem:
        parsed(claims=claims)
    assert said in str(problem.value)
