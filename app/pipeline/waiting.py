"""Requests that wait for a person who is not in front of the client: device codes (RFC 8628) and requests to people
(CIBA). What he is asked is judged again before he decides, and what he decides is written down in one way."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from app.crypto.secrets import new_id
from app.pipeline import grants
from app.pipeline.audit import Actor, entry
from app.pipeline.server import Server
from app.pipeline.subjects import subject_for
from app.protocol import details, grant_management
from app.protocol.authorize import checklist
from app.protocol.authorize.subject import Subject
from app.protocol.authorize.wanted import Wanted
from app.protocol.ciba_facts import BackchannelRequestFact
from app.protocol.device_facts import DeviceRequestFact
from app.protocol.errors import Flow
from app.protocol.events import Event
from app.protocol.facts import Authentication, ClientFact, RecordFact
from app.protocol.grant_types import ciba, device_code, require_registered
from app.protocol.params import Parameters
from app.protocol.policy import EffectivePolicy
from app.protocol.trace import Trace
from app.store.hot_polled import Approval
from app.store.orders import AuditEntry

_GRANT_TYPES: Mapping[Flow, str] = {"device": device_code.NAME, "ciba": ciba.NAME}

AnyRequest = TypeVar("AnyRequest", DeviceRequestFact, BackchannelRequestFact)


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
class Waiting(Generic[AnyRequest]):
    """A request that a person can decide about, judged again by the rules of its endpoint.

    `wanted` lies beside the record that it goes into. `record` is what counts of that as allowed before, `taken` the
    same whole where it is replaced.
    """

    flow: Flow
    asked: AnyRequest
    client: ClientFact
    policy: EffectivePolicy
    wanted: Wanted
    record: RecordFact | None
    taken: RecordFact | None


async def judged(
    server: Server, flow: Flow, asked: AnyRequest, client: ClientFact, record: RecordFact | None, user_id: UUID
) -> Waiting[AnyRequest]:
    """Judge once more what may have changed since the client asked; `record` is the person's implicit one.

    Raises what the rules of its endpoint raise, `invalid_grant_id` when the grant that it names is not there for this
    person (GM-7), and `invalid_request` when he has no room for one more.
    """
    require_registered(_GRANT_TYPES[flow], client)
    policy = server.policy_for(client)
    subject = Subject(
        client=client,
        policy=policy,
        registry=server.scopes,
        params=_parameters(asked),
        resources=server.resources.current,
        detail_types=server.details,
        signed=True,  # or it did not have to be, when it came
    )
    wanted = checklist.run_at(flow, subject, Trace())
    if asked.target is not None:
        record = await grants.find(server, asked.target, client, user_id)
        room = await grants.has_room(server, asked.target, client, user_id)
        grant_management.require(asked.target, record, room=room)
    counted = grant_management.counted(asked.target, record)
    taken = grant_management.taken(asked.target, record)
    return Waiting(flow, asked, client, policy, wanted.resting(counted, server.details), record=counted, taken=taken)


async def approval(
    server: Server,
    waiting: Waiting[AnyRequest],
    approved: tuple[str, ...],
    decider: Decider,
    acr: str,
    actor: Actor,
    now: datetime,
) -> Approval:
    """Return the order to approve a request: it copies the approved list, the record merges it (AR-3, AR-4). `acr` is
    what the sign-in is worth."""
    asked, client, wanted = waiting.asked, waiting.client, waiting.wanted
    return Approval(
        grant_id=asked.id,
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
        target=wanted.target,
        audit=_decided(
            waiting,
            Event.AUTHORIZATION_GRANTED,
            decider,
            actor,
            now,
            {"scopes": approved, "on_page": "yes" if actor.kind == "user" else "no"},
        ),
    )


def denial(waiting: Waiting[AnyRequest], decider: Decider, actor: Actor, now: datetime) -> AuditEntry:
    """Return the row for the trail of a request that is denied."""
    return _decided(waiting, Event.AUTHORIZATION_DENIED, decider, actor, now, {})


def _parameters(asked: AnyRequest) -> Parameters:
    """Return what a request asks for, as it asked."""
    return Parameters.of(
        (
            ("scope", " ".join(asked.scopes)),
            *(("resource", resource) for resource in asked.resources),
            *details.parameters(asked.details),
            *grant_management.parameters(asked.target),
        )
    )


def _decided(
    waiting: Waiting[AnyRequest],
    event: Event,
    decider: Decider,
    actor: Actor,
    now: datetime,
    data: Mapping[str, object],
) -> AuditEntry:
    asked, wanted = waiting.asked, waiting.wanted
    told = {**grants.told(asked.target), **details.told(wanted.details)}
    return entry(
        actor,
        event,
        now,
        None,
        {**data, "asked": wanted.scopes, "flow": waiting.flow, "request": str(asked.id), **told},
        subject_id=waiting.client.client_id,
        user_id=decider.user_id,
        application_id=asked.application_id,
    )
