"""POST /oauth/token (RFC 6749 §3.2): grants and refresh tokens become access tokens."""

from dataclasses import replace
from datetime import datetime
from types import ModuleType
from typing import Any

from app.pipeline import legacy
from app.pipeline.audit import Actor
from app.pipeline.client import authenticate, identify
from app.pipeline.gather import gather
from app.pipeline.http import Request, Response, json_response
from app.pipeline.params import read_params
from app.pipeline.sender import sender_of
from app.pipeline.server import Server
from app.pipeline.settle import AnyMinted, carry_out_aftermath, mint_tokens, settle
from app.protocol import details, scopes
from app.protocol.context import TokenContext
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.grant_types import offered, require_registered
from app.protocol.legacy import may_be_legacy
from app.protocol.outcomes import RedeemCode
from app.protocol.tokens.mint import Minted

ATTEMPTS = 3
"""A lost race gathers again, and the decision then names the replay or the repeat; more losses mean trouble."""


async def token(server: Server, request: Request) -> Response:
    """parse → gather → authenticate → decide → mint → settle → respond."""
    params = request.form()
    grant = _grant_type(server, params.get("grant_type"))
    presented = await identify(server, request, params)
    if may_be_legacy(old := params.get("refresh_token") or ""):
        params = params.replaced("refresh_token", await legacy.canonical(server, old))
    asked = read_params(grant.Params, params)
    need = grant.needs(asked)
    now = server.clock()
    sender = await sender_of(server, request)
    actor = Actor("application", presented.client_id[:200], request.address, request.request_id)
    for _ in range(ATTEMPTS):
        row, fact = await gather(server, presented.client_id, need)
        client = await authenticate(server, presented, row)
        require_registered(grant.NAME, client)
        context = TokenContext(
            now=now,
            client=client,
            policy=server.policy_for(client),
            scopes=server.scopes,
            keys=server.keys,
            resources=server.resources.current,
            sender=sender,
            exchange_rules=server.exchange_rules,
            id_tokens=server.id_tokens,
            detail_types=server.details,
        )
        try:
            issuance = grant.decide(context, asked, fact)
        except OAuthError as refused:
            if await carry_out_aftermath(server, refused, client, now, actor):
                raise
            presented = replace(presented, noted=True)
            continue
        minted = await mint_tokens(server, client, issuance, now)
        settled = await settle(server, client, minted, now, actor, sender.proof)
        if settled:
            return _respond(minted, now)
        if settled.replayed:
            raise OAuthError(ErrorCode.INVALID_DPOP_PROOF, "the DPoP proof was used before; make a new one")
        sender, presented = replace(sender, proof=None), replace(presented, noted=True)  # both are noted by now
    raise OAuthError(ErrorCode.TEMPORARILY_UNAVAILABLE, "too many requests use this grant at once; try again")


def _grant_type(server: Server, name: str | None) -> ModuleType:
    """T-6: missing, unknown and switched off; whether this client may use it is judged after it is known."""
    grants = offered(server.features)
    if name is None:
        raise OAuthError(ErrorCode.INVALID_REQUEST, f"grant_type is missing; this server knows {', '.join(grants)}")
    if name not in grants:
        raise OAuthError(
            ErrorCode.UNSUPPORTED_GRANT_TYPE, f"grant_type is not supported; this server knows {', '.join(grants)}"
        )
    return grants[name]


def _respond(minted: AnyMinted, now: datetime) -> Response:
    """TR-1, TR-2, TR-3, SC-2, RF-13: what the specification names and nothing internal. GM-8, GM-9: the id of the grant
    goes to whoever asked for it, with the first tokens.

    A token that is bound to a certificate alone is of the type Bearer (DP-7, MT-6).

    RA-3, RFC 9396 §7: what details the token carries.

    TX-3: an exchange says what it issued. All of it can be used as an access token, so `token_type` is never `N_A`.
    """
    issuance = minted.issuance
    content: dict[str, Any] = {
        "access_token": minted.access_token,
        "token_type": "DPoP" if issuance.binding.jkt else "Bearer",
        "expires_in": int((issuance.access_expires_at - now).total_seconds()),
    }
    if isinstance(minted, Minted):
        if minted.refresh_token is not None:
            content["refresh_token"] = minted.refresh_token
        if minted.id_token is not None:
            content["id_token"] = minted.id_token
        if minted.issuance.origin.details:
            content[details.PARAMETER] = details.contents(minted.issuance.origin.details)
        if isinstance(minted.issuance.payment, RedeemCode) and minted.issuance.payment.tells_grant:
            content["grant_id"] = str(minted.issuance.origin.record_id)
    elif minted.issuance.issued_token_type:
        content["issued_token_type"] = minted.issuance.issued_token_type
    if issuance.origin.scopes:
        content["scope"] = scopes.render(issuance.origin.scopes)
    return json_response(content)
