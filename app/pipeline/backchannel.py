"""What the backchannel authentication endpoint shares with whoever decides: requests to people elsewhere (CIBA)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

import orjson

from app.crypto.envelope import Purpose
from app.crypto.hashing import digest
from app.crypto.secrets import new_id, random_bytes
from app.pipeline import grants
from app.pipeline.audit import Actor, entry
from app.pipeline.server import Server
from app.pipeline.subjects import subject_for
from app.protocol import details, grant_management
from app.protocol.authorize import checklist
from app.protocol.authorize.backchannel import Asked
from app.protocol.authorize.checklist import Subject, Wanted
from app.protocol.ciba_facts import BackchannelRequestFact
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.events import Event
from app.protocol.facts import Authentication, ClientFact, RecordFact
from app.protocol.grant_types import ciba, require_registered
from app.protocol.params import Parameters
from app.protocol.policy import EffectivePolicy, effective
from app.protocol.sender import Binding, Sender
from app.protocol.token_format import Credential, Prefix, format_credential
from app.protocol.trace import Trace
from app.store.hot_backchannel import (
    AskedPerson,
    BackchannelApproval,
    BackchannelQuestion,
    Call,
    NewBackchannel,
    Placed,
)
from app.store.orders import AuditEntry

_FLOW = {"flow": "ciba"}


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, from where, and whom: `person` is None where nobody is asked, and `counted` are the counters that the
    request counts in. `sender` is the key that it proved."""

    client: ClientFact
    sender: Sender
    address: str
    request_id: str
    person: AskedPerson | None
    counted: tuple[bytes, ...] = field(default=(), repr=False)


class Decider(Protocol):
    """The person who decides, and how he signed in: a session of his browser, or what stands in for one."""

    @property
    def user_id(self) -> UUID:
        """Who he is."""

    @property
    def user_epoch(self) -> int:
        """His epoch as of now."""

    @property
    def auth_time(self) -> datetime:
        """When he signed in."""

    @property
    def amr(self) -> tuple[str, ...]:
        """By which methods (RFC 8176)."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that its person can decide about, judged again by the rules of its endpoint.

    `wanted` lies beside the record that it goes into. `record` is what counts of that as allowed before, `taken` the
    same whole where it is replaced.
    """

    question: BackchannelQuestion
    client: ClientFact
    policy: EffectivePolicy
    wanted: Wanted
    record: RecordFact | None
    taken: RecordFact | None

    @property
    def asked(self) -> BackchannelRequestFact:
        """The request itself."""
        return self.question.request


@dataclass(frozen=True, slots=True)
class Notification:
    """What a client is told when it is pinged, and what it knows us by."""

    auth_req_id: str = field(repr=False)
    token: str = field(repr=False)


async def begin(server: Server, asking: Asking, wanted: Wanted, asked: Asked, now: datetime) -> str | None:
    """Place a request and return its `auth_req_id` (CB-5); None: the client has changed since it was read.

    A request to nobody is placed like any other, and waits in vain (CB-11). Raises `invalid_dpop_proof` for a proof
    that was used before.
    """
    client = asking.client
    credential = Credential(new_id(now), random_bytes())
    auth_req_id = format_credential(Prefix.BACKCHANNEL_REQUEST, credential)
    placed = await server.database.backchannel.place(
        NewBackchannel(
            id=credential.id,
            digest=digest(credential.secret),
            application_id=client.id,
            application_version=client.version,
            application_epoch=client.epoch,
            person=asking.person,
            scopes=wanted.scopes,
            resources=tuple(resource.identifier for resource in wanted.resources),
            acr_values=asked.acr_values,
            details=wanted.details,
            target=wanted.target,
            binding_message=asked.binding_message,
            notification=_sealed(server, credential.id, Notification(auth_req_id, asked.notification_token)),
            tells_person=server.calls.heeds_people,
            counted=asking.counted,
            poll_seconds=int(server.policy.device_interval.total_seconds()),
            address=asking.address,
            request_id=asking.request_id,
            created_at=now,
            expires_at=now + asked.lifetime,
            binding=Binding(jkt=asking.sender.jkt),
            proof=asking.sender.proof,
            audit=entry(
                Actor("application", client.client_id, asking.address, asking.request_id),
                Event.BACKCHANNEL_REQUEST_MADE,
                now,
                None,
                {"scopes": wanted.scopes, "hint": asked.hint.name, "person": "asked" if asking.person else "nobody"},
                subject_id=str(credential.id),
                user_id=None if asking.person is None else asking.person.id,
                application_id=client.id,
            ),
        )
    )
    match placed:
        case Placed.THERE:
            return auth_req_id
        case Placed.REPLAYED:
            raise OAuthError(ErrorCode.INVALID_DPOP_PROOF, "the DPoP proof was used before; make a new one")
        case Placed.APPLICATION_CHANGED:
            return None


