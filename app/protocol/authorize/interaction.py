"""Why a person is asked: one table of prompts and reasons; the first that applies names the page (A1-4)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from app.protocol import consent, details, grant_management, redirect_uri
from app.protocol.accounts import NOBODY_ELSE, Others
from app.protocol.acr import STANDARD, Assurance, Required
from app.protocol.authorize.wanted import Accepted
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact, RecordFact, SessionFact
from app.protocol.scopes import OPENID
from app.protocol.trace import Trace

Prompt = Literal["create", "select_account", "login", "consent"]


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a reason may look at.

    `login_at`, `account_at` and `consent_given` tell what the person did in this transaction: signed in, chose the
    account, agreed (OC-7). `others` are the further accounts of the browser. `subjects` is what the application calls
    people, by their ids, where that is not their own subject.
    """

    now: datetime
    client: ClientFact
    accepted: Accepted
    redirect_uri: str
    session: SessionFact | None
    record: RecordFact | None
    login_at: datetime | None = None
    account_at: datetime | None = None
    consent_given: bool = False
    others: Others = NOBODY_ELSE
    subjects: Mapping[UUID, str] = field(default_factory=dict)
    assurance: Assurance = STANDARD

    @property
    def acr(self) -> str | None:
        """What the present sign-in is called in the answer; None when it does not meet what the request requires."""
        return self._reached(self.accepted.demands.required)

    def is_worth(self, *, one_of: tuple[str, ...] = (), of_scopes: tuple[str, ...] = ()) -> bool:
        """Tell whether the present sign-in meets these requirements."""
        return self._reached(Required(one_of, of_scopes)) is not None

    def _reached(self, required: Required) -> str | None:
        """A sign-in that was made for this request stays as recent as it was, however long its pages take (OC-7)."""
        if self.session is None:
            return None
        age = timedelta() if self.login_at is not None else self.now - self.session.auth_time
        return self.assurance.reached(self.session.amr, age, required, self.accepted.request.acr_values)

    @property
    def decided_who(self) -> bool:
        """Whether the person said in this transaction who he is."""
        return self.login_at is not None or self.account_at is not None

    def is_named(self, session: SessionFact) -> bool:
        """Tell whether the request is for this person (OC-12, OC-13): everybody, unless it names somebody."""
        named = self.accepted.demands.subjects
        if not named:
            return True
        return self._may_recognize(session) and self.subjects.get(session.user_id, session.subject) in named

    def _may_recognize(self, session: SessionFact) -> bool:
        """Without a page nobody is recognized by an application that he has allowed nothing: it would learn who sits
        there by asking for one name after the other. Whoever shows an ID token of the person was allowed before."""
        if self.accepted.demands.proven or "none" not in self.accepted.request.prompts:
            return True
        allowed = self.session is not None and session.id == self.session.id and self.record is not None
        return allowed or session.id in self.others.connected


@dataclass(frozen=True, slots=True)
class Asked:
    """A person must act: on which page, why, and the error when no page may be shown (`prompt=none`).

    `final` tells that no page helps any more: he has acted in this transaction, and it was not what the request needs.
    `confirms` tells that the person who is signed in has to show that it is he, and nobody else is accepted.
    """

    prompt: Prompt
    reason: str
    error: OAuthError
    final: bool = False
    confirms: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """A line of the table. `satisfied` tells whether the person did, in this transaction, all that he can about it:
    where it applies even so, the answer is the error."""

    prompt: Prompt
    words: str
    applies: Callable[[Situation], bool]
    section: str
    satisfied: Callable[[Situation], bool] = lambda _: False
    confirms: bool = False
    code: ErrorCode | None = None


def _create_demanded(situation: Situation) -> bool:
    return "create" in situation.accepted.request.prompts and not situation.decided_who


def _choice_demanded(situation: Situation) -> bool:
    """OC-6. Where nobody is signed in there is nothing to choose from: whoever signs in then has chosen himself."""
    somebody = situation.session is not None or bool(situation.others.sessions)
    return "select_account" in situation.accepted.request.prompts and somebody and not situation.decided_who


def _another_is_named(situation: Situation) -> bool:
    """OC-12, OC-13: the answer for one person is never given for another."""
    return situation.session is not None and not situation.is_named(situation.session)


