"""The decision on an authorization request: ask a person, answer with an error, or grant. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from app.protocol.accounts import NOBODY_ELSE, Others
from app.protocol.authorize import checklist, interaction, return_path
from app.protocol.authorize import request as request_rules
from app.protocol.authorize.checklist import STANDARD_CLAIMS, Accepted, Subject
from app.protocol.authorize.demands import Hint
from app.protocol.authorize.interaction import Asked, Situation
from app.protocol.authorize.request import PROMPTS
from app.protocol.authorize.return_path import NoReturnPath, ReturnPath
from app.protocol.claims import ClaimsRegistry
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
    tells that they came as a signed request object.
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
    """Nobody has to be asked: everything that was asked may be given. `record` is what was allowed before."""

    client: ClientFact
    session: SessionFact
    path: ReturnPath
    accepted: Accepted
    record: RecordFact | None = None


Verdict = Ask | Back | Grantable


def decide(known: Known, trace: Trace, *, consent_given: bool = False) -> Verdict:
    """Judge a request in the order of A1.2. Raises `NoReturnPath` while nothing may travel to the client.

    With `consent_given` (the click on the page) the reasons to ask for consent no longer apply.
    """
    checked = check(known, trace)
    if isinstance(checked, Back):
        return checked
    client, path, accepted = checked.client, checked.path, checked.accepted
    asked = interaction.next_prompt(_situation(known, checked, consent_given=consent_given), trace)
    if asked is not None:
        if "none" in accepted.request.prompts or asked.final:
            return Back(client, path, asked.error)
        return Ask(client, path, accepted, asked)
    if known.session is None:
        raise AssertionError("the interaction table asks for a login when nobody is signed in")
    return Grantable(client, known.session, path, accepted, known.record)


def check(known: Known, trace: Trace) -> Checked | Back:
    """Judge what does not depend on a person: the return path, then the checklist. Raises `NoReturnPath`."""
    client, path = _return_path(known, trace)
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
    )
    try:
        return Checked(client, path, checklist.run(subject, trace))
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
    )


def _return_path(known: Known, trace: Trace) -> tuple[ClientFact, ReturnPath]:
    policy = known.policy
    try:
        client = return_path.require_client(known.client, known.params)
        _require_redirect_uri(known)
        path = return_path.establish(client, known.params, policy)
    except NoReturnPath as refused:
        trace.add("return path", "refused", refused.description, "RFC 6749 §4.1.2.1", received=refused.detail)
        raise
    trace.add("return path", "passed", path.host, "RFC 9700 §4.1.3")
    # Where no page may be shown, none is shown for an error either: it travels to whoever asked so (OC-4).
    return client, replace(path, travels=True) if request_rules.is_silent(known.params) else path


def _require_redirect_uri(known: Known) -> None:
    """A1.2 step 3: an OpenID request always names its redirect URI, also where only one is registered."""
    openid = OPENID in known.registry and request_rules.is_openid(known.params)
    if openid and known.params.get("redirect_uri") is None and "redirect_uri" not in known.params.duplicated:
        raise NoReturnPath("redirect_uri", "redirect_uri is missing; OpenID Connect requires it in every request")
