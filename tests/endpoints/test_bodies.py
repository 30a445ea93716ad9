"""Bodies as they come in: in pieces, too large, or not to the end. A half form never passes for a whole one."""

from collections.abc import MutableMapping
from typing import Any

import pytest

from app.protocol.params import MAX_BODY
from tests.support.service import Service

FORM = (b"content-type", b"application/x-www-form-urlencoded")
LEFT: MutableMapping[str, Any] = {"type": "http.disconnect"}


def piece(body: bytes, *, more: bool = True) -> MutableMapping[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def send(site: Service, path: str, *pieces: MutableMapping[str, Any]) -> tuple[int, bytes]:
    """POST a form in these pieces; return status and body of the answer."""
    waiting, told = list(pieces), list[MutableMapping[str, Any]]()

    async def receive() -> MutableMapping[str, Any]:
        return waiting.pop(0) if waiting else LEFT

    async def answer(message: MutableMapping[str, Any]) -> None:
        told.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "https",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [FORM], "client": ("203.0.113.7", 1), "server": ("id.example", 443), "state": {},
    }  # fmt: skip
    await site.app(scope, receive, answer)
    return told[0]["status"], b"".join(message.get("body", b"") for message in told[1:])


async def test_a_form_may_come_in_pieces(site: Service) -> None:
    status, body = await send(site, "/oauth/token", piece(b"grant_type=auth"), piece(b"orization_code", more=False))
    assert (status, b"the client did not say who it is" in body) == (401, True)


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/introspect", "/oauth/revoke"])
async def test_a_form_that_breaks_off_is_refused_as_such(site: Service, path: str) -> None:
    status, body = await send(site, path, piece(b"token=x&client_id=spa"), LEFT)
    assert (status, b"broke off" in body) == (400, True)


async def test_a_page_does_not_take_half_a_form_either(site: Service) -> None:
    for path in ("/oauth/authorize", "/logout"):
        status, body = await send(site, path, piece(b"client_id=web"), LEFT)
        assert (status, b"broke off" in body) == (400, True), path


async def test_what_grows_beyond_the_limit_is_refused_wherever_it_goes(site: Service) -> None:
    half = b"x" * (MAX_BODY // 2 + 1)
    for path in ("/oauth/token", "/oauth/authorize", "/logout"):
        status, _ = await send(site, path, piece(half), piece(half, more=False))
        assert status == 413, path
