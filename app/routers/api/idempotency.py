"""`Idempotency-Key`: a POST whose answer was lost can be sent again, and does its work once.

A key belongs to the person and the address it is sent to, and is remembered for a day. What was made is told again by
its id, never by its secret: an answer that held one cannot be given twice.
"""

from typing import Annotated

from fastapi import Depends, Header
from starlette.requests import Request

from app.crypto.hashing import digest
from app.routers.api.caller import Changer
from app.routers.api.problems import FieldError, Kind, Refused
from app.store.idempotency import Claim, Repeated

MAX_LENGTH = 255

IDEMPOTENCY_PROBLEMS = (Kind.ALREADY_DONE, Kind.KEY_REUSED)
"""How a POST with a key may be refused."""


async def read_claim(
    request: Request,
    session: Changer,
    idempotency_key: Annotated[
        str | None,
        Header(description="Up to 255 characters of your choice, another one for each deed: then a repeat is safe."),
    ] = None,
) -> Claim | None:
    """Return what the service has to spend in its transaction; None without the header. Raises `Refused`."""
    if idempotency_key is None:
        return None
    if not 0 < len(idempotency_key) <= MAX_LENGTH:
        error = FieldError(field="Idempotency-Key", detail=f"must have 1 to {MAX_LENGTH} characters")
        raise Refused(Kind.INVALID_REQUEST, "see errors", errors=[error])
    whose = f"{session.user_id} {request.method} {request.scope['path']} {idempotency_key}"
    return Claim(digest(whose.encode("utf-8", "surrogatepass")), digest(await request.body()))


IdempotencyKey = Annotated[Claim | None, Depends(read_claim)]


def refuse_repeat(repeated: Repeated) -> Refused:
    """Return how a repeat is refused whose answer held a secret (or whose key was meant for something else)."""
    if not repeated.same:
        return Refused(Kind.KEY_REUSED, "take another Idempotency-Key for another request")
    return Refused(
        Kind.ALREADY_DONE,
        f"it was done, with the id {repeated.resource_id}; its secret was shown once, so remove it and make another",
        resource_id=repeated.resource_id,
    )
