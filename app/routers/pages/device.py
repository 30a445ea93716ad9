"""`/device`: a person types the code that a device shows, and decides what the device may do (RFC 8628 §3.3).

Nobody is asked less because he was asked before, and a link with the code in it only fills in the field (DV-7).
"""

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline import devices, waiting
from app.pipeline.server import server_of
from app.pipeline.waiting import Waiting
from app.protocol import device
from app.protocol.device_facts import DeviceRequestFact
from app.protocol.errors import ErrorCode, OAuthError, seconds_until
from app.protocol.facts import ClientFact, SessionFact
from app.routers.pages import answers, device_references, forms, levels, permissions
from app.routers.pages.answers import PageRefused, SeeInstead, reference, request_id
from app.routers.pages.client_answers import application_of, home_of
from app.routers.pages.device_references import Device
from app.routers.pages.introduced import introduced
from app.routers.pages.returning import reference_to, sign_in_path
from app.routers.pages.visitor import actor_of, occasion_of, person_of, signed_in
from app.services import limits
from app.store import records
from app.store.hot_devices import DeviceQuestion
from app.views.pages.device import (
    DeviceCode,
    DeviceConsent,
    DeviceDone,
    DeviceOutcome,
    DeviceSlowedDown,
    another_accounts,
)
from app.views.pages.error import ErrorPage

router = APIRouter(include_in_schema=False)

CONFIRM = f"{device.PAGE}/confirm"
DONE = f"{device.PAGE}/done"


@dataclass(frozen=True, slots=True)
class Open:
    """A device that waits for this person's decision, with all that is known about it."""

    device: Device
    reference: str
    waiting: Waiting[DeviceRequestFact]


@router.get(device.PAGE)
async def show_code(request: Request) -> Response:
    """Ask for the code; one that comes with the link is filled in, and nothing tells whether a device waits for it."""
    code = device.read_user_code(request.query_params.get("user_code", ""))
    session = await _signed_in(request, code)
    return answers.show(request, _code_page(request, session, device.shown(code) if code else ""))


@router.post(device.PAGE)
async def take_code(request: Request) -> Response:
    """Look for the device that waits for a code: 303 to the question, 422 with the form again, or 429 (DV-5)."""
    form = await forms.read_form(request)
    typed = form.get("user_code")
    code = device.read_user_code(typed)
    session = await _signed_in(request, code)
    if code is None:  # no guess: it can be nobody's
        return answers.show(request, replace(_code_page(request, session, typed[: device.LONGEST_TYPED]), wrong=True))
    server, occasion = server_of(request), occasion_of(request)
    key = server.key_for("user-code-limits")
    keys = limits.user_code_keys(key, user_id=session.user_id, address=occasion.address)
    lifetime = server.policy.lifetimes.device_code
    waits_until = await limits.admit_user_code(server.database, keys, occasion.now, lifetime)
    if waits_until is not None:
        return answers.show(
            request,
            DeviceSlowedDown(
                retry_after=seconds_until(waits_until, occasion.now),
                now=occasion.now,
                again_url=device.PAGE,
                account=person_of(session),
            ),
        )
    found = await devices.find(server, code, occasion.now)
    if found is None:
        return answers.show(request, replace(_code_page(request, session, device.shown(code)), wrong=True))
    await limits.user_code_was_right(server.database, keys)
    return _see(request, CONFIRM, device_references.reference_to(server, session, Device(found, code)))


@router.get(CONFIRM)
async def show_question(request: Request) -> Response:
    """Show who asks for what on which device; what is decided already leads to how it ended."""
    session = await _signed_in(request)
    sent = request.query_params.get("device", "")
    known = await _open(request, session, sent)
    if known is None:
        return _see(request, DONE, sent)
    _acr(request, known, session)
    return answers.show(request, await _consent_page(request, known, session))


@router.post(CONFIRM)
async def decide(request: Request) -> Response:
    """Carry out the click: approve or deny, once, and say how it ended (DV-7, DV-8)."""
    form = await forms.read_form(request)
    session = await _signed_in(request)
    server = server_of(request)
    sent, now = form.get("device"), server.clock()
    known = await _open(request, session, sent)
    if known is None:
        return _see(request, DONE, sent)
    actor, asks = actor_of(request, session), known.waiting
    match form.get("decision"):
        case "deny":
            await devices.deny(server, asks, session, actor, now)
        case "approve":
            acr = _acr(request, known, session)
            approved = permissions.approved(server, asks.client, asks.wanted, asks.record, form.all("scope"))
            confirmed = form.get("holds") == "yes"
            nothing = bool(asks.wanted.scopes) and not approved and not asks.wanted.details
            if nothing or not confirmed:
                page = replace(await _consent_page(request, known, session), ticked=frozenset(form.all("scope")))
                page = replace(page, not_confirmed=not confirmed, confirmed=confirmed, nothing_ticked=nothing)
                return answers.show(request, page)
            await devices.approve(server, asks, approved, session, acr, actor, now)
        case _:
            description = "decision must be approve or deny"
            page_wrong = ErrorPage.request_wrong(reference(request), error="invalid_request", description=description)
            raise PageRefused(page_wrong)
    return _see(request, DONE, sent)  # whoever was too late reads there who was first


