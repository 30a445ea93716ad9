"""Which addresses a target leads to, judged before anything is connected (NS-4, CI-8).

The name is resolved once and every answer is judged: one that is not public refuses the target. The connection goes to
a judged address, so that a second answer of the name server, given in between, changes nothing.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from ipaddress import ip_address
from threading import Thread

from app.protocol.fetching import Failed, Refused
from app.protocol.outbound_addresses import Address, forbidden
from app.protocol.outbound_target import Target

Resolve = Callable[[str, int], Awaitable[tuple[Address, ...]]]
"""Return all addresses of a host, best first; none or an OSError when it has none."""

LOOKUPS = 16
"""Names of one worker that may be looked up at once, those that nobody waits for any more included."""

NOT_PUBLIC = "must name a host with public addresses only"
"""Said for names that do not exist, too: else strangers could ask us for the names of our own network."""


class Resolver:
    """The system's resolver, on threads of its own.

    A name server that strangers choose can be silent, and then a lookup takes ten seconds and more, which nobody can
    end. On the threads of the event loop it would keep everybody else's lookups waiting, those of the database first.
    """

    def __init__(self, most: int = LOOKUPS) -> None:
        self._free = asyncio.Semaphore(most)

    async def __call__(self, host: str, port: int) -> tuple[Address, ...]:
        """Return all addresses of a host. Raises OSError when the name cannot be resolved."""
        await self._free.acquire()
        answer: asyncio.Future[tuple[Address, ...]] = asyncio.get_running_loop().create_future()
        # Nobody waits for such a thread when the worker stops.
        Thread(target=self._look_up, args=(answer, host, port), name="lookup", daemon=True).start()
        return await answer

    def _look_up(self, answer: "asyncio.Future[tuple[Address, ...]]", host: str, port: int) -> None:
        found: tuple[Address, ...] = ()
        failure: Exception | None = None
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found = tuple(dict.fromkeys(ip_address(one[4][0]) for one in answers))
        except Exception as refused:  # to whoever asked
            failure = refused
        with suppress(RuntimeError):  # the loop has ended meanwhile
            answer.get_loop().call_soon_threadsafe(self._deliver, answer, found, failure)

    def _deliver(
        self, answer: "asyncio.Future[tuple[Address, ...]]", found: tuple[Address, ...], failure: Exception | None
    ) -> None:
        self._free.release()
        if answer.done():  # whoever asked has gone
            return
        if failure is None:
            answer.set_result(found)
        else:
            answer.set_exception(failure)


async def addresses_of(target: Target, resolve: Resolve) -> tuple[Address, ...]:
    """Return the addresses that may be connected to, best first.

    Raises Refused when one of them may not, Failed when there is none.
    """
    if target.literal is not None:
        return (target.literal,)  # judged as part of the URL
    try:
        found = await resolve(target.host, target.port)
    except (OSError, UnicodeError) as error:
        raise Failed(NOT_PUBLIC, detail=f"{target.host} cannot be resolved: {error}") from error
    if not found:
        raise Failed(NOT_PUBLIC, detail=f"{target.host} has no address")
    for address in found:
        if kind := forbidden(address, exempt=target.exempt):
            raise Refused(NOT_PUBLIC, detail=f"{target.host} leads to {address}, which is {kind}")
    return found
