"""`/device`: a person types the code that a device shows, and decides what the device may do (RFC 8628 §3.3).

Nobody is asked less because he was asked before, and a link with the code in it only fills in the field (DV-7).
"""

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.crypto.derivation import derive_key
from app.pipeline import devices, grants
from app.pipeline.server import Server, server_of
from app.protocol import consent, details, device, grant_management, resources
from app.protocol.authorize import checklist
from app.protocol.authorize.checklist import Subject, Wanted
from app.protocol.errors import OAuthError
from app.protocol.facts import ClientFact, RecordFact, SessionFact
from app.protocol.grant_types import device_code
from app.protocol.params import Parameters
from app.protocol.policy import EffectivePolicy, effective
from app.protocol.trace import Trace
from app.routers.pages import answers, device_references, forms, levels, permissions
from app.routers.pages.answers import PageRefused, SeeInstead, reference, request_id
from app.routers.pages.client_answers import application_of
from app.routers.pages.device_references import Device
from app.routers.pages.returning import reference_to, sign_in_path
from app.routers.pages.visitor import actor_of, occasion_of, person_of, signed_in
from app.services import limits
from app.store import records
from app.store.hot_devices import DeviceQuestion
from app.views.pages.consent import Fact, Lifetime
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
    """A device that waits for this person's decision, with all that is known about it.

    `record` is what it goes into, as far as it counts, and `taken` the same whole where it is replaced.
    """

    device: Device
    reference: str
    question: DeviceQuestion
    client: ClientFact
    policy: EffectivePolicy
    wanted: Wanted
    record: RecordFact | None
    taken: RecordFact | None


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
    key = derive_key(server.keys.by_version[server.keys.current], "user-code-limits")
    keys = limits.user_code_keys(key, user_id=session.user_id, address=occasion.address)
    lifetime = server.policy.lifetimes.device_code
    waits_until = await limits.admit_user_code(server.database, keys, occasion.now, lifetime)
    if waits_until is not None:
        return answers.show(
            request,
            DeviceSlowedDown(
                retry_after=limits.seconds_until(waits_until, occasion.now),
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
    actor, asked = actor_of(request, session), known.question.request
    match form.get("decision"):
        case "deny":
            await devices.deny(server, asked, known.client, session, actor, now)
        case "approve":
            acr = _acr(request, known, session)
            approved = _approved(server, known, form.all("scope"))
            confirmed = form.get("holds") == "yes"
            nothing = bool(known.wanted.scopes) and not approved and not known.wanted.details
            if nothing or not confirmed:
                page = replace(await _consent_page(request, known, session), ticked=frozenset(form.all("scope")))
                page = replace(page, not_confirmed=not confirmed, confirmed=confirmed, nothing_ticked=nothing)
                return answers.show(request, page)
            await devices.approve(server, asked, known.client, known.wanted, approved, session, acr, actor, now)
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
            application=application_of(client, client.client_uri),
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
    return levels.acr_of(request, session, known.wanted.scopes, back=_page_with(known.device.user_code))


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
    policy = effective(server.policy, client.policy, confidential=client.confidential)
    params = Parameters.of((("scope", " ".join(asked.scopes)), *(("resource", one) for one in asked.resources)))
    further = (*grant_management.parameters(asked.target), *details.parameters(asked.details))
    params = Parameters.of((*params.pairs(), *further))
    subject = Subject(client, policy, server.scopes, params, server.resources.current, detail_types=server.details)
    if device_code.NAME not in client.grant_types:
        raise _over(request)
    try:
        wanted = checklist.run_at("device", subject, Trace())
    except OAuthError as refused:
        application = application_of(client, client.client_uri)
        raise PageRefused(
            ErrorPage.request_wrong(
                reference(request),
                error=refused.code.wire,
                description=refused.description,
                application=application,
            )
        ) from refused
    record = await _record(request, session, found, question)
    counted = grant_management.counted(asked.target, record)
    return Open(
        found,
        sent,
        question,
        client,
        policy,
        wanted.resting(counted, server.details),
        record=counted,
        taken=grant_management.taken(asked.target, record),
    )


async def _record(request: Request, session: SessionFact, found: Device, question: DeviceQuestion) -> RecordFact | None:
    """Return the record that the device asks for; raises `PageRefused` when it is not there for this person, who may be
    here with another of his accounts (GM-7)."""
    target, client = question.request.target, question.client
    if target is None or client is None:
        return question.record
    record = await grants.find(server_of(request), target, client, session.user_id)
    if target.names_record and record is None:
        back = urlencode({"to": reference_to(request, _page_with(found.user_code))})
        shown = application_of(client, client.client_uri)
        raise PageRefused(
            another_accounts(
                reference(request), shown, person_of(session), switch_account_url=f"/select-account?{back}"
            )
        )
    return record


async def _consent_page(request: Request, known: Open, session: SessionFact) -> DeviceConsent:
    server = server_of(request)
    client, wanted, record = known.client, known.wanted, known.record
    since = await records.first_granted(server.database, record.id) if record else {}
    asked = known.question.request
    return DeviceConsent(
        account=person_of(session),
        csrf=forms.csrf_token(request),
        device=known.reference,
        user_code=device.shown(known.device.user_code),
        application=application_of(client, client.client_uri),
        groups=permissions.groups(
            server, client, wanted.scopes, wanted.resources, record, since, details=wanted.details
        ),
        grant=permissions.grant_of(server, wanted, known.taken),
        ticked=permissions.held_of(known.taken, wanted),
        lifetime=Lifetime(
            offline="refresh_token" in client.grant_types,
            access_seconds=int(known.policy.access_token.total_seconds()),
            idle_seconds=int(known.policy.refresh_token_idle.total_seconds()),
            lag_seconds=int(resources.longest_lag(wanted.resources, known.policy).total_seconds()),
        ),
        address=asked.address,
        asked_at=asked.created_at,
        now=server.clock(),
        details=(
            Fact("Client ID", client.client_id),
            Fact("Scope", " ".join(wanted.scopes)),
            *(Fact("Resource", resource.identifier) for resource in wanted.resources),
            *(Fact("Type of details", name) for name in dict.fromkeys(one.type for one in wanted.details)),
            Fact("Request ID", request_id(request)),
        ),
    )


def _approved(server: Server, known: Open, ticked: tuple[str, ...]) -> tuple[str, ...]:
    """Return what the person approved; what the record holds already needs no tick."""
    wanted = known.wanted
    return consent.approved_scopes(
        wanted.scopes,
        optional=consent.optional_scopes(wanted.scopes, known.client, server.scopes),
        granted_before=permissions.granted_before(wanted.scopes, wanted.resources, known.record),
        ticked=frozenset(ticked),
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
