"""Device codes as the store knows them (RFC 8628): facts like those of `facts`."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from app.protocol.facts import Authentication, Origin, Standing
from app.protocol.grant_management import GrantTarget
from app.protocol.granted_details import GrantedDetail
from app.protocol.sender import UNBOUND, Binding

DeviceStatus = Literal["pending", "approved", "denied", "used"]


@dataclass(frozen=True, slots=True)
class DeviceFact:
    """A device code (RFC 8628), as the device that polls with it is judged.

    `application_epoch` is that of the request. Until somebody has approved it there is no `origin`, no
    `authentication` and no standing. `poll_seconds` is how long the device has to wait since `polled_at`.
    `grant_action` as in `CodeFact`.
    """

    id: UUID
    digest: bytes = field(repr=False)
    application_id: UUID
    application_epoch: int
    status: DeviceStatus
    origin: Origin | None
    authentication: Authentication | None
    polled_at: datetime | None
    poll_seconds: int
    expires_at: datetime
    standing: Standing | None
    binding: Binding = UNBOUND
    grant_action: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceRequestFact:
    """A device code, as the person who has its user code is asked about it; the device asked from `address`.

    `target` is the record that it asks for, None: the implicit one. `record_id` is what it was approved with.
    """

    id: UUID
    application_id: UUID
    application_epoch: int
    status: DeviceStatus
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    decided_by: UUID | None
    address: str
    created_at: datetime
    expires_at: datetime
    target: GrantTarget | None = None
    record_id: UUID | None = None
    details: tuple[GrantedDetail, ...] = ()
