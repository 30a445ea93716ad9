"""GET /static/…: the stylesheet, the icons and Swagger UI, all from our own files."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.routers.pages.answers import PageRefused, reference
from app.views.pages.error import ErrorPage
from app.views.static import STATIC_PREFIX, static_file, static_headers

router = APIRouter(include_in_schema=False)


@router.api_route(STATIC_PREFIX + "{name:path}", methods=["GET", "HEAD"])
async def static(request: Request, name: str) -> Response:
    """Return a file by its name; 304 when the browser has it already."""
    file = static_file(name)
    if file is None:
        raise PageRefused(ErrorPage.not_found(reference(request)))
    headers = static_headers(file, request.query_params.get("v"))
    if request.headers.get("if-none-match") == file.etag:
        return Response(status_code=304, headers=headers)
    return Response(file.body, headers=headers)
