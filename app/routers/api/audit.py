"""`/api/v1/organizations/{slug}/audit`: who did what in an organization; `/api/v1/audit`: what happened to an account.

Operators read all of it at `/api/v1/admin/audit`. Newest first, in pages, or streamed whole. From which address
somebody did something is told to administrators, and to himself.
"""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import Depends, Query
from pydantic import AwareDatetime
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.pipeline.server import server_of
from app.protocol import permissions
from app.protocol.events import Event
from app.protocol.facts import SessionFact
from app.routers.api.audit_models import (
    AuditList,
    MayKnowWhence,
    csv_head,
    csv_rows,
    entry_of,
    json_lines,
    shown_lines,
    shown_table,
)
from app.routers.api.caller import CALLER_PROBLEMS, Reader
from app.routers.api.gate import GATE_PROBLEMS, Granted, at_organization
from app.routers.api.operator import OPERATOR_PROBLEMS, OperatorReader
from app.routers.api.paging import NEXT_LINK, AskedPage, Page, link_next
from app.routers.api.problems import Kind, api_router, problems
from app.services import trail
from app.services.trail import Filters, Told
from app.store.trail import Place, Selection

router = api_router()

JSON_LINES = "application/x-ndjson"
_CSV = "text/csv; charset=utf-8"

_Text = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]
_Format = Annotated[
    Literal["jsonl", "csv"], Query(description="One JSON object per line, or a table for spreadsheets.")
]


def asked_filters(
    event: Annotated[
        _Text,
        Query(
            description="The name of an event, or the beginning of names with its dot (`api_key.`). Others find none.",
            examples=[Event.API_KEY_CREATED.value],
        ),
    ] = "",
    q: Annotated[
        _Text, Query(description="A user name, or an id or label: of the actor, of the target, or of the request.")
    ] = "",
    actor: Annotated[_Text, Query(description="The id of who did it.")] = "",
    target: Annotated[_Text, Query(description="The id of what it was done to.")] = "",
    since: Annotated[AwareDatetime | None, Query(description="From this moment on.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Up to this moment, without it.")] = None,
) -> Filters:
    """Return which part of a trail a request asks for."""
    return Filters(event=event, q=q, actor=actor, target=target, since=since, until=until)


AskedFilters = Annotated[Filters, Depends(asked_filters)]
_AtOrganization = Annotated[Granted, Depends(at_organization(permissions.AUDIT_LOG))]


