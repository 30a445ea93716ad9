"""Last uses in memory: bounded, written once for many, and not lost when the database is away."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from app.pipeline import last_use
from app.pipeline.last_use import LastUses
from app.store.database import StoreUnavailable
from app.store.last_use import Uses

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)
ONE, TWO = UUID(int=1), UUID(int=2)


class Book:
    """Where uses are written, unless it is closed."""

    def __init__(self) -> None:
        self.pages: list[Uses] = []
        self.open = True

    async def write(self, uses: Uses) -> None:
        """Keep a batch."""
        if not self.open:
            raise StoreUnavailable("closed")
        self.pages.append(uses)


async def test_many_uses_of_a_credential_are_one_line() -> None:
    book = Book()
    uses = LastUses(book.write)
    for at in (NOW, LATER):
        uses.personal_token(ONE, at)
        uses.api_key(TWO, b"key", at)
        uses.secret(ONE, b"digest", at)
        uses.application(TWO, at)
    await uses.flush()
    await uses.flush()
    [page] = book.pages
    assert page == Uses({ONE: LATER}, {(TWO, b"key"): LATER}, {(ONE, b"digest"): LATER}, {TWO: LATER})


async def test_what_could_not_be_written_is_written_later_and_newer_uses_win() -> None:
    book = Book()
    uses = LastUses(book.write)
    uses.personal_token(ONE, NOW)
    uses.personal_token(TWO, NOW)
    uses.api_key(ONE, b"key", NOW)
    uses.secret(ONE, b"digest", NOW)
    uses.application(TWO, NOW)
    book.open = False
    flushing = asyncio.create_task(uses.flush())
    await asyncio.sleep(0)
    await flushing
    uses.personal_token(ONE, LATER)
    book.open = True
    await uses.flush()
    [page] = book.pages
    assert page == Uses({ONE: LATER, TWO: NOW}, {(ONE, b"key"): NOW}, {(ONE, b"digest"): NOW}, {TWO: NOW})


async def test_memory_is_bounded_and_known_credentials_stay_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_use, "_KEPT_IN_MEMORY", 2)
    uses = LastUses(Book().write)
    for key in (ONE, TWO, uuid4(), ONE):
        uses.api_key(key, b"", NOW)
    uses.api_key(TWO, b"", LATER)
    assert uses.waiting.api_keys == {(ONE, b""): NOW, (TWO, b""): LATER}


async def test_the_last_uses_are_written_on_the_way_out() -> None:
    book = Book()
    uses = LastUses(book.write)
    running = asyncio.create_task(uses.run())
    await asyncio.sleep(0)
    uses.api_key(ONE, b"key", NOW)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert [page.api_keys for page in book.pages] == [{(ONE, b"key"): NOW}]
