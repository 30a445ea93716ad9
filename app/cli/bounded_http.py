"""HTTP connections that nobody can fill or hold: uvicorn's own bound neither the head of a request nor its time.

A request counts from its first byte. What belongs to it later, the body's size, is bounded where the body is read.
"""

from asyncio import TimerHandle, Transport

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.protocol.mtls import SHOWN

MAX_HEAD = 65_536
"""Bytes of request line and headers together; above that the answer is 431."""

REQUEST_SECONDS = 30.0
"""So long a request may take to arrive, from the opening of the connection or its first byte to its last."""

_LOOK_SECONDS = 5.0

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\ncache-control: no-store\r\n"
    b"connection: close\r\n\r\n"
)


class BoundedHttp(HttpToolsProtocol):
    """One connection. Between requests uvicorn's keep-alive timeout applies.

    The certificate that the client has shown in the handshake stands in the state of each request.
    """

    _arriving_since: float | None = None
    _head: int | None = None
    _look: TimerHandle | None = None
    _certificate: bytes | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        if (tls := transport.get_extra_info("ssl_object")) is not None:
            self._certificate = tls.getpeercert(binary_form=True)
        self._arriving_since = self.loop.time()
        self._look = self.loop.call_later(_LOOK_SECONDS, self._close_if_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop looking."""
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, then count what belongs to a head that has not come to its end yet."""
        super().data_received(data)
        if self._head is not None and not self.transport.is_closing():
            self._head += len(data)
            if self._head > MAX_HEAD:
                self.transport.write(_TOO_LARGE)
                self.transport.close()

    def on_message_begin(self) -> None:
        """The first byte of a request has come."""
        super().on_message_begin()
        if self._certificate is not None:
            self.scope["state"][SHOWN] = self._certificate
        self._head, self._arriving_since = 0, self.loop.time()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._head = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._arriving_since = None
        super().on_message_complete()

    def _close_if_slow(self) -> None:
        since, self._look = self._arriving_since, None
        if since is not None and self.loop.time() - since > REQUEST_SECONDS:
            self.transport.abort()
        else:
            self._look = self.loop.call_later(_LOOK_SECONDS, self._close_if_slow)
