"""The guarded HTTP client: every request to an address that others have named goes through here (NS-4).

One request is one connection. It goes to an address that was judged, carries no cookie, no credential but one that was
agreed with whoever is there, and nothing of the environment, follows no redirect, and ends when its time is over,
whatever arrives until then. What arrives is counted while it is read; what is compressed is refused, so that nothing
has to be unpacked.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson
import structlog

from app.outbound.guard import Resolve, Resolver, addresses_of
from app.protocol.configuration import OutboundRules
from app.protocol.fetching import Answer, Document, Failed, NotFetched, Refused, fresh_for, is_one_of
from app.protocol.outbound_addresses import Address
from app.protocol.outbound_target import Target, target_of

if TYPE_CHECKING:
    import httpcore

__all__ = ["Answer", "Document", "Failed", "NotFetched", "Outbound", "Refused"]

Admit = Callable[[str], Awaitable[bool]]
"""Count a request to a host, of one sort; False when the host has had its share of this minute."""

DEADLINE = 5.0
"""Seconds that a request may take, from the question to the name server to the last byte."""

AT_ONCE = 32
"""Requests of one worker that may be under way, and as many forms: strangers choose how slow the other side is."""

AT_ONCE_FOR_VISITORS = 16
"""Requests that may be under way besides because somebody has followed a link: he chooses how many there are."""

_BESIDE_THE_BODY = 131_072
"""Bytes that an answer may have besides its body: more than the library takes for one head, and interim answers."""

_TOO_SLOW = "did not answer in time"
_log = structlog.get_logger(__name__)


class Outbound:
    """The way out. `admit` counts requests by host; `resolve` is the system's resolver unless a test has its own."""

    def __init__(
        self, rules: OutboundRules, admit: Admit, *, resolve: Resolve | None = None, deadline: float = DEADLINE
    ) -> None:
        self._rules = rules
        self._admit = admit
        self._resolve = resolve or Resolver()
        self._resolve_for_visitors = resolve or Resolver()
        self._resolve_for_forms = resolve or Resolver()  # whose name servers are silent delays no document
        self._deadline = deadline
        self._places = asyncio.Semaphore(AT_ONCE)
        self._places_for_visitors = asyncio.Semaphore(AT_ONCE_FOR_VISITORS)
        self._places_for_forms = asyncio.Semaphore(AT_ONCE)
        self._tls: ssl.SSLContext | None = None

    async def get(
        self, url: str, *, accept: tuple[str, ...], max_bytes: int, for_visitors: bool = False, kind: str = "visitors"
    ) -> Document:
        """GET a document of one of the media types `accept`, of at most `max_bytes`.

        What is asked for as often as anybody likes, `for_visitors`, is counted apart and has places of its own: so it
        keeps nobody from the keys that he proves himself with. Each `kind` of that is counted apart again. Raises
        Refused when the address is not acceptable, Failed when the document cannot be had now.
        """
        target = target_of(url, self._rules.allow)
        counted, places, resolve = target.host, self._places, self._resolve
        if for_visitors:
            counted = f"{kind}/{counted}"
            places, resolve = self._places_for_visitors, self._resolve_for_visitors
        reason: NotFetched
        try:
            if not await self._admit(counted):
                raise Failed("is on a host that was asked too often; try again in a minute")
            async with asyncio.timeout(self._deadline), places:
                addresses = await addresses_of(target, resolve)
                headers, body = await self._exchange(target, addresses, accept, max_bytes)
        except TimeoutError:
            reason = Failed(_TOO_SLOW)
        except NotFetched as error:
            reason = error
        else:
            return Document(body, fresh_for(headers.get("cache-control", ""), headers.get("age", "")))
        _log.warning("outbound.not_fetched", place=target.place, reason=str(reason), detail=reason.detail)
        raise reason

    async def post(self, url: str, form: Mapping[str, str]) -> Answer:
        """POST a form; of the answer nothing is read but its head, whatever it says.

        Nobody is counted here: a form is sent because something happened, and who sends it bounds how many are under
        way. Raises Refused when the address is not acceptable, Failed when there is no answer.
        """
        return await self._post(url, "application/x-www-form-urlencoded", urlencode(form).encode("ascii"))

    async def tell(self, url: str, members: Mapping[str, Any], *, token: str = "") -> Answer:
        """POST a JSON object as `post` does a form; a `token` goes along in the Authorization header (RFC 6750 §2.1).

        Raises as `post` does.
        """
        credential = (("Authorization", f"Bearer {token}"),) if token else ()
        return await self._post(url, "application/json", orjson.dumps(members), *credential)

    async def _post(self, url: str, kind: str, content: bytes, *further: tuple[str, str]) -> Answer:
        target = target_of(url, self._rules.allow)
        headers = _headers(target, ("Content-Type", kind), ("Content-Length", str(len(content))), *further)
        try:
            async with asyncio.timeout(self._deadline), self._places_for_forms:
                addresses = await addresses_of(target, self._resolve_for_forms)
                async with self._asked(target, addresses, "POST", headers, content) as response:
                    return Answer(response.status, _named(response).get("retry-after", ""))
        except TimeoutError as late:
            raise Failed(_TOO_SLOW) from late

    async def _exchange(
        self, target: Target, addresses: tuple[Address, ...], accept: tuple[str, ...], max_bytes: int
    ) -> tuple[Mapping[str, str], bytes]:
        """Send the request to one of the addresses; return headers and body of an acceptable answer."""
        headers = _headers(target, ("Accept", ", ".join(kind for kind in accept if "*" not in kind)))
        async with self._asked(target, addresses, "GET", headers, most=max_bytes) as response:
            return _acceptable(response, accept, max_bytes), await _body(response, max_bytes)

    @contextlib.asynccontextmanager
    async def _asked(
        self,
        target: Target,
        addresses: tuple[Address, ...],
        method: str,
        headers: list[tuple[str, str]],
        content: bytes = b"",
        *,
        most: int = 0,
    ) -> AsyncIterator["httpcore.Response"]:
        """Send a request to one of the addresses and yield the answer, of whose body `most` bytes may come. What goes
        wrong until the end of the block is Failed."""
        import httpcore

        from app.outbound.dialer import Dialer, TooMuch

        scheme = b"https" if target.https else b"http"
        host = target.host.encode("ascii")
        connection = httpcore.AsyncHTTPConnection(
            httpcore.Origin(scheme, host, target.port),
            ssl_context=await self._tls_context() if target.https else None,
            network_backend=Dialer(
                addresses, None if target.exempt else self._rules.proxy, most=most + _BESIDE_THE_BODY
            ),
        )
        request = httpcore.Request(
            method,
            httpcore.URL(scheme=scheme, host=host, port=target.port, target=target.request),
            headers=headers,
            content=content,
        )
        try:
            yield await connection.handle_async_request(request)
        except httpcore.TimeoutException as late:
            raise Failed(_TOO_SLOW, detail=_cause(late)) from late
        except TooMuch as endless:
            raise Failed("sends far more than a document", detail=_cause(endless)) from endless
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError, OSError) as broken:
            raise Failed(_trouble(broken), detail=_cause(broken)) from broken
        finally:
            await connection.aclose()

    async def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            try:
                self._tls = await asyncio.to_thread(_new_tls_context, self._rules.ca_file)
            except OSError as unreadable:
                raise Failed("cannot be fetched at present", detail=f"outbound.ca_file: {unreadable}") from unreadable
        return self._tls


