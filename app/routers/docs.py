"""GET /docs: the API explorer, whose Authorize button runs our own flow; GET /openapi.json: its document."""

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol.scopes import ScopeRegistry
from app.routers.api.problems import Kind
from app.routers.openapi import document
from app.routers.openapi_routes import with_routes
from app.routers.pages.answers import show
from app.views.docs_page import DOCS_REDIRECT_PATH, DocsPage, DocsRedirectPage, ProblemKind

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Swagger UI from our own files, and below it what each kind of problem means."""
    problems = tuple(ProblemKind(kind.anchor, kind.wire, kind.status, kind.title, kind.remedy) for kind in Kind)
    return show(request, DocsPage(scopes=_first_scope(server_of(request).scopes), problems=problems))


@router.get(DOCS_REDIRECT_PATH)
async def docs_redirect(request: Request) -> Response:
    """Where the authorization answer for the explorer arrives."""
    return show(request, DocsRedirectPage())


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """The OpenAPI document, computed once from the registries and the routes."""
    state = request.app.state
    if (body := getattr(state, "openapi", None)) is None:
        body = state.openapi = orjson.dumps(with_routes(document(server_of(request)), request.app.routes))
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-cache"})


def _first_scope(registry: ScopeRegistry) -> tuple[str, ...]:
    """Return what the explorer ticks by itself: one permission that only lets see, where the registry has one."""
    return tuple(scope.name for scope in registry if scope.kind == "see")[:1]
