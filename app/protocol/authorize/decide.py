"""The decision on an authorization request: ask a person, answer with an error, or grant. Pure."""

from dataclasses import dataclass
from datetime import datetime

from app.protocol.authorize import checklist, interaction, return_path
from app.protocol.authorize.checklist import Accepted, Subject
from app.protocol.authorize.interaction import Asked, Situation
from app.protocol.authorize.return_path import NoReturnPath, ReturnPath
from app.protocol.errors import OAuthError
from app.protocol.facts import ClientFact, RecordFact, SessionFact
from app.protocol.params import Parameters
from app.protocol.policy import ServerPolicy, effective
from app.protocol.resources import NO_RESOURCES, ResourceRegistry
from app.protocol.scopes import ScopeRegistry
from app.protocol.trace import Trace


@dataclass(frozen=True, slots=True)
class Known:
    """Everything the decision is a function of. `login_at` counts only for a login made for this very request."""

    now: datetime
    policy: ServerPolicy
    registry: ScopeRegistry
    params: Parameters
    client: ClientFact | None
    session: SessionFact | None
    record: RecordFact | None
    login_at: datetime | None = None
    resources: ResourceRegistry = NO_RESOURCES


@dataclass(frozen=True, slots=True)
class Checked:
    """A request that is right in itself; whether a person must be asked is still open."""

    client: ClientFact
    path: ReturnPath
    accepted: Accepted


@dataclass(frozen=True, slots=True)
class Ask:
    """A person must act on a page."""

    client: ClientFact
    path: ReturnPath
    accepted: Accepted
    asked: Asked


@dataclass(frozen=True, slots=True)
class Back:
    """The answer is an error, which goes to the client."""

    client: ClientFact
    path: ReturnPath
    error: OAuthError


@dataclass(frozen=True, slots=True)
class Grantable:
    """Nobody has to be asked: a code may be issued for everything that was asked."""

    client: ClientFact
    session: SessionFact
    path: ReturnPath
    accepted: Accepted


Verdict = Ask | Back | Grantable


def decide(known: Known, trace: Trace, *, consent_given: bool = False) -> Verdict:
    """Judge a request in the order of A1.2. Raises `NoReturnPath` while nothing may travel to the client.

    With `consent_given` (the click on the page) the reasons to ask for consent no longer apply.
    """
    checked = check(known, trace)
    if isinstance(checked, Back):
        return checked
    client, path, accepted = checked.client, checked.path, checked.accepted
    asked = interaction.next_prompt(
        Situation(
            now=known.now,
            client=client,
            accepted=accepted,
            redirect_uri=path.uri,
            session=known.session,
            record=known.record,
            login_at=known.login_at,
            consent_given=consent_given,
        ),
        trace,
    )
    if asked is not None:
        if "none" in accepted.request.prompts:
            return Back(client, path, asked.error)
        return Ask(client, path, accepted, asked)
    if known.session is None:
        raise AssertionError("the interaction table asks for a login when nobody is signed in")
    return Grantable(client, known.session, path, accepted)


def check(known: Known, trace: Trace) -> Checked | Back:
    """Judge what does not depend on a person: the return path, then the checklist. Raises `NoReturnPath`."""
    client, path = _return_path(known, trace)
    subject = Subject(
        client=client,
        policy=effective(known.policy, client.policy, confidential=client.confidential),
        registry=known.registry,
        params=known.params,
        resources=known.resources,
    )
    try:
        return Checked(client, path, checklist.run(subject, trace))
    except OAuthError as refused:
        return Back(client, path, refused)


def _return_path(known: Known, trace: Trace) -> tuple[ClientFact, ReturnPath]:
    policy = known.policy
    try:
        client = return_path.require_client(known.client, known.params)
        issuer = policy.issuer if policy.issuer_in_answers else None
        path = return_path.establish(client, known.params, issuer=issuer, implicit=policy.implicit)
    except NoReturnPath as refused:
        trace.add("return path", "refused", refused.description, "RFC 6749 §4.1.2.1", received=refused.detail)
        raise
    trace.add("return path", "passed", path.host, "RFC 9700 §4.1.3")
    return client, path
