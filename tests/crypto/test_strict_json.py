"""JSON that others send reads the same for everybody, or is refused."""

import pytest

from app.crypto.strict_json import LARGEST_NUMBER, Unreadable, has_plain_numbers, read


@pytest.mark.parametrize(
    ("text", "value"),
    [("[]", []), ('{"a": [1, {"b": null}]}', {"a": [1, {"b": None}]}), ('"text"', "text"), ("7", 7)],
)
def test_json_is_read_as_what_it_says(text: str, value: object) -> None:
    assert read(text, 3) == value


@pytest.mark.parametrize(
    "text", ["", "{", "[1,]", "NaN", "[Infinity]", "[1e999]", "{'a': 1}", "[" * 100_000, "9" * 5000]
)
def test_what_is_no_json_is_refused_however_long_it_is(text: str) -> None:
    with pytest.raises(Unreadable, match="is not JSON"):
        read(text, 3)


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '[{"b": {"c": 1, "c": 1}}]'])
def test_a_member_that_comes_twice_is_refused_wherever_it_stands(text: str) -> None:
    with pytest.raises(Unreadable, match="twice"):
        read(text, 5)


def test_what_is_nested_deeper_than_asked_for_is_refused() -> None:
    assert read("[[[1]]]", 3) == [[[1]]]
    with pytest.raises(Unreadable, match="deeply"):
        read("[[[[1]]]]", 3)
    with pytest.raises(Unreadable, match="deeply"):
        read('{"a": {"b": {"c": {}}}}', 3)


def test_a_whole_number_that_not_every_reader_holds_is_found_wherever_it_stands() -> None:
    assert has_plain_numbers({"a": [LARGEST_NUMBER, -LARGEST_NUMBER, True, 1e300, "x", None]})
    assert not has_plain_numbers({"a": [{"b": LARGEST_NUMBER + 1}]})
    assert not has_plain_numbers([-LARGEST_NUMBER - 1])
