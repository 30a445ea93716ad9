"""The body of a request to the JSON API: JSON, whole, and of bounded size."""

import json

import orjson
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from app.crypto.strict_json import Unreadable, members_once
from app.pipeline.http import read_body
from app.protocol.errors import OAuthError
from app.protocol.params import MAX_BODY
from app.routers.pages.bodies import BodyRefused

MAX_VALUES = 2_000
"""Values in one body: several times what the largest thing of ours is made of. What is wrong is told value by value,
so that more of them would cost the server, and the answer, many times what they cost to send."""

MAX_MARKS = 20_000
"""Commas, brackets and braces in one body, in its texts as well: so much is parsed before the values are counted."""

_TOO_MANY = f"the body holds more than {MAX_VALUES} values"
_CARRY_ONE = frozenset({"POST", "PUT", "PATCH"})


async def checked(scope: Scope, receive: Receive) -> Receive:
    """Return a `receive` that gives the body once more, which is JSON or empty; raises `BodyRefused`.

    The refusal's status is 400 (not JSON, broken off), 413 or 415. JSON here is I-JSON (RFC 7493): UTF-8 without lone
    surrogates, and each member once, because somebody on the way may have judged the other one. NUL characters are
    refused as well: PostgreSQL keeps none.
    """
    if scope["method"] not in _CARRY_ONE:
        return receive
    try:
        body = await read_body(receive)
    except OAuthError as broken_off:
        raise BodyRefused(400, broken_off.description) from None
    if body is None:
        raise BodyRefused(413, f"the body is larger than {MAX_BODY} bytes")
    if body:
        _require_json(body, Headers(scope=scope).getlist("content-type"))
    return _given_again(body, receive)


def _require_json(body: bytes, content_types: list[str]) -> None:
    if [name.partition(";")[0].strip().lower() for name in content_types] != ["application/json"]:
        raise BodyRefused(415, "send the body as application/json")
    if sum(map(body.count, (b",", b"[", b"{"))) > MAX_MARKS:
        raise BodyRefused(400, _TOO_MANY)
    try:
        orjson.loads(body)  # the stricter parser: no NaN, no lone surrogates, no more than 1024 levels
    except orjson.JSONDecodeError as malformed:
        raise BodyRefused(400, f"the body is not JSON: line {malformed.lineno}, column {malformed.colno}") from None
    try:
        content = json.loads(body, object_pairs_hook=members_once)
    except Unreadable:
        raise BodyRefused(400, "the body names a member twice") from None
    except (ValueError, RecursionError):
        raise BodyRefused(400, "the body nests too deep or holds a number that is too long") from None
    if _has_too_many(content):
        raise BodyRefused(400, _TOO_MANY)
    if b"\\u0000" in body and _holds_nul(content):
        raise BodyRefused(400, "the body holds a NUL character")


def _has_too_many(content: object) -> bool:
    left, seen = [content], 0
    while left and seen <= MAX_VALUES:
        seen += 1
        match left.pop():
            case list(items):
                left += items
            case dict(members):
                left += members.values()
    return seen > MAX_VALUES


def _holds_nul(content: object) -> bool:
    left = [content]
    while left:
        match left.pop():
            case str(text) if "\x00" in text:
                return True
            case list(items):
                left += items
            case dict(members):
                left += [*members, *members.values()]
    return False


def _given_again(body: bytes, receive: Receive) -> Receive:
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return left.pop() if left else await receive()

    return receive_again
