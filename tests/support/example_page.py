"""`examples/spa` served as its README says, but for the settings, which are those of a test."""

import functools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOME = Path(__file__).parents[2] / "examples" / "spa"


@contextmanager
def served_page(settings: dict[str, str]) -> Iterator[str]:
    """Serve the page until the end of the block; yields its address.

    `settings` is what `settings.js` says at the moment when it is asked for: the address may be needed before they are
    known.
    """

    class Handler(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # connections stay open: Chromium stumbles over those that are closed

        def do_GET(self) -> None:
            if self.path != "/settings.js":
                super().do_GET()
                return
            lines = [f"export const {name} = {json.dumps(value)};" for name, value in settings.items()]
            body = "\n".join(lines).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/javascript")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep the test output to itself."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(HOME)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
