"""Counters add up over workers and never fall."""

from urllib.request import urlopen

from prometheus_client import CollectorRegistry, generate_latest

from app.telemetry.exposition import WorkerMetrics
from app.telemetry.listener import listen
from app.telemetry.metrics import RequestMetrics


def _worked(requests: int, seconds: float = 0.004) -> RequestMetrics:
    metrics = RequestMetrics()
    for _ in range(requests):
        metrics.observe(route="/oauth/token", method="POST", status=200, outcome="granted", seconds=seconds)
    return metrics


def _exposed(workers: WorkerMetrics) -> str:
    registry = CollectorRegistry()
    registry.register(workers)
    return generate_latest(registry).decode()


def test_the_numbers_of_all_workers_add_up() -> None:
    workers = WorkerMetrics()
    workers.update(1, _worked(3).snapshot())
    workers.update(2, _worked(4).snapshot())

    text = _exposed(workers)

    assert 'assent_requests_total{method="POST",route="/oauth/token",status="200"} 7.0' in text
    assert 'assent_outcomes_total{outcome="granted",route="/oauth/token"} 7.0' in text
    assert 'assent_request_seconds_count{route="/oauth/token"} 7.0' in text
    assert "assent_workers 2.0" in text


def test_a_later_snapshot_replaces_the_earlier_one_of_the_same_worker() -> None:
    workers = WorkerMetrics()
    workers.update(1, _worked(3).snapshot())
    workers.update(1, _worked(5).snapshot())

    assert 'status="200"} 5.0' in _exposed(workers)


def test_what_a_fallen_worker_had_counted_stays() -> None:
    workers = WorkerMetrics()
    workers.update(1, _worked(3).snapshot())
    workers.end(1, crashed=True)
    workers.update(2, _worked(1).snapshot())

    text = _exposed(workers)

    assert 'status="200"} 4.0' in text
    assert "assent_worker_restarts_total 1.0" in text


def test_durations_fall_into_cumulated_buckets() -> None:
    workers = WorkerMetrics()
    workers.update(1, _worked(2, seconds=0.004).snapshot())
    workers.update(2, _worked(1, seconds=60).snapshot())

    text = _exposed(workers)

    assert 'assent_request_seconds_bucket{le="0.0025",route="/oauth/token"} 0.0' in text
    assert 'assent_request_seconds_bucket{le="0.005",route="/oauth/token"} 2.0' in text
    assert 'assent_request_seconds_bucket{le="5.0",route="/oauth/token"} 2.0' in text
    assert 'assent_request_seconds_bucket{le="+Inf",route="/oauth/token"} 3.0' in text


def test_tokens_through_a_browser_are_counted_by_application() -> None:
    metrics = RequestMetrics()
    for client_id in ("old-widget", "old-widget", "older"):
        metrics.front_channel_token(client_id)
    workers = WorkerMetrics()
    workers.update(1, metrics.snapshot())
    workers.update(2, metrics.snapshot())

    text = _exposed(workers)

    assert 'assent_front_channel_tokens_total{client_id="old-widget"} 4.0' in text
    assert 'assent_front_channel_tokens_total{client_id="older"} 2.0' in text


def test_the_listener_serves_them_on_a_port_of_its_own() -> None:
    workers = WorkerMetrics()
    workers.update(1, _worked(2).snapshot())

    port = listen(workers, host="127.0.0.1", port=0)

    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert "assent_requests_total" in answer.read().decode()


def test_calls_about_requests_to_people_are_counted() -> None:
    metrics = RequestMetrics()
    for whom, outcome in (("person", "told"), ("client", "told"), ("client", "told")):
        metrics.call(whom, outcome)
    workers = WorkerMetrics()
    workers.update(1, metrics.snapshot())
    text = _exposed(workers)
    assert 'assent_calls_total{outcome="told",whom="client"} 2.0' in text
    assert 'assent_calls_total{outcome="told",whom="person"} 1.0' in text


def test_attempts_to_tell_applications_are_counted_and_those_that_wait_are_told_by_whoever_lives() -> None:
    metrics = RequestMetrics()
    for outcome in ("delivered", "delivered", "failed"):
        metrics.logout_notice(outcome)
    metrics.logout_notices_waiting = 12
    workers = WorkerMetrics()
    workers.update(1, metrics.snapshot())
    assert "assent_logout_notices_waiting 12.0" in _exposed(workers)
    workers.end(1, crashed=False)

    text = _exposed(workers)

    assert 'assent_logout_notices_total{outcome="delivered"} 2.0' in text
    assert 'assent_logout_notices_total{outcome="failed"} 1.0' in text
    assert "assent_logout_notices_waiting 12.0" not in text
