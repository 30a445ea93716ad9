"""Counters by hand: plain numbers in each worker, added up and served by the parent (`exposition`).

A worker counts in dictionaries (well under a microsecond a request) and hands the parent a snapshot now and then. It
does without the Prometheus library, which would bring an HTTP server of its own into every worker.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds of the duration buckets, in seconds; one more bucket holds the rest."""

Snapshot = list[tuple[str, list[str], list[float]]]
"""`(kind, labels, numbers)` for each series: made of JSON types, because it crosses a process boundary."""


WAITING = "logout_notices_waiting"
"""The one kind that is a state and no counter: it ends with its worker."""


@dataclass(slots=True)
class _Duration:
    seconds: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))


class RequestMetrics:
    """What one worker has answered."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str, str], int] = {}
        self._outcomes: dict[tuple[str, str], int] = {}
        self._durations: dict[str, _Duration] = {}
        self._front_channel: dict[str, int] = {}
        self._logout_notices: dict[str, int] = {}
        self._calls: dict[tuple[str, str], int] = {}
        self.logout_notices_waiting: int | None = None
        """Notices that have not arrived yet, of all workers together; one of them counts."""

    def observe(self, *, route: str, method: str, status: int, outcome: str, seconds: float) -> None:
        """Count one answered request. `route` and `outcome` come from closed sets; `seconds` is its duration."""
        answer = (route, method, str(status))
        self._answers[answer] = self._answers.get(answer, 0) + 1
        if outcome:
            ending = (route, outcome)
            self._outcomes[ending] = self._outcomes.get(ending, 0) + 1
        duration = self._durations.get(route)
        if duration is None:
            duration = self._durations[route] = _Duration()
        duration.seconds += seconds
        duration.buckets[bisect_left(BOUNDS, seconds)] += 1

    def front_channel_token(self, client_id: str) -> None:
        """Count a token that went through a browser; the operator has named each application that may have such."""
        self._front_channel[client_id] = self._front_channel.get(client_id, 0) + 1

    def logout_notice(self, outcome: str) -> None:
        """Count an attempt to tell an application that a session is over; `outcome` comes from a closed set."""
        self._logout_notices[outcome] = self._logout_notices.get(outcome, 0) + 1

    def call(self, whom: str, outcome: str) -> None:
        """Count an attempt to tell a person or a client of a request (CIBA); both come from closed sets."""
        self._calls[whom, outcome] = self._calls.get((whom, outcome), 0) + 1

    def snapshot(self) -> Snapshot:
        """Return every series as JSON types."""
        requests: Snapshot = [("requests", [*labels], [count]) for labels, count in self._answers.items()]
        outcomes: Snapshot = [("outcomes", [*labels], [count]) for labels, count in self._outcomes.items()]
        seconds: Snapshot = [
            ("seconds", [route], [one.seconds, *one.buckets]) for route, one in self._durations.items()
        ]
        front_channel: Snapshot = [
            ("front_channel", [client_id], [count]) for client_id, count in self._front_channel.items()
        ]
        notices: Snapshot = [("logout_notices", [outcome], [count]) for outcome, count in self._logout_notices.items()]
        calls: Snapshot = [("calls", [*labels], [count]) for labels, count in self._calls.items()]
        waiting = self.logout_notices_waiting
        counted: Snapshot = [] if waiting is None else [(WAITING, [], [waiting])]
        return requests + outcomes + seconds + front_channel + notices + calls + counted


REQUESTS = RequestMetrics()
"""The counters of this process."""


def route_of(scope: Mapping[str, object]) -> str:
    """Return the template of the path that answered (a closed set), or "unmatched"."""
    if (path := getattr(scope.get("route"), "path", None)) is not None:
        return str(path)
    if "endpoint" not in scope:
        return "unmatched"
    if mounted := scope.get("root_path"):
        return str(mounted)
    if not scope.get("path_params"):
        return str(scope["path"])
    return getattr(scope["endpoint"], "__name__", type(scope["endpoint"]).__name__)
