"""What the SDK leaves to its users: a scope for some tools alone.

A client that calls such a tool without it is answered as the MCP specification says: with 403, and the scopes to ask
for. It asks its person, and calls again.
"""

import json
from collections.abc import Mapping
from typing import Any

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.routes import build_resource_metadata_url
from pydantic import AnyHttpUrl
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 1 << 20
"""Bytes of the longest call that is read."""


class StepUp:
    """ASGI middleware behind the SDK's, which has judged the token.

    `needs` names the scope of tools that `enough`, the scope of all others, is not enough for.
    """

    def __init__(self, app: ASGIApp, *, resource_url: str, enough: str, needs: Mapping[str, str]) -> None:
        self._app = app
        self._needs = needs
        self._own = {enough, *needs.values()}
        self._metadata_url = str(build_resource_metadata_url(AnyHttpUrl(resource_url)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on as it came."""
        token = get_access_token()
        if scope["type"] != "http" or scope["method"] != "POST" or token is None:
            await self._app(scope, receive, send)
            return
        body = b""
        async for part in Request(scope, receive).stream():
            body += part
            if len(body) > LARGEST:
                await JSONResponse({"error": "too_large"}, status_code=413)(scope, receive, send)
                return
        missing = [needed for needed in self._needed(body) if needed not in token.scopes]
        if missing:
            # What the token has here, too: there are clients that ask for exactly what they are told.
            refusal = self._refusal([*(had for had in token.scopes if had in self._own), *missing])
            await refusal(scope, receive, send)
            return
        replay: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return replay.pop() if replay else await receive()

        await self._app(scope, again, send)

    def _needed(self, body: bytes) -> list[str]:
        """Return the scopes that the tools of a JSON-RPC message need."""
        try:
            said: Any = json.loads(body)
        except (ValueError, RecursionError):
            return []  # the SDK says what is wrong with it
        calls = said if isinstance(said, list) else [said]
        parameters = [
            call.get("params") for call in calls if isinstance(call, dict) and call.get("method") == "tools/call"
        ]
        names = [str(named.get("name")) for named in parameters if isinstance(named, dict)]
        return list(dict.fromkeys(self._needs[name] for name in names if name in self._needs))

    def _refusal(self, scopes: list[str]) -> JSONResponse:
        error, description = "insufficient_scope", "this tool needs more than the token allows"
        challenge = {
            "error": error,
            "error_description": description,
            "scope": " ".join(scopes),
            "resource_metadata": self._metadata_url,
        }
        said = ", ".join(f'{name}="{value}"' for name, value in challenge.items())
        body = {"error": error, "error_description": description}
        return JSONResponse(body, status_code=403, headers={"WWW-Authenticate": f"Bearer {said}"})
