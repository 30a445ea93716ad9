"""How a page leaves the server: rendered, with its headers, never stored, and with the browser's cookie."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.pipeline.server import server_of
from app.routers.pages import cookies
from app.views.pages.error import ErrorPage, Reference
from app.views.pages.identity import Page


class PageRefused(Exception):
    """Instead of the page that was asked for, this one is the answer. Raised anywhere below a page router."""

    def __init__(self, page: ErrorPage) -> None:
        self.page = page
        super().__init__(page.title)


class SeeInstead(Exception):
    """Instead of the page that was asked for, the browser is sent to another one of ours."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(path)


def show(request: Request, page: Page) -> Response:
    """Return the answer that shows a page, with the page's own status."""
    server = server_of(request)
    response = HTMLResponse(server.views.render(page), page.status)
    response.headers.update(server.views.security_headers(page, https=server.https))
    response.headers["Cache-Control"] = "no-store"
    retry_after: int | None = getattr(page, "retry_after", None)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    refresh: str = getattr(page, "refresh", "")
    if refresh:
        response.headers["Refresh"] = refresh
    cookies.give_browser(request, response)
    return response


def see(request: Request, path: str) -> Response:
    """Return the 303 that follows a form (G6). `path` is one of our own paths, never text from the request."""
    response = RedirectResponse(path, 303)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    cookies.give_browser(request, response)
    return response


def leave(uri: str) -> Response:
    """Return the 303 to an application (HD-3): nothing keeps it, and nothing leaks from it (SR-5).

    Starlette would re-quote the URL; the registered string goes out as it is (RU-9).
    """
    response = RedirectResponse("/", 303)
    response.headers["Location"] = uri
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def reference(request: Request) -> Reference:
    """Return under which id and when this request was recorded."""
    return Reference(request_id(request), server_of(request).clock())


def request_id(request: Request) -> str:
    """Return the id that the server gave this request; empty where nothing gave one."""
    return str(getattr(request.state, "request_id", ""))


async def show_refusal(request: Request, refused: Exception) -> Response:
    """Answer a `PageRefused`: the application's handler for it."""
    if not isinstance(refused, PageRefused):
        raise refused
    return show(request, refused.page)


async def send_elsewhere(request: Request, instead: Exception) -> Response:
    """Answer a `SeeInstead`: the application's handler for it."""
    if not isinstance(instead, SeeInstead):
        raise instead
    return see(request, instead.path)
