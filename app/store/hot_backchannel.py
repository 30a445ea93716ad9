"""Backchannel authentication requests (CIBA): one method is one round trip."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

import asyncpg

from app.protocol import granted_details
from app.protocol.ciba_calls import Callee
from app.protocol.ciba_facts import BackchannelFact, BackchannelRequestFact, BackchannelStatus
from app.protocol.facts import Authentication, ClientFact, RecordFact
from app.protocol.grant_management import GrantTarget
from app.protocol.granted_details import GrantedDetail
from app.protocol.request_settings import PLAIN, RequestSettings
from app.protocol.sender import UNBOUND, Binding, Proof
from app.store import backchannel_rows, backchannel_sql, client_rows, grant_sql, hot_arguments, hot_rows
from app.store.application_cache import ApplicationCache
from app.store.hot_pool import HotPool
from app.store.hot_trips import Trips
from app.store.orders import AuditEntry, CodeSettlement, Settled, SettledAuthorization


@dataclass(frozen=True, slots=True)
class AskedPerson:
    """A person whom a hint named, and his epoch as of now."""

    id: UUID
    epoch: int


@dataclass(frozen=True, slots=True)
class NewBackchannel:
    """A request to a person elsewhere. Without a `person` it waits in vain, and nobody can tell (CB-11).

    `application_version` is that of the application as it was decided on. `target` as in `BackchannelRequestFact`.
    `notification` is what the client is told once the person has decided, sealed, None: it polls. `tells_person`: there
    is somebody to tell him that he is asked. `counted` are the counters that it counts in until it is approved.
    """

    id: UUID
    digest: bytes = field(repr=False)
    application_id: UUID
    application_version: int
    application_epoch: int
    person: AskedPerson | None
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    poll_seconds: int
    address: str
    request_id: str
    created_at: datetime
    expires_at: datetime
    audit: AuditEntry
    acr_values: tuple[str, ...] = ()
    details: tuple[GrantedDetail, ...] = ()
    target: GrantTarget | None = None
    binding_message: str = ""
    notification: bytes | None = field(default=None, repr=False)
    tells_person: bool = False
    counted: tuple[bytes, ...] = field(default=(), repr=False)
    binding: Binding = UNBOUND
    proof: Proof | None = None


class Placed(Enum):
    """What became of a new request: there; refused because its proof, or what was known of its application, does not
    count any more."""

    THERE = "there"
    REPLAYED = "replayed"
    APPLICATION_CHANGED = "application changed"


@dataclass(frozen=True, slots=True)
class BackchannelApproval:
    """Approve a request that waits: merge `pairs` into the record of person and application, copy what was approved.

    `new_record_id` is used when there is no live record yet, `subject` and `target` as in `AuthorizationSettlement`.
    `details` are those that were approved, `kept` the objects behind new pairs `detail:…`.
    """

    request_id: UUID
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
    details: tuple[GrantedDetail, ...] = ()
    kept: Mapping[str, object] = field(default_factory=dict)
    target: GrantTarget | None = None


@dataclass(frozen=True, slots=True)
class BackchannelQuestion:
    """What a person is asked by a client: by an active application (None: it is not), with what it holds."""

    request: BackchannelRequestFact
    client: ClientFact | None
    record: RecordFact | None


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody who has to be told of a request, and whom this process may tell until `until`.

    `whom` is the person that he is asked, or the client that he has decided. `client_id` is empty when the application
    is not active any more, `subject` and `username` are when the person is not. `requests` is what the application has
    registered by now, `notification` what it is told and what it knows us by, sealed. `attempts` were in vain.
    """

    id: UUID
    whom: Callee
    status: BackchannelStatus
    application_id: UUID
    client_id: str
    client_name: str
    requests: RequestSettings
    user_id: UUID
    subject: str
    username: str
    email: str
    scopes: tuple[str, ...]
    binding_message: str
    notification: bytes | None = field(repr=False)
    attempts: int
    created_at: datetime
    expires_at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class CallReport:
    """What came of a call: to be made again at `again_at`, None: no more. `audit` is the row for the trail, if any."""

    call: Call
    again_at: datetime | None = None
    audit: AuditEntry | None = None


