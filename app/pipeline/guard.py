"""The bearer guard of the server's own API (RFC 6750): who calls, with which scopes, or the proper challenge."""

from dataclasses import dataclass

from app.pipeline.http import Headers, Request, Response, error_response, json_response
from app.pipeline.server import Server
from app.protocol import introspection, scopes
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import TokenFact
from app.protocol.token_format import Prefix, parse_credential


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a valid access token speaks for, with the scopes that are still in force."""

    token: TokenFact
    scopes: tuple[str, ...]


class Challenged(OAuthError):
    """A refusal that carries a `WWW-Authenticate: Bearer` challenge. `bare` when no credentials were sent (BR-3)."""

    def __init__(self, code: ErrorCode, description: str, *, bare: bool = False, scope: str = "") -> None:
        super().__init__(code, description)
        self.bare = bare
        self.scope = scope


async def identify(server: Server, request: Request) -> Caller | None:
    """Return the caller of a valid token, None when no credentials were sent; raises `Challenged` for a bad token."""
    authorization = request.header(b"authorization")
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Challenged(ErrorCode.INVALID_REQUEST, "send the access token as Authorization: Bearer <token>")
    credential = parse_credential(Prefix.ACCESS_TOKEN, token.strip())
    if credential is None:
        raise Challenged(ErrorCode.INVALID_TOKEN, "the access token is not one of this server, or was mistyped")
    _, fact = await server.database.hot.gather_token(None, credential.id)
    in_force = introspection.alive(credential, fact, now=server.clock())
    if fact is None or in_force is None:
        raise Challenged(ErrorCode.INVALID_TOKEN, "the access token has expired or was revoked")
    return Caller(fact, in_force)


async def require(server: Server, request: Request, *needed: str) -> Caller:
    """Return the caller, who must hold every scope that is named; raises `Challenged` with 401 or 403."""
    caller = await identify(server, request)
    if caller is None:
        raise Challenged(ErrorCode.INVALID_TOKEN, "an access token is needed", bare=True)
    if any(scope not in caller.scopes for scope in needed):
        raise Challenged(
            ErrorCode.INSUFFICIENT_SCOPE,
            f"this needs the scope {scopes.render(needed)}",
            scope=scopes.render(needed),
        )
    return caller


def challenge_response(error: OAuthError, *, realm: str) -> Response:
    """Return the answer of RFC 6750 §3: a challenge without an error when nothing was sent, else error and scope."""
    if not isinstance(error, Challenged):
        return error_response(error, realm=realm)
    attributes = [f'realm="{realm}"']
    if not error.bare:
        attributes.append(f'error="{error.code.wire}"')
        attributes.append(f'error_description="{error.description}"')
    if error.scope:
        attributes.append(f'scope="{error.scope}"')
    headers: Headers = ((b"www-authenticate", f"Bearer {', '.join(attributes)}".encode("latin-1")),)
    content: dict[str, str] = {"error": error.code.wire, "error_description": error.description}
    return json_response(content, status=error.code.status, headers=headers)
