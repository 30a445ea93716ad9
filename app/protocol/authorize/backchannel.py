"""The backchannel authentication request (CIBA §7.1): what a client says beside what it asks for.

It has no browser of the person; it says by a name whom it means, and he is asked wherever he is.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Literal

from app.protocol import ciba
from app.protocol.authorize.subject import Subject
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.grant_types import ciba as grant
from app.protocol.grant_types import require_registered
from app.protocol.params import Parameters
from app.protocol.policy import ServerPolicy
from app.protocol.trace import Trace

LONGEST_MESSAGE = 100
"""Characters of a binding message: it is compared on two devices by a person (CB-11)."""

LONGEST_NAME = 300
"""Characters of a `login_hint`: no username or email address is longer."""

LONGEST_NOTIFICATION_TOKEN = 1024
SHORTEST_NOTIFICATION_TOKEN = 22
"""Characters of base64 that 128 random bits take (CB-3)."""

_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0d\uffa0\U000e0100-\U000e01ef]")
"""What Unicode calls letters, marks or symbols, and nobody sees; U+FE0E and U+FE0F only tell how an emoji looks."""

MOST_MARKS = 3
"""Marks that a letter of any script has above and below it; more of them reach into the lines around it."""

_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_POSITIVE = re.compile(r"0*[1-9][0-9]{0,8}")

HintName = Literal["login_hint", "id_token_hint", "login_hint_token"]

HINTS: tuple[HintName, ...] = ("login_hint", "id_token_hint", "login_hint_token")
"""By what a client can say whom it means (CB-3)."""


@dataclass(frozen=True, slots=True)
class Hint:
    """By what the client says whom it means."""

    name: HintName
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says beside what it asks for.

    `acr_values` are the classes of sign-in that are preferred, the first most of all. `notification_token` is what the
    client knows us by when it is pinged, empty for one that polls. `lifetime` is how long it waits for an answer.
    """

    hint: Hint
    acr_values: tuple[str, ...]
    binding_message: str
    notification_token: str = field(repr=False)
    lifetime: timedelta


def admit(client: ClientFact, trace: Trace) -> None:
    """Judge whether a client may ask people at all; raises `unauthorized_client`. Every step is traced."""
    for name, check, section in _OF_CLIENT:
        trace.run(name, section, partial(check, client))


def read(subject: Subject, server: ServerPolicy, trace: Trace) -> Asked:
    """Judge what a request says beside what it asks for, in the order of the table; the first refusal ends it.

    Every step is traced. Raises OAuthError with the codes of CB-6.
    """
    for name, check, section in _OF_REQUEST:
        trace.run(name, section, partial(check, subject))
    params = subject.params
    return Asked(
        hint=hint_of(params),
        acr_values=tuple((params.get("acr_values") or "").split()),
        binding_message=params.get("binding_message") or "",
        notification_token=_notification_token(params) if subject.client.requests.ciba_mode == "ping" else "",
        lifetime=lifetime(params.get("requested_expiry"), server.lifetimes.backchannel_request),
    )


def hint_of(params: Parameters) -> Hint:
    """CB-3: exactly one hint says who is meant; raises `invalid_request`, and `unknown_user_id` for a name that is too
    long for anybody."""
    sent = [name for name in HINTS if params.get(name)]
    if len(sent) != 1:
        told = f"there are {len(sent)}" if sent else "there is none"
        raise _wrong(f"exactly one of {', '.join(HINTS)} says who is meant, and {told}")
    [name] = sent
    text = params.get(name) or ""
    if name == "login_hint" and len(text) > LONGEST_NAME:
        raise OAuthError(ErrorCode.UNKNOWN_USER_ID, f"login_hint is longer than {LONGEST_NAME} characters")
    return Hint(name, text)


def lifetime(text: str | None, longest: timedelta) -> timedelta:
    """CB-3: as long as the client wishes, and no longer than the server lets any request wait; raises
    `invalid_request`."""
    if text is None:
        return longest
    if not _POSITIVE.fullmatch(text):
        raise _wrong("requested_expiry must be a positive whole number of seconds")
    return min(timedelta(seconds=int(text)), longest)


def _grant_type(client: ClientFact) -> None:
    require_registered(grant.NAME, client)


def _confidential(client: ClientFact) -> None:
    """CB-1: whoever asks for people by name has to prove who he is."""
    if not client.confidential:
        raise OAuthError(
            ErrorCode.UNAUTHORIZED_CLIENT,
            "requests to people are for confidential applications; register a way to authenticate",
        )


def _hint(subject: Subject) -> None:
    hint_of(subject.params)


def _binding_message(subject: Subject) -> None:
    """CB-11: short, and of characters that every device shows alike: no line breaks, and nothing that is invisible or
    turns the text around. With a profile of FAPI the person has to be told what this very request is about, by the
    message or by its details (FAPI-CIBA §5.2.2)."""
    text = subject.params.get("binding_message")
    if text is None:
        if subject.policy.fapi and not subject.asked_details:
            raise OAuthError(
                ErrorCode.INVALID_BINDING_MESSAGE,
                "binding_message is missing; send what the person sees on both devices, or authorization_details",
            )
        return
    if len(text) > LONGEST_MESSAGE or not _is_visible(text):
        raise OAuthError(
            ErrorCode.INVALID_BINDING_MESSAGE,
            f"binding_message can have up to {LONGEST_MESSAGE} visible characters on one line",
        )


def _is_visible(text: str) -> bool:
    """Tell whether each character of a text is seen, within its line."""
    marks = "".join("m" if unicodedata.category(one) in ("Mn", "Me") else " " for one in text)
    shown = text.isprintable() and not text.isspace() and not _BLANK.search(text)
    return shown and "m" * (MOST_MARKS + 1) not in marks


def _notification_token(params: Parameters) -> str:
    """CB-3, RFC 6750 §2.1: what a Bearer token may be made of, and too long to be guessed."""
    text = params.get("client_notification_token")
    if text is None:
        raise _wrong("client_notification_token is missing, by which the ping would be known")
    if not SHORTEST_NOTIFICATION_TOKEN <= len(text) <= LONGEST_NOTIFICATION_TOKEN or not _TOKEN68.fullmatch(text):
        raise _wrong(
            f"client_notification_token has {SHORTEST_NOTIFICATION_TOKEN} to {LONGEST_NOTIFICATION_TOKEN} characters "
            "of a Bearer token; make one of 128 random bits or more"
        )
    return text


def _notification(subject: Subject) -> None:
    if subject.client.requests.ciba_mode == "ping":
        _notification_token(subject.params)


def _expiry(subject: Subject) -> None:
    lifetime(subject.params.get("requested_expiry"), timedelta.max)


_OF_CLIENT: tuple[tuple[str, Callable[[ClientFact], None], str], ...] = (
    ("confidential", _confidential, "CIBA §7.1"),
    ("grant type", _grant_type, "CIBA §7.1"),
    ("delivery mode", ciba.check_mode, "CIBA §4"),
)
_OF_REQUEST: tuple[tuple[str, Callable[[Subject], None], str], ...] = (
    ("hint", _hint, "CIBA §7.1"),
    ("binding message", _binding_message, "CIBA §7.1"),
    ("notification token", _notification, "CIBA §7.1"),
    ("requested_expiry", _expiry, "CIBA §7.1"),
)
"""Check and section, in their order."""


def _wrong(description: str) -> OAuthError:
    return OAuthError(ErrorCode.INVALID_REQUEST, description)
