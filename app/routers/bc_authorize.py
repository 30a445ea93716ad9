"""POST /oauth/bc-authorize (OpenID Connect CIBA Core §7): a client asks for a person who is elsewhere."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from app.pipeline import backchannel, grants, meant, request_objects
from app.pipeline.backchannel import Asking
from app.pipeline.client import authenticate, identify
from app.pipeline.http import FORM, Request, Response, json_response
from app.pipeline.meant import Meant
from app.pipeline.request_objects import Opened
from app.pipeline.sender import sender_of
from app.pipeline.server import Server
from app.pipeline.traced import traced
from app.protocol import grant_management
from app.protocol.authorize import backchannel as rules
from app.protocol.authorize import checklist
from app.protocol.authorize.backchannel import Asked
from app.protocol.authorize.subject import Subject
from app.protocol.authorize.wanted import Wanted
from app.protocol.errors import ErrorCode, OAuthError, seconds_until
from app.protocol.facts import ClientFact
from app.protocol.grant_types import ciba
from app.protocol.params import Parameters
from app.routers.error_answers import error_answers
from app.services import limits
from app.services.limits import Counted

_TEXTS = {
    "scope": "What the token is to carry; `openid` is part of it.",
    "login_hint": "Who is meant: a username, an email address, or the `sub` that the application knows.",
    "id_token_hint": "Who is meant: an ID token that the application got here.",
    "login_hint_token": "Who is meant: a JWT of an issuer that this server trusts for the application.",
    "binding_message": "What the person sees on both devices.",
    "client_notification_token": "What this server proves itself with when it pings.",
    "acr_values": "The preferred classes of sign-in.",
    "requested_expiry": "Seconds that the client will wait.",
    "authorization_details": "Permissions that say more than a scope (RFC 9396).",
    "grant_management_action": "What becomes of a grant of its own (Grant Management).",
    "grant_id": "The grant that it goes into.",
    "request": "All of it as a signed JWT (CIBA §7.1.1).",
}

OPERATION: dict[str, Any] = {
    "tags": ["protocol"],
    "operationId": "ask_person_elsewhere",
    "summary": "Ask a person who is elsewhere",
    "description": "OpenID Connect CIBA Core. Exactly one hint says who is meant; he decides on a page of this server. "
    "Poll the token endpoint with the `auth_req_id` of the answer and "
    f"`grant_type={ciba.NAME}`, or wait for the ping. Client authentication as registered.",
    "security": [{"client": []}, {}],
    "requestBody": {
        "required": True,
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "properties": {
                        **{name: {"type": "string", "description": text} for name, text in _TEXTS.items()},
                        "resource": {
                            "type": "array",
                            "items": {"type": "string"},
                            "description": "The APIs that it is for (RFC 8707).",
                        },
                    },
                }
            }
        },
    },
    "responses": {
        "200": {
            "description": "The person is asked, if there is one.",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["auth_req_id", "expires_in"],
                        "properties": {
                            "auth_req_id": {"type": "string"},
                            "expires_in": {"type": "integer", "description": "Seconds."},
                            "interval": {"type": "integer", "description": "Seconds between two polls."},
                        },
                    },
                    "example": {"auth_req_id": "asbr_…", "expires_in": 300, "interval": 5},
                }
            },
        },
        **error_answers(
            status_400=(
                "`invalid_request`; `unauthorized_client`; `invalid_scope`; `invalid_target`; "
                "`invalid_authorization_details`; `invalid_grant_id`; `expired_login_hint_token`; "
                "`unknown_user_id`; `invalid_binding_message`"
            ),
            status_401="`invalid_client`",
            status_403="`access_denied`: the application has asked this person too often",
            status_503="`temporarily_unavailable`",
        ),
    },
}
"""Its entry in the OpenAPI document."""

ATTEMPTS = 3
"""An application that has changed since it was read is read again; more changes mean trouble."""


async def bc_authorize(server: Server, request: Request) -> Response:
    """parse → gather → authenticate → decide → settle → respond (CB-1).

    A client assertion may name this endpoint, the token endpoint or the issuer, as everywhere (CB-2).
    """
    params = request.form()
    presented = await identify(server, request, params)
    now = server.clock()
    sender = await sender_of(server, request)
    opened: Opened | None = None
    whom: Meant | None = None
    counted: Counted | None = None
    for _ in range(ATTEMPTS):
        row = await server.database.hot.find_client(presented.client_id)
        client = await authenticate(server, presented, row)
        opened, wanted, asked, whom = await _judge(server, request, client, params, (opened, whom), now)
        counted = counted or await _admit(server, client, whom, now)
        person = whom.person if counted.reaches else None
        asking = Asking(client, sender, request.address, request.request_id, person, counted.under)
        auth_req_id = await backchannel.begin(server, asking, wanted, asked, now)
        if auth_req_id is not None:
            return _respond(server, auth_req_id, asked)
        sender, presented = replace(sender, proof=None), replace(presented, noted=True)  # both are noted by now
    raise OAuthError(ErrorCode.TEMPORARILY_UNAVAILABLE, "the application is being changed; try again")


async def _judge(
    server: Server,
    request: Request,
    client: ClientFact,
    params: Parameters,
    before: tuple[Opened | None, Meant | None],
    now: datetime,
) -> tuple[Opened, Wanted, Asked, Meant]:
    """Judge what is asked, find whom it means, and leave a trace. A request object and a hint are read once, for they
    may count once (CB-4): `before` is what they said. A grant that is named has to be one of the client's (CB-12)."""
    opened, whom = before
    with traced(*(server, request, client), at="ciba", outcome="backchannel request", section="CIBA §13") as trace:
        rules.admit(client, trace)
        if opened is None:
            opened = await _open(server, client, params, now)
        subject = _subject(server, client, opened)
        wanted = checklist.run_at("ciba", subject, trace)
        asked = rules.read(subject, server.policy, trace)
        await grants.require_known(server, wanted.target, client)
        return opened, wanted, asked, await meant.person_of(server, client, asked.hint, now, whom)


