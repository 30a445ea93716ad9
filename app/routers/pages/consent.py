"""The consent page: shows what is asked, and carries out the click in two round trips."""

from base64 import urlsafe_b64encode
from dataclasses import replace
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.crypto.hashing import keyed, matches
from app.pipeline import authorization
from app.pipeline.audit import entry
from app.pipeline.authorization import Gathered
from app.pipeline.server import Server, server_of
from app.pipeline.trace import trace_of
from app.protocol import client_identity, consent, details, response_types
from app.protocol import resources as rules
from app.protocol.authorize.decide import Ask, Back, Grantable, Verdict, decide
from app.protocol.authorize.return_path import NoReturnPath
from app.protocol.authorize.waiting import InteractionFact
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.events import Event
from app.protocol.facts import ClientFact, SessionFact
from app.protocol.scopes import OPENID
from app.protocol.trace import Trace
from app.routers.pages import interactions, permissions
from app.routers.pages.answers import PageRefused, reference, request_id, see, show
from app.routers.pages.client_answers import answer_back, refusal_page, with_state
from app.routers.pages.forms import Form, csrf_token, read_form
from app.routers.pages.introduced import introduced
from app.routers.pages.prompts import page_for
from app.routers.pages.visitor import actor_of, keep_alive, person_of
from app.store import records
from app.views.pages.consent import Consent, Fact, Lifetime
from app.views.pages.error import ErrorPage
from app.views.pages.identity import Destination

router = APIRouter(include_in_schema=False)

PATH = "/consent"


@router.get(PATH)
async def consent_page(request: Request) -> Response:
    """Show the question that the request leads to now; anything else than consent goes where it belongs."""
    server = server_of(request)
    gathered = await interactions.gather(request, request.query_params.get("interaction", ""))
    verdict = _decide(request, gathered)
    if isinstance(verdict, Ask) and verdict.asked.prompt == "consent" and gathered.known.session is not None:
        session = gathered.known.session
        return show(request, await _page(request, server, gathered, verdict, session))
    if isinstance(verdict, Ask):
        return see(request, page_for(verdict.asked, gathered.known.session, gathered.reference))
    return see(request, f"/oauth/authorize/resume?{urlencode({'interaction': gathered.reference})}")


@router.post(PATH)
async def decide_consent(request: Request) -> Response:
    """Carry out the click: deny, or merge what was approved and answer with a code."""
    server = server_of(request)
    form = await read_form(request)
    gathered = await interactions.gather(request, form.get("interaction"))
    trace = Trace()
    verdict = _decide(request, gathered, trace, consent_given=True)
    if isinstance(verdict, Back):
        return await _refuse(request, server, gathered, verdict, trace)
    if isinstance(verdict, Ask):
        return see(request, page_for(verdict.asked, gathered.known.session, gathered.reference))
    session = verdict.session
    expected = person_token(server, gathered.interaction, session, verdict.client)
    if not matches(form.get("person").encode("utf-8"), expected.encode("ascii")):
        # Somebody else has signed in since the page was shown, or the application has become another one: who it is,
        # and where the answer goes, must be seen by whoever answers.
        return see(request, f"{PATH}?{urlencode({'interaction': gathered.reference})}")
    if form.get("decision") == "approve":
        answer = await _approve(request, server, gathered, verdict, form, trace)
        return keep_alive(request, session, answer)
    if form.get("decision") == "deny":
        return await _deny(request, server, gathered, verdict, trace)
    raise PageRefused(
        ErrorPage.request_wrong(
            reference(request), error="invalid_request", description="decision must be approve or deny"
        )
    )


async def _approve(
    request: Request,
    server: Server,
    gathered: Gathered,
    verdict: Grantable,
    form: Form,
    trace: Trace,
) -> Response:
    client, accepted = verdict.client, verdict.accepted
    approved = permissions.approved(server, client, accepted, gathered.known.record, form.all("scope"))
    if accepted.scopes and not approved and not accepted.details:
        asked = decide(gathered.known, Trace())
        if isinstance(asked, Ask):
            page = await _page(request, server, gathered, asked, verdict.session)
            return show(request, replace(page, nothing_ticked=True, ticked=frozenset()))
    try:
        answer = await authorization.grant(
            server,
            verdict,
            approved,
            actor_of(request, verdict.session),
            gathered.known.now,
            interaction_id=gathered.interaction.id,
        )
    except OAuthError as refused:
        trace.add("answer", "refused", f"{refused.code.wire}: {refused.description}")
        return await _refuse(request, server, gathered, Back(client, verdict.path, refused), trace)
    if answer is None:
        raise interactions.out_of_date(request)
    trace.add("the person's choice", "approved", f"{len(approved)} of {len(accepted.scopes)} permissions")
    server.traces.add(trace_of(request_id(request), gathered.known, "granted", trace))
    return await with_state(request, answer, client, verdict.session, signs_in=OPENID in approved)


