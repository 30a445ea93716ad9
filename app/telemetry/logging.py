"""One structured log for the product and for the libraries it runs on: JSON lines, or readable lines on a terminal."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import Processor

from app.telemetry.lines import Lines
from app.telemetry.printable import printable
from app.telemetry.redaction import redact, redact_text
from app.telemetry.style import LogStyle

_LIBRARIES = ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio", "httpx", "httpcore", "alembic", "sqlalchemy")


_lines: Lines | None = None


def request_lines() -> Lines | None:
    """Return where request lines go as JSON; None where the log is for the eye, or was not configured."""
    return _lines


def configure(style: LogStyle, *, stream: TextIO | None = None) -> None:
    """Send the log of this process to `stream` (default: standard error), every line redacted.

    Both doors lead to the same lines: structlog for the product, `logging` for the libraries. Call it once per process.
    """
    global _lines  # the one log of the process, like the configuration of structlog below
    stream = stream or sys.stderr
    _lines = Lines(stream) if style == "json" else None
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    render: list[Processor] = [redact, *_renderers(style, stream)]
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in _LIBRARIES:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel(logging.ERROR)  # advice for developers, not for operators
    logging.getLogger("uvicorn.error").addFilter(_told_already)


def _renderers(style: LogStyle, stream: TextIO) -> tuple[Processor, ...]:
    if style == "json":
        return (_render_json,)
    # The default exception formatter shows local variables, and those may hold what nobody may see.
    console = structlog.dev.ConsoleRenderer(
        colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
    )
    return (_spell_out, console)


def _spell_out(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Leave nothing in a line that a terminal obeys; JSON escapes it by itself."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = printable(value, keep="\n\t")
    return event


def _render_json(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    return orjson.dumps(event, default=_as_text, option=orjson.OPT_NON_STR_KEYS).decode()


def _as_text(value: object) -> str:
    return redact_text(repr(value))


def _told_already(record: logging.LogRecord) -> bool:
    """Drop uvicorn's own line for an exception: `app.telemetry.requests` has told it, with the request id."""
    return not record.getMessage().startswith("Exception in ASGI application")
