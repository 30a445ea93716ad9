"""GET /health/live and /health/ready: for whoever restarts processes, and for whoever sends them requests.

`live` answers from the process alone: a database that is away is no reason to restart a worker. `ready` is 503 with
the reasons while requests could not be served whole.
"""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.pipeline.server import server_of
from app.store.readiness import problems

router = APIRouter(prefix="/health", tags=["health"])

_NO_STORE = {"Cache-Control": "no-store"}


@router.get("/live", summary="Is this process alive?", response_class=JSONResponse)
async def live() -> Response:
    """Answer, which is all that was asked."""
    return JSONResponse({"status": "live"}, headers=_NO_STORE)


@router.get(
    "/ready",
    summary="Can this process serve requests?",
    response_class=JSONResponse,
    responses={503: {"description": "Not now; `reasons` says why."}},
)
async def ready(request: Request) -> Response:
    """Ask the database, its schema and its partitions."""
    server = server_of(request)
    reasons = await problems(server.database, server.clock())
    if reasons:
        headers = _NO_STORE | {"Retry-After": "2"}
        return JSONResponse({"status": "not ready", "reasons": list(reasons)}, status_code=503, headers=headers)
    return JSONResponse({"status": "ready"}, headers=_NO_STORE)
