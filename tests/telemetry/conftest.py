"""What a telemetry test configures is this process's one log: it is put back afterwards."""

from collections.abc import Iterator

import pytest
import structlog

from app.telemetry import logging


@pytest.fixture(autouse=True)
def _the_log_is_put_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(logging, "_lines", None)
    yield
    structlog.reset_defaults()