async def _open(server: Server, client: ClientFact, params: Parameters, now: datetime) -> Opened:
    """Open the request object; CIBA §13 has no code of its own for one that is refused (CB-6)."""
    try:
        return await request_objects.opened(server, client, params, now, at="ciba")
    except OAuthError as refused:
        if refused.code is not ErrorCode.INVALID_REQUEST_OBJECT:
            raise
        raise OAuthError(ErrorCode.INVALID_REQUEST, refused.description) from refused


def _subject(server: Server, client: ClientFact, opened: Opened) -> Subject:
    return Subject(
        client=client,
        policy=server.policy_for(client),
        registry=server.scopes,
        # CIBA has no parameter claims, and what is not known is passed over (G4).
        params=grant_management.understood(opened.params, server.features).without("claims"),
        resources=server.resources.current,
        detail_types=server.details,
        signed=opened.signed,
    )


async def _admit(server: Server, client: ClientFact, whom: Meant, now: datetime) -> Counted:
    """CB-11: nobody is bombed with questions; raises `access_denied` for an application that asks somebody too often,
    whether there is such a person or not."""
    person = whom.person
    counted = await limits.admit_asking(
        server.database,
        limits.asking_keys(
            server.key_for("asking-limits"),
            application_id=client.id,
            name=whom.name,
            person_id=None if person is None else person.id,
            connected=person is not None and person.connected,
        ),
        now,
        server.asking_limits,
    )
    if isinstance(counted, datetime):
        raise OAuthError(
            ErrorCode.BACKCHANNEL_ACCESS_DENIED,
            "this person was asked too often without approving; ask again later",
            retry_after=seconds_until(counted, now),
        )
    return counted


def _respond(server: Server, auth_req_id: str, asked: Asked) -> Response:
    """CB-5, CIBA §7.3."""
    return json_response(
        {
            "auth_req_id": auth_req_id,
            "expires_in": int(asked.lifetime.total_seconds()),
            "interval": int(server.policy.device_interval.total_seconds()),
        }
    )
