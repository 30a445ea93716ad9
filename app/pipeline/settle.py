"""Settle: an order is paid for and carried out in one statement, or lost with nothing written."""

from dataclasses import replace
from datetime import datetime

from app.crypto.secrets import new_id, random_bytes
from app.pipeline.audit import Actor, entry
from app.pipeline.server import Server
from app.protocol.errors import CountFailedRedemption, OAuthError, RevokeFamily
from app.protocol.events import Event
from app.protocol.facts import ClientFact
from app.protocol.outcomes import Issuance, MachineIssuance, RedeemCode, Refresh
from app.protocol.tokens.mint import Fresh, MachineMinted, Minted, mint, mint_for_machine
from app.store.orders import CodeSettlement, MachineSettlement, NewToken, RefreshSettlement

FAILED_REDEMPTIONS = 20
"""Wrong verifiers or redirect URIs after which a code is spent (AC-8).

A verifier cannot be guessed in any number of tries; the limit ends a nuisance. So it is generous: nineteen rivals who
hold a stolen code and arrive first must not cost its owner the login.
"""


_ALARMS = {"code_replayed": Event.CODE_REPLAYED, "refresh_token_reused": Event.FAMILY_REVOKED}


def mint_tokens(server: Server, issuance: Issuance | MachineIssuance, now: datetime) -> Minted | MachineMinted:
    """Mint with fresh identifiers and secrets."""
    if isinstance(issuance, MachineIssuance):
        return mint_for_machine(issuance, new_id(now), random_bytes())
    fresh = Fresh(
        access_id=new_id(now), access_secret=random_bytes(), family_id=new_id(now), refresh_secret=random_bytes()
    )
    return mint(issuance, server.keys, fresh)


async def settle(
    server: Server, client: ClientFact, minted: Minted | MachineMinted, now: datetime, actor: Actor
) -> bool:
    """Consume what pays for the order and write the tokens.

    False when somebody else was first, or when the client is no longer what was decided on.
    """
    if isinstance(minted, MachineMinted):
        return await _settle_machine(server, client, minted, now, actor)
    issuance = minted.issuance
    token = NewToken(
        id=minted.access_id,
        digest=minted.access_digest,
        origin=issuance.origin,
        family_id=minted.family_id,
        issued_at=now,
        expires_at=issuance.access_expires_at,
    )
    match issuance.payment:
        case RedeemCode() as code:
            return await server.database.hot.settle_code(
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
                    family_origin=replace(issuance.origin, scopes=issuance.family_scopes),
                    token=token,
                    audit=entry(actor, Event.CODE_EXCHANGED, now, issuance.origin, {"scopes": issuance.origin.scopes}),
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
                    token=token,
                    audit=entry(
                        actor,
                        Event.TOKEN_REFRESHED,
                        now,
                        issuance.origin,
                        {"mode": refresh.mode, "generation": refresh.presented_generation},
                    ),
                )
            )


async def _settle_machine(
    server: Server, client: ClientFact, minted: MachineMinted, now: datetime, actor: Actor
) -> bool:
    origin = minted.issuance.origin
    audit = entry(actor, Event.TOKEN_ISSUED, now, origin, {"scopes": origin.scopes}, subject_id=str(minted.access_id))
    return await server.database.hot.settle_machine_token(
        MachineSettlement(
            id=minted.access_id,
            digest=minted.access_digest,
            origin=origin,
            application_version=client.version,
            now=now,
            expires_at=minted.issuance.access_expires_at,
            audit=audit,
        )
    )


async def carry_out_aftermath(
    server: Server, refused: OAuthError, client: ClientFact | None, now: datetime, actor: Actor
) -> None:
    """Do what a refusal causes, in a transaction of its own."""
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
        case None:
            return
