"""Where everything is wired: settings and the running database become one ASGI application."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.pipeline.http import Endpoint
from app.pipeline.server import Server
from app.pipeline.trace import Traces
from app.protocol.tokens.refresh_chain import ServerKeys
from app.routers.endpoints import PAGES, hot_paths
from app.routers.pages.answers import PageRefused, reference, show, show_refusal
from app.settings import Settings
from app.store import traces
from app.store.database import Database, StoreUnavailable
from app.telemetry.requests import Requests
from app.views.pages.error import ErrorPage
from app.views.render import Views

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Runtime:
    """What the parent process hands to each worker besides the settings."""

    database_url: str = field(repr=False)
    keys: ServerKeys = field(repr=False)
    owner_url: str | None = field(default=None, repr=False)
    run_jobs: bool = True


def create_app(settings: Settings, runtime: Runtime) -> ASGIApp:
    """Return the ASGI application: hot endpoints first, then the pages, all under request ids and the request log.

    The database is opened when the application starts and closed when it stops.
    """
    policy = settings.policy()
    pages = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=partial(_lifespan, settings, runtime))
    for router in PAGES:
        pages.include_router(router)
    pages.add_exception_handler(PageRefused, show_refusal)
    pages.add_exception_handler(StoreUnavailable, _show_unavailable)
    pages.add_exception_handler(HTTPException, _show_http_error)
    pages.add_exception_handler(Exception, _show_broken)
    front = FrontDoor(hot_paths(policy.issuer, settings.feature_set()), pages)
    return Requests(front, trusted_proxies=tuple(settings.trusted_proxies))


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """Sends the hot paths straight to their endpoints and everything else to the pages."""

    hot: dict[str, Endpoint]
    pages: FastAPI

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Dispatch by exact path."""
        endpoint = self.hot.get(scope["path"]) if scope["type"] == "http" else None
        if endpoint is None:
            await self.pages(scope, receive, send)
        else:
            await endpoint.serve(self.pages.state.server, scope, receive, send)


@contextlib.asynccontextmanager
async def _lifespan(settings: Settings, runtime: Runtime, pages: FastAPI) -> AsyncIterator[None]:
    database = await Database.open(runtime.database_url, owner_url=runtime.owner_url)
    policy = settings.policy()
    server = Server(
        policy=policy,
        scopes=settings.scope_registry(),
        features=settings.feature_set(),
        database=database,
        views=Views(settings.service_name, policy.issuer),
        clock=partial(datetime.now, UTC),
        traces=Traces(write=partial(traces.save, database)),
        keys=runtime.keys,
        trusted_proxies=tuple(settings.trusted_proxies),
    )
    pages.state.server = server
    background = [asyncio.create_task(server.traces.run())]
    try:
        yield
    finally:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await database.close()


async def _show_http_error(request: Request, error: Exception) -> Response:
    """Starlette's own refusals, as pages: 404, 405 and the like."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 405:
        response = show(request, ErrorPage.method_not_allowed(reference(request)))
        response.headers.update(error.headers or {})
        return response
    return show(request, ErrorPage.not_found(reference(request)))


async def _show_unavailable(request: Request, error: Exception) -> Response:
    """The database is away: nothing was changed."""
    return show(request, ErrorPage.unavailable(reference(request)))


async def _show_broken(request: Request, error: Exception) -> Response:
    """A fault of ours: the log has its cause under the request id, the page has the id alone."""
    return show(request, ErrorPage.broken(reference(request)))
