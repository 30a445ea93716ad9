"""The body of a POST to a page: a urlencoded form, whole, and of bounded size."""

from starlette.requests import Request

from app.pipeline.http import FORM, is_form, read_body
from app.protocol.errors import OAuthError
from app.protocol.params import MAX_BODY


class BodyRefused(Exception):
    """The body cannot be taken; `str()` says why, `status` is 400 or 413."""

    def __init__(self, status: int, why: str) -> None:
        self.status = status
        super().__init__(why)


async def form_body(request: Request) -> bytes:
    """Return the bytes of the form; raises `BodyRefused`."""
    if not is_form(request.headers.get("content-type")):
        raise BodyRefused(400, f"send the form as {FORM}")
    try:
        body = await read_body(request.receive)
    except OAuthError as broken_off:
        raise BodyRefused(400, broken_off.description) from None
    if body is None:
        raise BodyRefused(413, f"the form is larger than {MAX_BODY} bytes")
    return body
