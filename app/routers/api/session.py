"""GET /api/v1/session: who is signed in on this browser, and the token that its changes need."""

from typing import Any

from pydantic import BaseModel, Field
from starlette.requests import Request

from app.routers.api.caller import CALLER_PROBLEMS, Reader
from app.routers.api.problems import api_router, problems
from app.routers.api.shapes import shown_as
from app.routers.pages import cookies, forms

router = api_router()

_EXAMPLE: dict[str, Any] = {"username": "robin", "csrf": "q3Yk1m0c0q8yqJ4i5bX8k2wJp0tH3m7cXf6dQ1rVZsE"}


class SessionAnswer(BaseModel):
    """The signed-in person."""

    model_config = shown_as(_EXAMPLE)

    username: str
    csrf: str | None = Field(
        description="For `X-CSRF-Token`; null when the browser has lost the cookie that it belongs to: any page of "
        "ours gives it a new one."
    )


@router.get(
    "/session",
    operation_id="read_session",
    summary="Who is signed in on this browser",
    responses={200: {"description": "The person, and the token for changes."}, **problems(*CALLER_PROBLEMS)},
)
async def read_session(request: Request, session: Reader) -> SessionAnswer:
    """For pages of this server’s own origin."""
    known = cookies.browser_of(request).known
    return SessionAnswer(username=session.username, csrf=forms.csrf_token(request) if known else None)
