"""Operators as callers of the JSON API. To everybody else there is no such path, whatever he sends."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from app.protocol.facts import SessionFact
from app.routers.api.caller import Maker, Reader
from app.routers.api.problems import Kind, Refused
from app.routers.pages.visitor import signed_in

OPERATOR_PROBLEMS = (Kind.NOT_FOUND, Kind.SESSION_ONLY, Kind.OTHER_SITE)
"""How a request of the administration may be refused before anything is looked at."""

OPERATOR_CHANGE_PROBLEMS = (*OPERATOR_PROBLEMS, Kind.CSRF_TOKEN, Kind.LOGIN_TOO_OLD)
"""How a change of the administration may be refused before anything is looked at."""


async def require_operator(request: Request) -> None:
    """Let operators pass; raises `Refused` as for a path at which nothing is served."""
    session = await signed_in(request)
    if session is None or not session.operator:
        raise Refused(Kind.NOT_FOUND, "nothing is served at this path")


async def require_operator_reader(_: Annotated[None, Depends(require_operator)], session: Reader) -> SessionFact:
    """Return the live session of an operator whose request only reads; raises `Refused`."""
    return session


async def require_operator_maker(_: Annotated[None, Depends(require_operator)], session: Maker) -> SessionFact:
    """Return the live session of an operator who signed in a short while ago; raises `Refused`."""
    return session


OperatorReader = Annotated[SessionFact, Depends(require_operator_reader)]
OperatorMaker = Annotated[SessionFact, Depends(require_operator_maker)]
