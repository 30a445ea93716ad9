"""Who asked, from where, under which request id and when: what every audit row of a deed repeats."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.protocol.events import Event
from app.store.orders import Actor, AuditEntry, audit_entry


@dataclass(frozen=True, slots=True)
class Occasion:
    """One request as its deeds remember it. `address` is the client's network address, empty when unknown.

    `actor` is who acts when it is not simply the person named in the entry: a key, a token, an operator.
    """

    now: datetime
    request_id: str
    address: str
    user_agent: str = ""
    actor: Actor | None = None

    def entry(
        self,
        event: Event,
        *,
        user_id: UUID | None,
        subject_id: str = "",
        application_id: UUID | None = None,
        organization_id: UUID | None = None,
        **data: object,
    ) -> AuditEntry:
        """Return the audit row of a deed; `data` is JSON, with `before` and `after` where something was changed.

        `user_id` is the person whom it concerns, and who did it unless the occasion has another `actor`; None when
        nobody has proved who he is.
        """
        return audit_entry(
            event,
            self.now,
            self.actor or Actor("user" if user_id else "anonymous", str(user_id or "")),
            request_id=self.request_id,
            address=self.address,
            user_agent=self.user_agent,
            user_id=user_id,
            application_id=application_id,
            organization_id=organization_id,
            subject_id=subject_id,
            data=data,
        )
