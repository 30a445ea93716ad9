"""What the headers of a fetched document say."""

import pytest

from app.protocol.fetching import Failed, fresh_for, is_one_of, media_type


@pytest.mark.parametrize(
    ("cache_control", "age", "seconds"),
    [
        ("", "", None),
        ("public", "", None),
        ("max-age=60", "", 60),
        ("public, MAX-AGE=60, immutable", "", 60),
        ('max-age="60"', "", 60),
        ("max-age=60, max-age=3600", "", 60),
        ("max-age=60", "20", 40),
        ("max-age=60", "100", 0),
        ("max-age=60", "soon", 60),
        ("max-age=", "", None),
        ("max-age", "", None),
        ("max-age=-1", "", None),
        ("max-age=1e9", "", None),
        ("max-age=99999999999999999999", "", None),
        ("no-store, max-age=60", "", 0),
        ("max-age=60, no-cache", "", 0),
        ("private; no-store", "", 0),
    ],
)
def test_a_document_may_be_kept_as_long_as_its_server_says(cache_control: str, age: str, seconds: int | None) -> None:
    assert fresh_for(cache_control, age) == seconds


@pytest.mark.parametrize("header", ["text/html", "Text/HTML", "text/html; charset=utf-8", " text/html ;x"])
def test_a_media_type_has_no_parameters(header: str) -> None:
    assert media_type(header) == "text/html"


@pytest.mark.spec("standards", "CI-4")
@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("application/json", True),
        ("Application/Client+JSON; charset=utf-8", True),
        ("application/xml+json", True),
        ("text/json", False),
        ("image/svg+json", False),
        ("application/jsonp", False),
        ("application/json+xml", False),
        ("", False),
    ],
)
def test_a_type_may_stand_for_all_that_are_written_alike(header: str, taken: bool) -> None:
    assert is_one_of(header, ("application/json", "application/*+json")) is taken
    assert not is_one_of(header, ())


def test_details_are_not_part_of_what_is_told() -> None:
    assert str(Failed("did not answer", detail="10.0.0.1")) == "did not answer"
