"""GET /oauth/check-session: the frame that applications ask whether their login still stands."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.pipeline.server import server_of
from app.routers.pages.cookies import STATE, cookie_name
from app.views.check_session import CheckSession, frame_headers

router = APIRouter(include_in_schema=False)


@router.get("/oauth/check-session")
async def check_session(request: Request) -> Response:
    """Return the frame: the same for everybody; what tells one browser from another is its own cookie (LS-2)."""
    server = server_of(request)
    page = CheckSession(cookie=cookie_name(STATE, https=server.https))
    return HTMLResponse(server.views.render(page), headers=frame_headers(https=server.https))
