"""What the hot methods have in common: reading with the application that asks, paying with or without a proof."""

from uuid import UUID

import asyncpg

from app.protocol.facts import ClientFact
from app.protocol.sender import Proof
from app.store import client_rows
from app.store.application_cache import ApplicationCache
from app.store.hot_connection import Statement
from app.store.hot_pool import HotPool
from app.store.orders import Settled


class Trips:
    """Round trips over the hot pool; `applications` keeps what comes along."""

    def __init__(self, pool: HotPool, applications: ApplicationCache) -> None:
        self.pool = pool
        self.applications = applications

    async def with_client(
        self, statement: Statement, client_id: str, *arguments: object
    ) -> tuple[asyncpg.Record | None, ClientFact | None]:
        """Return a row that begins with an application, and that application, which is kept for the next request."""
        mark = self.applications.mark()
        row = await self.pool.read(statement, storable(client_id), *arguments)
        client = None if row is None else client_rows.client(row)
        if client is not None:
            self.applications.keep(client, mark)
        return row, client

    async def asked(
        self,
        client_id: str | None,
        statements: tuple[Statement, Statement],
        *arguments: object,
        fresh: bool = False,
    ) -> tuple[asyncpg.Record | None, int, ClientFact | None]:
        """Return a row, the first column of what is asked about, and the active application that asks (None: our own
        API asks).

        The application may come from the cache unless it must be `fresh`; the second statement then reads the rest.
        """
        together, alone = statements
        client = None if client_id is None or fresh else self.applications.get(client_id)
        if client is not None and arguments[0] is None:
            return None, 0, client  # a text that no server of ours made: there is nothing to read
        if client_id is None or client is not None:
            return await self.pool.read(alone, *arguments), 0, client
        row, client = await self.with_client(together, client_id, *arguments)
        return row, client_rows.CLIENT_WIDTH, client

    async def paid(
        self,
        application_id: UUID,
        statements: tuple[Statement, Statement],
        proof: Proof | None,
        *arguments: object,
    ) -> Settled:
        """Carry out an order by the first statement, or with a proof by the second.

        If it was not carried out, the application is read again next time: it may have changed.
        """
        alone, proved = statements
        if proof is None:
            settled = Settled(await self.won(alone, *arguments))
        else:
            row = await self.pool.write(proved, *arguments, proof.at, proof.digest)
            settled = Settled(row is not None and bool(row[0]), replayed=row is not None and not row[1])
        if not settled:
            self.applications.forget(str(application_id))
        return settled

    async def won(self, statement: Statement, *arguments: object) -> bool:
        row = await self.pool.write(statement, *arguments)
        return row is not None and bool(row[0])


def storable(text: str) -> str | None:
    """Return a client_id as a parameter; None, which finds nothing, for what RFC 6749 appendix A.1 does not allow.

    PostgreSQL refuses NUL and lone surrogates with an error of its own.
    """
    return text if text.isascii() and "\x00" not in text else None
