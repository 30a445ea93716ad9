"""What the backchannel authentication endpoint shares with whoever decides: requests to people elsewhere (CIBA)."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import orjson

from app.crypto.envelope import Purpose
from app.crypto.hashing import digest
from app.crypto.secrets import new_id, random_bytes
from app.pipeline import waiting
from app.pipeline.audit import Actor, entry
from app.pipeline.server import Server
from app.pipeline.waiting import Decider, Waiting
from app.protocol.authorize.backchannel import Asked
from app.protocol.authorize.wanted import Wanted
from app.protocol.ciba_facts import BackchannelRequestFact
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.events import Event
from app.protocol.facts import ClientFact
from app.protocol.sender import Binding, Sender
from app.protocol.token_format import Credential, Prefix, format_credential
from app.store.hot_backchannel import AskedPerson, BackchannelQuestion, Call, NewBackchannel, Placed


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


async def judged(
    server: Server, question: BackchannelQuestion, now: datetime
) -> Waiting[BackchannelRequestFact] | None:
    """Return what a person can decide about; None when somebody has decided, or it waits no longer. Raises as
    `waiting.judged`."""
    asked, client = question.request, question.client
    if asked.status != "pending" or asked.expires_at <= now or client is None:
        return None
    if asked.application_epoch != client.epoch:
        return None
    return await waiting.judged(server, "ciba", asked, client, question.record, asked.user_id)


async def approve(
    server: Server,
    known: Waiting[BackchannelRequestFact],
    approved: tuple[str, ...],
    decider: Decider,
    acr: str,
    actor: Actor,
    now: datetime,
) -> bool:
    """Write the record and approve the request in one statement; False when it waits no longer for this person. `acr`
    is what the sign-in is worth. A client that wanted to be pinged will be (CB-8)."""
    order = await waiting.approval(server, known, approved, decider, acr, actor, now)
    return await server.database.backchannel.approve(order) is not None


async def deny(
    server: Server, known: Waiting[BackchannelRequestFact], decider: Decider, actor: Actor, now: datetime
) -> bool:
    """Deny the request; False when it waits no longer for this person. A client that wanted to be pinged will be."""
    audit = waiting.denial(known, decider, actor, now)
    return await server.database.backchannel.deny(known.asked.id, decider.user_id, now, audit)


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
