"""Nothing that a stranger sends may move the cursor of the operator who reads the log."""

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from app.telemetry.logging import configure
from app.telemetry.printable import printable


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What the log of this test says, for the eye."""
    stream = io.StringIO()
    configure("console", stream=stream)
    yield stream
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/oauth/token", "/oauth/token"),
        ("/\x1b]0;owned\x07\x1b[2J", "/\\x1b]0;owned\\x07\\x1b[2J"),
        ("a\r\nlevel=error", "a\\r\\nlevel=error"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\x9b31m", "\\x9b31m"),
        ("/größe/日本", "/größe/日本"),
    ],
)
def test_what_a_terminal_would_obey_is_spelled_out(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_line_feeds_of_a_traceback_may_stay() -> None:
    assert printable("a\n\tb\x1b", keep="\n\t") == "a\n\tb\\x1b"


def test_an_escape_sequence_in_a_path_reaches_no_terminal(written: io.StringIO) -> None:
    structlog.get_logger().info("request", path="/\x1b]0;owned\x07\x1b[2J", client_id="\x1b[1mweb")

    assert "\x1b" not in written.getvalue()
    assert "\\x1b]0;owned" in written.getvalue()


def test_an_escape_sequence_in_an_exception_reaches_no_terminal(written: io.StringIO) -> None:
    try:
        raise ValueError("bad \x1b[2J")
    except ValueError:
        structlog.get_logger().exception("it.failed")

    assert "\x1b" not in written.getvalue()
    assert "\n" in written.getvalue().strip()
