"""Who asked, from where, under which request id and when: what every audit row of a deed repeats."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.crypto.secrets import new_id
from app.store.orders import Actor, AuditEntry


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
        event: str,
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
        actor = self.actor or Actor("user" if user_id else "anonymous", str(user_id or ""))
        return AuditEntry(
            id=new_id(self.now),
            at=self.now,
            event=event,
            request_id=self.request_id,
            actor_kind=actor.kind,
            actor_id=actor.id,
            actor_label=actor.label,
            user_id=user_id,
            application_id=application_id,
            organization_id=organization_id,
            subject_id=subject_id,
            address=self.address,
            data=dict(data),
        )
