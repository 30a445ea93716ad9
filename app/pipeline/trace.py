"""Decision traces: every authorization request leaves its checks under its request id, written in the background.

A trace is for the operator's question "why was this refused, why was I asked"; it costs the request no round trip,
and a crash loses at most the last second of them.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from app.protocol.authorize.decide import Known
from app.protocol.authorize.subject import Where
from app.protocol.trace import Step, Trace, TraceEntry
from app.telemetry.redaction import redact_text

_log = structlog.get_logger(__name__)
_KEPT_IN_MEMORY = 5_000
_EVERY_SECONDS = 0.5


@dataclass(slots=True)
class Traces:
    """The traces that wait to be written. Beyond 5,000 the oldest are dropped rather than the server's memory."""

    write: Callable[[list[TraceEntry]], Awaitable[None]]
    waiting: deque[TraceEntry] = field(default_factory=lambda: deque(maxlen=_KEPT_IN_MEMORY))

    def add(self, entry: TraceEntry) -> None:
        """Queue one trace."""
        self.waiting.append(entry)

    async def flush(self) -> None:
        """Write what waits; what cannot be written now is tried again."""
        batch = list(self.waiting)
        self.waiting.clear()
        if not batch:
            return
        try:
            await self.write(batch)
        except Exception as failed:
            self.waiting.extendleft(reversed(batch))
            _log.warning("traces.delayed", error=type(failed).__name__, waiting=len(self.waiting))

    async def run(self) -> None:
        """Write every half second until cancelled; the last ones are written on the way out."""
        try:
            while True:
                await asyncio.sleep(_EVERY_SECONDS)
                await self.flush()
        finally:
            await self.flush()


def trace_of(request_id: str, known: Known, outcome: str, trace: Trace) -> TraceEntry:
    """Return the entry of an authorization request; a credential that was sent as something else is cut out."""
    client_id = redact_text((known.params.get("client_id") or "")[:200])
    return entry_of(trace, request_id, client_id, known.now, "authorize", outcome)


def entry_of(trace: Trace, request_id: str, client_id: str, at: datetime, endpoint: Where, outcome: str) -> TraceEntry:
    """Return the entry of what was decided at a moment."""
    steps = tuple(_redacted(step) for step in trace.steps)
    return TraceEntry(request_id, at, client_id, endpoint, outcome, steps)


def _redacted(step: Step) -> Step:
    return replace(step, detail=redact_text(step.detail), received=redact_text(step.received))
