"""Settle: an order is paid for and carried out in one statement, or lost with nothing written (AC-7)."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from functools import partial

from app.crypto.secrets import new_id, random_bytes
from app.pipeline.audit import Actor, entry
from app.pipeline.encryption import encrypted, require_key
from app.pipeline.server import Server
from app.protocol.errors import (
    CountFailedRedemption,
    Flow,
    NotePoll,
    OAuthError,
    RevokeFamily,
    SlowDown,
)
from app.protocol.events import Event
from app.protocol.facts import ClientFact, MachineOrigin, Origin
from app.protocol.liveness import narrowed
from app.protocol.outcomes import (
    DelegatedIssuance,
    Issuance,
    MachineIssuance,
    RedeemBackchannel,
    RedeemCode,
    RedeemDevice,
    Refresh,
)
from app.protocol.polling import SLOWER_BY
from app.protocol.sender import Proof
from app.protocol.tokens.mint import (
    DelegatedMinted,
    Fresh,
    MachineMinted,
    Minted,
    Signing,
    mint,
    mint_delegated,
    mint_for_machine,
)
from app.store.hot_delegated import DelegatedSettlement
from app.store.hot_polled import PolledGrants
from app.store.orders import CodeSettlement, MachineSettlement, NewToken, RefreshSettlement, Settled

FAILED_REDEMPTIONS = 20
"""Wrong verifiers or redirect URIs after which a code is spent (AC-8).

