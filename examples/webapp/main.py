"""Release Board: a small web application that signs people in with an OAuth authorization server.

It is a client like any other: it knows the server's issuer, its own client id and secret, and nothing else. Authlib
does the protocol (code flow with PKCE, discovery, refresh, revocation); this file shows where each call goes.
"""

import json
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import OAuth
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.middleware.sessions import SessionMiddleware

HERE = Path(__file__).parent
FIRST_SCOPES = ("project:read", "team:read")
FURTHER_SCOPES = ("project:releases", "event:read", "project:write", "org:read")
MAX_VISITORS = 1000

templates = Jinja2Templates(HERE / "templates")


class BoardSettings(BaseSettings):
    """Read from the environment: `BOARD_ISSUER`, `BOARD_CLIENT_ID`, `BOARD_CLIENT_SECRET`, `BOARD_URL`."""

    model_config = SettingsConfigDict(env_prefix="BOARD_")

    issuer: str = "http://localhost:8000"
    client_id: str = "assent-demo"
    client_secret: SecretStr
    url: str = "http://localhost:8001"


@dataclass(slots=True)
class Visitor:
    """What the application keeps about one browser. Tokens stay on the server, never in the cookie."""

    token: dict[str, Any] = field(default_factory=dict, repr=False)
    notice: str = ""
    problem: str = ""

    @property
    def scopes(self) -> list[str]:
        """The scopes of the token in hand."""
        return str(self.token.get("scope", "")).split()

    @property
    def next_scope(self) -> str | None:
        """The scope to ask for next, or None when it has them all."""
        return next((scope for scope in FURTHER_SCOPES if scope not in self.scopes), None)


class Visitors:
    """Visitors by the random id in their session cookie, the latest thousand. A real application has a database."""

    def __init__(self) -> None:
        self._by_id: OrderedDict[str, Visitor] = OrderedDict()

    def of(self, request: Request) -> Visitor:
        """Return the visitor behind the request, a new one when the cookie is new."""
        key = request.session.setdefault("visitor", secrets.token_urlsafe(24))
        visitor = self._by_id.setdefault(key, Visitor())
        self._by_id.move_to_end(key)
        if len(self._by_id) > MAX_VISITORS:
            self._by_id.popitem(last=False)
        return visitor

    def renew(self, request: Request) -> Visitor:
        """Give the visitor a new id, so that an id from before the sign-in is worth nothing after it."""
        visitor = self._by_id.pop(request.session.pop("visitor", ""), Visitor())
        key = request.session["visitor"] = secrets.token_urlsafe(24)
        self._by_id[key] = visitor
        return visitor


