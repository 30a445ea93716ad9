"""What a device is called, by what its browser says."""

import pytest

from app.views.devices import device_words, is_phone

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("", "Unknown program"),
        ("curl/8.5.0", "Another program"),
        ("<script>", "Another program"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/139.0 Safari/537.36", "Chrome on Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0) {_WEBKIT} Chrome/139.0 Safari/537.36 Edg/139.0", "Edge on Windows"),
        (f"Mozilla/5.0 (X11; CrOS x86_64) {_WEBKIT} Chrome/139.0 Safari/537.36 OPR/120", "Opera on ChromeOS"),
        (f"Mozilla/5.0 (Linux; Android 15) {_WEBKIT} Chrome/139.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Version/18.5 Mobile Safari/604", "Safari on iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.5 Safari/605", "Safari on Mac"),
        ("Mozilla/5.0 (Haiku; rv:1) Firefox/140.0", "Firefox"),
        ("Mozilla/5.0", "Desktop browser"),
        ("Mozilla/5.0 (Mobile)", "Phone browser"),
    ],
    ids=lambda value: value[:60] or "nothing",
)
def test_a_device_is_called_by_browser_and_system(user_agent: str, words: str) -> None:
    assert device_words(user_agent) == words


def test_a_phone_says_that_it_is_one() -> None:
    assert is_phone("Mozilla/5.0 (iPhone) Mobile/15E148")
    assert not is_phone("Mozilla/5.0 (iPad) Version/18")
