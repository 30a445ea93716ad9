"""What the outermost middleware does to every request, seen at the ASGI door."""

import io
import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.protocol.errors import ErrorCode, OAuthError
from app.telemetry.logging import configure, request_lines
from app.telemetry.metrics import RequestMetrics
from app.telemetry.requests import Requests

Lines = Callable[[], list[dict[str, Any]]]


async def _answer(request: Request) -> Response:
    request.state.client_id = "board"
    request.state.outcome = "granted"
    return PlainTextResponse(request.state.request_id)


async def _refuse(request: Request) -> Response:
    request.state.refusal = OAuthError(ErrorCode.INVALID_GRANT, "the code is not valid", detail="used at 10:00 UTC")
    return PlainTextResponse("", status_code=400)


async def _break(_request: Request) -> Response:
    raise RuntimeError("broken on purpose")


@pytest.fixture
def metrics() -> RequestMetrics:
    return RequestMetrics()


def _client(metrics: RequestMetrics, *trusted: str, peer: str = "192.0.2.7") -> httpx.AsyncClient:
    routes = [
        Route("/token", _answer, methods=["POST"]),
        Route("/things/{name}", _answer),
        Route("/refuse", _refuse),
        Route("/break", _break),
    ]
    app = Requests(Starlette(routes=routes), trusted_proxies=trusted, metrics=metrics)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(peer, 4711))
    return httpx.AsyncClient(transport=transport, base_url="http://server")


@pytest.fixture
def lines() -> Lines:
    stream = io.StringIO()
    configure("json", stream=stream)
    gathered = request_lines()
    assert gathered is not None

    def read() -> list[dict[str, Any]]:
        gathered.flush()
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    return read


async def test_each_request_gets_an_id_of_its_own_and_hears_it(metrics: RequestMetrics) -> None:
    async with _client(metrics) as client:
        first, second = [await client.post("/token") for _ in range(2)]

    assert re.fullmatch(r"req_[0-9a-f]{20}", first.text)
    assert first.headers["x-request-id"] == first.text
    assert first.text != second.text


async def test_an_id_from_a_stranger_counts_for_nothing(metrics: RequestMetrics) -> None:
    async with _client(metrics, "10.0.0.0/8") as client:
        answer = await client.post("/token", headers={"X-Request-Id": "chosen-by-me"})

    assert answer.text.startswith("req_")


async def test_a_trusted_proxy_is_known_on_a_socket_that_speaks_both_protocols(metrics: RequestMetrics) -> None:
    async with _client(metrics, "192.0.2.0/24", peer="::ffff:192.0.2.7") as client:
        answer = await client.post("/token", headers={"X-Request-Id": "edge-1234.a_b"})

    assert answer.text == "edge-1234.a_b"


@pytest.mark.parametrize(
    ("sent", "taken"), [("edge-1234.a_b", True), ("short", False), ("a" * 65, False), ("with space1", False)]
)
async def test_a_trusted_proxy_may_name_the_request_with_harmless_characters(
    metrics: RequestMetrics, sent: str, taken: bool
) -> None:
    async with _client(metrics, "192.0.2.0/24") as client:
        answer = await client.post("/token", headers={"X-Request-Id": sent})

    assert (answer.text == sent) is taken


async def test_one_line_tells_how_it_ended_and_nothing_of_the_query(metrics: RequestMetrics, lines: Lines) -> None:
    async with _client(metrics) as client:
        answer = await client.post("/token?code=very-secret")

    (line,) = lines()
    told = {"method": "POST", "path": "/token", "status": 200, "client_id": "board", "outcome": "granted"}
    assert told.items() <= line.items()
    assert line["request_id"] == answer.text
    assert line["ms"] >= 0
    assert "very-secret" not in json.dumps(line)


async def test_the_line_of_a_refusal_has_its_code_and_what_only_the_log_may_know(
    metrics: RequestMetrics, lines: Lines
) -> None:
    async with _client(metrics) as client:
        await client.get("/refuse")

    (line,) = lines()
    assert line["outcome"] == "invalid_grant"
    assert line["detail"] == "used at 10:00 UTC"
    assert ("outcomes", ["/refuse", "invalid_grant"], [1]) in metrics.snapshot()


async def test_a_failure_is_told_once_with_its_request_id(metrics: RequestMetrics, lines: Lines) -> None:
    async with _client(metrics) as client:
        answer = await client.get("/break")

    failure, request = lines()
    assert answer.status_code == 500
    assert "broken on purpose" in failure["exception"]
    assert failure["request_id"] == request["request_id"]
    assert request["status"] == 500


async def test_series_come_from_a_closed_set_whatever_clients_invent(metrics: RequestMetrics) -> None:
    async with _client(metrics) as client:
        for number in range(20):
            await client.get(f"/nowhere/{number}")
            await client.get(f"/things/{number}")
            await client.request(f"VERB{number}", "/token")

    routes = {tuple(labels) for kind, labels, _ in metrics.snapshot() if kind == "requests"}
    assert routes == {("unmatched", "GET", "404"), ("/things/{name}", "GET", "200"), ("/token", "OTHER", "405")}