class Backchannel:
    """Requests to people elsewhere, from the request to the redemption.

    `calls` is set when somebody has to be told of something that was written in this process.
    """

    def __init__(self, pool: HotPool, applications: ApplicationCache) -> None:
        self.calls = asyncio.Event()
        self._pool = pool
        self._applications = applications
        self._trips = Trips(pool, applications)

    async def find_person(self, name_key: str | None, subject: str | None, sector: str | None) -> AskedPerson | None:
        """Return the active person with a username or email address, as names are compared, or with a subject: his own,
        or that of a sector."""
        row = await self._pool.read(backchannel_sql.FIND_ASKED_PERSON, name_key, subject, sector)
        return None if row is None or row[0] is None else AskedPerson(row[0], row[1])

    async def place(self, order: NewBackchannel) -> Placed:
        """Keep a new request; nothing is written unless it is there afterwards (but the proof is noted)."""
        person = order.person
        arguments = (
            *(order.id, order.application_id, order.application_version, order.digest, order.application_epoch),
            *((None, None) if person is None else (person.id, person.epoch)),
            *(order.scopes, order.resources, order.acr_values, granted_details.stored(order.details)),
            *hot_arguments.target(order.target),
            *(order.binding_message, order.binding.stored, order.notification, order.poll_seconds),
            *(order.address, order.request_id, order.created_at, order.expires_at, order.counted),
            "person" if order.tells_person and person is not None else None,
            *hot_arguments.audit(order.audit),
        )
        if order.proof is None:
            row = await self._pool.write(backchannel_sql.PLACE_BACKCHANNEL, *arguments)
        else:
            proof = order.proof
            row = await self._pool.write(backchannel_sql.PLACE_BACKCHANNEL_PROVED, *arguments, proof.at, proof.digest)
            if row is not None and not row[1]:
                return Placed.REPLAYED
        if row is not None and row[0]:
            self.calls.set()
            return Placed.THERE
        self._applications.forget(str(order.application_id))
        return Placed.APPLICATION_CHANGED

    async def gather(self, client_id: str, request_id: UUID | None) -> tuple[ClientFact | None, BackchannelFact | None]:
        """Return an active application and a request, also one of another application: then it has no standing.

        The application may come from the cache: whoever settles has it checked again.
        """
        statements = backchannel_sql.GATHER_BACKCHANNEL, backchannel_sql.GATHER_BACKCHANNEL_ALONE
        row, at, client = await self._trips.asked(client_id, statements, request_id)
        return client, None if row is None else backchannel_rows.backchannel(row, at, client)

    async def gather_question(self, request_id: UUID, user_id: UUID) -> BackchannelQuestion | None:
        """Return what this person is asked by a request, also by one that is decided or has expired; None when it is
        not his."""
        row = await self._pool.read(backchannel_sql.GATHER_BACKCHANNEL_QUESTION, request_id, user_id)
        return None if row is None else _question(row)

    async def waiting_for(self, user_id: UUID, now: datetime) -> tuple[BackchannelQuestion, ...]:
        """Return what a person can decide about, the oldest first."""
        rows = await self._pool.read_all(backchannel_sql.WAITING_BACKCHANNEL, user_id, now)
        return tuple(question for row in rows if (question := _question(row)) is not None)

    async def approve(self, order: BackchannelApproval) -> SettledAuthorization | None:
        """Merge the record and approve the request; whoever wanted to be told will be.

        None, and nothing is written, when it no longer waits for this person, or user or application are no longer what
        they were when he was asked.
        """
        target = order.target
        row = await self._pool.write(
            backchannel_sql.APPROVE_BACKCHANNEL if target is None else grant_sql.approve_backchannel(target.action),
            order.request_id,
            order.now,
            order.user_id,
            order.user_epoch,
            order.application_id,
            order.application_epoch,
            grant_sql.record_id(target, order.new_record_id),
            list(dict.fromkeys(order.pairs)),
            *hot_arguments.audit(order.audit),
            *(order.subject, None, hot_arguments.json(order.kept), None),
            order.scopes,
            *hot_arguments.authentication(order.authentication),
            granted_details.stored(order.details),
        )
        if row is None:
            return None
        self.calls.set()
        return SettledAuthorization(row[0], row[1], tuple(row[2]))

    async def deny(self, request_id: UUID, user_id: UUID, now: datetime, audit: AuditEntry) -> bool:
        """Deny a request that waits for this person; False when it no longer does. Who wanted to be told will be."""
        arguments = (request_id, now, user_id, *hot_arguments.audit(audit))
        denied = await self._pool.write(backchannel_sql.DENY_BACKCHANNEL, *arguments) is not None
        if denied:
            self.calls.set()
        return denied

    async def note_poll(self, request_id: UUID, now: datetime, asked_last: datetime | None) -> bool:
        """Note that a client asked; False when it has asked again since `asked_last`, or the person has decided."""
        return await self._pool.write(backchannel_sql.NOTE_BACKCHANNEL_POLL, request_id, now, asked_last) is not None

    async def slow_down(self, request_id: UUID, now: datetime, by: timedelta) -> None:
        """Note that a client asked too soon, and let it wait longer from now on."""
        await self._pool.write(backchannel_sql.SLOW_DOWN_BACKCHANNEL, request_id, now, int(by.total_seconds()))

    async def settle(self, order: CodeSettlement) -> Settled:
        """Consume the request, begin its family, insert its token.

        Nothing is written when it is spent, or when the application is no longer what was decided on.
        """
        statements = backchannel_sql.SETTLE_BACKCHANNEL, backchannel_sql.SETTLE_BACKCHANNEL_PROVED
        application_id = order.token.origin.application_id
        return await self._trips.paid(application_id, statements, order.proof, *hot_arguments.redemption(order))

    async def claim_calls(
        self, now: datetime, until: datetime, most: int, whom: Callee | None = None
    ) -> tuple[Call, ...]:
        """Claim up to `most` calls that are due, the longest due first; with `whom` those to people, or to clients.
        Whoever does not report on one by `until` has lost it to the next one who claims."""
        rows = await self._pool.write_all(backchannel_sql.CLAIM_CALLS, now, until, most, whom)
        return tuple(_call(row, until) for row in rows)

    async def record_calls(self, reports: Sequence[CallReport]) -> None:
        """Write down what came of calls, one round trip each. What somebody else has claimed meanwhile stays his."""
        for report in reports:
            call, audit = report.call, report.audit
            entry = (None,) * hot_arguments.AUDIT_WIDTH if audit is None else hot_arguments.audit(audit)
            await self._pool.write(backchannel_sql.RECORD_CALL, call.id, call.whom, call.until, report.again_at, *entry)


def _question(row: asyncpg.Record) -> BackchannelQuestion | None:
    request = backchannel_rows.request(row)
    if request is None:
        return None
    return BackchannelQuestion(request, client_rows.client(row), hot_rows.record(row, client_rows.CLIENT_WIDTH))


def _call(row: asyncpg.Record, until: datetime) -> Call:
    key, whom, status, application_id, client_id, name, requests, *rest = row
    user_id, subject, username, email, scopes, message, notification, attempts, created_at, expires_at = rest
    return Call(
        id=key,
        whom=whom,
        status=status,
        application_id=application_id,
        client_id=client_id or "",
        client_name=name or "",
        requests=PLAIN if requests is None else client_rows.requests(requests),
        user_id=user_id,
        subject=subject or "",
        username=username or "",
        email=email or "",
        scopes=tuple(scopes),
        binding_message=message,
        notification=notification,
        attempts=attempts,
        created_at=created_at,
        expires_at=expires_at,
        until=until,
    )
