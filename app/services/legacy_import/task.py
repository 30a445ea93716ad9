"""What the import of one row works with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from app.crypto.secrets import new_id
from app.protocol.legacy import effective_scopes
from app.protocol.policy import Lifetimes
from app.protocol.roles import Roles
from app.protocol.scopes import ScopeRegistry, well_formed
from app.services.legacy_import.known import Known
from app.services.legacy_import.report import Report
from app.services.operator import Operator
from app.store import audit, legacy, legacy_credentials
from app.store.legacy import Client, LiveRecord, Person
from app.store.legacy_credentials import NewLegacyFamily, NewLegacyKey, NewLegacyPersonalToken, NewLegacyToken
from app.store.orders import AuditEntry
from app.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Here:
    """The server that the rows come to."""

    registry: ScopeRegistry
    roles: Roles
    lifetimes: Lifetimes
    key_version: int
    operator: Operator


@dataclass(slots=True)
class Additions:
    """What a batch adds, written at its end in a few statements."""

    tokens: list[NewLegacyToken] = field(default_factory=list)
    families: list[NewLegacyFamily] = field(default_factory=list)
    personal_tokens: list[NewLegacyPersonalToken] = field(default_factory=list)
    keys: list[NewLegacyKey] = field(default_factory=list)
    audit: list[AuditEntry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Task:
    """One batch of a kind: its transaction, what is known by now, what it adds, and the report.

    `before` is what became of the batch's rows in earlier imports, by source, and `now` what becomes of them in this.
    """

    kind: str
    transaction: Transaction
    known: Known
    report: Report
    here: Here
    before: Mapping[str, UUID]
    now: dict[str, UUID] = field(default_factory=dict)
    additions: Additions = field(default_factory=Additions)
    records: dict[tuple[UUID, UUID], LiveRecord | None] = field(default_factory=dict)

    def new_id(self) -> UUID:
        """Return an id for a new row."""
        return new_id(self.here.operator.now)

    def was_imported(self, source: str) -> bool:
        """Tell whether a thing was imported before, counting it then."""
        known = source in self.before or source in self.now
        self.report.present[self.kind] += known
        return known

    def done(self, source: str, target_id: UUID) -> None:
        """Count a row that came in, and remember it."""
        self.now[source] = target_id
        self.report.imported[self.kind] += 1

    async def live_record(self, person: Person, client: Client) -> LiveRecord | None:
        """Return the live record of two; it cannot change before the batch is written."""
        both = person.id, client.id
        if both not in self.records:
            self.records[both] = await legacy.live_record(self.transaction, *both)
        return self.records[both]

    async def write(self) -> None:
        """Write what the rows of the batch have added."""
        added, transaction = self.additions, self.transaction
        await legacy_credentials.insert_families(transaction, added.families)
        await legacy_credentials.insert_tokens(transaction, added.tokens)
        await legacy_credentials.insert_personal_tokens(transaction, added.personal_tokens)
        await legacy_credentials.insert_keys(transaction, added.keys)
        for entry in added.audit:
            await audit.record(transaction, entry)
        await legacy.note_imported(transaction, self.kind, self.now, self.here.operator.now)

    def scopes_of(self, name: str, names: Sequence[str], mask: int) -> tuple[str, ...]:
        """Return the scopes of a list or mask, and note what cannot come along.

        Scopes that have left the registry stay with what holds them: nobody can ask for them any more.
        """
        effective = effective_scopes(names, mask, self.here.registry)
        if effective.nameless:
            bits = ", ".join(map(str, effective.nameless))
            self.report.note(self.kind, name, f"lost the bits {bits} of its mask: no scope of the registry has them")
        kept = tuple(scope for scope in effective.scopes if well_formed(scope))
        if len(kept) < len(effective.scopes):
            self.report.note(self.kind, name, "lost scopes whose names are none (RFC 6749 §3.3)")
        if unknown := self.here.registry.unknown(kept):
            self.report.note(self.kind, name, f"keeps {', '.join(unknown)}, which the registry does not have")
        return kept
