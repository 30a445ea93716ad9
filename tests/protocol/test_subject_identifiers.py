"""Subject identifiers (RFC 9493)."""

from typing import Any

import pytest

from app.protocol import subject_identifiers
from app.protocol.subject_identifiers import ByEmail, BySubject


@pytest.mark.spec("standards", "GT-1")
@pytest.mark.parametrize(
    ("sub_id", "meant"),
    [
        ({"format": "email", "email": "ada@example.com"}, ByEmail("ada@example.com")),
        ({"format": "opaque", "id": "11112222333344445555"}, BySubject("11112222333344445555")),
        ({"format": "iss_sub", "iss": "https://id.example", "sub": "1"}, BySubject("1", "https://id.example")),
    ],
    ids=["email", "opaque", "iss_sub"],
)
def test_three_formats_are_understood(sub_id: Any, meant: object) -> None:
    assert subject_identifiers.read(sub_id) == meant


@pytest.mark.spec("standards", "GT-1")
@pytest.mark.spec("standards", "GT-4")
@pytest.mark.parametrize(
    ("sub_id", "why"),
    [
        (None, "sub_id is missing"),
        ([], "sub_id is missing"),
        ("ada@example.com", "sub_id is missing"),
        ({}, "not supported; use email, opaque, iss_sub"),
        ({"format": 1, "email": "ada@example.com"}, "not supported"),
        ({"format": "phone_number", "phone_number": "+12065550100"}, "not supported"),
        ({"format": "aliases", "identifiers": []}, "not supported"),
        ({"format": "email"}, "has the members format, email and no others"),
        ({"format": "email", "id": "1"}, "has the members format, email and no others"),
        ({"format": "opaque", "id": "1", "email": "ada@example.com"}, "has the members format, id and no others"),
        ({"format": "iss_sub", "sub": "1"}, "has the members format, iss, sub and no others"),
        ({"format": "opaque", "id": 1}, "texts of 1 to 320"),
        ({"format": "opaque", "id": " "}, "texts of 1 to 320"),
        ({"format": "opaque", "id": "x" * 321}, "texts of 1 to 320"),
        ({"format": "opaque", "id": "a\0b"}, "characters that no text has"),
        ({"format": "opaque", "id": "\ud800"}, "characters that no text has"),
        ({"format": "email", "email": "ada"}, "no email address"),
        ({"format": "email", "email": "@example.com"}, "no email address"),
    ],
    ids=str,
)
def test_everything_else_is_refused_with_what_is_wrong(sub_id: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        subject_identifiers.read(sub_id)
