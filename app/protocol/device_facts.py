"""Device codes as the person who decides meets them (RFC 8628): facts like those of `facts`."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.protocol.grant_management import GrantTarget
from app.protocol.granted_details import GrantedDetail
from app.protocol.polling import PolledStatus


@dataclass(frozen=True, slots=True)
class DeviceRequestFact:
    """A device code, as the person who has its user code is asked about it; the device asked from `address`.

    `target` is the record that it asks for, None: the implicit one. `record_id` is what it was approved with.
    """

    id: UUID
    application_id: UUID
    application_epoch: int
    status: PolledStatus
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    decided_by: UUID | None
    address: str
    created_at: datetime
    expires_at: datetime
    target: GrantTarget | None = None
    record_id: UUID | None = None
    details: tuple[GrantedDetail, ...] = ()
