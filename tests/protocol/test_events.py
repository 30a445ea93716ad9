"""The catalogue of events, and how a filter asks for them."""

import pytest

from app.protocol import events
from app.protocol.events import About, Event


def test_an_event_is_known_by_its_name() -> None:
    assert events.known("api_key.created") is Event.API_KEY_CREATED
    assert events.known("API_KEY_CREATED") is None
    assert events.known("") is None


def test_an_event_says_what_it_is_about() -> None:
    assert Event.LOGIN_FAILED.about is About.SESSION
    assert Event.PERSONAL_TOKEN_RENAMED.about is About.PERSONAL_TOKEN
    assert Event.LEGACY_IMPORTED.about is About.IMPORT


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("api_key.removed", {Event.API_KEY_REMOVED}),
        ("login.", {Event.LOGIN_SUCCEEDED, Event.LOGIN_FAILED}),
        ("api_key", set()),
        ("nothing.happened", set()),
        (".", set()),
        ("", set()),
        ("api_key.removed.", set()),
    ],
)
@pytest.mark.spec("original", "BUG 18")
def test_a_filter_asks_by_name_or_by_beginning_and_an_unknown_name_finds_nothing(text: str, found: set[Event]) -> None:
    assert events.named(text) == found
