"""Counters by hand: plain numbers in each worker, added up and served by the parent.

A worker counts in dictionaries (well under a microsecond a request) and hands the parent a snapshot now and then; the
parent keeps what ended workers had counted, so that no series ever falls.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds of the duration buckets, in seconds; one more bucket holds the rest."""

Snapshot = list[tuple[str, list[str], list[float]]]
"""`(kind, labels, numbers)` for each series: made of JSON types, because it crosses a process boundary."""


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
        return requests + outcomes + seconds + front_channel


REQUESTS = RequestMetrics()
"""The counters of this process."""


class WorkerMetrics(Collector):
    """A Prometheus collector in the parent over the latest snapshots of its workers."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._living: dict[int, Snapshot] = {}
        self._ended: dict[tuple[str, tuple[str, ...]], list[float]] = {}
        self._restarts = 0

    def update(self, worker: int, snapshot: Snapshot) -> None:
        """Keep the latest snapshot of the worker with this process id."""
        with self._lock:
            self._living[worker] = snapshot

    def end(self, worker: int, *, crashed: bool) -> None:
        """Fold the numbers of a worker that is gone into the totals."""
        with self._lock:
            _add(self._ended, self._living.pop(worker, []))
            self._restarts += crashed

    def collect(self) -> Iterator[Metric]:
        """Yield the families; called by the listener's thread."""
        with self._lock:
            totals = {key: list(numbers) for key, numbers in self._ended.items()}
            for snapshot in self._living.values():
                _add(totals, snapshot)
            workers, restarts = len(self._living), self._restarts
        yield GaugeMetricFamily("assent_workers", "Workers that have reported.", value=workers)
        yield CounterMetricFamily("assent_worker_restarts", "Workers that ended unasked.", value=restarts)
        requests = CounterMetricFamily("assent_requests", "Answered requests.", labels=["route", "method", "status"])
        outcomes = CounterMetricFamily(
            "assent_outcomes", "How protocol requests ended: granted, or an error code.", labels=["route", "outcome"]
        )
        front_channel = CounterMetricFamily(
            "assent_front_channel_tokens", "Access tokens that went through a browser (legacy).", labels=["client_id"]
        )
        seconds = HistogramMetricFamily("assent_request_seconds", "Duration of requests.", labels=["route"])
        for (kind, labels), numbers in sorted(totals.items()):
            if kind == "requests":
                requests.add_metric(labels, numbers[0])
            elif kind == "outcomes":
                outcomes.add_metric(labels, numbers[0])
            elif kind == "front_channel":
                front_channel.add_metric(labels, numbers[0])
            else:
                seconds.add_metric(labels, list(_cumulated(numbers[1:])), sum_value=numbers[0])
        yield from (requests, outcomes, seconds, front_channel)


def _add(totals: dict[tuple[str, tuple[str, ...]], list[float]], snapshot: Snapshot) -> None:
    for kind, labels, numbers in snapshot:
        key = (kind, tuple(labels))
        held = totals.get(key)
        totals[key] = list(numbers) if held is None else [a + b for a, b in zip(held, numbers, strict=True)]


def _cumulated(buckets: Iterable[float]) -> Iterator[tuple[str, float]]:
    total = 0.0
    for bound, count in zip([*map(str, BOUNDS), "+Inf"], buckets, strict=True):
        total += count
        yield bound, total


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
