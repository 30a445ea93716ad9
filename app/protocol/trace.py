"""Decision traces: why a request was refused, and why a person was asked. Read later, by request id."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from app.protocol.errors import OAuthError


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a decision trace: what was checked, how it came out, and the facts in words without secrets.

    `received` is the value that was refused, where seeing it helps.
    """

    check: str
    outcome: str
    detail: str = ""
    section: str = ""
    received: str = ""


@dataclass(slots=True)
class Trace:
    """The decision trace of one request, in the order of the checks; the operator reads it by request id."""

    steps: list[Step] = field(default_factory=list)

    def add(self, check: str, outcome: str, detail: str = "", section: str = "", *, received: str = "") -> None:
        """Append one line."""
        self.steps.append(Step(check, outcome, detail, section, received))

    def run(self, check: str, section: str, judge: Callable[[], str | None]) -> None:
        """Judge, and append the line of it: what it tells when the check passes, else the refusal, which it raises."""
        try:
            told = judge()
        except OAuthError as refused:
            self.add(check, "refused", f"{refused.code.wire}: {refused.description}", section)
            raise
        self.add(check, "passed", told or "", section)


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """One decision, as the operator reads it. `at` is aware UTC."""

    request_id: str
    at: datetime
    client_id: str
    endpoint: str
    outcome: str
    steps: tuple[Step, ...]
