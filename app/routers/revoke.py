"""POST /oauth/revoke (RFC 7009): a client ends a token it no longer needs.

Personal tokens and API keys are no client's, and it is told so; for garbage there is nothing to do.
"""

from app.pipeline import access_tokens, legacy
from app.pipeline.audit import Actor, entry
from app.pipeline.client import authenticate, identify
from app.pipeline.http import NO_STORE, Request, Response
from app.pipeline.server import Server
from app.protocol import revocation
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.events import Event
from app.protocol.facts import MachineOrigin, Origin
from app.protocol.revocation import RevokeAccessToken, RevokeTokenFamily
from app.protocol.token_format import Prefix, parse_credential

DONE = Response(200, b"", (NO_STORE,))
"""RV-3: the answer for revoked, unknown, expired and garbage alike; everything else is an error of RV-5."""


async def revoke(server: Server, request: Request) -> Response:
    """parse → gather → authenticate → decide → carry out → respond; the prefix tells the kind of the token (RV-1)."""
    params = request.form()
    token = params.get("token")
    if token is None:
        raise OAuthError(ErrorCode.INVALID_REQUEST, "token is missing")
    token = await legacy.canonical(server, token)
    presented = await identify(server, request, params)
    hot = server.database.hot
    order: revocation.Order = None
    origin: Origin | MachineOrigin | None = None
    found = await access_tokens.find(server, presented.client_id, token, fresh=True)
    if found is not None:
        client = await authenticate(server, presented, found.caller)
        order = revocation.revoke_access(client, found.shown, found.fact)
        origin = found.fact.origin if found.fact else None
    elif (refresh := parse_credential(Prefix.REFRESH_TOKEN, token)) is not None:
        row, family = await hot.gather_family(presented.client_id, refresh.id, fresh=True)
        client = await authenticate(server, presented, row)
        order = revocation.revoke_refresh(client, refresh, family, server.keys)
        origin = family.origin if family else None
    else:
        client = await authenticate(server, presented, await hot.gather_client(presented.client_id))
        revocation.check_kind(token)
    now = server.clock()
    actor = Actor("application", client.client_id, request.address, request.request_id)
    match order:
        case RevokeAccessToken(token_id):
            revoked = entry(actor, Event.TOKEN_REVOKED, now, origin, {}, subject_id=str(token_id))
            if found is not None and found.fact is not None and found.kept == "nowhere":
                await hot.revoke_machine_jwt(token_id, found.fact.expires_at, revoked)
            else:
                await hot.revoke_token(token_id, now, revoked, legacy=token.startswith(Prefix.LEGACY_TOKEN))
        case RevokeTokenFamily(family_id):
            await hot.revoke_family(
                family_id,
                client.id,
                now,
                "revoked_by_client",
                entry(
                    actor, Event.FAMILY_REVOKED, now, origin, {"reason": "revoked_by_client"}, subject_id=str(family_id)
                ),
            )
        case None:
            return DONE
    return DONE
