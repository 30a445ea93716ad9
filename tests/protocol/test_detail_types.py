"""Types of authorization details: what an object may say, what it is within, and what people read of it (RA-8)."""

from typing import Any

import pytest

from app.protocol.detail_types import (
    DetailType,
    compiled,
    problem_with_common,
    problem_with_name,
    unknown_member,
)
from app.settings.details import AuthorizationDetailSettings
from tests.support.details import PAYMENT, accounts, payment

PAYMENTS = AuthorizationDetailSettings(**PAYMENT).detail_type("payment")
PLAIN = DetailType("accounts", "See your bank accounts")


@pytest.mark.parametrize("name", ["payment", "https://bank.example/account", "urn:x:y", "a" * 200])
def test_a_type_is_named_by_what_a_record_can_hold(name: str) -> None:
    assert problem_with_name(name) is None


@pytest.mark.parametrize("name", ["", "two words", "a#b", 'a"b', "a\\b", "bär", "a" * 201, "a\n"])
def test_other_names_are_refused(name: str) -> None:
    assert "is no type" in (problem_with_name(name) or "")


@pytest.mark.spec("standards", "RA-1")
@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, ""),
        ({"locations": ["https://bank.example"], "identifier": "DE12", "privileges": [], "datatypes": ["x"]}, ""),
        ({"actions": "read"}, "actions must be a list of strings"),
        ({"datatypes": [1]}, "datatypes must be a list of strings"),
        ({"locations": {}}, "locations must be a list of strings"),
        ({"privileges": None}, "privileges must be a list of strings"),
        ({"identifier": 7}, "identifier must be a string"),
    ],
)
def test_the_common_members_have_the_kinds_of_the_specification(changes: dict[str, Any], problem: str) -> None:
    assert problem_with_common({"type": "accounts", **changes}) == problem


@pytest.mark.spec("standards", "RA-2")
def test_without_a_schema_a_type_knows_the_common_members_alone() -> None:
    assert unknown_member({"type": "accounts", "actions": [], "identifier": "x"}) == ""
    assert unknown_member({"type": "accounts", "amount": 1}) == "amount"


@pytest.mark.spec("standards", "RA-2")
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (payment(), ""),
        (payment(amount="1"), ""),
        (payment(locations=["https://bank.example"]), ""),
        (payment(amount="one"), "instructedAmount.amount is not as its schema demands with pattern"),
        (payment(note="x"), "it is not as its schema demands with unevaluatedProperties"),
        ({"type": "payment", "creditorName": "Ada"}, "it is not as its schema demands with required"),
        (payment(to="A" * 71), "creditorName is not as its schema demands with maxLength"),
        (payment() | {"type": "other"}, "type is not as its schema demands with const"),
    ],
)
def test_a_schema_says_what_is_missing_wrong_or_unknown(content: dict[str, Any], problem: str) -> None:
    assert compiled(PAYMENTS)(content) == problem


@pytest.mark.spec("standards", "RA-2")
@pytest.mark.parametrize(
    ("content", "known"),
    [
        ({"to": {"iban": "DE12"}}, True),
        ({"to": {"iban": "DE12", "standing_order": True}}, False),
        ({"parts": [{"iban": "DE12"}, {"iban": "DE13"}]}, True),
        ({"parts": [{"iban": "DE12"}, {"iban": "DE13", "daily": True}]}, False),
        ({"of": {"iban": "DE12"}}, True),
        ({"of": {"iban": "DE12", "all": True}}, False),
        ({"note": {"any": {"thing": 1}}, "free": [1]}, True),
        ({"odd": {"iban": "DE12", "any": 1}}, True),
    ],
)
def test_what_a_schema_does_not_name_stands_in_no_value_either(content: dict[str, Any], known: bool) -> None:
    account = {"type": "object", "properties": {"iban": {"type": "string"}}}
    members = {
        "to": account,
        "parts": {"items": account},
        "of": {"$ref": "#/$defs/account"},
        "note": {"type": "object"},
        "free": True,
        "odd": {**account, "additionalProperties": True},
    }
    kind = DetailType("order", "Order", definition={"properties": members, "$defs": {"account": account}})
    assert (compiled(kind)({"type": "order", **content}) == "") is known


