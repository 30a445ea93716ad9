"""`Idempotency-Key`: a POST whose answer was lost can be sent again, and does its work once.

A key belongs to the person and the address it is sent to, and is remembered for a day. What was made is told again by
its id, never by its secret: an answer that held one cannot be given twice.
"""

from typing import Annotated

from fastapi import Depends, Header
from starlette.requests import Request
from starlette.responses import Response

from app.crypto.hashing import digest
from app.routers.api.caller import Changer
from app.routers.api.problems import FieldError, Kind, Refused
from app.store.idempotency import Claim, Repeated

MAX_LENGTH = 255

IDEMPOTENCY_PROBLEMS = (Kind.ALREADY_DONE, Kind.KEY_REUSED)
"""How a POST with a key may be refused whose answer holds a secret; any other one by the second alone."""

REPLAYED = {
    "Idempotency-Replayed": {
        "description": "`true` when this request was made before, with the same key: nothing was done again.",
        "schema": {"type": "string", "const": "true"},
    }
}
"""How the API document describes the header of an answer that may be a repeat."""


KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Up to 255 characters of your choice, another one for each deed: then a repeat is safe.",
    ),
]
"""The header, for routes whose caller may be something else than a session: see `claim_of`."""


async def claim_of(request: Request, whose: str, key: str | None) -> Claim | None:
    """Return what the service has to spend in its transaction; None without a key. Raises `Refused`.

    `whose` names the caller such that no other one has the same name: its kind and its id.
    """
    if key is None:
        return None
    if not 0 < len(key) <= MAX_LENGTH:
        error = FieldError(field="Idempotency-Key", detail=f"must have 1 to {MAX_LENGTH} characters")
        raise Refused(Kind.INVALID_REQUEST, "see errors", errors=[error])
    deed = "\0".join((whose, request.method, request.scope["path"], key))  # none of them can hold one
    return Claim(digest(deed.encode("utf-8", "surrogatepass")), digest(await request.body()))


async def read_claim(request: Request, session: Changer, key: KeyHeader = None) -> Claim | None:
    """Return the claim of the signed-in person, as `claim_of` does."""
    return await claim_of(request, str(session.user_id), key)


IdempotencyKey = Annotated[Claim | None, Depends(read_claim)]


def replayed(response: Response, repeated: Repeated) -> str:
    """Return the id of what was made, to be shown as it is now; the answer says that it is a repeat.

    For answers without a secret. Raises `Refused` when the key was meant for something else.
    """
    _require_same(repeated)
    response.headers["Idempotency-Replayed"] = "true"
    return repeated.resource_id


def refuse_repeat(repeated: Repeated) -> Refused:
    """Return how a repeat is refused whose answer held a secret; raises `Refused` as `replayed` does."""
    _require_same(repeated)
    return Refused(
        Kind.ALREADY_DONE,
        f"it was done, with the id {repeated.resource_id}; its secret was shown once, so remove it and make another",
        resource_id=repeated.resource_id,
    )


def _require_same(repeated: Repeated) -> None:
    if not repeated.same:
        raise Refused(Kind.KEY_REUSED, "take another Idempotency-Key for another request")
