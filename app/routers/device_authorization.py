"""POST /oauth/device_authorization (RFC 8628 §3.1): a device without a browser gets a code for its person to type."""

from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

from app.pipeline import devices, grants
from app.pipeline.client import authenticate, identify
from app.pipeline.devices import Asking, Begun
from app.pipeline.http import FORM, Request, Response, json_response
from app.pipeline.sender import sender_of
from app.pipeline.server import Server
from app.pipeline.traced import traced
from app.protocol import device, grant_management
from app.protocol.authorize import checklist
from app.protocol.authorize.request import understood
from app.protocol.authorize.subject import Subject
from app.protocol.authorize.wanted import Wanted
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.grant_types import device_code, require_registered
from app.protocol.params import Parameters
from app.routers.error_answers import error_answers

OPERATION: dict[str, Any] = {
    "tags": ["protocol"],
    "operationId": "device_authorization",
    "summary": "Begin on a device without a browser",
    "description": "RFC 8628. Show `user_code` and `verification_uri` to the person, and poll the token endpoint with "
    f"`grant_type={device_code.NAME}`. Client authentication as registered.",
    "security": [{"client": []}, {}],
    "requestBody": {
        "required": True,
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "properties": {
                        "client_id": {"type": "string"},
                        "scope": {"type": "string", "description": "What the token is to carry."},
                        "resource": {
                            "type": "array",
                            "items": {"type": "string"},
                            "description": "The APIs that it is for (RFC 8707).",
                        },
                        "authorization_details": {
                            "type": "string",
                            "description": "A JSON list of objects, each with a `type` (RFC 9396).",
                        },
                        "grant_management_action": {
                            "type": "string",
                            "enum": [*grant_management.ACTIONS],
                            "description": "What becomes of a grant of its own (Grant Management).",
                        },
                        "grant_id": {"type": "string", "description": "The grant that it goes into."},
                    },
                }
            }
        },
    },
    "responses": {
        "200": {
            "description": "Two codes: one for the device, one for its person.",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["device_code", "user_code", "verification_uri", "expires_in"],
                        "properties": {
                            "device_code": {"type": "string"},
                            "user_code": {"type": "string"},
                            "verification_uri": {"type": "string", "format": "uri"},
                            "verification_uri_complete": {"type": "string", "format": "uri"},
                            "expires_in": {"type": "integer", "description": "Seconds."},
                            "interval": {"type": "integer", "description": "Seconds between two polls."},
                        },
                    },
                    "example": {
                        "device_code": "asdc_…",
                        "user_code": "WDJB-MJHT",
                        "verification_uri": "https://id.example/device",
                        "verification_uri_complete": "https://id.example/device?user_code=WDJB-MJHT",
                        "expires_in": 600,
                        "interval": 5,
                    },
                }
            },
        },
        **error_answers(
            status_400=(
                "`invalid_request`; `unauthorized_client`; `invalid_scope`; `invalid_target`; `invalid_grant_id`"
            ),
            status_401="`invalid_client`",
            status_503="`temporarily_unavailable`",
        ),
    },
}
"""Its entry in the OpenAPI document."""

ATTEMPTS = 3
"""An application that has changed since it was read is read again; more changes mean trouble."""


async def device_authorization(server: Server, request: Request) -> Response:
    """parse → gather → authenticate → decide → settle → respond (DV-1).

    Its errors are those of the token endpoint (DV-3).
    """
    params = understood(request.form(), server.features)
    presented = await identify(server, request, params)
    now = server.clock()
    sender = await sender_of(server, request)
    for _ in range(ATTEMPTS):
        row = await server.database.hot.find_client(presented.client_id)
        client = await authenticate(server, presented, row)
        wanted = await _decide(server, request, client, params)
        asking = Asking(client, sender, request.address, request.request_id)
        begun = await devices.begin(server, asking, wanted, now)
        if begun is not None:
            return _respond(server, begun)
        sender, presented = replace(sender, proof=None), replace(presented, noted=True)  # both are noted by now
    raise OAuthError(ErrorCode.TEMPORARILY_UNAVAILABLE, "the application is being changed; try again")


async def _decide(server: Server, request: Request, client: ClientFact, params: Parameters) -> Wanted:
    """Judge what is asked by the rules of the authorization endpoint (`checklist`), and leave a trace. A grant that is
    named has to be one of the client's (GM-7)."""
    subject = Subject(
        client=client,
        policy=server.policy_for(client),
        registry=server.scopes,
        params=params,
        resources=server.resources.current,
        detail_types=server.details,
    )
    section = "RFC 8628 §3.1"
    with traced(server, request, client, at="device", outcome="device code", section=section) as trace:
        trace.run("grant type", section, partial(require_registered, device_code.NAME, client))
        wanted = checklist.run_at("device", subject, trace)
        await grants.require_known(server, wanted.target, client)
        return wanted


def _respond(server: Server, begun: Begun) -> Response:
    """DV-2, DV-9, RFC 8628 §3.2."""
    page = f"{server.issuer}{device.PAGE}"
    return json_response(
        {
            "device_code": begun.device_code,
            "user_code": begun.user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?{urlencode({'user_code': begun.user_code})}",
            "expires_in": int(server.policy.lifetimes.device_code.total_seconds()),
            "interval": int(server.policy.device_interval.total_seconds()),
        }
    )