A verifier cannot be guessed in any number of tries; the limit ends a nuisance. So it is generous: nineteen rivals who
hold a stolen code and arrive first must not cost its owner the login.
"""


_ID_TOKEN = "the ID token"
_ALARMS = {"code_replayed": Event.CODE_REPLAYED, "refresh_token_reused": Event.FAMILY_REVOKED}


AnyMinted = Minted | MachineMinted | DelegatedMinted


async def mint_tokens(
    server: Server, client: ClientFact, issuance: Issuance | MachineIssuance | DelegatedIssuance, now: datetime
) -> AnyMinted:
    """Mint with fresh identifiers and secrets; raises OAuthError for an ID token that cannot be made."""
    signing = Signing(server.issuer, now, partial(server.keyring.sign, now))
    if isinstance(issuance, MachineIssuance):
        return mint_for_machine(issuance, new_id(now), random_bytes(), signing)
    if isinstance(issuance, DelegatedIssuance):
        return mint_delegated(issuance, new_id(now), random_bytes(), signing)
    fresh = Fresh(
        access_id=new_id(now), access_secret=random_bytes(), family_id=new_id(now), refresh_secret=random_bytes()
    )
    if issuance.id_token is None:
        return mint(issuance, server.keys, fresh, signing)
    require_key(server, client.policy, issuance.id_token.alg, _ID_TOKEN)
    minted = mint(issuance, server.keys, fresh, signing)
    if minted.id_token is None or issuance.id_token.encryption is None:
        return minted
    sealed = await encrypted(server, client, minted.id_token, *issuance.id_token.encryption, _ID_TOKEN)
    return replace(minted, id_token=sealed)


async def settle(
    server: Server,
    client: ClientFact,
    minted: AnyMinted,
    now: datetime,
    actor: Actor,
    proof: Proof | None = None,
) -> Settled:
    """Consume what pays for the order, note the proof, and write the tokens.

    Not paid when somebody else was first, or when the client is no longer what was decided on.
    """
    if isinstance(minted, MachineMinted):
        return _noted(server, client, now, await _settle_machine(server, client, minted, now, actor, proof))
    if isinstance(minted, DelegatedMinted):
        return _noted(server, client, now, await _settle_delegated(server, client, minted, now, actor, proof))
    issuance = minted.issuance
    token = NewToken(
        id=minted.access_id,
        digest=minted.access_digest,
        origin=issuance.origin,
        family_id=minted.family_id,
        issued_at=now,
        expires_at=issuance.access_expires_at,
        binding=issuance.binding,
    )
    match issuance.payment:
        case RedeemCode() as code:
            event, pay = _paid_with(server, code)
            return await pay(
                CodeSettlement(
                    grant_id=code.grant_id,
                    application_version=client.version,
                    now=now,
                    family_id=minted.family_id,
                    family_digest=minted.refresh_digest,
                    key_version=minted.key_version,
                    idle_expires_at=code.idle_expires_at or code.family_expires_at,
                    family_expires_at=code.family_expires_at,
                    authentication=code.authentication,
                    nonce=code.nonce,
                    family_origin=narrowed(
                        issuance.origin, issuance.family_scopes, issuance.family_resources, issuance.family_details
                    ),
                    family_binding=issuance.family_binding,
                    token=token,
                    proof=proof,
                    audit=entry(actor, event, now, issuance.origin, _told(issuance.origin)),
                )
            )
        case Refresh() as refresh:
            return await server.database.hot.settle_refresh(
                RefreshSettlement(
                    mode=refresh.mode,
                    application_version=client.version,
                    family_id=refresh.family.id,
                    presented_generation=refresh.presented_generation,
                    now=now,
                    next_digest=minted.refresh_digest,
                    key_version=minted.key_version,
                    idle_expires_at=refresh.idle_expires_at,
                    grace=server.policy.lifetimes.refresh_grace,
                    touch=refresh.touch,
                    family_binding=issuance.family_binding,
                    token=token,
                    proof=proof,
                    audit=entry(
                        actor,
                        Event.TOKEN_REFRESHED,
                        now,
                        issuance.origin,
                        {"mode": refresh.mode, "generation": refresh.presented_generation},
                    ),
                )
            )


def _noted(server: Server, client: ClientFact, now: datetime, settled: Settled) -> Settled:
    """Note that an application which introduced itself is used, where no record says so (DR-13)."""
    if settled and client.self_registered:
        server.last_uses.application(client.id, now)
    return settled


def _paid_with(server: Server, payment: RedeemCode) -> tuple[Event, Callable[[CodeSettlement], Awaitable[Settled]]]:
    """Return what it is called when such a grant is exchanged, and who does it."""
    match payment:
        case RedeemDevice():
            return Event.DEVICE_CODE_EXCHANGED, server.database.devices.settle
        case RedeemBackchannel():
            return Event.BACKCHANNEL_REQUEST_EXCHANGED, server.database.backchannel.settle
        case _:
            return Event.CODE_EXCHANGED, server.database.hot.settle_code


async def _settle_machine(
    server: Server,
    client: ClientFact,
    minted: MachineMinted,
    now: datetime,
    actor: Actor,
    proof: Proof | None,
) -> Settled:
    origin = minted.issuance.origin
    audit = entry(actor, Event.TOKEN_ISSUED, now, origin, _told(origin), subject_id=str(minted.access_id))
    if minted.access_digest is None and proof is None and server.issued.add(audit):
        return Settled(True)  # nothing is consumed and nothing kept: the application was active a moment ago
    return await server.database.hot.settle_machine_token(
        MachineSettlement(
            id=minted.access_id,
            digest=minted.access_digest,
            origin=origin,
            application_version=client.version,
            now=now,
            expires_at=minted.issuance.access_expires_at,
            audit=audit,
            binding=minted.issuance.binding,
            proof=proof,
        )
    )


async def _settle_delegated(
    server: Server,
    client: ClientFact,
    minted: DelegatedMinted,
    now: datetime,
    actor: Actor,
    proof: Proof | None,
) -> Settled:
    issuance = minted.issuance
    told = {**_told(issuance.origin), **issuance.told}
    return await server.database.delegated.settle(
        DelegatedSettlement(
            id=minted.access_id,
            digest=minted.access_digest,
            origin=issuance.origin,
            application_version=client.version,
            now=now,
            expires_at=issuance.access_expires_at,
            audit=entry(actor, Event.TOKEN_ISSUED, now, issuance.origin, told, subject_id=str(minted.access_id)),
            family_id=issuance.family_id,
            actor=issuance.actor,
            use=issuance.use,
            binding=issuance.binding,
            proof=proof,
        )
    )


def _told(origin: Origin | MachineOrigin) -> dict[str, tuple[str, ...]]:
    """Return what the audit trail says of what a token is good for; of its details the types alone."""
    told = {"scopes": origin.scopes, **({"resources": origin.resources} if origin.resources else {})}
    if isinstance(origin, Origin) and origin.details:
        told["detail_types"] = tuple(dict.fromkeys(detail.type for detail in origin.details))
    return told


def _polled(server: Server, flow: Flow) -> PolledGrants:
    """Return the grants that clients ask for in a flow until somebody has decided."""
    return server.database.devices if flow == "device" else server.database.backchannel


async def carry_out_aftermath(
    server: Server, refused: OAuthError, client: ClientFact | None, now: datetime, actor: Actor
) -> bool:
    """Do what a refusal causes, in a transaction of its own. False: it does not hold any more, gather again."""
    match refused.aftermath:
        case RevokeFamily(family_id, reason):
            await server.database.hot.revoke_family(
                family_id,
                client.id if client else None,
                now,
                reason,
                entry(actor, _ALARMS[reason], now, None, {"reason": reason}, subject_id=str(family_id)),
            )
        case CountFailedRedemption(grant_id):
            await server.database.hot.count_failed_redemption(grant_id, FAILED_REDEMPTIONS, now)
        case NotePoll(flow, grant_id, asked_last):
            return await _polled(server, flow).note_poll(grant_id, now, asked_last)
        case SlowDown(flow, grant_id):
            await _polled(server, flow).slow_down(grant_id, now, SLOWER_BY)
        case None:
            pass
    return True
