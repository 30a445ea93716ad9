"""What the device authorization endpoint and its pages share: codes, and what a person decides about one (RFC 8628)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.crypto.hashing import digest, keyed
from app.crypto.secrets import new_id, random_bytes
from app.pipeline import waiting
from app.pipeline.audit import Actor
from app.pipeline.server import Server
from app.pipeline.waiting import Waiting
from app.protocol import device
from app.protocol.authorize.wanted import Wanted
from app.protocol.device_facts import DeviceRequestFact
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact, SessionFact
from app.protocol.sender import Binding, Sender
from app.protocol.token_format import Credential, Prefix, format_credential
from app.store.hot_devices import NewDevice, Placed

USER_CODES = 5
"""How many user codes are tried: with a million that wait, the first one is taken once in 25,600 times."""

_LABEL = b"assent/user-code/1"


@dataclass(frozen=True, slots=True)
class Begun:
    """A device code, and the user code that belongs to it as people read it."""

    device_code: str = field(repr=False)
    user_code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks for a device code, and from where; `sender` is the key that the request proved."""

    client: ClientFact
    sender: Sender
    address: str
    request_id: str


async def begin(
    server: Server, asking: Asking, wanted: Wanted, now: datetime, *, chance: Callable[[], bytes] = random_bytes
) -> Begun | None:
    """Issue a device code bound to its client, and to the key if one was proved (DV-6); None: the client has changed.

    Raises `invalid_dpop_proof` for a proof that was used before. `chance` is where random bytes come from.
    """
    client, proof = asking.client, asking.sender.proof
    for _ in range(USER_CODES):
        credential = Credential(new_id(now), chance())
        user_code = device.user_code(chance()[: device.RANDOM_BYTES])
        placed = await server.database.devices.place(
            NewDevice(
                id=credential.id,
                digest=digest(credential.secret),
                user_code_digest=_digests(server, user_code)[0],
                application_id=client.id,
                application_version=client.version,
                application_epoch=client.epoch,
                scopes=wanted.scopes,
                resources=tuple(resource.identifier for resource in wanted.resources),
                poll_seconds=int(server.policy.device_interval.total_seconds()),
                address=asking.address,
                request_id=asking.request_id,
                created_at=now,
                expires_at=now + server.policy.lifetimes.device_code,
                binding=Binding(jkt=asking.sender.jkt),
                proof=proof,
                target=wanted.target,
                details=wanted.details,
            )
        )
        match placed:
            case Placed.THERE:
                return Begun(format_credential(Prefix.DEVICE_CODE, credential), device.shown(user_code))
            case Placed.REPLAYED:
                raise OAuthError(ErrorCode.INVALID_DPOP_PROOF, "the DPoP proof was used before; make a new one")
            case Placed.APPLICATION_CHANGED:
                return None
        proof = None  # it is noted by now
    raise OAuthError(ErrorCode.TEMPORARILY_UNAVAILABLE, "no user code was free; try again")


async def find(server: Server, user_code: str, now: datetime) -> UUID | None:
    """Return the device code that waits under a user code; None when none does."""
    return await server.database.devices.find(_digests(server, user_code), now)


async def approve(
    server: Server,
    device: Waiting[DeviceRequestFact],
    approved: tuple[str, ...],
    session: SessionFact,
    acr: str,
    actor: Actor,
    now: datetime,
) -> bool:
    """Write the record and approve the device code in one statement; False when somebody was faster. `acr` is what the
    sign-in of the session is worth."""
    order = await waiting.approval(server, device, approved, session, acr, actor, now)
    return await server.database.devices.approve(order) is not None


async def deny(
    server: Server, device: Waiting[DeviceRequestFact], session: SessionFact, actor: Actor, now: datetime
) -> bool:
    """Deny the device code (DV-8); False when somebody was faster."""
    audit = waiting.denial(device, session, actor, now)
    return await server.database.devices.deny(device.asked.id, session.user_id, now, audit)


def _digests(server: Server, user_code: str) -> list[bytes]:
    """Return what the database knows a user code by, under each server key, the current one first.

    Keyed, for all user codes can be tried on a plain digest within a minute.
    """
    keys = server.keys
    versions = (keys.current, *(version for version in keys.by_version if version != keys.current))
    return [keyed(keys.by_version[version], _LABEL, user_code.encode("ascii")) for version in versions]
