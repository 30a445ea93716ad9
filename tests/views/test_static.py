"""Static files are found by name and kept by content."""

import re

import pytest

from app.views.static import STATIC_PREFIX, static_file, static_headers, static_url


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("assent.css", "text/css; charset=utf-8"),
        ("icons.svg", "image/svg+xml"),
        ("swagger/init.js", "text/javascript; charset=utf-8"),
        ("swagger/LICENSE", "text/plain; charset=utf-8"),
    ],
)
def test_file_has_its_type_and_a_quoted_etag(name: str, content_type: str) -> None:
    file = static_file(name)
    assert file is not None
    assert file.body
    assert file.content_type == content_type
    assert re.fullmatch(r'"[0-9a-f]{16}"', file.etag)


@pytest.mark.parametrize(
    "name", ["", "/", "../render.py", "swagger", "swagger/../assent.css", "assent.css\x00", "no.css"]
)
def test_nothing_but_the_listed_names_is_found(name: str) -> None:
    assert static_file(name) is None


def test_address_names_the_content_and_may_be_kept_for_a_year() -> None:
    file = static_file("assent.css")
    assert file is not None
    address, version = static_url("assent.css").split("?v=")
    assert address == f"{STATIC_PREFIX}assent.css"
    assert static_headers(file, version)["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("version", [None, "", "0123456789abcdef"])
def test_address_without_the_current_version_is_asked_for_again(version: str | None) -> None:
    file = static_file("assent.css")
    assert file is not None
    assert static_headers(file, version)["Cache-Control"] == "no-cache"


def test_address_of_a_file_we_do_not_have_is_an_error() -> None:
    with pytest.raises(KeyError):
        static_url("no.css")
