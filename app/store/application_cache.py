"""Active applications as this process saw them last, kept true by the database's notifications (storage.md §7).

A cached application is at most five seconds old whatever happens to the connection that listens, and a few
milliseconds as long as it works. Who writes has the statement check it again.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Mapping

import asyncpg

from app.protocol.facts import ClientFact
from app.store.hot_connection import AWAY, CONNECT_SECONDS, FULL

CHANNEL = "assent_application"
"""The trigger on `application` sends the id of every row that changes here, when the change is committed."""

MOST = 1024
HEARTBEAT_SECONDS = 2.0
ANSWER_SECONDS = 1.0
STALE_SECONDS = 5.0
PAUSE_SECONDS = 0.5
"""Between the loss of the listener and the next attempt."""


class ApplicationCache:
    """Facts by client_id. It serves only while somebody listens: see `follow`. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._facts: dict[str, ClientFact] = {}
        self._client_ids: dict[str, str] = {}
        self._changes = 0
        self._heard = -math.inf

    def get(self, client_id: str) -> ClientFact | None:
        """Return an application that was active less than five seconds ago; None when the database must be asked."""
        fact = self._facts.get(client_id)
        return fact if fact is not None and self.clock() - self._heard < STALE_SECONDS else None

    def mark(self) -> int:
        """Return a mark to be taken before an application is read, and given to `keep` with what was read."""
        return self._changes

    def keep(self, fact: ClientFact, mark: int) -> None:
        """Keep what was read, unless something changed since the mark was taken: it may have been read before that."""
        if mark != self._changes or self._heard == -math.inf:
            return
        if len(self._facts) >= MOST:
            self.forget(str(next(iter(self._facts.values())).id))
        self._facts[fact.client_id] = fact
        self._client_ids[str(fact.id)] = fact.client_id

    def forget(self, application_id: str) -> None:
        """Drop an application that has changed; reads under way are not kept either."""
        self._changes += 1
        client_id = self._client_ids.pop(application_id, None)
        if client_id is not None:
            del self._facts[client_id]

    def hear(self, asked_at: float) -> None:
        """Note that the listener answered what it was asked at that moment: everything before has come in."""
        self._heard = asked_at

    def close(self) -> None:
        """Drop everything and serve nothing until the listener is heard again."""
        self._changes += 1
        self._facts.clear()
        self._client_ids.clear()
        self._heard = -math.inf


async def follow(url: str, cache: ApplicationCache, also: Mapping[str, Callable[[], None]]) -> None:
    """Listen to changes of applications until cancelled; a lost connection empties the cache and is replaced.

    `also` is what is called when something is said on other channels. Nobody repeats what was said meanwhile.
    """
    while True:
        with contextlib.suppress(*AWAY, *FULL, asyncpg.PostgresError, asyncpg.InterfaceError):
            await _follow_once(url, cache, also)
        await asyncio.sleep(PAUSE_SECONDS)


async def _follow_once(url: str, cache: ApplicationCache, also: Mapping[str, Callable[[], None]]) -> None:
    connection = await asyncpg.connect(
        url, timeout=CONNECT_SECONDS, server_settings={"application_name": "assent listener"}
    )
    lost = asyncio.Event()

    def lose(_: object) -> None:
        cache.close()
        lost.set()

    connection.add_termination_listener(lose)
    try:
        await connection.add_listener(CHANNEL, lambda _connection, _pid, _channel, changed: cache.forget(changed))
        for channel in also:
            await connection.add_listener(channel, lambda _connection, _pid, said_on, _payload: also[said_on]())
        while not lost.is_set():
            asked_at = cache.clock()
            await connection.execute("select 1", timeout=ANSWER_SECONDS)
            cache.hear(asked_at)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(lost.wait(), HEARTBEAT_SECONDS)
    finally:
        connection.terminate()
        cache.close()
