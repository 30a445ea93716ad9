"""Pushed authorization requests (RFC 9126): judged and kept when a client sends one, taken up when a browser comes with
its reference."""

from dataclasses import dataclass, replace
from datetime import datetime

from app.crypto.hashing import digest, keyed
from app.crypto.secrets import new_id, random_bytes
from app.pipeline import authorization, client_documents, grants, people
from app.pipeline.request_objects import Opened
from app.pipeline.server import Server
from app.protocol.accounts import NOBODY_ELSE
from app.protocol.addresses import network_of
from app.protocol.authorize import pushed
from app.protocol.authorize.decide import Back, Known, check
from app.protocol.authorize.request import PARAMETERS
from app.protocol.authorize.return_path import NoReturnPath
from app.protocol.errors import ErrorCode, OAuthError, seconds_until
from app.protocol.facts import ClientFact
from app.protocol.params import Parameters
from app.protocol.sender import Sender
from app.protocol.token_format import Credential, Prefix, format_credential, parse_credential
from app.protocol.trace import Trace
from app.store.hot_pushed import Counter, NewPushed, Outcome

_SHOWN = ("client_id", "request_uri")
"""All that counts beside a reference (PAR-11)."""


@dataclass(frozen=True, slots=True)
class Pushing:
    """Who pushes a request, and from where; `sender` is the key that it proved."""

    client: ClientFact
    sender: Sender
    address: str


async def gather_request(
    server: Server, params: Parameters, session: Credential | None, now: datetime, address: str
) -> Known:
    """Gather for a request that has just come in from an address, whether it was pushed or not: one round trip, or as
    `authorization.gather_request`.

    A1.2 step 2: a reference is resolved before anything else is looked at, and replaces it all (PAR-11).
    """
    reference = pushed.reference_in(params, server.features)
    if reference is None:
        return await authorization.gather_request(server, params, session, now, address)
    credential = parse_credential(Prefix.PUSHED_REQUEST, reference)
    found = await server.database.pushed.gather(
        credential.id if credential else None, params.get("client_id") or "", session.id if session else None, now
    )
    document = None if found.pushed is None else found.pushed.document
    client = await client_documents.waiting(server, document, params.get("client_id") or "", found.client)
    own = authorization.own_session(found.session, session)
    record = found.record if own else None
    try:
        taken = pushed.require_open(found.pushed, credential.secret if credential else b"", client, now)
    except NoReturnPath as refused:
        shown = authorization.known(server, now, params.only(_SHOWN), client, own, record)
        return replace(shown, refusal=refused)
    known = authorization.known(server, now, Parameters.of(taken.params), client, own, record)
    return replace(known, pushed_id=taken.id, signed=taken.signed)


async def judge(server: Server, pushing: Pushing, opened: Opened, now: datetime, trace: Trace) -> Known:
    """Judge a request as the authorization endpoint will (PAR-5), and return it with the key that it is bound to. Who
    pushes it gains nothing by that: an address that is not registered is refused (PAR-14).

    Raises OAuthError, and never asks for a person: what he decides is decided when he comes.
    """
    client = pushing.client
    policy = server.policy_for(client)
    pushed.check_request(opened.params, client, policy)
    params = pushed.bound(opened.params, pushing.sender)
    known = replace(authorization.known(server, now, params, client, None, None), signed=opened.signed)
    known = await people.completed(server, known, NOBODY_ELSE)
    checked = check(known, trace, "par")
    if isinstance(checked, Back):
        raise checked.error
    await grants.require_known(server, checked.accepted.target, client)
    return known


async def keep(server: Server, pushing: Pushing, known: Known) -> str | None:
    """Keep a request that was judged right, and return its `request_uri` (PAR-8); None: the client has changed.

    Raises `invalid_dpop_proof` for a proof that was used before, and 429 when too many requests of clients that nobody
    can tell from others come from one address (PAR-1): a secret that everybody can get himself tells none apart.
    """
    client, now = pushing.client, known.now
    credential = Credential(new_id(now), random_bytes())
    counter = _counter(server, pushing.address, now) if client.stranger or not client.confidential else None
    placed = await server.database.pushed.place(
        NewPushed(
            id=credential.id,
            digest=digest(credential.secret),
            application_id=client.id,
            application_version=client.version,
            client_id=client.client_id,
            params=known.params.only(PARAMETERS).pairs(),
            signed=known.signed,
            created_at=now,
            expires_at=now + server.policy.lifetimes.pushed_request,
            counter=counter,
            proof=pushing.sender.proof,
            document=client.document,
        )
    )
    match placed.outcome:
        case Outcome.THERE:
            return pushed.REQUEST_URI + format_credential(Prefix.PUSHED_REQUEST, credential)
        case Outcome.TOO_MANY:
            raise _too_many((placed.counted_since or now) + server.push_limits.window, now)
        case Outcome.REPLAYED:
            raise OAuthError(ErrorCode.INVALID_DPOP_PROOF, "the DPoP proof was used before; make a new one")
        case Outcome.APPLICATION_CHANGED:
            return None


def _counter(server: Server, address: str, now: datetime) -> Counter | None:
    """PAR-1: return under which key a push counts; an address that is not known (a unix socket) has no limit."""
    network = network_of(address)
    if not network:
        return None
    key = server.key_for("push-limits")
    limits = server.push_limits
    return Counter(keyed(key, b"push/address/", network.encode("ascii")), limits.pushes, now - limits.window)


def _too_many(until: datetime, now: datetime) -> OAuthError:
    seconds = seconds_until(until, now)
    return OAuthError(
        ErrorCode.TOO_MANY_FAILURES,
        f"too many requests were pushed from this address; nothing is taken for {seconds} seconds",
        retry_after=seconds,
    )
