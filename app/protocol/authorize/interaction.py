"""Why a person is asked: one table of prompts and reasons; the first that applies names the page (A1-4)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from app.protocol import consent, redirect_uri
from app.protocol.authorize.checklist import Accepted
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact, RecordFact, SessionFact
from app.protocol.trace import Trace

Prompt = Literal["login", "consent"]


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a reason may look at. `login_at` and `consent_given` tell what the person did in this transaction."""

    now: datetime
    client: ClientFact
    accepted: Accepted
    redirect_uri: str
    session: SessionFact | None
    record: RecordFact | None
    login_at: datetime | None = None
    consent_given: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A person must act: on which page, why, and the error when no page may be shown (`prompt=none`)."""

    prompt: Prompt
    reason: str
    error: OAuthError


def _no_session(situation: Situation) -> bool:
    return situation.session is None


def _login_demanded(situation: Situation) -> bool:
    return "login" in situation.accepted.request.prompts and situation.login_at is None


def _login_too_old(situation: Situation) -> bool:
    max_age = situation.accepted.request.max_age
    if max_age is None or situation.login_at is not None or situation.session is None:
        return False
    return situation.now - situation.session.auth_time >= timedelta(seconds=max_age)


def _consent_demanded(situation: Situation) -> bool:
    return "consent" in situation.accepted.request.prompts


def _scopes_missing(situation: Situation) -> bool:
    return bool(consent.missing(situation.record, situation.accepted.pairs))


def _never_connected(situation: Situation) -> bool:
    return situation.record is None


def _identity_not_assured(situation: Situation) -> bool:
    """CS-3, CA-11: an earlier approval counts only for an application that cannot be impersonated."""
    if situation.client.self_registered:
        return True
    return not (situation.client.confidential or redirect_uri.assured(situation.redirect_uri))


INTERACTIONS: tuple[tuple[Prompt, str, Callable[[Situation], bool], str], ...] = (
    ("login", "nobody is signed in", _no_session, "RFC 6749 §3.1"),
    ("login", "the request demands a fresh login", _login_demanded, "OpenID Connect Core §3.1.2.1"),
    ("login", "the login is older than max_age allows", _login_too_old, "OpenID Connect Core §3.1.2.1"),
    ("consent", "the request demands the consent page", _consent_demanded, "OpenID Connect Core §3.1.2.1"),
    ("consent", "the application was never connected", _never_connected, "RFC 6749 §4.1.1"),
    ("consent", "permissions are asked that were not given before", _scopes_missing, "RFC 6749 §4.1.1"),
    ("consent", "the application's identity is not assured", _identity_not_assured, "RFC 8252 §8.6"),
)

_ERRORS: dict[Prompt, tuple[ErrorCode, str]] = {
    "login": (ErrorCode.LOGIN_REQUIRED, "prompt=none was sent, but the person must sign in"),
    "consent": (ErrorCode.CONSENT_REQUIRED, "prompt=none was sent, but the person must agree first"),
}


def next_prompt(situation: Situation, trace: Trace) -> Asked | None:
    """Return the page that comes next, or None when nobody has to be asked. Raises nothing."""
    for prompt, reason, applies, section in INTERACTIONS:
        if prompt == "consent" and situation.consent_given:
            continue
        if applies(situation):
            trace.add(f"ask for {prompt}", "asked", reason, section)
            code, description = _ERRORS[prompt]
            return Asked(prompt, reason, OAuthError(code, f"{description}: {reason}"))
    trace.add(
        "ask the person",
        "not needed",
        "signed in, allowed before, identity assured" if not situation.consent_given else "agreed on the page",
    )
    return None