def test_a_schema_may_let_unknown_members_in_and_needs_no_members_of_its_own() -> None:
    kind = DetailType("open", "Anything", definition={"additionalProperties": True, "$schema": "https://other.example"})
    assert compiled(kind)({"type": "open", "whatever": [1]}) == ""


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"type": "nothing"}, "not valid under any of the schemas"),
        ({"properties": {"a": {"pattern": "("}}}, 'is not a "regex"'),
        ({"properties": {"a": {"pattern": "(?=a)b"}}}, 'is not a "regex"'),
        ({"$ref": "https://elsewhere.example/schema"}, "elsewhere.example"),
        ({"properties": []}, 'is not of type "object"'),
    ],
)
def test_a_schema_that_is_wrong_or_stands_elsewhere_is_no_schema(schema: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        compiled(DetailType("x", "X", definition=schema))


@pytest.mark.spec("standards", "RA-8")
@pytest.mark.parametrize(
    ("asked", "granted", "within"),
    [
        (accounts("read"), accounts("read"), True),
        (accounts("read"), accounts("read", "list"), True),
        (accounts("list", "read"), accounts("read", "list"), True),
        (accounts("read", "pay"), accounts("read", "list"), False),
        (accounts(actions=[]), accounts("read"), False),
        (accounts("read"), accounts(actions=[]), False),
        (accounts(actions=[]), accounts(actions=[]), True),
        (accounts("read", identifier="a"), accounts("read"), False),
        (accounts("read"), accounts("read", identifier="a"), False),
        (accounts("read", identifier="a"), accounts("read", identifier="b"), False),
        (accounts("read", extra=True), accounts("read", extra=1), False),
        (accounts("read", extra={"a": [1, 2]}), accounts("read", extra={"a": [1, 2]}), True),
        (accounts("read", extra={"a": [1, 2]}), accounts("read", extra={"a": [2, 1]}), False),
        (accounts("read", extra="x"), accounts("read", extra={"x": 1}), False),
    ],
)
def test_without_rules_lists_of_words_are_sets_and_everything_else_is_equal(
    asked: dict[str, Any], granted: dict[str, Any], within: bool
) -> None:
    assert PLAIN.is_within(asked, granted) is within


@pytest.mark.spec("standards", "RA-8")
@pytest.mark.parametrize(
    ("asked", "granted", "within"),
    [
        (payment("19.99"), payment("20.00"), True),
        (payment("20"), payment("20.00"), True),
        (payment("20.01"), payment("20.00"), False),
        (payment("100"), payment("20"), False),
        (payment("20.00", to="Sam"), payment("20.00"), False),
        (payment("1.00", locations=["https://bank.example"]), payment("20.00"), False),
        (payment() | {"instructedAmount": "20"}, payment(), False),
        (payment() | {"instructedAmount": {"currency": "USD", "amount": "20.00"}}, payment(), False),
        (payment() | {"instructedAmount": {"amount": "20.00"}}, payment(), False),
    ],
)
def test_an_amount_within_a_member_may_be_smaller_and_the_rest_is_the_same(
    asked: dict[str, Any], granted: dict[str, Any], within: bool
) -> None:
    assert PAYMENTS.is_within(asked, granted) is within


@pytest.mark.parametrize(
    ("asked", "granted", "within"),
    [
        (1, 2, True),
        (2, 2.5, True),
        (2, "2", False),
        (1.5, 2.5, True),
        (3, 2, False),
        (-1, 2, False),
        (True, 2, False),
        ("-1", "2", False),
        ("1e3", "2000", False),
        ("x", "2", False),
        (None, None, False),
    ],
)
def test_what_is_no_amount_is_never_at_most_another(asked: Any, granted: Any, within: bool) -> None:
    kind = DetailType("limit", "Limit", compare={"most": "at_most"})
    assert kind.is_within({"type": "limit", "most": asked}, {"type": "limit", "most": granted}) is within


def test_a_rule_for_a_member_goes_before_what_is_compared_without() -> None:
    strict = DetailType("x", "X", compare={"actions": "equal", "steps": "set"})
    assert not strict.is_within({"type": "x", "actions": ["a"]}, {"type": "x", "actions": ["a", "b"]})
    assert strict.is_within({"type": "x", "steps": [1]}, {"type": "x", "steps": [{"a": 1}, 1]})
    assert not strict.is_within({"type": "x", "steps": [2]}, {"type": "x", "steps": [1]})
    assert not strict.is_within({"type": "x", "steps": "a"}, {"type": "x", "steps": ["a"]})


def test_people_read_the_members_that_the_operator_names() -> None:
    assert PAYMENTS.facts(payment()) == (("To", "Ada Bakery"), ("Amount", "20.00"), ("Currency", "EUR"))


def test_people_read_every_member_where_he_names_none_the_common_ones_in_words() -> None:
    content = {
        "type": "accounts",
        "limits": {"day": 5, "odd": None, "tags": ["a", True]},
        "nested": {},
        "actions": ["read", "list"],
        "yes": False,
    }
    assert PLAIN.facts(content) == (
        ("Actions", "read, list"),
        ("limits", "day: 5, tags: a, yes"),
        ("yes", "no"),
    )


def test_a_shown_path_finds_a_member_whose_own_name_has_dots_and_passes_over_what_is_not_there() -> None:
    kind = DetailType("x", "X", shows={"a.b": "Dotted", "c.d": "Deep", "e.f": "Nowhere", "g": "Missing"})
    assert kind.facts({"type": "x", "a.b": "1", "c": {"d": "2"}, "e": "text"}) == (("Dotted", "1"), ("Deep", "2"))


@pytest.mark.spec("standards", "RA-6")
def test_nobody_agrees_to_what_was_cut_away() -> None:
    actions = ["read", *("x" * 50 for _ in range(10)), "transfer"]
    assert PLAIN.facts({"type": "accounts", "actions": actions}) == (("Actions", ", ".join(actions)),)
    many = {f"m{n}": n for n in range(25)}
    assert PLAIN.facts({"type": "accounts", **many}) == tuple((name, str(value)) for name, value in many.items())


def test_a_list_of_nothing_is_told_for_it_may_mean_everything() -> None:
    assert PLAIN.facts({"type": "accounts", "actions": []}) == (("Actions", "none named"),)


def test_what_is_said_in_one_line_is_cut_to_a_length_that_a_list_can_have() -> None:
    said = PLAIN.words({"type": "accounts", "identifier": "x" * 5000, "y" * 5000: "v"})
    assert said == f"{PLAIN.description} (Which one: {'x' * 199}…; {'y' * 199}…: v)"
    many = PLAIN.words({"type": "accounts", **{f"m{n}": n for n in range(25)}})
    assert many.endswith("m19: 19; 5 more)")
    assert PLAIN.words({"type": "accounts"}) == PLAIN.description
