"""Backchannel authentication requests (CIBA): one method is one round trip."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from uuid import UUID

import asyncpg

from app.protocol import granted_details
from app.protocol.ciba_calls import Callee
from app.protocol.ciba_facts import BackchannelRequestFact
from app.protocol.facts import ClientFact, RecordFact
from app.protocol.grant_management import GrantTarget
from app.protocol.granted_details import GrantedDetail
from app.protocol.polling import PolledStatus
from app.protocol.request_settings import PLAIN, RequestSettings
from app.protocol.sender import UNBOUND, Binding, Proof
from app.store import backchannel_rows, backchannel_sql, client_rows, grant_sql, hot_arguments, hot_rows
from app.store.application_cache import ApplicationCache
from app.store.hot_polled import Approval, PolledGrants
from app.store.hot_pool import HotPool
from app.store.orders import AuditEntry, SettledAuthorization
from app.store.polled_sql import PolledStatements


@dataclass(frozen=True, slots=True)
class AskedPerson:
    """A person whom a hint named, and his epoch as of now. `connected`: the application is no stranger to him."""

    id: UUID
    epoch: int
    connected: bool = False


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
    status: PolledStatus
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


_STATEMENTS = PolledStatements(
    gather=(backchannel_sql.GATHER_BACKCHANNEL, backchannel_sql.GATHER_BACKCHANNEL_ALONE),
    approve=backchannel_sql.APPROVE_BACKCHANNEL,
    approve_into=grant_sql.approve_backchannel,
    deny=backchannel_sql.DENY_BACKCHANNEL,
    note_poll=backchannel_sql.NOTE_BACKCHANNEL_POLL,
    slow_down=backchannel_sql.SLOW_DOWN_BACKCHANNEL,
    settle=(backchannel_sql.SETTLE_BACKCHANNEL, backchannel_sql.SETTLE_BACKCHANNEL_PROVED),
)


class Backchannel(PolledGrants):
    """Requests to people elsewhere, from the request to the redemption.

    `calls` is set when somebody has to be told of something that was written in this process.
    """

    def __init__(self, pool: HotPool, applications: ApplicationCache) -> None:
        super().__init__(pool, applications, _STATEMENTS)
        self.calls = asyncio.Event()

    async def find_person(
        self, application_id: UUID, name_key: str | None, subject: str | None, sector: str | None
    ) -> AskedPerson | None:
        """Return the active person with a username or email address, as names are compared, or with a subject: his own,
        or that of a sector. He is connected to an application that he allows something."""
        row = await self._pool.read(backchannel_sql.FIND_ASKED_PERSON, name_key, subject, sector, application_id)
        return None if row is None or row[0] is None else AskedPerson(*row)

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

    async def gather_question(self, request_id: UUID, user_id: UUID) -> BackchannelQuestion | None:
        """Return what this person is asked by a request, also by one that is decided or has expired; None when it is
        not his."""
        row = await self._pool.read(backchannel_sql.GATHER_BACKCHANNEL_QUESTION, request_id, user_id)
        return None if row is None else _question(row)

    async def waiting_for(self, user_id: UUID, now: datetime) -> tuple[BackchannelQuestion, ...]:
        """Return what a person can decide about, the oldest first."""
        rows = await self._pool.read_all(backchannel_sql.WAITING_BACKCHANNEL, user_id, now)
        return tuple(question for row in rows if (question := _question(row)) is not None)

    async def approve(self, order: Approval) -> SettledAuthorization | None:
        """Approve a request, as `PolledGrants` does; whoever wanted to be told will be."""
        settled = await super().approve(order)
        if settled is not None:
            self.calls.set()
        return settled

    async def deny(self, grant_id: UUID, user_id: UUID, now: datetime, audit: AuditEntry) -> bool:
        """Deny a request, as `PolledGrants` does; whoever wanted to be told will be."""
        denied = await super().deny(grant_id, user_id, now, audit)
        if denied:
            self.calls.set()
        return denied

    async def claim_calls(
        self,
        now: datetime,
        until: datetime,
        most: int,
        whom: Callee | None = None,
        *,
        abreast: int | None = None,
        places: Mapping[UUID, int] = {},
    ) -> tuple[Call, ...]:
        """Claim up to `most` calls that are due, in a fair order; with `whom` those to people, or to clients.

        `abreast` is how many of one application (None: any number), unless `places` says how many it has left. Whoever
        does not report on a call by `until` has lost it to the next one who claims.
        """
        left = list(places), list(places.values())
        rows = await self._pool.write_all(backchannel_sql.CLAIM_CALLS, now, until, most, whom, abreast, *left)
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
