"""The operator at the command line, as the audit trail remembers him."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.protocol.events import Event
from app.store.orders import Actor, AuditEntry, audit_entry


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts, and when. `id` is a word such as the name of the command."""

    id: str
    now: datetime

    def entry(
        self,
        event: Event,
        *,
        subject_id: str,
        user_id: UUID | None = None,
        application_id: UUID | None = None,
        organization_id: UUID | None = None,
        data: Mapping[str, object] | None = None,
    ) -> AuditEntry:
        """Return the audit row of one deed of the operator."""
        return audit_entry(
            event,
            self.now,
            Actor("operator", self.id),
            user_id=user_id,
            application_id=application_id,
            organization_id=organization_id,
            subject_id=subject_id,
            data=data,
        )
