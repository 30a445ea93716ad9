"""How recently and how well a person has to have signed in to decide on a page of ours (RFC 9470)."""

from collections.abc import Iterable

from starlette.requests import Request

from app.pipeline.server import server_of
from app.protocol.acr import Required
from app.protocol.facts import SessionFact
from app.routers.pages.answers import SeeInstead
from app.routers.pages.returning import reference_to, sign_in_path


def acr_of(
    request: Request, session: SessionFact, scopes: Iterable[str], *, back: str, preferred: Iterable[str] = ()
) -> str:
    """Return what the sign-in is worth that a person decides with about these scopes; empty: no level.

    Raises `SeeInstead` for a sign-in that is not enough for them, or that reaches none of the `preferred` levels while
    another one would: the person signs in again and comes back to the path `back`.
    """
    server = server_of(request)
    assurance, of_scopes = server.policy.assurance, server.scopes.levels(scopes)
    required = Required(assurance.known(preferred), of_scopes)
    if not assurance.is_possible(required):
        required = Required((), of_scopes)
    reached = assurance.reached(session.amr, server.clock() - session.auth_time, required, preferred)
    if reached is None:
        raise SeeInstead(sign_in_path(reference_to(request, back), again=True))
    return reached
