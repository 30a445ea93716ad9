"""Whoever checks tokens with the published keys, and keeps them meanwhile as he may."""

import asyncio
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import cycle

import httpx
from joserfc import jwt as other_library
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tests.support.node_programs import Program

ALGORITHMS = ["ES256", "RS256"]
_MAX_AGE = re.compile(r"public, max-age=(\d+)")


@dataclass(slots=True)
class Clock:
    """Seconds that pass by themselves, and that a test lets pass."""

    ahead: float = 0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


@dataclass(slots=True)
class StrictVerifier:
    """Keeps the list exactly as long as it says (RFC 9111), asks then whether it has changed, and never before that:
    also for a key that it does not know. `servers` are asked in turn."""

    clock: Clock
    servers: Iterator[httpx.AsyncClient]
    fetched: int = 0
    unchanged: int = 0
    _keys: KeySet = field(default_factory=lambda: KeySet([]))
    _etag: str = ""
    _until: float = 0
    _fetching: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def over(cls, clock: Clock, servers: Iterable[httpx.AsyncClient]) -> "StrictVerifier":
        """Return one that asks these servers in turn."""
        return cls(clock, cycle(servers))

    async def problem_with(self, token: str) -> str:
        """Return why a token is refused; empty when it is accepted."""
        async with self._fetching:
            if self.clock() >= self._until:
                await self._fetch()
        try:
            other_library.decode(token, self._keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError) as refused:
            return f"{type(refused).__name__}: {refused}"
        return ""

    async def _fetch(self) -> None:
        asked_at = self.clock()
        answer = await next(self.servers).get("/oauth/jwks", headers={"If-None-Match": self._etag})
        self.fetched += 1
        if answer.status_code == 304:
            self.unchanged += 1
        else:
            self._keys = KeySet.import_key_set(answer.raise_for_status().json())
        self._etag = answer.headers["etag"]
        age = _MAX_AGE.fullmatch(answer.headers["cache-control"])
        assert age is not None
        self._until = asked_at + int(age[1])


@dataclass(slots=True)
class JoseVerifier:
    """The library `jose` on Node.js with what it does by itself: `remote_keys.mjs`."""

    program: Program
    _talking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def begin(self, issuer: str) -> None:
        """Tell it whose tokens it will see."""
        await self.program.tell({"issuer": issuer, "jwks_uri": f"{issuer}/oauth/jwks"})

    async def put_forward(self, ahead: float) -> None:
        """Let its clock be ahead by so many seconds."""
        async with self._talking:
            await self.program.tell({"ahead": ahead})

    async def problem_with(self, token: str) -> str:
        """Return why a token is refused; empty when it is accepted."""
        async with self._talking:
            await self.program.tell({"token": token})
            said: str = await self.program.hear()
            return said

    async def end(self) -> None:
        """Let the program end."""
        await self.program.tell(None)