@router.get(DONE)
async def show_end(request: Request) -> Response:
    """Say how it ended, as the database knows it."""
    session = await _signed_in(request)
    sent = request.query_params.get("device", "")
    _, question = await _question(request, session, sent)
    asked, client = question.request, question.client
    if asked.status == "pending" or client is None:
        raise _over(request)
    outcome: DeviceOutcome = "elsewhere"
    if asked.decided_by == session.user_id:
        outcome = "refused" if asked.status == "denied" else "connected"
    return answers.show(
        request,
        DeviceDone(
            account=person_of(session),
            application=application_of(client, home_of(client)),
            outcome=outcome,
            record_url=f"/account/applications/{asked.record_id}" if outcome == "connected" else "",
        ),
    )


async def _signed_in(request: Request, code: str | None = None) -> SessionFact:
    """Return the live session; whoever has none signs in first and then comes back, with the code if he had one."""
    session = await signed_in(request)
    if session is None:
        raise SeeInstead(sign_in_path(reference_to(request, _page_with(code) if code else device.PAGE)))
    return session


def _acr(request: Request, known: Open, session: SessionFact) -> str:
    """Return what the sign-in is worth; where that is not enough for what is asked, the person signs in again, and
    enters the code again: the question belongs to the session that it was asked in."""
    return levels.acr_of(request, session, known.waiting.wanted.scopes, back=_page_with(known.device.user_code))


def _page_with(code: str) -> str:
    return f"{device.PAGE}?{urlencode({'user_code': device.shown(code)})}"


async def _question(request: Request, session: SessionFact, sent: str) -> tuple[Device, DeviceQuestion]:
    """Return what a reference stands for; raises `PageRefused` for one that is not this person's, or of a device that
    is forgotten."""
    server = server_of(request)
    found = device_references.device_behind(server, session, sent)
    question = await server.database.devices.gather_question(found.id, session.user_id) if found else None
    if found is None or question is None:
        raise _over(request)
    return found, question


async def _open(request: Request, session: SessionFact, sent: str) -> Open | None:
    """Return the device that waits; None when somebody has decided. Raises `PageRefused` when it can wait no longer.

    What may have changed since the device asked is judged again, by the rules of its request.
    """
    server = server_of(request)
    found, question = await _question(request, session, sent)
    asked, client = question.request, question.client
    if asked.status != "pending":
        return None
    if client is None or asked.expires_at <= server.clock() or asked.application_epoch != client.epoch:
        raise _over(request)
    try:
        known = await waiting.judged(server, "device", asked, client, question.record, session.user_id)
    except OAuthError as refused:
        raise _not_for(request, session, found, client, refused) from refused
    return Open(found, sent, known)


def _not_for(
    request: Request, session: SessionFact, found: Device, client: ClientFact, refused: OAuthError
) -> PageRefused:
    """Return the refusal of what the device may not have any more, or not of this person: he may be here with another
    account of his than the one that has the grant (GM-7)."""
    application, shown = application_of(client, home_of(client)), reference(request)
    if refused.code is ErrorCode.INVALID_GRANT_ID:
        switch = f"/select-account?{urlencode({'to': reference_to(request, _page_with(found.user_code))})}"
        return PageRefused(another_accounts(shown, application, person_of(session), switch_account_url=switch))
    return PageRefused(
        ErrorPage.request_wrong(
            shown, error=refused.code.wire, description=refused.description, application=application
        )
    )


async def _consent_page(request: Request, known: Open, session: SessionFact) -> DeviceConsent:
    server = server_of(request)
    asks = known.waiting
    asked, client, wanted, record = asks.asked, asks.client, asks.wanted, asks.record
    since = await records.first_granted(server.database, record.id) if record else {}
    return DeviceConsent(
        account=person_of(session),
        csrf=forms.csrf_token(request),
        device=known.reference,
        user_code=device.shown(known.device.user_code),
        application=await introduced(request, client, home_of(client)),
        groups=permissions.groups(
            server, client, wanted.scopes, wanted.resources, record, since, details=wanted.details
        ),
        grant=permissions.grant_of(server, wanted, asks.taken),
        ticked=permissions.held_of(asks.taken, wanted),
        lifetime=permissions.lifetime_of(client, asks.policy, wanted),
        address=asked.address,
        asked_at=asked.created_at,
        now=server.clock(),
        details=permissions.facts_of(client, wanted, request_id(request)),
    )


def _code_page(request: Request, session: SessionFact, typed: str) -> DeviceCode:
    return DeviceCode(account=person_of(session), csrf=forms.csrf_token(request), user_code=typed)


def _see(request: Request, path: str, sent: str) -> Response:
    return answers.see(request, f"{path}?{urlencode({'device': sent})}")


def _over(request: Request) -> PageRefused:
    """Return the refusal of a device that waits no longer, and of a reference that stands for none."""
    kept = int(server_of(request).policy.lifetimes.device_code.total_seconds())
    page = ErrorPage.page_expired(reference(request), kept_seconds=kept)
    return PageRefused(replace(page, todo="Begin on your device once more."))
