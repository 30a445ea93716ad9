"""Types of authorization details: what is read, and what is refused before a server starts."""

from typing import Any

import pytest

from app.protocol.detail_types import DetailType
from app.settings import SettingsError, load
from tests.support.details import TYPES


def settings(types: dict[str, Any]) -> Any:
    return load(overrides={"authorization_details": types}, environment={})


def test_a_type_is_read_as_it_is_written_down() -> None:
    payment, accounts = settings(TYPES).configuration().details
    assert accounts == DetailType("accounts", "See your bank accounts", kind="see")
    assert (payment.name, payment.remember, payment.longest) == ("payment", False, 4096)
    assert payment.definition == TYPES["payment"]["schema"]
    assert payment.compare == {"instructedAmount.amount": "at_most"}
    assert list(payment.shows) == ["creditorName", "instructedAmount.amount", "instructedAmount.currency"]


@pytest.mark.parametrize(
    ("name", "entry", "key", "words"),
    [
        ("two words", {"description": "X"}, "authorization_details.two words", "is no type"),
        ("a#b", {"description": "X"}, "authorization_details.a#b", "is no type"),
        ("a", {}, "authorization_details.a.description", "missing"),
        ("a", {"description": "X", "compare": {"n": "smaller"}}, "authorization_details.a.compare.n", "at_most"),
        ("a", {"description": "X", "schema": {"type": "x"}}, "authorization_details.a.schema", "no JSON Schema"),
        ("a", {"description": "X", "schema": {"$ref": "https://b.example"}}, "authorization_details.a.schema", "fetch"),
        ("a", {"description": "X", "max_length": 20_000}, "authorization_details.a.max_length", "16384"),
    ],
    ids=["words", "hash", "no description", "comparison", "schema", "elsewhere", "length"],
)
def test_a_type_that_cannot_be_is_refused_by_name(name: str, entry: dict[str, Any], key: str, words: str) -> None:
    with pytest.raises(SettingsError) as problem:
        settings({name: entry})
    assert key in str(problem.value)
    assert words in str(problem.value)
