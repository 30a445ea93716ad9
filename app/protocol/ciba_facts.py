"""Backchannel authentication requests as the store knows them (CIBA): facts like those of `facts`."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from app.protocol.facts import Authentication, Origin, Standing
from app.protocol.grant_management import GrantTarget
from app.protocol.granted_details import GrantedDetail
from app.protocol.sender import UNBOUND, Binding

BackchannelStatus = Literal["pending", "approved", "denied", "used"]


@dataclass(frozen=True, slots=True)
class BackchannelFact:
    """A request to a person elsewhere, as the client that polls with its `auth_req_id` is judged.

    `application_epoch` is that of the request. Until the person has approved it there is no `origin`, no
    `authentication` and no standing. `poll_seconds` is how long the client has to wait since `polled_at`.
    """

    id: UUID
    digest: bytes = field(repr=False)
    application_id: UUID
    application_epoch: int
    status: BackchannelStatus
    origin: Origin | None
    authentication: Authentication | None
    polled_at: datetime | None
    poll_seconds: int
    expires_at: datetime
    standing: Standing | None
    binding: Binding = UNBOUND
    grant_action: str | None = None


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
    status: BackchannelStatus
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
