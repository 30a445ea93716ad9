"""A small web site on the loopback interface that hands out rendered pages the way the product does."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from app.views.static import STATIC_PREFIX, static_file, static_headers


class Answer(NamedTuple):
    """What a route of the loopback server answers."""

    body: str
    headers: dict[str, str]
    status: int = 200


Route = Callable[[str, bytes], Answer]


class LoopbackSite:
    """A web site on 127.0.0.1: static files of the product, and routes that a test sets by path."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # connections stay open: Chromium stumbles over those that are closed

            def do_GET(self) -> None:
                site.answer(self)

            def do_POST(self) -> None:
                site.answer(self)

            def log_message(self, *_: object) -> None:
                """Keep the test output to itself."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request from the routes or the static files."""
        parts = urlsplit(request.path)
        sent = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        if route := self.routes.get(parts.path):
            text, headers, status = route(parts.query, sent)
            body = text.encode()
        elif file := static_file(parts.path.removeprefix(STATIC_PREFIX)):
            version = parse_qs(parts.query).get("v", [""])[0]
            body, headers, status = file.body, static_headers(file, version), 200
        else:
            body, headers, status = b"", {}, 404
        request.send_response(status)
        for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


@contextmanager
def running_site() -> Iterator[LoopbackSite]:
    """Run a site without routes, and end it."""
    site = LoopbackSite()
    thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield site
    finally:
        site.server.shutdown()
        site.server.server_close()
        thread.join()