def create_app(settings: BoardSettings | None = None) -> FastAPI:
    """Return the application; the settings come from the environment unless given."""
    board = settings or BoardSettings()
    visitors = Visitors()
    oauth = OAuth()
    oauth.register(
        name="assent",
        client_id=board.client_id,
        client_secret=board.client_secret.get_secret_value(),
        # RFC 8414 section 3: the metadata stands between host and path of the issuer.
        server_metadata_url=_metadata_url(board.issuer),
        client_kwargs={"code_challenge_method": "S256", "token_endpoint_auth_method": "client_secret_basic"},
    )
    server = oauth.assent

    app = FastAPI(title="Release Board", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(
        SessionMiddleware,
        secret_key=secrets.token_urlsafe(32),
        session_cookie="release_board",  # cookies ignore ports: a name of its own keeps it apart from the server's
        same_site="lax",
        https_only=board.url.startswith("https://"),
    )
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")

    @app.get("/", response_class=HTMLResponse)
    async def home(request: Request) -> Response:
        """Show what the application has, and call the protected endpoint with it."""
        visitor = visitors.of(request)
        notice, problem = visitor.notice, visitor.problem
        visitor.notice = visitor.problem = ""
        answer = await _call_api(board.issuer, visitor.token["access_token"]) if visitor.token else None
        shown = {"board": board, "visitor": visitor, "answer": answer, "notice": notice, "problem": problem}
        return templates.TemplateResponse(request, "board.html", shown)

    @app.get("/connect")
    async def connect(request: Request, add: str = "") -> Response:
        """Send the browser to the authorization endpoint; `add` asks for one more scope than the token has."""
        visitor = visitors.of(request)
        scopes = [*(visitor.scopes or FIRST_SCOPES), *([add] if add in FURTHER_SCOPES else [])]
        try:
            answer: Response = await server.authorize_redirect(request, f"{board.url}/callback", scope=" ".join(scopes))
        except httpx.HTTPError:
            visitor.problem = f"{board.issuer} does not answer. Is the server running?"
            return _home()
        return answer

    @app.get("/callback")
    async def callback(request: Request) -> Response:
        """Take the answer of the authorization endpoint and exchange the code."""
        visitor = visitors.renew(request)
        had = set(visitor.scopes)
        try:
            # RFC 9207 section 2.4: an answer from another server than the one asked is a mix-up attack.
            if request.query_params.get("iss") != board.issuer:
                raise OAuthError("issuer_mismatch", "the answer does not come from the server that was asked")
            visitor.token = dict(await server.authorize_access_token(request))
        except OAuthError as refused:
            visitor.problem = _explained(refused)
        else:
            gained = [scope for scope in visitor.scopes if scope not in had]
            visitor.notice = f"Connected. New: {', '.join(gained)}." if gained else "Connected. Nothing new."
        return _home()

    @app.post("/refresh")
    async def refresh(request: Request) -> Response:
        """Trade the refresh token for a new access token (RFC 6749 section 6)."""
        visitor = _visitor_of_own_form(request, board, visitors)
        try:
            refreshed = await server.fetch_access_token(
                grant_type="refresh_token", refresh_token=visitor.token.get("refresh_token", "")
            )
        except OAuthError as refused:
            visitor.problem = _explained(refused)
        else:
            visitor.token = {**visitor.token, **refreshed}
            visitor.notice = "A new access token, and a new refresh token in place of the old one."
        return _home()

    @app.post("/disconnect")
    async def disconnect(request: Request) -> Response:
        """Revoke the refresh token (RFC 7009); every access token that came from it ends too."""
        visitor = _visitor_of_own_form(request, board, visitors)
        metadata = await server.load_server_metadata()
        async with server._get_oauth_client(**metadata) as client:  # Authlib's integration has no public call for it
            await client.revoke_token(
                metadata["revocation_endpoint"],
                token=visitor.token.get("refresh_token") or visitor.token.get("access_token", ""),
            )
        visitor.token = {}
        visitor.notice = "Disconnected. The server still remembers what you allowed, until you take it back there."
        return _home()

    return app


def _visitor_of_own_form(request: Request, board: BoardSettings, visitors: Visitors) -> Visitor:
    """Return the visitor who pressed a button on our own page; another site's form gets an empty one."""
    origin = urlsplit(board.url)
    own = f"{origin.scheme}://{origin.netloc}"
    return visitors.of(request) if request.headers.get("origin", own) == own else Visitor()


async def _call_api(issuer: str, access_token: str) -> dict[str, Any]:
    """Call the protected endpoint with the token, as any API client would."""
    async with httpx.AsyncClient() as client:
        try:
            answer = await client.get(f"{issuer}/api/v1/me", headers={"Authorization": f"Bearer {access_token}"})
        except httpx.HTTPError:
            return {"status": "no answer", "body": "The server does not answer.", "fine": False}
    try:
        body = json.dumps(answer.json(), indent=2, ensure_ascii=False)
    except ValueError:
        body = answer.text[:2000]
    return {"status": f"{answer.status_code} {answer.reason_phrase}", "body": body, "fine": answer.is_success}


def _explained(refused: OAuthError) -> str:
    if refused.error == "access_denied":
        return "You did not allow it. Nothing was connected."
    return f"The server refused: {refused.error}" + (f", {refused.description}." if refused.description else ".")


def _metadata_url(issuer: str) -> str:
    parts = urlsplit(issuer)
    return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{parts.path.rstrip('/')}"


def _home() -> Response:
    return RedirectResponse("/", status_code=303)
