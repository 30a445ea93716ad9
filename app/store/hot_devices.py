"""Device authorization on the hot path: one method is one round trip (RFC 8628)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from app.protocol import details, granted_details
from app.protocol.device_facts import DeviceFact, DeviceRequestFact
from app.protocol.facts import Authentication, ClientFact, RecordFact
from app.protocol.grant_management import GrantTarget
from app.protocol.granted_details import GrantedDetail
from app.protocol.sender import UNBOUND, Binding, Proof
from app.store import client_rows, device_rows, device_sql, grant_sql, hot_arguments, hot_rows
from app.store.application_cache import ApplicationCache
from app.store.hot_pool import HotPool
from app.store.hot_trips import Trips
from app.store.orders import AuditEntry, CodeSettlement, Settled, SettledAuthorization


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
class DeviceApproval:
    """Approve a device code that waits: merge `pairs` into the record of person and application, copy the approved
    scopes and details. `new_record_id` is used when there is no live record yet, `subject` and `target` as in
    `AuthorizationSettlement`."""

    device_id: UUID
    now: datetime
    application_id: UUID
    application_epoch: int
    user_id: UUID
    user_epoch: int
    scopes: tuple[str, ...]
    pairs: tuple[str, ...]
    new_record_id: UUID
    authentication: Authentication
    audit: AuditEntry
    subject: str | None = None
    target: GrantTarget | None = None
    details: tuple[GrantedDetail, ...] = ()


@dataclass(frozen=True, slots=True)
class DeviceQuestion:
    """What a person is asked about a device: by an active application (None: it is not), with what it holds."""

    request: DeviceRequestFact
    client: ClientFact | None
    record: RecordFact | None


class Devices:
    """Device codes, from the request to the redemption."""

    def __init__(self, pool: HotPool, applications: ApplicationCache) -> None:
        self._pool = pool
        self._applications = applications
        self._trips = Trips(pool, applications)

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

    async def gather(self, client_id: str, device_id: UUID | None) -> tuple[ClientFact | None, DeviceFact | None]:
        """Return an active application and a device code, also one of another application: then it has no standing.

        The application may come from the cache: whoever settles has it checked again.
        """
        statements = device_sql.GATHER_DEVICE, device_sql.GATHER_DEVICE_ALONE
        row, at, client = await self._trips.asked(client_id, statements, device_id)
        return client, None if row is None else device_rows.device(row, at, client)

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

    async def approve(self, order: DeviceApproval) -> SettledAuthorization | None:
        """Merge the record and approve the device code.

        None, and nothing is written, when the code no longer waits, or user or application are no longer what they
        were when the order was decided.
        """
        target = order.target
        row = await self._pool.write(
            device_sql.APPROVE_DEVICE if target is None else grant_sql.approve_device(target.action),
            order.device_id,
            order.now,
            order.user_id,
            order.user_epoch,
            order.application_id,
            order.application_epoch,
            grant_sql.record_id(target, order.new_record_id),
            list(dict.fromkeys(order.pairs)),
            *hot_arguments.audit(order.audit),
            *(order.subject, None, hot_arguments.json(details.kept(order.details)), None),
            order.scopes,
            *hot_arguments.authentication(order.authentication),
            granted_details.stored(order.details),
        )
        return None if row is None else SettledAuthorization(row[0], row[1], tuple(row[2]))

    async def deny(self, device_id: UUID, user_id: UUID, now: datetime, audit: AuditEntry) -> bool:
        """Deny a device code that waits; False when it no longer does."""
        arguments = (device_id, now, user_id, *hot_arguments.audit(audit))
        return await self._pool.write(device_sql.DENY_DEVICE, *arguments) is not None

    async def note_poll(self, device_id: UUID, now: datetime, asked_last: datetime | None) -> bool:
        """Note that a device asked; False when it has asked again since `asked_last`, or somebody has decided."""
        return await self._pool.write(device_sql.NOTE_POLL, device_id, now, asked_last) is not None

    async def slow_down(self, device_id: UUID, now: datetime, by: timedelta) -> None:
        """Note that a device asked too soon, and let it wait longer from now on."""
        await self._pool.write(device_sql.SLOW_DOWN, device_id, now, int(by.total_seconds()))

    async def settle(self, order: CodeSettlement) -> Settled:
        """Consume the device code, begin its family, insert its token.

        Nothing is written when it is spent, or when the application is no longer what was decided on.
        """
        statements = device_sql.SETTLE_DEVICE, device_sql.SETTLE_DEVICE_PROVED
        application_id = order.token.origin.application_id
        return await self._trips.paid(application_id, statements, order.proof, *hot_arguments.redemption(order))