def _listed(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    lines = {JSON_LINES: shown_lines()}
    described = "A page of the trail; with `Accept: application/x-ndjson` all of it, one entry per line."
    return {
        200: {"description": described, "headers": NEXT_LINK, "content": lines},
        **problems(*kinds, Kind.INVALID_REQUEST),
    }


def _exported(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    described = "Everything that fits, newest first. An answer that breaks off is not complete."
    return {
        200: {"description": described, "content": {JSON_LINES: shown_lines(), "text/csv": shown_table()}},
        **problems(*kinds, Kind.INVALID_REQUEST),
    }


@router.get(
    "/organizations/{slug}/audit",
    operation_id="read_organization_audit",
    summary="Read who did what in an organization",
    response_model=AuditList,
    responses=_listed(*GATE_PROBLEMS),
)
async def read_organization_audit(
    request: Request, response: Response, granted: _AtOrganization, filters: AskedFilters, page: AskedPage
) -> AuditList | Response:
    """Newest first. A page may hold fewer entries than asked for, and still have one after it."""
    selection = await trail.of_organization(server_of(request).database, granted.organization.id, filters)
    return await _answer(request, response, selection, page, _whence_for(granted))


@router.get(
    "/organizations/{slug}/audit/export",
    operation_id="export_organization_audit",
    summary="Take an organization’s audit log home",
    response_class=Response,
    responses=_exported(*GATE_PROBLEMS),
)
async def export_organization_audit(
    request: Request, granted: _AtOrganization, filters: AskedFilters, format: _Format = "jsonl"
) -> Response:
    """Streams everything that fits, newest first."""
    selection = await trail.of_organization(server_of(request).database, granted.organization.id, filters)
    return await _stream(request, selection, _whence_for(granted), format, f"audit-{granted.organization.slug}")


@router.get(
    "/audit",
    operation_id="read_own_audit",
    summary="Read what happened to your account",
    response_model=AuditList,
    responses=_listed(*CALLER_PROBLEMS),
)
async def read_own_audit(
    request: Request, response: Response, session: Reader, filters: AskedFilters, page: AskedPage
) -> AuditList | Response:
    """Sign-ins, connected applications, tokens, and what others did to you. Newest first."""
    return await _answer(
        request,
        response,
        await trail.of_person(server_of(request).database, session.user_id, filters),
        page,
        _own_whence(session),
    )


@router.get(
    "/audit/export",
    operation_id="export_own_audit",
    summary="Take the history of your account home",
    response_class=Response,
    responses=_exported(*CALLER_PROBLEMS),
)
async def export_own_audit(
    request: Request, session: Reader, filters: AskedFilters, format: _Format = "jsonl"
) -> Response:
    """Streams everything that fits, newest first."""
    selection = await trail.of_person(server_of(request).database, session.user_id, filters)
    return await _stream(request, selection, _own_whence(session), format, "activity")


@router.get(
    "/admin/audit",
    operation_id="read_audit",
    summary="Read the whole audit log",
    response_model=AuditList,
    responses=_listed(*OPERATOR_PROBLEMS),
)
async def read_audit(
    request: Request, response: Response, operator: OperatorReader, filters: AskedFilters, page: AskedPage
) -> AuditList | Response:
    """For operators. Newest first."""
    return await _answer(
        request, response, await trail.of_everybody(server_of(request).database, filters), page, _always
    )


@router.get(
    "/admin/audit/export",
    operation_id="export_audit",
    summary="Take the whole audit log home",
    response_class=Response,
    responses=_exported(*OPERATOR_PROBLEMS),
)
async def export_audit(
    request: Request, operator: OperatorReader, filters: AskedFilters, format: _Format = "jsonl"
) -> Response:
    """For operators. Streams everything that fits, newest first."""
    return await _stream(
        request, await trail.of_everybody(server_of(request).database, filters), _always, format, "audit"
    )


async def _answer(
    request: Request, response: Response, selection: Selection, page: Page, may_know_whence: MayKnowWhence
) -> AuditList | Response:
    accepted = [part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "").split(",")]
    if JSON_LINES in accepted:
        return await _stream(request, selection, may_know_whence, "jsonl", "audit")
    found = await trail.read(server_of(request).database, selection, Place(page.after), page.limit)
    if found.onwards is not None:
        link_next(request, response, page, found.onwards)
    return AuditList(items=[entry_of(told, may_know_whence) for told in found.entries])


async def _stream(
    request: Request,
    selection: Selection,
    may_know_whence: MayKnowWhence,
    format: Literal["jsonl", "csv"],
    name: str,
) -> Response:
    """Answer with everything selected, a chunk at a time; the first one is read before the answer begins."""
    chunks = trail.export(server_of(request).database, selection)
    first = await anext(chunks, None)
    as_lines = csv_rows if format == "csv" else json_lines

    async def lines() -> AsyncIterator[bytes]:
        if format == "csv":
            yield csv_head()
        yield as_lines(entry_of(told, may_know_whence) for told in first or ())
        async for chunk in chunks:
            yield as_lines(entry_of(told, may_know_whence) for told in chunk)

    saved_as = f"{name}-{server_of(request).clock():%Y-%m-%d}.{format}"
    headers = {"Content-Disposition": f'attachment; filename="{saved_as}"'}
    return StreamingResponse(lines(), media_type=_CSV if format == "csv" else JSON_LINES, headers=headers)


def _whence_for(granted: Granted) -> MayKnowWhence:
    may_know = permissions.ADDRESSES.allows("GET", granted.scopes)
    return lambda told: may_know


def _own_whence(session: SessionFact) -> MayKnowWhence:
    return lambda told: trail.is_own_place(told, session.user_id)


def _always(told: Told) -> bool:
    return True
