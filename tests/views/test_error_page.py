"""What the error pages say, case by case."""

import pytest

from app.views.difference import marked_difference
from app.views.pages import (
    ErrorPage,
)
from tests.views.gallery import GALLERY, REFERENCE, UNCHECKED
from tests.views.parsed import parsed


@pytest.mark.parametrize("name", [name for name in GALLERY if name.startswith("error")])
def test_error_page_says_what_happened_what_to_do_and_under_which_reference(name: str) -> None:
    text = parsed(name).text("main")
    assert text.index("What happened") < text.index("What to do") < text.index("Reference req_01k3q7x2ae5t")
    assert "22 November 2026, 14:28 UTC" in text


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("error-redirect-uri-unknown", 400),
        ("error-client-unknown", 400),
        ("error-denied", 200),
        ("error-form-refused", 403),
        ("error-not-found", 404),
        ("error-method-not-allowed", 405),
        ("error-broken", 500),
        ("error-password-queue-full", 503),
    ],
)
def test_error_page_has_its_status(name: str, status: int) -> None:
    assert GALLERY[name].status == status


@pytest.mark.parametrize("address", ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "/cb", ""])
def test_way_back_is_never_an_address_that_runs(address: str) -> None:
    page = ErrorPage.denied(REFERENCE, UNCHECKED, return_to=address)
    assert page.link is None


@pytest.mark.parametrize(
    ("received", "closest", "marked"),
    [
        ("https://a/cb/", "https://a/cb", "https://a/cb<mark>/</mark>"),
        ("https://a/cc", "https://a/cb", "https://a/c<mark>c</mark>"),
        ("http://a/cb", "https://a/cb", "http<mark></mark>://a/cb"),
        ("https://a/<b>", "", "https://a/&lt;b&gt;"),
        ("https://a/<b>", "https://a/", "https://a/<mark>&lt;b&gt;</mark>"),
        ("aa", "aaa", "aa<mark></mark>"),
    ],
)
def test_difference_to_the_registered_address_is_marked(received: str, closest: str, marked: str) -> None:
    assert marked_difference(received, closest) == marked
