"""The import itself: kind by kind, batch by batch, each batch one transaction.

What was imported once is passed over, so an import that broke off is simply started again, and one that is repeated
changes nothing, not even what was taken away here since.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from app.protocol.events import Event
from app.protocol.policy import Lifetimes
from app.protocol.roles import Roles
from app.protocol.scopes import ScopeRegistry
from app.protocol.validation_words import sentence
from app.services.legacy_import import applications, credentials, people
from app.services.legacy_import.known import Known
from app.services.legacy_import.report import Report
from app.services.legacy_import.rows import KINDS, Row, name_of
from app.services.legacy_import.source import RawRow, Source
from app.services.legacy_import.sources import source_of
from app.services.legacy_import.task import Here, Task
from app.services.operator import Operator
from app.store import audit, legacy
from app.store.applications import ClientIdTaken
from app.store.database import Database
from app.store.legacy import RecordThere
from app.store.organizations import SlugTaken
from app.store.transaction import Transaction
from app.store.users import NameTaken

Import = Callable[[Task, Any, str], Awaitable[None]]

_IMPORTS: Mapping[str, Import] = {
    "users": people.import_user,
    "organizations": people.import_organization,
    "members": people.import_member,
    "applications": applications.import_application,
    "authorizations": credentials.import_authorization,
    "tokens": credentials.import_token,
    "keys": credentials.import_key,
}


_LOCK = 0x6173_6C69  # "asli"


class ImportStopped(Exception):
    """The import cannot go on; `str()` is a sentence for the operator. What it has done stays."""


class _NothingWritten(Exception):
    """Ends the one transaction of a dry run."""


@dataclass(frozen=True, slots=True)
class Importer:
    """One import. `progress` is told, after each batch, the kind and how many rows of it have been dealt with."""

    database: Database
    source: Source
    registry: ScopeRegistry
    roles: Roles
    lifetimes: Lifetimes
    key_version: int
    operator: Operator
    progress: Callable[[str, int], None] = field(default=lambda kind, rows: None)

    async def run(self, *, dry_run: bool = False) -> Report:
        """Import everything and return what happened; a dry run does the same and undoes it at the end.

        Raises `ImportStopped` when another import is under way, or when somebody made the same thing meanwhile.
        """
        async with self.database.alone(_LOCK) as alone:
            if not alone:
                raise ImportStopped("Another import into this database is running: wait for it, then start this one.")
            try:
                return await self._run_alone(dry_run=dry_run)
            except (ClientIdTaken, NameTaken, RecordThere, SlugTaken):
                raise ImportStopped(
                    "Somebody made at this moment what was to be imported: start the import again, and it goes on."
                ) from None

    async def _run_alone(self, *, dry_run: bool) -> Report:
        if not dry_run:
            return await self._run(self.database.transaction)
        report = Report()
        try:
            async with self.database.transaction() as transaction:
                report = await self._run(lambda: _within(transaction))
                raise _NothingWritten
        except _NothingWritten:
            return report

    async def _run(self, begin: Callable[[], Any]) -> Report:
        report = Report()
        known = Known()
        here = Here(self.registry, self.roles, self.lifetimes, self.key_version, self.operator)
        for kind in KINDS:
            done = 0
            async for batch in self.source.batches(kind):
                async with begin() as transaction:
                    await _import_batch(transaction, known, report, here, kind, batch, done)
                done += len(batch)
                self.progress(kind, done)
        async with begin() as transaction:
            counts = {kind: report.imported[kind] for kind in KINDS}
            entry = self.operator.entry(Event.LEGACY_IMPORTED, subject_id="", data={"imported": counts})
            await audit.record(transaction, entry)
        return report


async def _import_batch(
    transaction: Transaction,
    known: Known,
    report: Report,
    here: Here,
    kind: str,
    batch: Sequence[RawRow],
    done: int,
) -> None:
    rows: list[tuple[Row, str]] = []
    for position, raw in enumerate(batch, start=done + 1):
        name = name_of(kind, raw, position)
        row = _checked(report, kind, raw, name)
        if row is not None:
            rows.append((row, name))
    sources = [await source_of(transaction, known, row) for row, _ in rows]
    before = await legacy.imported(transaction, kind, filter(None, sources))
    task = Task(kind, transaction, known, report, here, before)
    for row, name in rows:
        await _IMPORTS[kind](task, row, name)
    await task.write()


def _checked(report: Report, kind: str, raw: RawRow, name: str) -> Row | None:
    try:
        return KINDS[kind].model_validate(raw)
    except ValidationError as refused:
        error = refused.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, error["loc"]))
        report.refuse(kind, name, f"its {where} {sentence(error['msg'])}")
        return None


@asynccontextmanager
async def _within(transaction: Transaction) -> AsyncIterator[Transaction]:
    yield transaction
