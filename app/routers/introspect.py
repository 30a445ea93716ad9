"""POST /oauth/introspect (RFC 7662): what a resource server may know about a token. One round trip, no write."""

from app.pipeline.http import Request, Response, json_response
from app.pipeline.server import Server
from app.protocol import client_auth, introspection
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
    now = server.clock()
    hot = server.database.hot
    if (access := parse_credential(Prefix.ACCESS_TOKEN, token)) is not None:
        row, fact = await hot.gather_token(presented.client_id, access.id)
        introspection.check_caller(client_auth.authenticate(presented, row))
        return json_response(introspection.describe(access, fact, issuer=server.issuer, now=now))
    if (refresh := parse_credential(Prefix.REFRESH_TOKEN, token)) is not None:
        row, family = await hot.gather_family(presented.client_id, refresh.id)
        caller = client_auth.authenticate(presented, row)
        introspection.check_caller(caller)
        return json_response(
            introspection.describe_refresh(caller, refresh, family, keys=server.keys, issuer=server.issuer, now=now)
        )
    introspection.check_caller(client_auth.authenticate(presented, await hot.gather_client(presented.client_id)))
    return json_response(introspection.INACTIVE)