def _another_here_is_named(situation: Situation) -> bool:
    """The person of the request is on this browser, and somebody else is the present one."""
    if situation.session is not None and situation.is_named(situation.session):
        return False
    named = bool(situation.accepted.demands.subjects)
    return named and any(map(situation.is_named, situation.others.sessions)) and not situation.decided_who


def _no_session(situation: Situation) -> bool:
    return situation.session is None


def _login_demanded(situation: Situation) -> bool:
    """OC-5, OC-7: once in this transaction, whatever the address says."""
    return "login" in situation.accepted.request.prompts and situation.login_at is None


def _login_too_old(situation: Situation) -> bool:
    """OC-8. With 0 every login is too old, as with `prompt=login`, but for the one made for this request."""
    max_age = situation.accepted.request.max_age
    if max_age is None or situation.login_at is not None or situation.session is None:
        return False
    return situation.now - situation.session.auth_time >= timedelta(seconds=max_age)


def _scopes_need_more(situation: Situation) -> bool:
    """RFC 9470: a permission that only a sign-in of another level gets, such as a recent one."""
    levels = situation.accepted.demands.required.of_scopes
    return situation.session is not None and not situation.is_worth(of_scopes=levels)


def _acr_unmet(situation: Situation) -> bool:
    """OC-11: a demanded level that this sign-in does not reach."""
    return situation.session is not None and situation.acr is None


def _acr_preferred(situation: Situation) -> bool:
    """RFC 9470 §5, OC-10: levels that the application would rather have, and that signing in again leads to. The person
    is asked for it once, and never an error for it: where no page may be shown, the answer says what he is worth."""
    if situation.session is None or situation.login_at is not None or "none" in situation.accepted.request.prompts:
        return False
    preferred = situation.assurance.known(situation.accepted.request.acr_values)
    possible = Required(preferred, situation.accepted.demands.required.of_scopes)
    wanted = bool(preferred) and situation.assurance.is_possible(possible)
    return wanted and not situation.is_worth(one_of=preferred)


def _several_accounts(situation: Situation) -> bool:
    """OC-4: nobody has told whom the application is to know. It is told by the account that it knows from this
    browser's session, and by the record of one that signs nobody in."""
    session = situation.session
    if session is None or not situation.others.sessions or situation.decided_who or situation.accepted.demands.subjects:
        return False
    signs_in = OPENID in situation.accepted.scopes
    return session.id not in situation.others.connected and (signs_in or situation.record is None)


def _consent_demanded(situation: Situation) -> bool:
    return "consent" in situation.accepted.request.prompts


def _scopes_missing(situation: Situation) -> bool:
    return bool(consent.missing(situation.record, situation.accepted.pairs))


def _grant_is_own(situation: Situation) -> bool:
    """GM-3, GM-5: a grant that begins, or becomes another, is agreed to as such, whatever was allowed before."""
    target = situation.accepted.target
    return target is not None and target.action != grant_management.MERGE


def _details_asked_anew(situation: Situation) -> bool:
    """AR-7: what nobody remembers was approved for the request of then."""
    return details.asked_anew(situation.accepted.details)


def _never_connected(situation: Situation) -> bool:
    return situation.record is None


def _has_changed(situation: Situation) -> bool:
    """CI-11, AR-12: what a document says can change any day, and the person has allowed what it was then."""
    client, record = situation.client, situation.record
    return client.by_document and record is not None and record.identity != client.introduction.identity


def _identity_not_assured(situation: Situation) -> bool:
    """CS-3, CS-4, CA-11, NA-2: an earlier approval counts only for an application that cannot be impersonated.

    BB-5: one that is known by its document is whoever has the host of its client_id, if the answer goes there alone.
    Whoever else registered itself could be anybody.
    """
    if situation.client.by_document:
        return not redirect_uri.is_of_origin(situation.redirect_uri, situation.client.client_id)
    if situation.client.self_registered:
        return True
    return not (situation.client.confidential or redirect_uri.assured(situation.redirect_uri))


def _signed_in_now(situation: Situation) -> bool:
    return situation.login_at is not None


def _decided_who(situation: Situation) -> bool:
    return situation.decided_who


_CORE = "OpenID Connect Core §3.1.2.1"
_UNMET = ErrorCode.UNMET_AUTHENTICATION_REQUIREMENTS

