"""How a published document is sent: to every website and every cache, and not again to whoever has it."""

from app.pipeline.http import NOSNIFF, Request, Response
from app.pipeline.published import Published


def answer(request: Request, published: Published, *, media_type: bytes, seconds: int) -> Response:
    """Return the document, which others may keep for so long (HD-2, MD-4); 304 where its tag is known (RFC 9110
    §13.1.2)."""
    headers = (
        (b"cache-control", f"public, max-age={seconds}".encode()),
        (b"etag", published.etag),
        NOSNIFF,
    )
    known = request.headers.get(b"if-none-match", b"")
    if known == b"*" or published.etag in (tag.strip().removeprefix(b"W/") for tag in known.split(b",")):
        return Response(304, b"", headers)
    return Response(200, published.body, ((b"content-type", media_type), *headers))
