"""`/select-account`: which of the accounts of this browser an application gets, or the person's own desk (OC-6).

A choice for an application is noted with its request on the server, so that a request which demands it is not asked
for it again, and nobody can take that out of an address (OC-7).
"""

from datetime import datetime, timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.routers.pages import accounts, answers, forms, interactions
from app.routers.pages.errands import Errand, errand_of
from app.routers.pages.login import ANOTHER
from app.routers.pages.login import PATH as LOGIN
from app.routers.pages.visitor import occasion_of, person_of
from app.services import account_choice
from app.store.sessions import HeldSession
from app.views.pages.accounts import AccountChoice, ChooseAccount

router = APIRouter(include_in_schema=False)

PATH = "/select-account"

_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00Z")
_MICROSECOND = timedelta(microseconds=1)


@router.get(PATH)
async def show_accounts(request: Request) -> Response:
    """Show the accounts of the browser; where there are none, somebody signs in."""
    errand = await errand_of(request, lambda name: request.query_params.get(name, ""))
    held = await accounts.accounts_on(request)
    if not held:
        return answers.see(request, errand.at(LOGIN))
    return answers.show(request, _page(request, errand, held))


@router.post(PATH)
async def take_account(request: Request) -> Response:
    """Go on with the account that was chosen: 303 onwards, or to the sign-in page when its session is over."""
    form = await forms.read_form(request)
    errand = await errand_of(request, form.get)
    held = await accounts.accounts_on(request)
    chosen = next((one for one in held if str(one.session.id) == form.get("account")), None)
    if chosen is None:
        return answers.see(request, errand.at(PATH))
    if not chosen.live:
        return answers.see(request, errand.at(LOGIN, account=str(chosen.session.id)))
    if errand.waiting is not None and not await account_choice.choose(
        server_of(request).database,
        errand.waiting.id,
        errand.waiting.application_id,
        chosen.session,
        occasion_of(request),
        seen=_read_moment(form.get("seen")),
    ):
        raise interactions.out_of_date(request)
    response = answers.see(request, errand.onwards)
    accounts.switch(request, response, chosen.session.id)
    return response


def _page(request: Request, errand: Errand, held: list[HeldSession]) -> ChooseAccount:
    return ChooseAccount(
        csrf=forms.csrf_token(request),
        interaction=errand.interaction,
        to=errand.to,
        seen=_written(errand.waiting.account_at) if errand.waiting else "",
        application=errand.waiting.application if errand.waiting else None,
        choices=tuple(
            AccountChoice(str(one.session.id), person_of(one.session), signed_out=not one.live) for one in held
        ),
        another_url=errand.at(LOGIN, account=ANOTHER),
    )


def _written(moment: datetime | None) -> str:
    """Return a moment as a form holds it: whole microseconds."""
    return str((moment - _EPOCH) // _MICROSECOND) if moment is not None else ""


def _read_moment(text: str) -> datetime | None:
    """Return the moment in a form; None for none, and for what no page of ours has written."""
    return _EPOCH + int(text) * _MICROSECOND if text.isascii() and text.isdigit() and len(text) <= 16 else None
