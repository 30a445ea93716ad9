"""Connections to judged addresses and nothing else. Loaded by the first fetch: the HTTP library takes 1 MiB."""

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore

from app.protocol.outbound_addresses import Address

PATIENCE = 2.0
"""Seconds for one of several addresses, so that a dead one leaves time for the next."""

_ANSWER_END = b"\r\n\r\n"
_MAX_ANSWER = 8192
_AT_ONCE = 16_384
"""Bytes that are read together: parsing them must not keep others waiting."""


class TooMuch(httpcore.NetworkError):
    """The other side has sent more than any acceptable answer has."""


class Dialer(httpcore.AsyncNetworkBackend):
    """The network as one request sees it: whatever host it names, it reaches one of `addresses`.

    With `proxy` (`host:port`) the connection is a tunnel through it, to the address: what was judged here must not be
    resolved once more over there. `most` is how many bytes may come back, whatever they are.
    """

    def __init__(self, addresses: tuple[Address, ...], proxy: str | None, most: int) -> None:
        self._addresses = addresses
        self._proxy = proxy
        self._most = most
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature; our deadline is around everything
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that takes the connection. Raises what the last one said."""
        failure: Exception = httpcore.ConnectError("no address")
        for address in self._addresses:
            try:
                async with asyncio.timeout(PATIENCE):
                    return _Counted(await self._connect(address, port), self._most)
            except TimeoutError:
                failure = httpcore.ConnectTimeout(f"{address} does not answer")
            except (httpcore.NetworkError, httpcore.ProxyError) as error:
                failure = error
        raise failure

    async def _connect(self, address: Address, port: int) -> httpcore.AsyncNetworkStream:
        if self._proxy is None:
            return await self._network.connect_tcp(str(address), port)
        host, _, proxy_port = self._proxy.rpartition(":")
        stream = await self._network.connect_tcp(host.strip("[]"), int(proxy_port))
        try:
            await _tunnel(stream, f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}")
        except BaseException:
            await stream.aclose()
            raise
        return stream


class _Counted(httpcore.AsyncNetworkStream):
    """A connection on which only so much is read. Interim answers (RFC 9110 §15.2) are no body that would be counted,
    and can come without an end."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, most: int) -> None:
        self._stream = stream
        self._left = most

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - the library's
        part = await self._stream.read(min(max_bytes, _AT_ONCE), timeout)
        self._left -= len(part)
        if self._left < 0:
            raise TooMuch("more than any acceptable answer has")
        return part

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the library's
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's
    ) -> httpcore.AsyncNetworkStream:
        try:
            secured = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:  # the time is over, too: nobody else knows of this connection, and it would stay
            await self._stream.aclose()
            raise
        return _Counted(secured, self._left)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


async def _tunnel(stream: httpcore.AsyncNetworkStream, authority: str) -> None:
    """Ask the proxy for a tunnel (RFC 9110 §9.3.6). Raises ProxyError when it gives none."""
    await stream.write(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode("ascii"))
    answer = b""
    while _ANSWER_END not in answer:
        part = await stream.read(_MAX_ANSWER)
        answer += part
        if not part or len(answer) > _MAX_ANSWER:
            raise httpcore.ProxyError("the proxy breaks off")
    # Nothing may follow: in TLS, the client speaks first.
    if not answer.startswith((b"HTTP/1.1 2", b"HTTP/1.0 2")) or not answer.endswith(_ANSWER_END):
        raise httpcore.ProxyError("the proxy gives no tunnel")
