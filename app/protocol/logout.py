"""Logout that an application asks for (OpenID Connect RP-Initiated Logout 1.0): what it asks, and what is done.

The person is asked unless the ID token that comes along proves that exactly one session of this very browser is meant
(LO-3; ASVS 10.6.2). Where he goes afterwards was registered, character by character, or he stays here (LO-5).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from app.protocol import redirect_uri
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact, SessionFact
from app.protocol.features import Feature, FeatureSet
from app.protocol.id_token_hint import Hinted
from app.protocol.params import Parameters
from app.protocol.sid import sid_of

MAX_LENGTH = 4096
"""Characters of one parameter but the hint, which the rules of JWTs bound."""

LONGEST_RETURN = 3 * MAX_LENGTH
"""Characters of the address that the browser goes on to: as many as a `state` of that length takes in ASCII."""


def is_offered(features: FeatureSet) -> bool:
    """Tell whether applications can ask for it here."""
    return Feature.RP_INITIATED_LOGOUT in features


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """The parameters of LO-1, read; each None when absent. `account` is `logout_hint`. `ui_locales` changes nothing."""

    hint: str | None = field(default=None, repr=False)
    client_id: str | None = None
    redirect_uri: str | None = None
    state: str | None = field(default=None, repr=False)
    account: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Order:
    """A request that holds, whoever is signed in. `client_id` is empty when it does not say which application asks.

    `hinted` is None without an ID token. `return_uri` is where the browser goes afterwards, `state` included; empty: it
    stays. `travels` says whether an ID token alone sends it there, as in `ReturnPath`.
    """

    client_id: str = ""
    hinted: Hinted | None = None
    return_uri: str = field(default="", repr=False)
    account: str = field(default="", repr=False)
    travels: bool = True


OURS = Order()
"""What the sign-out page of this server itself asks."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is done: `ask` the person about the session, `end` it at once, or `nothing`, because nobody is signed in."""

    act: Literal["ask", "end", "nothing"]
    session: SessionFact | None = None


def read(params: Parameters) -> LogoutRequest:
    """Read the parameters (LO-1); raises `invalid_request` for one that came twice or is too long."""
    params.require_unique()
    request = LogoutRequest(
        hint=params.get("id_token_hint"),
        client_id=params.get("client_id"),
        redirect_uri=params.get("post_logout_redirect_uri"),
        state=params.get("state"),
        account=params.get("logout_hint"),
    )
    for name in ("client_id", "post_logout_redirect_uri", "state", "logout_hint"):
        if len(params.get(name) or "") > MAX_LENGTH:
            raise _refused(f"{name} is longer than {MAX_LENGTH} characters")
    return request


def client_id_of(request: LogoutRequest, hinted: Hinted | None) -> str:
    """Return who asks, empty when the request does not say; raises when it says two things (LO-2)."""
    if hinted is None:
        return request.client_id or ""
    if request.client_id not in (None, hinted.client_id):
        raise _refused("client_id is not the application that the id_token_hint was issued to")
    return hinted.client_id


def order(request: LogoutRequest, client: ClientFact | None, hinted: Hinted | None) -> Order:
    """Return what the request comes to; raises `invalid_request` for what must not end at the application (LO-6).

    `client` is the active application that `client_id_of` names.
    """
    client_id = client_id_of(request, hinted)
    if client_id and client is None:
        raise _refused("client_id names no active application")
    return Order(
        client_id=client_id,
        hinted=hinted,
        return_uri=_return_uri(request, client),
        account=request.account or "",
        travels=client is None or not client.self_registered,
    )


def judge(asked: Order, sessions: Sequence[SessionFact], subjects: Mapping[UUID, str]) -> Verdict:
    """Decide about the live sessions of the browser, the present one first (LO-2, LO-3).

    `subjects` is what the application that asks calls the person, by `SessionFact.sid`, for those sessions that have
    signed somebody in to it. A hint from a session of another browser, or of somebody else, proves nothing.
    """
    if not sessions:
        return Verdict("nothing")
    if asked.hinted is not None:
        for session in sessions:
            if _is_meant(asked.hinted, session):
                proven = subjects.get(session.sid) == asked.hinted.subject
                return Verdict("end" if proven else "ask", session)
    by_name = (session for session in sessions if _is_called(asked, session))
    return Verdict("ask", next(by_name, sessions[0]))


def may_return(asked: Order, *, confirmed: bool) -> bool:
    """Tell whether the browser is sent on by itself: the person's will makes the request legitimate, and so does an ID
    token (LO-5). Otherwise he gets a link.

    Anybody can register an application where that is open, sign in to it and spread links with his own ID token: they
    lead nobody away unasked (RFC 9700 §4.11.2).
    """
    return bool(asked.return_uri) and (confirmed or (asked.hinted is not None and asked.travels))


def _is_meant(hinted: Hinted, session: SessionFact) -> bool:
    return hinted.sid == sid_of(session.sid, hinted.client_id)


def _is_called(asked: Order, session: SessionFact) -> bool:
    """Tell whether `logout_hint` names the session: by the account, or by what the application calls it."""
    named = asked.account.casefold()
    by_person = named in {session.username.casefold(), session.email.casefold()}
    return bool(named) and (by_person or asked.account == sid_of(session.sid, asked.client_id))


def _return_uri(request: LogoutRequest, client: ClientFact | None) -> str:
    """LO-5: exactly one of those that were registered, with `state` as it was sent; empty when none was asked for."""
    asked = request.redirect_uri
    if asked is None:
        return ""
    if client is None:
        raise _refused("post_logout_redirect_uri needs an application; send id_token_hint, client_id or both")
    registered = client.openid.post_logout_redirect_uris
    # What registration would refuse today is not redirected to, even if an old row holds it (RU-10).
    if asked not in registered or redirect_uri.match((asked,), asked) is None:
        raise OAuthError(
            ErrorCode.INVALID_REQUEST,
            "post_logout_redirect_uri is not registered for this application",
            detail=asked[:300],
        )
    if request.state is None:
        return asked
    onward = redirect_uri.with_query(asked, {"state": request.state})
    if len(onward) > LONGEST_RETURN:
        raise _refused(f"state makes the address longer than {LONGEST_RETURN} characters; send a shorter one")
    return onward


def _refused(description: str) -> OAuthError:
    return OAuthError(ErrorCode.INVALID_REQUEST, description)
