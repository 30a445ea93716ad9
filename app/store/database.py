"""One database as the server sees it: the hot path, and ordinary transactions for everything else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

import asyncpg
import orjson
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as QueueTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from app.store import application_cache, gather_sql, hot_assertions, settle_sql
from app.store.application_cache import ApplicationCache
from app.store.hot import Hot
from app.store.hot_accounts import Accounts
from app.store.hot_assertions import Assertions
from app.store.hot_backchannel import Backchannel
from app.store.hot_connection import CONNECT_SECONDS, StoreUnavailable, note_trip
from app.store.hot_delegated import Delegated
from app.store.hot_devices import Devices
from app.store.hot_documents import Documents
from app.store.hot_grants import Grants
from app.store.hot_guesses import Guesses
from app.store.hot_pool import HotPool
from app.store.hot_pushed import Pushed
from app.store.hot_userinfo import Userinfo
from app.store.pairwise import PairwiseSubjects

__all__ = ["Database", "StoreUnavailable"]

TIMEOUTS = {"statement_timeout": "15s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "30s"}
QUEUE_SECONDS = 10
COMMAND_SECONDS = 20.0

_AWAY = (
    *(OSError, QueueTimeout, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError),
    asyncpg.InternalClientError,  # asyncpg's confusion when the server's farewell comes in at the wrong moment
)

PreparePartition = Callable[[str, datetime], Awaitable[None]]
PREPARE_PARTITION = "prepare_partition"
"""Under this key a transaction's `info` holds `Database.prepare_partition`, for whoever has only the transaction."""

NOTICES_WRITTEN = "notices_written"
"""Under this key a transaction's `info` says that it put notices into the outbox."""


class Database:
    """Two pools to one database, as the role that serves. `owner_url` is for whoever drops partitions.

    `hot` is the hot path; `transaction()` is for where a person waits. `notices` is set when one of them has put
    notices into the outbox.
    """

    def __init__(self, url: str, engine: AsyncEngine, pool: HotPool, owner_url: str | None) -> None:
        self.applications = ApplicationCache()
        self.hot = Hot(pool, self.applications)
        self.assertions = Assertions(pool)
        self.guesses = Guesses(pool)
        self.grants = Grants(pool)
        self.devices = Devices(pool, self.applications)
        self.backchannel = Backchannel(pool, self.applications)
        self.pushed = Pushed(pool, self.applications)
        self.delegated = Delegated(pool, self.applications)
        self.documents = Documents(pool, self.applications)
        self.pairwise = PairwiseSubjects(pool)
        self.userinfo = Userinfo(pool)
        self.accounts = Accounts(pool)
        self.owner_url = owner_url
        self.notices = asyncio.Event()
        self._url = url
        self._engine = engine
        self._pool = pool
        self._prepared: set[tuple[str, date]] = set()

    @classmethod
    async def open(
        cls, url: str, *, owner_url: str | None = None, hot_connections: int = 8, connections: int = 4
    ) -> "Database":
        """Connect and prepare the hot statements; raises `StoreUnavailable` when the database does not answer.

        `url` is libpq's: `postgresql://user:password@host/database`, or `…@/database?host=/socket/directory&port=N`.
        `hot_connections` and `connections` are the most that the two pools open.
        """
        engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=lambda: asyncpg.connect(
                url,
                timeout=CONNECT_SECONDS,
                command_timeout=COMMAND_SECONDS,
                server_settings={"application_name": "assent", **TIMEOUTS},
            ),
            pool_size=connections,
            max_overflow=0,
            pool_timeout=QUEUE_SECONDS,
            pool_pre_ping=True,
            hide_parameters=True,
            json_serializer=_to_json,
            json_deserializer=orjson.loads,
        )
        sa.event.listen(engine.sync_engine, "before_cursor_execute", _note_statement)
        pool = HotPool(
            url, hot_connections, (*gather_sql.STATEMENTS, *settle_sql.STATEMENTS, *hot_assertions.STATEMENTS)
        )
        database = cls(url, engine, pool, owner_url)
        await database.ping()
        return database

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Yield a session in a transaction: committed at the end, rolled back by any exception.

        Raises `StoreUnavailable` when the database is away or does not answer in time.
        """
        info = {PREPARE_PARTITION: self.prepare_partition}
        try:
            async with AsyncSession(self._engine, expire_on_commit=False, info=info) as session, session.begin():
                yield session
            if session.info.get(NOTICES_WRITTEN):
                self.notices.set()
        except _AWAY as away:
            raise StoreUnavailable(f"transaction: {type(away).__name__}") from away
        except DBAPIError as error:
            if _away(error):
                raise StoreUnavailable(f"transaction: {type(error).__name__}") from error
            raise

    async def follow_applications(self, also: Mapping[str, Callable[[], None]] = MappingProxyType({})) -> None:
        """Run until cancelled and let the hot path keep applications meanwhile; see `application_cache`.

        `also` are other channels, each with what to call when something is said there.
        """
        await application_cache.follow(self._url, self.applications, also)

    async def ensure_partition(self, table: str, moment: datetime) -> None:
        """Make the partition of a table for a moment; nothing happens when it is there."""
        await self._pool.ensure_partition(table, moment)

    async def prepare_partition(self, table: str, moment: datetime) -> None:
        """Have the partition there before a transaction adds a row of this moment: the error would end it.

        Asks once per table, day and process. On a connection of its own, since what it makes must outlive the
        transaction.
        """
        known = (table, moment.date())
        if known not in self._prepared:
            await self.ensure_partition(table, moment)
            self._prepared.add(known)

    @contextlib.asynccontextmanager
    async def alone(self, lock: int) -> AsyncIterator[bool]:
        """Hold an advisory lock for the length of the block, outside of every transaction; False: somebody else has it.

        On a connection of its own, whose end is the end of the lock.
        """
        try:
            connection = await asyncpg.connect(self._url, timeout=CONNECT_SECONDS)
        except (*_AWAY, asyncpg.InsufficientResourcesError) as away:
            raise StoreUnavailable(f"lock: {type(away).__name__}") from away
        try:
            yield await connection.fetchval("select pg_try_advisory_lock($1)", lock)
        finally:
            await connection.close(timeout=CONNECT_SECONDS)

    async def ping(self) -> None:
        """Raise `StoreUnavailable` unless the database answers on the hot path."""
        await self.hot.ping()

    async def close(self) -> None:
        """Finish the writes under way and close both pools."""
        await self._pool.close()
        await self._engine.dispose()


def _away(error: DBAPIError) -> bool:
    """Tell a database that is away, shutting down, full or overdue from one that refuses what we asked."""
    sqlstate = getattr(error.orig, "sqlstate", None) or ""
    return error.connection_invalidated or sqlstate[:2] in {"08", "53", "57"} or sqlstate in {"25006", "55P03"}


def _to_json(value: object) -> str:
    return orjson.dumps(value).decode("utf-8")


def _note_statement(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
    note_trip(statement)
