"""Backchannel authentication requests as the person who decides meets them (CIBA): facts like those of `facts`."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.protocol.grant_management import GrantTarget
from app.protocol.granted_details import GrantedDetail
from app.protocol.polling import PolledStatus


@dataclass(frozen=True, slots=True)
class BackchannelRequestFact:
    """A request to a person elsewhere, as he is asked about it; the client asked from `address`.

    `acr_values` are the classes of sign-in that the client prefers, the first most of all. `details` are those that it
    asks for, and from the approval on those that were approved. `target` is the record that it asks for, None: the
    implicit one; `record_id` is what it was approved with. `user_epoch` is the person's own when he was asked: the
    request counts no more when that has moved on.
    """

    id: UUID
    application_id: UUID
    application_epoch: int
    user_id: UUID
    user_epoch: int
    status: PolledStatus
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    acr_values: tuple[str, ...]
    details: tuple[GrantedDetail, ...]
    target: GrantTarget | None
    record_id: UUID | None
    binding_message: str
    address: str
    created_at: datetime
    expires_at: datetime
