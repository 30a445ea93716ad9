"""/oauth/register: applications that register themselves (RFC 7591, OpenID Connect Dynamic Client Registration).

/oauth/register/{client_id}: they read, replace and delete their registration (RFC 7592).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.pipeline import look_alikes, software_statements
from app.pipeline.http import NO_STORE, Cors, Refused, Request, Response, error_response, json_response
from app.pipeline.server import Server
from app.protocol import authorization_header
from app.protocol import registration as rules
from app.protocol.authorization_header import Challenged
from app.protocol.client_metadata import ClientMetadata
from app.protocol.errors import ErrorCode, OAuthError, seconds_until
from app.protocol.registration import PERMITTED_BY, STATEMENT, Issued, Terms, WrongMediaType
from app.protocol.sender import UNBOUND
from app.protocol.token_format import Credential, Prefix, format_credential, parse_credential
from app.routers import registration_schemas
from app.services import limits, registrations, sector_lists
from app.services.occasion import Occasion
from app.services.registrations import NotPermitted, Registered, Wish
from app.store.registrations import StoredPermission

_HEADERS = "Authorization, Content-Type, MCP-Protocol-Version"
CORS = Cors("POST, OPTIONS", request_headers=_HEADERS, exposed="WWW-Authenticate")
MANAGEMENT_CORS = Cors("GET, PUT, DELETE, OPTIONS", request_headers=_HEADERS, exposed="WWW-Authenticate")
"""Applications in browsers register as well (Registration §3, B10)."""

_NEEDED = {
    Prefix.INITIAL_ACCESS: "an initial access token is needed; the operator of this server gives them out",
    Prefix.REGISTRATION: "the registration access token of this client is needed",
}

OPERATION: dict[str, Any] = registration_schemas.OPERATION
MANAGEMENT_OPERATIONS: dict[str, dict[str, Any]] = registration_schemas.MANAGEMENT_OPERATIONS


async def register(server: Server, request: Request) -> Response:
    """admit → parse → judge → settle → respond (DR-1 to DR-15)."""
    occasion = Occasion(server.clock(), request.request_id, request.address)
    permission = await _permission(server, request, occasion)
    sent = rules.read(request.body, request.header(b"content-type"))
    await _count(server, request, occasion)
    wish = await _judge(server, sent, trusted=permission is not None)
    made, token = await registrations.register(
        server.database, wish, occasion, permission=permission, vault=server.vault
    )
    request.names_client(made.application.client_id)
    return json_response(_told(server, made, token), status=201)


async def manage(server: Server, request: Request) -> Response:
    """authenticate → (judge → settle) → respond (DM-2 to DM-6); what is not the caller's does not exist, for anybody
    (DM-3)."""
    client_id = request.path.rpartition("/")[2]
    request.names_client(client_id)
    credential = _shown(request, Prefix.REGISTRATION)
    if credential is None or not (client_id.isascii() and client_id.isprintable()):
        raise registrations.not_managed()
    occasion = Occasion(server.clock(), request.request_id, request.address)
    if request.method == "DELETE":
        await registrations.remove(server.database, client_id, credential, occasion)
        return Response(204, b"", (NO_STORE,))
    own = await registrations.find(server.database, client_id, credential)
    found = Registered(own)
    if request.method == "PUT":
        sent = rules.read(request.body, request.header(b"content-type"))
        rules.check_replacement(sent, client_id, own.secret_digests)
        await _count(server, request, occasion)
        wish = await _judge(server, sent, trusted=PERMITTED_BY in own.description.registration, client_id=client_id)
        found = await registrations.replace_registration(
            server.database, client_id, credential, wish, occasion, vault=server.vault
        )
    return json_response(_told(server, found, format_credential(Prefix.REGISTRATION, credential)))


def refusal(error: OAuthError, around: Refused) -> Response:
    """Return a refusal in JSON (DR-12); one of the token with its challenge (DR-2, DM-3, RFC 6750 §3)."""
    if isinstance(error, WrongMediaType):
        return error_response(error, replace(around, status=415))
    if isinstance(error, NotPermitted):
        return error_response(error, replace(around, status=403))
    if not isinstance(error, Challenged):
        return error_response(error, around)
    return json_response(
        {"error": error.code.wire, "error_description": error.description},
        status=around.status,
        headers=((b"www-authenticate", error.challenge_for(around.issuer).encode("latin-1")),),
    )


async def _permission(server: Server, request: Request, occasion: Occasion) -> StoredPermission | None:
    """DR-2: return the initial access token, None where everybody may register and none was sent."""
    if b"authorization" not in request.headers and not server.registration.by_token:
        return None
    return await registrations.permission_of(server.database, _shown(request, Prefix.INITIAL_ACCESS), occasion)


def _shown(request: Request, prefix: Prefix) -> Credential | None:
    """Return the token of the Authorization header, None for what is none of this kind; raises `Challenged`."""
    header = request.header(b"authorization")
    if header is None:
        raise Challenged(ErrorCode.INVALID_TOKEN, _NEEDED[prefix], bare=True)
    shown = authorization_header.read(header)
    authorization_header.check_scheme(shown, UNBOUND)
    return parse_credential(prefix, shown.text)


async def _count(server: Server, request: Request, occasion: Occasion) -> None:
    """DR-2, DR-13: so many registrations of one address and no more, whatever comes of them. To replace one is to make
    one: the trail keeps what each of them said."""
    waits_until = await limits.admit_registration(
        *(server.database, server.key_for("application-registrations"), request.address, occasion.now),
        server.registration_limits,
    )
    if waits_until is not None:
        raise OAuthError(
            ErrorCode.TOO_MANY_FAILURES,
            "too many applications were registered or changed from this address; try again later",
            retry_after=seconds_until(waits_until, occasion.now),
        )


async def _judge(server: Server, sent: Mapping[str, Any], *, trusted: bool, client_id: str = "") -> Wish:
    """Return what may become of a registration; `client_id` is that of an application that is there already."""
    statement = sent.get(STATEMENT)
    if statement is None and server.registration.needs_statement:
        raise OAuthError(
            ErrorCode.INVALID_SOFTWARE_STATEMENT,
            "software_statement is missing; this server registers what an issuer that it knows vouches for",
        )
    if statement is not None:
        sent = {**sent, **await software_statements.said(server, statement)}
    terms = Terms(server.registration, server.scopes, server.features, server.keyring.plan.algorithms, trusted)
    metadata = rules.judge(sent, terms)
    await _refuse_imitations(server, metadata, client_id)
    listed = await sector_lists.fetch(server.outbound, metadata.sector_identifier_uri, for_visitors=True)
    return Wish(metadata, statement, listed)


async def _refuse_imitations(server: Server, metadata: ClientMetadata, client_id: str) -> None:
    """DR-13: nobody registers under a name that people could take for one that somebody here answers for."""
    if server.registration.imitations != "refuse":
        return
    spoken = (text for member, text in metadata.localized.items() if member.startswith("client_name#"))
    if await look_alikes.imitated(server, metadata.client_name, *spoken, besides=client_id) is not None:
        raise OAuthError(
            ErrorCode.INVALID_CLIENT_METADATA,
            "client_name looks like the name of an application that people know here; choose another one",
        )


def _told(server: Server, found: Registered, token: str) -> dict[str, Any]:
    """Return the answer of DR-3, the same for all that have a body."""
    application = found.application
    issued = Issued(
        application.client_id,
        int(application.created_at.timestamp()),
        f"{server.issuer}{rules.PATH}/{application.client_id}",
        token,
        found.client_secret,
    )
    description = application.description
    return rules.answer(
        description.registration,
        issued,
        name=description.name,
        native=description.kind == "native",
        openid=server.id_tokens is not None,
    )
