"""Who asked, from where, under which request id and when: what every audit row of a deed repeats."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.crypto.secrets import new_id
from app.store.orders import AuditEntry


@dataclass(frozen=True, slots=True)
class Occasion:
    """One request as its deeds remember it. `address` is the client's network address, empty when unknown."""

    now: datetime
    request_id: str
    address: str
    user_agent: str = ""

    def entry(
        self,
        event: str,
        *,
        user_id: UUID | None,
        subject_id: str = "",
        application_id: UUID | None = None,
        **data: str | int | list[str],
    ) -> AuditEntry:
        """Return the audit row of a deed done by a person; `user_id` is None when nobody has proved who he is."""
        return AuditEntry(
            id=new_id(self.now),
            at=self.now,
            event=event,
            request_id=self.request_id,
            actor_kind="user" if user_id else "anonymous",
            actor_id=str(user_id or ""),
            user_id=user_id,
            application_id=application_id,
            subject_id=subject_id,
            address=self.address,
            data=dict(data),
        )
