"""The operator at the command line, as the audit trail remembers him."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.crypto.secrets import new_id
from app.store.orders import AuditEntry


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts, and when. `id` is a word such as the name of the command."""

    id: str
    now: datetime

    def entry(
        self,
        event: str,
        *,
        subject_id: str,
        user_id: UUID | None = None,
        application_id: UUID | None = None,
        data: Mapping[str, object] | None = None,
    ) -> AuditEntry:
        """Return the audit row of one deed of the operator."""
        return AuditEntry(
            id=new_id(self.now),
            at=self.now,
            event=event,
            request_id="",
            actor_kind="operator",
            actor_id=self.id,
            user_id=user_id,
            application_id=application_id,
            subject_id=subject_id,
            address="",
            data=dict(data or {}),
        )
