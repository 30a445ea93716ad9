"""The second belt: whatever reaches the log, no credential leaves it."""

import io
import json
import logging
from collections.abc import Iterator
from uuid import UUID

import pytest
import structlog

from app.protocol.token_format import Credential, Prefix, format_credential
from app.telemetry.logging import configure
from app.telemetry.redaction import REDACTED, redact_text

SECRETS = [
    *(format_credential(prefix, Credential(UUID(int=7 << 76), b"\x07" * 32)) for prefix in Prefix),
    "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
]


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    configure("json", stream=stream)
    yield stream
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()


@pytest.mark.parametrize("secret", SECRETS)
def test_a_credential_inside_any_value_is_cut_out(written: io.StringIO, secret: str) -> None:
    structlog.get_logger().info("seen", path=f"/setup/{secret}", deep={"list": [f"Bearer {secret}"]})

    assert secret not in written.getvalue()
    assert REDACTED in written.getvalue()


@pytest.mark.spec("standards", "NS-5")
@pytest.mark.parametrize("name", ["password", "client_secret", "Authorization", "code_verifier", "refresh_token"])
def test_the_value_of_a_secret_name_is_never_written(written: io.StringIO, name: str) -> None:
    structlog.get_logger().info("seen", **{name: "short"}, form={name: "short"})

    line = json.loads(written.getvalue())
    assert line[name] == REDACTED
    assert line["form"] == {name: REDACTED}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("postgresql://assent:hunter2@/assent?host=/run", "postgresql://[redacted]@/assent?host=/run"),
        ("GET /cb?code=abcdef&state=1", "GET /cb?code=[redacted]&state=1"),
        ("Authorization: Basic Y2xpZW50OnNlY3JldA==", "Authorization: Basic [redacted]"),
    ],
)
def test_other_peoples_messages_lose_their_credentials(text: str, kept: str) -> None:
    assert redact_text(text) == kept


def test_an_exception_text_is_redacted_too(written: io.StringIO) -> None:
    try:
        raise ValueError(f"bad value {SECRETS[0]}")
    except ValueError:
        logging.getLogger("somebody.else").exception("it failed")

    line = json.loads(written.getvalue())
    assert "ValueError" in line["exception"]
    assert SECRETS[0] not in written.getvalue()


def test_ordinary_words_stay_as_they_are(written: io.StringIO) -> None:
    structlog.get_logger().info("worker.fell", worker="worker 1", path="/assets/as_we_go/basic-training.css")

    line = json.loads(written.getvalue())
    assert line["path"] == "/assets/as_we_go/basic-training.css"
    assert line["event"] == "worker.fell"


def test_the_row_that_postgresql_quotes_in_an_error_is_cut_out_and_the_rest_of_the_trace_stays() -> None:
    trace = (
        'asyncpg.exceptions.CheckViolationError: new row for relation "user_account" violates check constraint\n'
        "DETAIL:  Failing row contains (1, robin, two\nlines, $argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA).\n"
        "[SQL: INSERT INTO user_account (id) VALUES ($1)]"
    )

    text = redact_text(trace)

    assert "robin" not in text
    assert "lines" not in text
    assert text.startswith("asyncpg.exceptions.CheckViolationError: new row for relation")
    assert text.endswith("[SQL: INSERT INTO user_account (id) VALUES ($1)]")


def test_the_hash_of_a_password_is_cut_out() -> None:
    assert redact_text("password_hash=$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA") == f"password_hash={REDACTED}"