def _new_tls_context(ca_file: str | None) -> ssl.SSLContext:
    """TLS 1.2 or newer (NS-2), with the authorities of the system and those of the file."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


def _headers(target: Target, *further: tuple[str, str]) -> list[tuple[str, str]]:
    host = target.place.removesuffix(":443" if target.https else ":80")
    return [
        ("Host", host),
        *further,
        ("Accept-Encoding", "identity"),
        ("User-Agent", "Assent"),
        ("Connection", "close"),
    ]


def _named(response: "httpcore.Response") -> dict[str, str]:
    """Return the headers of an answer by their names in lower case; of Cache-Control there may be several, which are
    one (RFC 9110 §5.3)."""
    named: dict[str, str] = {}
    for field, content in response.headers:
        name, value = field.decode("ascii").lower(), content.decode("latin-1")
        named[name] = f"{named[name]}, {value}" if name == "cache-control" and name in named else value
    return named


def _acceptable(response: "httpcore.Response", accept: tuple[str, ...], max_bytes: int) -> Mapping[str, str]:
    """Return the headers of an answer that is worth reading, by their names in lower case. Raises Failed."""
    headers = _named(response)
    if 300 <= response.status < 400:
        raise Failed("answers with a redirect, which is not followed")
    if response.status != 200:
        raise Failed(f"answers with status {response.status}")
    if not is_one_of(headers.get("content-type", ""), accept):
        raise Failed(f"is not of type {' or '.join(accept)}")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Failed("is compressed, which nobody asked for")
    if int(headers.get("content-length", "0")) > max_bytes:
        raise _too_large(max_bytes)
    return headers


async def _body(response: "httpcore.Response", max_bytes: int) -> bytes:
    body = bytearray()
    async for part in response.aiter_stream():
        body += part
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(body)


def _too_large(max_bytes: int) -> Failed:
    return Failed(f"is larger than {max_bytes} bytes")


def _trouble(error: Exception) -> str:
    """Return what went wrong on the way, without addresses."""
    import httpcore

    cause = error.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return "has no certificate that is trusted for its host"
    if not isinstance(error, httpcore.ConnectError | httpcore.ProxyError):
        return "broke off its answer"
    if isinstance(error, httpcore.ProxyError) or (isinstance(cause, OSError) and not isinstance(cause, ssl.SSLError)):
        return "cannot be connected to"
    return "does not speak TLS 1.2 or newer"


def _cause(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