async def _refuse(request: Request, server: Server, gathered: Gathered, verdict: Back, trace: Trace) -> Response:
    outcome = f"refused: {verdict.error.code.wire}"
    server.traces.add(trace_of(request_id(request), gathered.known, outcome, trace))
    return await answer_back(request, gathered.known, verdict)


async def _deny(
    request: Request,
    server: Server,
    gathered: Gathered,
    verdict: Grantable,
    trace: Trace,
) -> Response:
    now, client = gathered.known.now, verdict.client
    audit = entry(
        actor_of(request, verdict.session),
        Event.AUTHORIZATION_DENIED,
        now,
        None,
        {"asked": verdict.accepted.scopes, **details.told(verdict.accepted.details)},
        subject_id=client.client_id,
        user_id=verdict.session.user_id,
        application_id=client.id,
    )
    if not await server.database.hot.close_interaction(gathered.interaction.id, now, audit, verdict.pushed_id):
        raise interactions.out_of_date(request)
    trace.add("the person's choice", "denied")
    server.traces.add(trace_of(request_id(request), gathered.known, "denied", trace))
    refused = OAuthError(ErrorCode.ACCESS_DENIED, "the person did not allow it")
    return await answer_back(request, gathered.known, Back(client, verdict.path, refused))


def _decide(
    request: Request, gathered: Gathered, trace: Trace | None = None, *, consent_given: bool = False
) -> Verdict:
    try:
        return decide(gathered.known, trace or Trace(), consent_given=consent_given)
    except NoReturnPath as refused:
        raise PageRefused(refusal_page(request, gathered.known, refused)) from refused


async def _page(
    request: Request,
    server: Server,
    gathered: Gathered,
    verdict: Ask,
    session: SessionFact,
) -> Consent:
    client, accepted, record = verdict.client, verdict.accepted, gathered.known.record
    since = await records.first_granted(server.database, record.id) if record else {}
    account = person_of(session)
    lifetimes = server.policy_for(client)
    answered = response_types.words(accepted.request.response_type)
    return Consent(
        account=account,
        csrf=csrf_token(request),
        interaction=gathered.reference,
        person=person_token(server, gathered.interaction, session, client),
        application=await introduced(request, client, verdict.path.uri),
        destination=Destination.of(verdict.path.uri),
        changed=client_identity.changes(record.identity, client.introduction.identity) if record else (),
        groups=permissions.groups(
            *(server, client, accepted.scopes, accepted.resources, record, since, accepted.demands.pairs),
            details=accepted.details,
        ),
        grant=permissions.grant_of(server, accepted, gathered.known.taken),
        ticked=permissions.held_of(gathered.known.taken, accepted),
        lifetime=Lifetime(
            offline="refresh_token" in client.grant_types and response_types.CODE in answered,
            with_session=consent.ends_with_session(accepted.scopes),
            longer=consent.lasts_longer(record, accepted.scopes),
            access_seconds=int(lifetimes.access_token.total_seconds()),
            idle_seconds=int(lifetimes.refresh_token_idle.total_seconds()),
            lag_seconds=int(rules.longest_lag(accepted.resources, lifetimes).total_seconds()),
        ),
        details=(
            Fact("Client ID", client.client_id),
            Fact("Redirect URI", verdict.path.uri),
            Fact("Scope", " ".join(accepted.scopes)),
            *(Fact("Resource", resource.identifier) for resource in accepted.resources),
            *(Fact("Claim", name) for name in dict.fromkeys((*accepted.claims.id_token, *accepted.claims.userinfo))),
            *(Fact("Type of details", name) for name in dict.fromkeys(one.type for one in accepted.details)),
            Fact("Request ID", gathered.interaction.request_id),
            Fact("Asked because", verdict.asked.reason),
        ),
        switch_account_url=f"/select-account?{urlencode({'interaction': gathered.reference})}",
    )


def person_token(server: Server, interaction: InteractionFact, session: SessionFact, client: ClientFact) -> str:
    """Return what ties a page to the person it was shown to, and to the application as it was: nobody can approve what
    another account was asked, and no application changes its name or its address behind the page (DM-4).

    What is known by a document is what the copy beside the request says, which nobody changes.
    """
    key = server.key_for("consent-person")
    version = client.version if client.document is None else 0
    seen = keyed(key, interaction.id.bytes, session.user_id.bytes, str(version).encode("ascii"))
    return urlsafe_b64encode(seen).rstrip(b"=").decode("ascii")
