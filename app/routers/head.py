"""HEAD is answered like GET, without the content (RFC 9110 §9.3.2), by every page and route that answers GET."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FOUND = ("route", "endpoint", "path_params")
"""What routing writes down, and the request metrics read."""


async def answer_head(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Let an application answer a HEAD request as a GET, and send the status and headers of that."""
    as_get = {**scope, "method": "GET"}

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    try:
        await app(as_get, receive, send_head)
    finally:
        scope.update({name: as_get[name] for name in _FOUND if name in as_get})
