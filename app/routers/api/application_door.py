"""What every route below `/api/v1/applications` shares: whose applications, which one, and how it is refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import Path
from starlette.requests import Request

from app.pipeline.server import server_of
from app.protocol.facts import SessionFact
from app.routers.api.idempotency import refuse_repeat
from app.routers.api.problems import FieldError, Kind, Refused
from app.routers.api.versions import changed
from app.services import own_applications
from app.services.own_applications import (
    Conflicting,
    Holder,
    NoSuchApplication,
    NoSuchPlace,
    NoSuchSecret,
    Unacceptable,
)
from app.store.idempotency import Repeated
from app.store.versions import VersionChanged

PATH = "/applications"
ONE = PATH + "/{client_id}"

ClientId = Annotated[str, Path(description="The `client_id` of an item of the list.")]


async def holder_of(request: Request, session: SessionFact) -> Holder:
    """Return the person of the session with the organizations whose applications he manages."""
    server = server_of(request)
    return await own_applications.holder_of(server.database, server.roles, session)


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the service refuses into the problem that says so."""
    try:
        yield
    except (NoSuchApplication, NoSuchSecret):
        raise Refused(Kind.NOT_FOUND, "it was deleted, never was, or is not yours") from None
    except NoSuchPlace:
        error = FieldError(field="cursor", detail="stands for an application that is gone; begin at the first page")
        raise Refused(Kind.INVALID_REQUEST, "see errors", errors=[error]) from None
    except Unacceptable as unacceptable:
        errors = [FieldError(field=problem.field, detail=problem.detail) for problem in unacceptable.problems]
        raise Refused(Kind.INVALID_REQUEST, "see errors", errors=errors) from None
    except Conflicting as conflicting:
        raise Refused(Kind.CONFLICT, str(conflicting)) from None
    except VersionChanged:
        raise changed() from None
    except Repeated as repeated:
        raise refuse_repeat(repeated) from None
