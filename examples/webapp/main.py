"""Release Board: a small web application that signs people in with OpenID Connect.

It is a client like any other: it knows the server's issuer, its own client id and secret, and nothing else. Authlib
does the protocol (code flow with PKCE, ID token, discovery, refresh, revocation, sign-out); this file shows where each
call goes.
"""

import json
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import OAuth
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from joserfc.errors import JoseError
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.middleware.sessions import SessionMiddleware

from examples.webapp import back_channel
from examples.webapp.visitors import FURTHER_SCOPES, Visitor, Visitors

HERE = Path(__file__).parent
FIRST_SCOPES = ("openid", "profile", "email", "project:read", "team:read")

templates = Jinja2Templates(HERE / "templates")


class BoardSettings(BaseSettings):
    """Read from the environment: `BOARD_ISSUER`, `BOARD_CLIENT_ID`, `BOARD_CLIENT_SECRET`, `BOARD_URL`."""

    model_config = SettingsConfigDict(env_prefix="BOARD_")

    issuer: str = "http://localhost:8000"
    client_id: str = "assent-demo"
    client_secret: SecretStr
    url: str = "http://localhost:8001"


def create_app(settings: BoardSettings | None = None) -> FastAPI:
    """Return the application; the settings come from the environment unless given."""
    board = settings or BoardSettings()
    visitors = Visitors()
    oauth = OAuth()
    oauth.register(
        name="assent",
        client_id=board.client_id,
        client_secret=board.client_secret.get_secret_value(),
        server_metadata_url=f"{board.issuer}/.well-known/openid-configuration",
        # No scope here, where it would narrow every refresh too; one with `openid` makes Authlib send a nonce.
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
        answer = await _call(f"{board.issuer}/api/v1/me", visitor.token["access_token"]) if visitor.token else None
        notice, problem = visitor.notice, visitor.problem  # after the call: a sign-out may come in meanwhile
        visitor.notice = visitor.problem = ""
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
        """Take the answer of the authorization endpoint, exchange the code, and validate the ID token."""
        visitor = visitors.renew(request)
        had = set(visitor.scopes)
        try:
            # RFC 9207 section 2.4: an answer from another server than the one asked is a mix-up attack.
            if request.query_params.get("iss") != board.issuer:
                raise OAuthError("issuer_mismatch", "the answer does not come from the server that was asked")
            token = dict(await server.authorize_access_token(request))
            visitor.claims, visitor.token = dict(token.pop("userinfo")), token
        except (OAuthError, JoseError) as refused:
            visitor.problem = _explained(refused)
        else:
            gained = [scope for scope in visitor.scopes if scope not in had]
            visitor.notice = f"Signed in. New: {', '.join(gained)}." if gained else "Signed in. Nothing new."
        return _home()

    @app.post("/refresh")
    async def refresh(request: Request) -> Response:
        """Trade the refresh token for a new access token (RFC 6749 section 6)."""
        visitor = _visitor_of_own_form(request, board, visitors)
        try:
            refreshed = await server.fetch_access_token(
                grant_type="refresh_token", refresh_token=visitor.token.get("refresh_token", "")
            )
            if (claims := await server.parse_id_token(refreshed, nonce=None)) is not None:
                # OpenID Connect Core section 12.2: it is still the same person.
                if claims["sub"] != visitor.claims.get("sub"):
                    raise OAuthError("sub_mismatch", "the new ID token is about somebody else")
                visitor.claims |= claims
        except (OAuthError, JoseError) as refused:
            visitor.problem = _explained(refused)
        else:
            visitor.token = {**visitor.token, **refreshed}
            visitor.notice = "A new access token, and a new refresh token in place of the old one."
        return _home()

    @app.get("/userinfo", response_class=HTMLResponse)
    async def userinfo(request: Request) -> Response:
        """Ask the userinfo endpoint what the scopes tell of the person (OpenID Connect Core section 5.3)."""
        visitor = visitors.of(request)
        if not visitor.token:
            return _home()
        metadata = await server.load_server_metadata()
        answer = await _call(metadata["userinfo_endpoint"], visitor.token["access_token"])
        shown = {"board": board, "visitor": visitor, "answer": answer, "endpoint": "/oauth/userinfo"}
        return templates.TemplateResponse(request, "board.html", shown)

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
        visitor.forget("Disconnected. The server still remembers what you allowed, until you take it back there.")
        return _home()

    @app.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        """Sign out here, then send the browser to sign out at the server (OpenID Connect RP-Initiated Logout 1.0)."""
        visitor = _visitor_of_own_form(request, board, visitors)
        if (hint := visitor.token.get("id_token")) is None:
            return _home()
        visitor.forget("Signed out here. At the server you still are signed in.")
        answer: Response = await server.logout_redirect(
            request, post_logout_redirect_uri=f"{board.url}/signed-out", id_token_hint=hint, client_id=board.client_id
        )
        answer.status_code = 303  # it follows a POST
        return answer

    @app.get("/signed-out")
    async def signed_out(request: Request) -> Response:
        """Come back from there; the state tells that it was this browser's own wish."""
        visitor = visitors.of(request)
        try:
            await server.validate_logout_response(request)
        except OAuthError:
            return _home()
        visitor.forget("Signed out, here and at the server.")
        return _home()

    @app.post("/backchannel-logout")
    async def backchannel_logout(request: Request) -> Response:
        """Hear from the server itself that somebody signed out elsewhere (OpenID Connect Back-Channel Logout 1.0)."""
        [token] = parse_qs((await request.body()).decode("latin-1")).get("logout_token", [""])[:1]
        try:
            logout = await back_channel.read(token, server, board.client_id)
        except (back_channel.NotALogout, JoseError, ValueError) as refused:
            body = {"error": "invalid_request", "error_description": str(refused)}
            return JSONResponse(body, 400, headers={"Cache-Control": "no-store"})
        visitors.sign_out(logout.sub, logout.sid)
        return Response(headers={"Cache-Control": "no-store"})

    return app


def _visitor_of_own_form(request: Request, board: BoardSettings, visitors: Visitors) -> Visitor:
    """Return the visitor who pressed a button on our own page; another site's form gets an empty one."""
    origin = urlsplit(board.url)
    own = f"{origin.scheme}://{origin.netloc}"
    return visitors.of(request) if request.headers.get("origin", own) == own else Visitor()


async def _call(endpoint: str, access_token: str) -> dict[str, Any]:
    """Call a protected endpoint with the token, as any API client would."""
    async with httpx.AsyncClient() as client:
        try:
            answer = await client.get(endpoint, headers={"Authorization": f"Bearer {access_token}"})
        except httpx.HTTPError:
            return {"status": "no answer", "body": "The server does not answer.", "fine": False}
    try:
        body = json.dumps(answer.json(), indent=2, ensure_ascii=False)
    except ValueError:
        body = answer.text[:2000]
    return {"status": f"{answer.status_code} {answer.reason_phrase}", "body": body, "fine": answer.is_success}


def _explained(refused: OAuthError | JoseError) -> str:
    if refused.error == "access_denied":
        return "You did not allow it. Nothing was connected."
    return f"The server refused: {refused.error}" + (f", {refused.description}." if refused.description else ".")


def _home() -> Response:
    return RedirectResponse("/", status_code=303)
