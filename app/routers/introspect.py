"""POST /oauth/introspect (RFC 7662): what a resource server may know about a token. One round trip, no write.

A personal token or key that a resource server was sent is in use: that is noted for its owner, in memory.
"""

from app.crypto.hashing import digest
from app.pipeline import legacy
from app.pipeline.client import authenticate
from app.pipeline.http import Request, Response, json_response
from app.pipeline.server import Server
from app.protocol import client_auth, introspection
from app.protocol.client_auth import Presented
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.token_format import Prefix, parse_credential


async def introspect(server: Server, request: Request) -> Response:
    """parse → gather (caller and token in one trip) → authenticate → describe → respond.

    The prefix tells the kind, so `token_type_hint` is not needed and never misleads (IN-1).
    """
    params = request.form()
    token = params.get("token")
    if token is None:
        raise OAuthError(ErrorCode.INVALID_REQUEST, "token is missing")
    presented = client_auth.identify(request.header(b"authorization"), params)
    request.names_client(presented.client_id)
    return await _introspect(server, presented, token)


async def _introspect(server: Server, presented: Presented, token: str) -> Response:
    """The prefix tells the kind; a string of an imported system gets one first."""
    now = server.clock()
    hot = server.database.hot
    if (access := parse_credential(Prefix.ACCESS_TOKEN, token)) is not None:
        row, fact = await hot.gather_token(presented.client_id, access.id)
        introspection.check_caller(await authenticate(server, presented, row))
        return json_response(introspection.describe(access, fact, issuer=server.issuer, now=now))
    if (refresh := parse_credential(Prefix.REFRESH_TOKEN, token)) is not None:
        row, family = await hot.gather_family(presented.client_id, refresh.id)
        caller = await authenticate(server, presented, row)
        introspection.check_caller(caller)
        return json_response(
            introspection.describe_refresh(caller, refresh, family, keys=server.keys, issuer=server.issuer, now=now)
        )
    if (personal := parse_credential(Prefix.PERSONAL_TOKEN, token)) is not None:
        row, own = await hot.gather_personal_token(presented.client_id, personal.id)
        introspection.check_caller(await authenticate(server, presented, row))
        answer = introspection.describe_personal(personal, own, roles=server.roles, issuer=server.issuer, now=now)
        if answer["active"]:
            server.last_uses.personal_token(personal.id, now)
        return json_response(answer)
    if (key := parse_credential(Prefix.API_KEY, token)) is not None:
        row, machine = await hot.gather_key(presented.client_id, key.id)
        introspection.check_caller(await authenticate(server, presented, row))
        answer = introspection.describe_key(key, machine, issuer=server.issuer)
        if answer["active"]:
            server.last_uses.api_key(key.id, digest(key.secret), now)
        return json_response(answer)
    if (imported := parse_credential(Prefix.LEGACY_TOKEN, token)) is not None:
        row, old, _ = await hot.gather_legacy_token(presented.client_id, imported.id)
        introspection.check_caller(await authenticate(server, presented, row))
        return json_response(introspection.describe(imported, old, issuer=server.issuer, now=now))
    if (known := await legacy.canonical(server, token)) != token:
        return await _introspect(server, presented, known)
    introspection.check_caller(await authenticate(server, presented, await hot.gather_client(presented.client_id)))
    return json_response(introspection.INACTIVE)
