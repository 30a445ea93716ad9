"""`/`: what this server is."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.routers.pages import answers
from app.routers.pages.client_answers import account_of
from app.routers.pages.visitor import signed_in
from app.views.pages.account import Home

router = APIRouter(include_in_schema=False)


@router.get("/")
async def show_home(request: Request) -> Response:
    """Show the home page, with the person's name when he is signed in."""
    session = await signed_in(request)
    return answers.show(request, Home(account=account_of(session)))
