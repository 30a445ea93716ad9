"""Device authorization on the hot path: one method is one round trip (RFC 8628)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from uuid import UUID

from app.protocol import granted_details
from app.protocol.device_facts import DeviceRequestFact
from app.protocol.facts import ClientFact, RecordFact
from app.protocol.grant_management import GrantTarget
from app.protocol.granted_details import GrantedDetail
from app.protocol.sender import UNBOUND, Binding, Proof
from app.store import client_rows, device_rows, device_sql, grant_sql, hot_arguments, hot_rows
from app.store.application_cache import ApplicationCache
from app.store.hot_polled import PolledGrants
from app.store.hot_pool import HotPool
from app.store.polled_sql import PolledStatements


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device code with its user code; `user_code_digest` is keyed, for a user code is too short for a plain one.

    `application_version` is that of the application as it was decided on.
    """

    id: UUID
    digest: bytes = field(repr=False)
    user_code_digest: bytes = field(repr=False)
    application_id: UUID
    application_version: int
    application_epoch: int
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    poll_seconds: int
    address: str
    request_id: str
    created_at: datetime
    expires_at: datetime
    binding: Binding = UNBOUND
    proof: Proof | None = None
    target: GrantTarget | None = None
    details: tuple[GrantedDetail, ...] = ()


class Placed(Enum):
    """What became of a new device code: there; refused because its user code, its proof, or what was known of its
    application does not count any more."""

    THERE = "there"
    USER_CODE_TAKEN = "user code taken"
    REPLAYED = "replayed"
    APPLICATION_CHANGED = "application changed"


@dataclass(frozen=True, slots=True)
class DeviceQuestion:
    """What a person is asked about a device: by an active application (None: it is not), with what it holds."""

    request: DeviceRequestFact
    client: ClientFact | None
    record: RecordFact | None


_STATEMENTS = PolledStatements(
    gather=(device_sql.GATHER_DEVICE, device_sql.GATHER_DEVICE_ALONE),
    approve=device_sql.APPROVE_DEVICE,
    approve_into=grant_sql.approve_device,
    deny=device_sql.DENY_DEVICE,
    note_poll=device_sql.NOTE_POLL,
    slow_down=device_sql.SLOW_DOWN,
    settle=(device_sql.SETTLE_DEVICE, device_sql.SETTLE_DEVICE_PROVED),
)


class Devices(PolledGrants):
    """Device codes, from the request to the redemption."""

    def __init__(self, pool: HotPool, applications: ApplicationCache) -> None:
        super().__init__(pool, applications, _STATEMENTS)

    async def place(self, order: NewDevice) -> Placed:
        """Keep a new device code; nothing is written unless it is there afterwards (but the proof is noted)."""
        arguments = (
            *(order.id, order.application_id, order.application_version, order.digest, order.user_code_digest),
            *(order.application_epoch, order.scopes, order.resources, order.binding.stored, order.poll_seconds),
            *(order.address, order.request_id, order.created_at, order.expires_at),
            *(*hot_arguments.target(order.target), granted_details.stored(order.details)),
        )
        if order.proof is None:
            row = await self._pool.write(device_sql.PLACE_DEVICE, *arguments)
        else:
            proof = order.proof
            row = await self._pool.write(device_sql.PLACE_DEVICE_PROVED, *arguments, proof.at, proof.digest)
            if row is not None and not row[2]:
                return Placed.REPLAYED
        if row is not None and row[0]:
            return Placed.THERE
        if row is not None and row[1]:
            return Placed.USER_CODE_TAKEN
        self._applications.forget(str(order.application_id))
        return Placed.APPLICATION_CHANGED

    async def find(self, user_code_digests: Sequence[bytes], now: datetime) -> UUID | None:
        """Return the device code that waits under a user code; one digest for each key that there is."""
        row = await self._pool.read(device_sql.FIND_USER_CODE, list(user_code_digests), now)
        return None if row is None else row[0]

    async def gather_question(self, device_id: UUID, user_id: UUID) -> DeviceQuestion | None:
        """Return what a person is asked about a device code, also one that is decided or has expired."""
        row = await self._pool.read(device_sql.GATHER_DEVICE_REQUEST, device_id, user_id)
        request = None if row is None else device_rows.device_request(row)
        if row is None or request is None:
            return None
        return DeviceQuestion(request, client_rows.client(row), hot_rows.record(row, client_rows.CLIENT_WIDTH))
