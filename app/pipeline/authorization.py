"""What the authorization endpoint and its pages share: gather, settle, and the references that pages carry."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from app.crypto.hashing import digest, matches
from app.crypto.secrets import new_id, random_bytes
from app.pipeline import client_documents, front_channel, grants, request_objects, signed_answers
from app.pipeline.audit import Actor, entry
from app.pipeline.request_objects import Opened
from app.pipeline.server import Server
from app.pipeline.subjects import subject_for
from app.protocol import details, dpop
from app.protocol.authorize.answer import ClientAnswer
from app.protocol.authorize.decide import Grantable, Known
from app.protocol.authorize.request import PARAMETERS, prompts_of, understood
from app.protocol.authorize.waiting import InteractionFact
from app.protocol.errors import OAuthError
from app.protocol.events import Event
from app.protocol.facts import ClientFact, RecordFact, SessionFact
from app.protocol.params import Parameters
from app.protocol.scopes import OPENID
from app.protocol.token_format import Credential, Prefix, format_credential, parse_credential
from app.store.orders import AuthorizationSettlement, NewInteraction
from app.telemetry.metrics import REQUESTS

OWN_REQUEST_URI = "urn:assent:authorization-request:"
"""What a POST to the authorization endpoint becomes before only GET goes on (architecture §4.10)."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """A request that waits for a person, with everything known about it; `reference` is what its pages carry."""

    known: Known
    interaction: InteractionFact
    reference: str = field(repr=False)


def known(
    server: Server,
    now: datetime,
    params: Parameters,
    client: ClientFact | None,
    session: SessionFact | None,
    record: RecordFact | None,
    login_at: datetime | None = None,
    account_at: datetime | None = None,
) -> Known:
    """Put the pieces together. Parameters of what the server does not have are such that nobody knows."""
    params = understood(params, server.features)
    if not dpop.is_offered(server.features):
        params = params.without("dpop_jkt")
    return Known(
        now=now,
        policy=server.policy,
        registry=server.scopes,
        params=params,
        client=client,
        session=session,
        record=record,
        login_at=login_at,
        resources=server.resources.current,
        claims=server.claims,
        detail_types=server.details,
        prompts=prompts_of(server.features),
        account_at=account_at,
    )


async def gather_request(
    server: Server, params: Parameters, session: Credential | None, now: datetime, address: str
) -> Known:
    """Gather for a request that has just come in from an address: one round trip; for a client that is known by its
    document one more, unless somebody has allowed it something, and what it takes to read that."""
    client_id = params.get("client_id") or ""
    row, found, record = await server.database.hot.gather_authorize(client_id, session.id if session else None, now)
    own = own_session(found, session)
    client, unknown = await client_documents.visiting(server, client_id, row, now, address)
    if unknown is not None:
        return replace(known(server, now, params, None, own, None), refusal=unknown)
    opened, refusal = await _opened(server, client, params, now)
    found_out = known(server, now, opened.params, client, own, record if own else None)
    return replace(found_out, signed=opened.signed, refusal=refusal)


async def gather_interaction(
    server: Server, reference: str, session: Credential | None, browser: bytes | None, now: datetime
) -> Gathered | None:
    """Gather for a request that waited for a person: one round trip. None when it is over, or another browser's.

    `browser` is the digest of the browser's cookie (SE-7), or None for a reference that no browser is bound to yet.

    A login, or a choice of the account, counts for this request only if the session that it led to is the one that is
    signed in now (OC-7).
    """
    credential = parse_credential(Prefix.INTERACTION, reference)
    if credential is None:
        return None
    interaction, row, found, record = await server.database.hot.gather_interaction(
        credential.id, session.id if session else None, now
    )
    if (
        interaction is None
        or interaction.closed_at is not None
        or interaction.expires_at <= now
        or not matches(digest(credential.secret), interaction.digest)
        or not _same_browser(interaction, browser)
    ):
        return None
    client = await client_documents.waiting(server, interaction.document, interaction.client_id, row)
    own = own_session(found, session)
    acted = interaction if own and own.id == interaction.session_id else None
    login_at, account_at = (acted.login_at, acted.account_at) if acted else (None, None)
    params = Parameters.of(interaction.params)
    found_out = known(server, now, params, client, own, record if own else None, login_at, account_at)
    found_out = replace(found_out, pushed_id=interaction.pushed_id, signed=interaction.signed)
    return Gathered(found_out, interaction, reference)


async def save_interaction(
    server: Server, asked: Known, client: ClientFact, browser: bytes | None, request_id: str
) -> str:
    """Save a request that waits, and return the reference for its pages. `browser` binds it; None: not bound yet.

    Kept are the parameters that count, and not what they came in.
    """
    now = asked.now
    credential = Credential(new_id(now), random_bytes())
    await server.database.hot.save_interaction(
        NewInteraction(
            id=credential.id,
            digest=digest(credential.secret),
            application_id=client.id,
            client_id=client.client_id,
            params=asked.params.only(PARAMETERS).pairs(),
            browser_digest=browser,
            session_id=None,
            request_id=request_id,
            created_at=now,
            expires_at=now + server.policy.lifetimes.interaction,
            pushed_id=asked.pushed_id,
            signed=asked.signed,
            document=client.document,
        )
    )
    return format_credential(Prefix.INTERACTION, credential)


async def spend_reference(server: Server, interaction: InteractionFact, now: datetime) -> bool:
    """Close the request that came by POST, once; False when it was taken up before."""
    return await server.database.hot.close_interaction(interaction.id, now, None)


async def grant(
    server: Server,
    granted: Grantable,
    approved: tuple[str, ...],
    actor: Actor,
    now: datetime,
    *,
    interaction_id: UUID | None,
) -> ClientAnswer | None:
    """Merge the record and write what was asked for in one statement; return the answer, None if somebody was faster.

    Code and token copy the approved list of this request; the record merges it (AC-9, AR-4; architecture §1). Raises
    OAuthError, with nothing written, when an ID token or a signed answer cannot be made, or the grant that it goes into
    has ended meanwhile.
    """
    client, session, target = granted.client, granted.session, granted.accepted.target
    await signed_answers.require_possible(server, client, granted.path.mode)
    subject = await subject_for(server, client, session.user_id, now, granted.record)
    made = await front_channel.make(server, granted, approved, subject, now)
    settled = await server.database.hot.settle_authorization(
        AuthorizationSettlement(
            interaction_id=interaction_id,
            now=now,
            application_id=client.id,
            user_id=session.user_id,
            user_epoch=session.user_epoch,
            application_epoch=client.epoch,
            pairs=granted.accepted.pairs_of(approved),
            new_record_id=new_id(now),
            code=made.code,
            token=made.token,
            subject=subject,
            session_id=session.id if OPENID in approved else None,
            pushed_id=granted.pushed_id,
            target=target,
            introduced=client_documents.introduced(server, client, actor, now),
            details=details.kept(granted.accepted.details),
            audit=entry(
                actor,
                Event.AUTHORIZATION_GRANTED,
                now,
                None,
                {
                    "scopes": approved,
                    "asked": granted.accepted.scopes,
                    "on_page": "yes" if interaction_id else "no",
                    **grants.told(target),
                    **details.told(granted.accepted.details),
                    **({"token": str(made.token.id)} if made.token is not None else {}),
                    **({"id_token": "yes"} if made.released.id_token is not None else {}),
                },
                subject_id=client.client_id,
                user_id=session.user_id,
                application_id=client.id,
            ),
        )
    )
    if settled is None:
        await grants.require_kept(server, target, client, session.user_id)
        return None
    if made.token is not None:
        REQUESTS.front_channel_token(client.client_id)
    return granted.path.success(made.released)


async def _opened(
    server: Server, client: ClientFact | None, params: Parameters, now: datetime
) -> tuple[Opened, OAuthError | None]:
    """Open the request object of a request, if it has one. When it is refused, what stands beside it says at most where
    that is told, and asks for nothing. For an application that is not served nothing is fetched."""
    if client is None or client.unmet:
        return Opened(params), None
    try:
        return await request_objects.opened(server, client, params, now, at="authorize"), None
    except OAuthError as refused:
        return Opened(params), refused


def own_session(found: SessionFact | None, session: Credential | None) -> SessionFact | None:
    """Return the session that was found when the browser has shown all of its credential, else None."""
    if found is None or session is None or not matches(digest(session.secret), found.digest):
        return None
    return found


def _same_browser(interaction: InteractionFact, browser: bytes | None) -> bool:
    if interaction.browser_digest is None or browser is None:
        return interaction.browser_digest is browser
    return matches(interaction.browser_digest, browser)
