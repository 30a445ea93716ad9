"""The metrics listener: a port of the parent's own, so that what operators see is never served to the public."""

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, start_http_server

from app.telemetry.exposition import WorkerMetrics


def listen(workers: WorkerMetrics, *, host: str, port: int) -> int:
    """Serve `/metrics` from a daemon thread and return the port (for 0: the one that was free). Raises OSError."""
    registry = CollectorRegistry()
    registry.register(workers)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    server, _thread = start_http_server(port, addr=host, registry=registry)
    return int(server.server_port)
