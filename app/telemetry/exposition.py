"""What the parent shows of its workers' counters: their sums, of which no series ever falls."""

from collections.abc import Iterable, Iterator
from threading import Lock

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from app.telemetry.metrics import BOUNDS, WAITING, Snapshot


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
            counters = [series for series in self._living.pop(worker, []) if series[0] != WAITING]
            _add(self._ended, counters)
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
        notices = CounterMetricFamily(
            "assent_logout_notices", "Attempts to tell applications that a session is over.", labels=["outcome"]
        )
        calls = CounterMetricFamily(
            "assent_calls", "Attempts to tell people and clients of requests (CIBA).", labels=["whom", "outcome"]
        )
        waiting = GaugeMetricFamily("assent_logout_notices_waiting", "Notices that have not arrived yet.")
        seconds = HistogramMetricFamily("assent_request_seconds", "Duration of requests.", labels=["route"])
        for (kind, labels), numbers in sorted(totals.items()):
            if kind == "requests":
                requests.add_metric(labels, numbers[0])
            elif kind == "outcomes":
                outcomes.add_metric(labels, numbers[0])
            elif kind == "front_channel":
                front_channel.add_metric(labels, numbers[0])
            elif kind == "logout_notices":
                notices.add_metric(labels, numbers[0])
            elif kind == "calls":
                calls.add_metric(labels, numbers[0])
            elif kind == WAITING:
                waiting.add_metric(labels, numbers[0])
            else:
                seconds.add_metric(labels, list(_cumulated(numbers[1:])), sum_value=numbers[0])
        yield from (requests, outcomes, seconds, front_channel, notices, calls, waiting)


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