INTERACTIONS: tuple[Reason, ...] = (
    Reason("create", "the request asks for a new account", _create_demanded, "Prompt Create 1.0 §4"),
    Reason("select_account", "the request demands a choice of the account", _choice_demanded, _CORE),
    Reason(
        "select_account",
        "the request names another account of this browser",
        _another_here_is_named,
        f"{_CORE}, §5.5.1",
    ),
    Reason("login", "nobody is signed in", _no_session, "RFC 6749 §3.1"),
    Reason("login", "the request names another person", _another_is_named, f"{_CORE}, §5.5.1", _decided_who),
    Reason("login", "the request demands a fresh login", _login_demanded, _CORE, confirms=True),
    Reason("login", "the login is older than max_age allows", _login_too_old, _CORE, confirms=True),
    Reason(
        "login",
        "a permission needs another kind of sign-in, or a recent one",
        _scopes_need_more,
        "RFC 9470 §5",
        _signed_in_now,
        confirms=True,
    ),
    Reason(
        "login",
        "the request demands another kind of sign-in",
        _acr_unmet,
        "OpenID Connect Core §5.5.1.1, RFC 9470 §5",
        _signed_in_now,
        confirms=True,
        code=_UNMET,
    ),
    Reason("login", "the request prefers another kind of sign-in", _acr_preferred, "RFC 9470 §5", confirms=True),
    Reason("select_account", "several accounts are signed in", _several_accounts, f"{_CORE}, §3.1.2.6"),
    Reason("consent", "the request demands the consent page", _consent_demanded, _CORE),
    Reason("consent", "the request begins or replaces a grant", _grant_is_own, "Grant Management draft -03 §5.2"),
    Reason("consent", "the application was never connected", _never_connected, "RFC 6749 §4.1.1"),
    Reason("consent", "details are asked that are never remembered", _details_asked_anew, "RFC 9396 §3"),
    Reason("consent", "permissions are asked that were not given before", _scopes_missing, "RFC 6749 §4.1.1"),
    Reason("consent", "the application has changed since it was allowed", _has_changed, "CIMD §6.3"),
    Reason("consent", "the application's identity is not assured", _identity_not_assured, "RFC 8252 §8.6"),
)

SILENT: Mapping[Prompt, tuple[ErrorCode, str]] = {
    "create": (ErrorCode.INTERACTION_REQUIRED, "prompt=none was sent, but the person must act"),
    "select_account": (ErrorCode.ACCOUNT_SELECTION_REQUIRED, "prompt=none was sent, but the person must choose"),
    "login": (ErrorCode.LOGIN_REQUIRED, "prompt=none was sent, but the person must sign in"),
    "consent": (ErrorCode.CONSENT_REQUIRED, "prompt=none was sent, but the person must agree first"),
}
"""What each page is as an error, where none may be shown (OC-4, OC-6)."""


def next_prompt(situation: Situation, trace: Trace) -> Asked | None:
    """Return the page that comes next, or None when nobody has to be asked. Raises nothing."""
    for reason in INTERACTIONS:
        if reason.prompt == "consent" and situation.consent_given:
            continue
        if reason.applies(situation):
            return _asked(reason, situation, trace)
    _tell_preference(situation, trace)
    trace.add(
        "ask the person",
        "not needed",
        "signed in, allowed before, identity assured" if not situation.consent_given else "agreed on the page",
    )
    return None


def _asked(reason: Reason, situation: Situation, trace: Trace) -> Asked:
    code, description = SILENT[reason.prompt]
    final = reason.satisfied(situation)
    if final:
        description = "the person has acted, and still"
    trace.add(f"ask for {reason.prompt}", "refused" if final else "asked", reason.words, reason.section)
    error = OAuthError(reason.code or code, f"{description}: {reason.words}")
    return Asked(reason.prompt, reason.words, error, final, reason.confirms)


def _tell_preference(situation: Situation, trace: Trace) -> None:
    """OC-10: `acr_values` are preferences, so that the answer says how the person did sign in, whether or not it is one
    of them."""
    preferred = situation.accepted.request.acr_values
    if preferred and situation.session is not None:
        reached = situation.acr
        outcome = "met" if reached in preferred else "not met, and no reason to refuse"
        trace.add("acr_values", outcome, f"the sign-in is {reached or 'of no class'}", "OpenID Connect Core §5.5.1.1")
