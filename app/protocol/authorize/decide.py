"""The decision on an authorization request: ask a person, answer with an error, or grant. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from app.protocol import grant_management, redirect_uri
from app.protocol.accounts import NOBODY_ELSE, Others
from app.protocol.authorize import checklist, interaction, return_path
from app.protocol.authorize import request as request_rules
from app.protocol.authorize.demands import Hint
from app.protocol.authorize.interaction import Asked, Situation
from app.protocol.authorize.request import PROMPTS
from app.protocol.authorize.return_path import NoReturnPath, ReturnPath
from app.protocol.authorize.subject import STANDARD_CLAIMS, Subject, Where
from app.protocol.authorize.wanted import Accepted
from app.protocol.claims import ClaimsRegistry
from app.protocol.details import NO_DETAILS, DetailTypes
from app.protocol.errors import OAuthError
from app.protocol.facts import ClientFact, RecordFact, SessionFact
from app.protocol.params import Parameters
from app.protocol.policy import ServerPolicy, effective
from app.protocol.resources import NO_RESOURCES, ResourceRegistry
from app.protocol.scopes import OPENID, ScopeRegistry
from app.protocol.trace import Trace


@dataclass(frozen=True, slots=True)
class Known:
    """Everything the decision is a function of.

    `login_at` and `account_at` are there only for what led to this session within this very request (OC-7). `hint` is
    what the ID token in the request says, `others` are the further accounts of the browser, `subjects` is what the
    application calls people, by their ids, where that is not their own subject. `prompts` are the values that the
    server knows. `pushed_id` is the pushed request that the parameters come from, None: they were not pushed; `signed`
    tells that they came as a signed request object. `refusal` is why the object or the pushed request that they should
    have come from counts for nothing.

    `record` is the one that the request goes into, as far as it counts for it, and `taken` the same whole where the
    request replaces what it holds (`grant_management.counted`). `room`: the person can have one more grant of the
    application.
    """

    now: datetime
    policy: ServerPolicy
    registry: ScopeRegistry
    params: Parameters
    client: ClientFact | None
    session: SessionFact | None
    record: RecordFact | None
    login_at: datetime | None = None
    resources: ResourceRegistry = NO_RESOURCES
    claims: ClaimsRegistry = STANDARD_CLAIMS
    prompts: tuple[str, ...] = PROMPTS
    account_at: datetime | None = None
    hint: Hint = None
    others: Others = NOBODY_ELSE
    subjects: Mapping[UUID, str] = field(default_factory=dict)
    pushed_id: UUID | None = None
    signed: bool = False
    refusal: OAuthError | None = None
    taken: RecordFact | None = None
    room: bool = True
    detail_types: DetailTypes = NO_DETAILS

    def aimed_at(self, record: RecordFact | None, *, room: bool = True) -> "Known":
        """Return the same request with the record that it goes into, which it names itself (GM-2)."""
        target = grant_management.aim(self.params)
        counted, taken = grant_management.counted(target, record), grant_management.taken(target, record)
        return replace(self, record=counted, taken=taken, room=room)

    def seen_by(self, session: SessionFact, record: RecordFact | None) -> "Known":
        """Return the same request as it looks when another account of the browser is the present one."""
        rest = (*((self.session,) if self.session is not None else ()), *self.others.sessions)
        return replace(
            self,
            session=session,
            record=record,
            login_at=None,
            account_at=None,
            others=replace(self.others, sessions=tuple(one for one in rest if one.id != session.id)),
        )


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
    """Nobody has to be asked: everything that was asked may be given. `record` is what was allowed before, `acr` what
    the sign-in is worth, `pushed_id` the pushed request that is used up by what is done now."""

    client: ClientFact
    session: SessionFact
    path: ReturnPath
    accepted: Accepted
    record: RecordFact | None = None
    acr: str = ""
    pushed_id: UUID | None = None


Verdict = Ask | Back | Grantable


def decide(known: Known, trace: Trace, *, consent_given: bool = False) -> Verdict:
    """Judge a request in the order of A1.2. Raises `NoReturnPath` while nothing may travel to the client.

    With `consent_given` (the click on the page) the reasons to ask for consent no longer apply.
    """
    checked = check(known, trace)
    if isinstance(checked, Back):
        return checked
    client, path, accepted = checked.client, checked.path, checked.accepted
    situation = _situation(known, checked, consent_given=consent_given)
    asked = interaction.next_prompt(situation, trace)
    if asked is None or asked.prompt == "consent":  # who it is stands, and so does whether the grant is his
        try:
            grant_management.require(accepted.target, known.record, room=known.room)
        except OAuthError as refused:
            trace.add("grant", "refused", refused.description, "Grant Management draft -03 §5.4")
            return Back(client, path, refused)
    if asked is not None:
        if "none" in accepted.request.prompts or asked.final:
            return Back(client, path, asked.error)
        return Ask(client, path, accepted, asked)
    if known.session is None:
        raise AssertionError("the interaction table asks for a login when nobody is signed in")
    return Grantable(client, known.session, path, accepted, known.record, situation.acr or "", known.pushed_id)


def check(known: Known, trace: Trace, where: Where = "authorize") -> Checked | Back:
    """Judge what does not depend on a person: the return path, then the checklist. Raises `NoReturnPath`.

    PAR-5, PAR-12: it is the same when a request is pushed, and again when a browser comes with it.
    """
    client, path = _return_path(known, trace)
    if known.refusal is not None:
        return Back(client, path, known.refusal)
    subject = Subject(
        client=client,
        policy=effective(known.policy, client.policy, confidential=client.confidential),
        registry=known.registry,
        params=known.params,
        resources=known.resources,
        claims=known.claims,
        hint=known.hint,
        prompts=known.prompts,
        pushed=known.pushed_id is not None,
        signed=known.signed,
        detail_types=known.detail_types,
    )
    try:
        accepted = checklist.run(subject, trace, where)
        return Checked(client, path, accepted.resting(known.record, known.detail_types))
    except OAuthError as refused:
        return Back(client, path, refused)


def meant(known: Known) -> SessionFact | None:
    """Return the account of this browser that a request names, when it is not the present one (OC-12, OC-13).

    None for a request that names nobody, or nobody on this browser, and for one that is wrong in itself.
    """
    if not known.others.sessions:
        return None
    try:
        checked = check(known, Trace())
    except NoReturnPath:
        return None
    if isinstance(checked, Back) or not checked.accepted.demands.subjects:
        return None
    situation = _situation(known, checked)
    if known.session is not None and situation.is_named(known.session):
        return None
    return next(filter(situation.is_named, known.others.sessions), None)


def _situation(known: Known, checked: Checked, *, consent_given: bool = False) -> Situation:
    return Situation(
        now=known.now,
        client=checked.client,
        accepted=checked.accepted,
        redirect_uri=checked.path.uri,
        session=known.session,
        record=known.record,
        login_at=known.login_at,
        account_at=known.account_at,
        consent_given=consent_given,
        others=known.others,
        subjects=known.subjects,
        assurance=known.policy.assurance,
    )


_NOT_TAKEN_UP = {
    "pushed_request": ("pushed request", "RFC 9126 §4"),
    "client_document": ("metadata document", "CIMD §4, §6.5"),
}
"""What comes before the request itself, by the case of its refusal."""


def _return_path(known: Known, trace: Trace) -> tuple[ClientFact, ReturnPath]:
    """A1.2 steps 1 to 4. What is wrong with a request object comes before what is missing beside it; the error travels
    to an address that stood beside the object, and to none that stands inside."""
    policy, refusal = known.policy, known.refusal
    if isinstance(refusal, NoReturnPath):
        step, section = _NOT_TAKEN_UP[refusal.case]
        trace.add(step, "refused", refusal.detail or refusal.description, section)
        raise refusal
    if refusal is not None:
        trace.add("request object", "refused", f"{refusal.code.wire}: {refusal.description}", "RFC 9101 §6")
    try:
        client = return_path.require_client(known.client, known.params)
        _require_redirect_uri(known)
        path = return_path.establish(client, known.params, policy)
    except NoReturnPath as refused:
        trace.add("return path", "refused", refused.description, "RFC 6749 §4.1.2.1", received=refused.detail)
        if refusal is not None:
            raise NoReturnPath("request_object", refusal.description, code=refusal.code) from None
        raise
    if client.by_document:
        trace.add("metadata document", "passed", redirect_uri.display_host(client.client_id), "CIMD §4")
    trace.add("return path", "passed", path.host, "RFC 9700 §4.1.3")
    # Where no page may be shown, none is shown for an error either: it travels to whoever asked so (OC-4).
    return client, replace(path, travels=True) if request_rules.is_silent(known.params) else path


def _require_redirect_uri(known: Known) -> None:
    """A1.2 step 3: an OpenID request always names its redirect URI, also where only one is registered."""
    openid = OPENID in known.registry and request_rules.is_openid(known.params)
    if openid and known.params.get("redirect_uri") is None and "redirect_uri" not in known.params.duplicated:
        raise NoReturnPath("redirect_uri", "redirect_uri is missing; OpenID Connect requires it in every request")
