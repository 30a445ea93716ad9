"""Audit rows of tokens without a row: written in batches, none lost while the database is away, none without end."""

from collections.abc import Sequence
from datetime import UTC, datetime

from app.pipeline.issued import IssuedTokens
from app.protocol.events import Event
from app.store.database import StoreUnavailable
from app.store.orders import Actor, AuditEntry, audit_entry

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


def row() -> AuditEntry:
    return audit_entry(Event.TOKEN_ISSUED, NOW, Actor("application", "sweeper"))


async def test_what_waits_is_written_in_its_order_and_once() -> None:
    written: list[AuditEntry] = []

    async def write(entries: Sequence[AuditEntry]) -> None:
        written.extend(entries)

    issued = IssuedTokens(write)
    rows = [row() for _ in range(1_200)]
    assert all(map(issued.add, rows))
    await issued.flush()
    await issued.flush()
    assert written == rows


async def test_what_cannot_be_written_stays_and_is_written_later() -> None:
    written: list[AuditEntry] = []
    away = True

    async def write(entries: Sequence[AuditEntry]) -> None:
        if away:
            raise StoreUnavailable("away")
        written.extend(entries)

    issued = IssuedTokens(write)
    rows = [row() for _ in range(3)]
    assert all(map(issued.add, rows))
    await issued.flush()
    assert written == []
    away = False
    await issued.flush()
    assert written == rows


async def test_there_is_an_end_to_what_waits_and_whoever_comes_next_is_told() -> None:
    async def write(entries: Sequence[AuditEntry]) -> None:
        raise StoreUnavailable("away")

    issued = IssuedTokens(write, most=2)
    assert [issued.add(row()) for _ in range(3)] == [True, True, False]
