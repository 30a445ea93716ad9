"""Grants that a client asks for until a person has decided elsewhere: device codes (RFC 8628 §3.4, §3.5), and requests
to people (CIBA §10.1, §11).

Both are judged by one rule, and paced by one clock. What such a grant is called, each kind says itself.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Literal
from uuid import UUID

from app.crypto.hashing import digest, matches
from app.protocol import redemption, sender
from app.protocol.context import TokenContext
from app.protocol.errors import ErrorCode, Flow, NotePoll, OAuthError, SlowDown
from app.protocol.facts import Authentication, ClientFact, Origin, Standing
from app.protocol.outcomes import Issuance, RedeemCode
from app.protocol.sender import UNBOUND, Binding
from app.protocol.token_format import Credential

SLOWER_BY = timedelta(seconds=5)
"""What `slow_down` adds to the time between two questions, for this and all later ones (DC-2, RFC 8628 §3.5)."""

PolledStatus = Literal["pending", "approved", "denied", "used"]


@dataclass(frozen=True, slots=True)
class PolledFact:
    """Such a grant, as the client that polls with it is judged.

    `application_epoch` is that of the request. Until somebody has approved it there is no `origin`, no
    `authentication` and no standing. `poll_seconds` is how long the client has to wait since `polled_at`.
    `grant_action` as in `CodeFact`.
    """

    id: UUID
    digest: bytes = field(repr=False)
    application_id: UUID
    application_epoch: int
    status: PolledStatus
    origin: Origin | None
    authentication: Authentication | None
    polled_at: datetime | None
    poll_seconds: int
    expires_at: datetime
    standing: Standing | None
    binding: Binding = UNBOUND
    grant_action: str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """What refusals call a kind of such grants: its `name`, the `request` that it came of, and how to begin `again`.
    Tokens are paid for by `payment`."""

    flow: Flow
    payment: type[RedeemCode]
    name: str
    request: str
    again: str


class Pace(Enum):
    """Whether a client that asks again has waited."""

    STEADY = "steady"
    TOO_FAST = "too fast"


def redeem(
    kind: Kind,
    context: TokenContext,
    credential: Credential | None,
    fact: PolledFact | None,
    *,
    asked: tuple[str, ...],
    details: str | None,
) -> Issuance:
    """Order the first tokens of a family, or say why not yet, or never (DC-2, CB-7).

    `asked` and `details` as in `redemption.begin`. `slow_down` is a kind of `authorization_pending`: whoever has been
    allowed gets his tokens however fast he asks. The sign-in is the one of the person who approved.
    """
    polled = _genuine(kind, credential, fact, context.client)
    if not sender.is_bound_key(polled.binding, context.sender):
        raise _refused(f"the {kind.request} proved a DPoP key; send a proof that is signed with it")
    if polled.status == "used":
        raise _refused(f"the {kind.name} was used before; {kind.again}")
    if polled.expires_at <= context.now:
        raise OAuthError(ErrorCode.EXPIRED_TOKEN, f"the {kind.name} has expired; {kind.again}")
    if polled.application_epoch != context.client.epoch:
        raise _refused(f"the application was turned off since this {kind.name} was issued; {kind.again}")
    if polled.status == "denied":
        raise OAuthError(ErrorCode.ACCESS_DENIED, "the person did not allow it")
    if polled.origin is None or polled.authentication is None:
        raise _not_yet(kind, context, polled)
    return redemption.begin(
        context,
        kind.payment,
        polled.id,
        polled.origin,
        polled.authentication,
        polled.standing,
        asked=asked,
        details=details,
        withdrawn=f"the authorization behind this {kind.name} was withdrawn",
        tells_grant=polled.grant_action is not None,
    )


def pace(asked_last: datetime | None, interval: timedelta, *, now: datetime) -> Pace:
    """Judge the time since a client last asked (DC-3).

    Nobody is early by less than a tenth of the interval: a network may carry one request faster than the one before.
    """
    if asked_last is None or now - asked_last >= interval * 0.9:
        return Pace.STEADY
    return Pace.TOO_FAST


def _genuine(kind: Kind, credential: Credential | None, fact: PolledFact | None, client: ClientFact) -> PolledFact:
    """DV-6, DV-10, CB-7: such a grant is for the client that asked; unknown and foreign ones are answered alike."""
    if (
        fact is None
        or credential is None
        or not matches(digest(credential.secret), fact.digest)
        or fact.application_id != client.id
    ):
        raise _refused(f"the {kind.name} is unknown, or was issued to another application")
    return fact


def _not_yet(kind: Kind, context: TokenContext, polled: PolledFact) -> OAuthError:
    """DC-2, DC-3, CB-7: nobody has decided; whoever asks too soon has to wait longer from now on."""
    interval = timedelta(seconds=polled.poll_seconds)
    if pace(polled.polled_at, interval, now=context.now) is Pace.TOO_FAST:
        seconds = int((interval + SLOWER_BY).total_seconds())
        return OAuthError(
            ErrorCode.SLOW_DOWN,
            f"wait {seconds} seconds between two requests from now on",
            aftermath=SlowDown(kind.flow, polled.id),
        )
    return OAuthError(
        ErrorCode.AUTHORIZATION_PENDING,
        f"nobody has decided yet; ask again in {polled.poll_seconds} seconds",
        aftermath=NotePoll(kind.flow, polled.id, polled.polled_at),
    )


def _refused(description: str) -> OAuthError:
    """TE-4: one code for every reason."""
    return OAuthError(ErrorCode.INVALID_GRANT, description)
