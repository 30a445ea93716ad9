"""POST /oauth/revoke (RFC 7009): a client ends a token it no longer needs.

Personal tokens and API keys are no client's: for them, as for garbage, there is nothing to do.
"""

from app.pipeline import legacy
from app.pipeline.audit import Actor, entry
from app.pipeline.client import authenticate
from app.pipeline.http import NO_STORE, Request, Response
from app.pipeline.server import Server
from app.protocol import client_auth, revocation
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.events import Event
from app.protocol.facts import MachineOrigin, Origin
from app.protocol.revocation import RevokeAccessToken, RevokeTokenFamily
from app.protocol.token_format import Prefix, parse_credential

DONE = Response(200, b"", (NO_STORE,))
"""RV-3: the answer for revoked, unknown, expired and garbage alike."""


async def revoke(server: Server, request: Request) -> Response:
    """parse → gather → authenticate → decide → carry out → respond; the prefix tells the kind of the token (RV-1)."""
    params = request.form()
    token = params.get("token")
    if token is None:
        raise OAuthError(ErrorCode.INVALID_REQUEST, "token is missing")
    token = await legacy.canonical(server, token)
    presented = client_auth.identify(request.header(b"authorization"), params)
    request.names_client(presented.client_id)
    hot = server.database.hot
    order: revocation.Order = None
    origin: Origin | MachineOrigin | None = None
    if (access := parse_credential(Prefix.ACCESS_TOKEN, token)) is not None:
        row, fact = await hot.gather_token(presented.client_id, access.id, fresh=True)
        client = await authenticate(server, presented, row)
        order = revocation.revoke_access(client, access, fact)
        origin = fact.origin if fact else None
    elif (refresh := parse_credential(Prefix.REFRESH_TOKEN, token)) is not None:
        row, family = await hot.gather_family(presented.client_id, refresh.id, fresh=True)
        client = await authenticate(server, presented, row)
        order = revocation.revoke_refresh(client, refresh, family, server.keys)
        origin = family.origin if family else None
    elif (imported := parse_credential(Prefix.LEGACY_TOKEN, token)) is not None:
        row, fact, _ = await hot.gather_legacy_token(presented.client_id, imported.id)
        client = await authenticate(server, presented, row)
        order = revocation.revoke_access(client, imported, fact)
        origin = fact.origin if fact else None
    else:
        client = await authenticate(server, presented, await hot.gather_client(presented.client_id))
    now = server.clock()
    actor = Actor("application", client.client_id, request.address, request.request_id)
    match order:
        case RevokeAccessToken(token_id):
            revoked = entry(actor, Event.TOKEN_REVOKED, now, origin, {}, subject_id=str(token_id))
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