async def waiting(server: Server, question: BackchannelQuestion, now: datetime) -> Waiting | None:
    """Return what a person can decide about; None when somebody has decided, or it waits no longer.

    What may have changed since the client asked is judged again, by the rules of its request. Raises what those raise,
    and `invalid_grant_id` when the grant that it names is not this person's.
    """
    asked, client = question.request, question.client
    if asked.status != "pending" or asked.expires_at <= now or client is None:
        return None
    if asked.application_epoch != client.epoch:
        return None
    require_registered(ciba.NAME, client)
    policy = effective(server.policy, client.policy, confidential=client.confidential)
    subject = Subject(
        client=client,
        policy=policy,
        registry=server.scopes,
        params=_parameters(asked),
        resources=server.resources.current,
        detail_types=server.details,
        signed=True,  # or it did not have to be, when it came
    )
    wanted = checklist.run_at("ciba", subject, Trace())
    record = question.record
    if asked.target is not None:
        record = await grants.find(server, asked.target, client, asked.user_id)
        grant_management.require(asked.target, record)
    counted = grant_management.counted(asked.target, record)
    return Waiting(
        question,
        client,
        policy,
        wanted.resting(counted, server.details),
        record=counted,
        taken=grant_management.taken(asked.target, record),
    )


async def approve(
    server: Server,
    waiting: Waiting,
    approved: tuple[str, ...],
    decider: Decider,
    acr: str,
    actor: Actor,
    now: datetime,
) -> bool:
    """Merge the record and approve the request in one statement; False when it waits no longer for this person.

    The request copies the approved list; the record merges it (AR-3, AR-4). `acr` is what the sign-in is worth. A
    client that wanted to be pinged will be (CB-8).
    """
    asked, client, wanted = waiting.asked, waiting.client, waiting.wanted
    settled = await server.database.backchannel.approve(
        BackchannelApproval(
            request_id=asked.id,
            now=now,
            application_id=asked.application_id,
            application_epoch=asked.application_epoch,
            user_id=decider.user_id,
            user_epoch=decider.user_epoch,
            scopes=approved,
            pairs=wanted.pairs_of(approved),
            new_record_id=new_id(now),
            # No browser's session: what was allowed from here goes on elsewhere when the person signs out here.
            authentication=Authentication(auth_time=decider.auth_time, acr=acr, amr=decider.amr),
            subject=await subject_for(server, client, decider.user_id, now, waiting.record),
            details=wanted.details,
            kept=details.kept(wanted.details),
            target=wanted.target,
            audit=_decided(waiting, Event.AUTHORIZATION_GRANTED, decider, actor, now, {"scopes": approved}),
        )
    )
    return settled is not None


async def deny(server: Server, waiting: Waiting, decider: Decider, actor: Actor, now: datetime) -> bool:
    """Deny the request; False when it waits no longer for this person. A client that wanted to be pinged will be."""
    audit = _decided(waiting, Event.AUTHORIZATION_DENIED, decider, actor, now, {})
    return await server.database.backchannel.deny(waiting.asked.id, decider.user_id, now, audit)


def notification_of(server: Server, call: Call) -> Notification | None:
    """Return what a client is told, and what it knows us by; None for what was sealed with another server's keys."""
    if call.notification is None:
        return None
    opened = server.vault.unseal(Purpose.NOTIFICATION, call.notification, call.id.bytes)
    return None if opened is None else Notification(*orjson.loads(opened))


def _sealed(server: Server, request_id: UUID, notification: Notification) -> bytes | None:
    """Return what a client is to be told, sealed: the id is a credential, and the token another one. None: it polls."""
    if not notification.token:
        return None
    content = orjson.dumps([notification.auth_req_id, notification.token])
    return server.vault.seal(Purpose.NOTIFICATION, content, request_id.bytes)


def _parameters(asked: BackchannelRequestFact) -> Parameters:
    """Return what a request asks for, as it asked."""
    contents = details.contents(asked.details)
    return Parameters.of(
        (
            ("scope", " ".join(asked.scopes)),
            *(("resource", resource) for resource in asked.resources),
            *(((details.PARAMETER, orjson.dumps(contents).decode("utf-8")),) if contents else ()),
            *grant_management.parameters(asked.target),
        )
    )


def _decided(
    waiting: Waiting, event: Event, decider: Decider, actor: Actor, now: datetime, data: dict[str, Sequence[str]]
) -> AuditEntry:
    asked = waiting.asked
    return entry(
        actor,
        event,
        now,
        None,
        {
            **data,
            "asked": waiting.wanted.scopes,
            "request": str(asked.id),
            **grants.told(asked.target),
            **details.told(waiting.wanted.details),
            **_FLOW,
        },
        subject_id=waiting.client.client_id,
        user_id=decider.user_id,
        application_id=asked.application_id,
    )
