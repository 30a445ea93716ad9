"""Callers of the JSON API as those who change something in an organization, and how that is refused."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import Request

from app.pipeline.server import server_of
from app.routers.api.gate import NO_ORGANIZATION, Granted, Known
from app.routers.api.idempotency import claim_of
from app.routers.api.problems import FieldError, Kind, Refused
from app.routers.api.versions import changed
from app.services.acting import Acting, LastOne, NotAllowed, OrganizationGone
from app.services.members import UnknownRole
from app.store.idempotency import Claim
from app.store.versions import VersionChanged

ACTING_PROBLEMS = (Kind.NOT_ALLOWED, Kind.NOT_FOUND)
"""How a change in an organization may be refused once its caller has passed the gate."""


def acting_of(request: Request, caller: Known | Granted) -> Acting:
    """Return the caller as he acts on this occasion."""
    server = server_of(request)
    return Acting(caller.caller, caller.user_id, server.roles, server.scopes, caller.occasion)


async def claim_by(request: Request, granted: Granted, key: str | None) -> Claim | None:
    """Return the claim of whoever calls, by session or by a credential; raises `Refused`.

    An application that acts for several people has a key for each of them.
    """
    actor = granted.occasion.actor
    return await claim_of(request, f"{actor.kind}:{actor.id}:{granted.user_id}" if actor else "", key)


@contextmanager
def refusals(request: Request) -> Iterator[None]:
    """Raise `Refused` for what the services refuse."""
    try:
        yield
    except OrganizationGone:
        raise Refused(Kind.NOT_FOUND, NO_ORGANIZATION) from None
    except NotAllowed as refused:
        raise Refused(Kind.NOT_ALLOWED, str(refused)) from None
    except LastOne:
        top = server_of(request).roles.top.name
        detail = f"nobody else would have the role {top}; give it to somebody else first"
        raise Refused(Kind.CONFLICT, detail) from None
    except UnknownRole:
        error = FieldError(field="role", detail=f"Use one of: {', '.join(server_of(request).roles.names)}")
        raise Refused(Kind.INVALID_REQUEST, "see errors", errors=[error]) from None
    except VersionChanged:
        raise changed() from None
