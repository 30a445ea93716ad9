"""Where the browser comes back to: an address of this machine, for one answer."""

import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Self
from urllib.parse import parse_qs, urlsplit

PATH = "/callback"
_PAGE = b"<!doctype html><title>Ledger</title><p>Done. You can close this page and go back to the terminal."


class Callback:
    """Listens at a free port of the loopback address, between `with` and its end."""

    def __init__(self) -> None:
        self._listener = _Listener(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self._listener.server_port}{PATH}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.server_close()

    def response(self, *, within: float) -> str:
        """Wait for the browser and return what it brings as `response`, unjudged; raises TimeoutError."""
        until = time.monotonic() + within
        while not self._listener.response:
            self._listener.timeout = until - time.monotonic()
            if self._listener.timeout <= 0:
                raise TimeoutError("nobody came back in time")
            self._listener.handle_request()
        return self._listener.response


class _Listener(HTTPServer):
    response = ""


class _Handler(BaseHTTPRequestHandler):
    server: _Listener
    timeout = 10

    def do_GET(self) -> None:
        """Take the answer; whatever else a browser asks for, an icon say, is not there."""
        address = urlsplit(self.path)
        brought = parse_qs(address.query).get("response", []) if address.path == PATH else []
        self.send_response(200 if len(brought) == 1 else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        if len(brought) == 1:
            [self.server.response] = brought
            self.wfile.write(_PAGE)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the address has the answer in it."""
