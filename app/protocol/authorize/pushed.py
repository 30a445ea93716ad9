"""Pushed authorization requests (RFC 9126): what a client may push, and until when a browser may come with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from app.crypto.hashing import digest, matches
from app.protocol.authorize.return_path import NoReturnPath
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.features import Feature, FeatureSet
from app.protocol.params import Parameters
from app.protocol.policy import EffectivePolicy
from app.protocol.sender import Sender

REQUEST_URI = "urn:ietf:params:oauth:request_uri:"
"""PAR-8: what is ours begins so (RFC 9126 §2.2), and goes on with a credential of 256 random bits."""

UNKNOWN = "nothing was pushed under this reference, or it was cleared away"


@dataclass(frozen=True, slots=True)
class PushedFact:
    """A request that passed every check when it was pushed. `params` are its parameters as they count, whatever they
    came in; `signed` tells that they came as a signed request object. `document` as in `InteractionFact`."""

    id: UUID
    digest: bytes = field(repr=False)
    application_id: UUID
    params: tuple[tuple[str, str], ...]
    signed: bool
    expires_at: datetime
    used_at: datetime | None
    document: Mapping[str, Any] | None = field(default=None, repr=False)


def is_offered(features: FeatureSet) -> bool:
    """Tell whether requests can be pushed here."""
    return Feature.PUSHED_REQUESTS in features


def reference_in(params: Parameters, features: FeatureSet) -> str | None:
    """Return what follows our prefix in the `request_uri` of an authorization request; None where it does not begin so,
    and on a server that takes no pushed requests.

    PAR-16: that it does is what counts, and not whether request objects may come by reference. A request object beside
    it is a mistake that is told as such (RO-1).
    """
    uri = params.get("request_uri") or ""
    is_ours = is_offered(features) and uri.startswith(REQUEST_URI) and params.get("request") is None
    return uri.removeprefix(REQUEST_URI) if is_ours else None


def require_open(pushed: PushedFact | None, secret: bytes, client: ClientFact | None, now: datetime) -> PushedFact:
    """Return a pushed request that a browser can go on with; raises `NoReturnPath`: nobody is answered by what is in
    the query beside a reference (PAR-11), and all that is wrong with one looks alike.

    PAR-8: for whoever shows the whole reference, and for its own client. PAR-10: until it expires, as often as its
    page is loaded, and no more once something was granted or denied by it.
    """
    why = UNKNOWN if pushed is None else _objection(pushed, secret, client, now)
    if pushed is None or why:
        raise NoReturnPath(
            "pushed_request",
            "request_uri was used before, has expired, or was never given to this application",
            detail=why,
            code=ErrorCode.INVALID_REQUEST_URI,
        )
    return pushed


def _objection(pushed: PushedFact, secret: bytes, client: ClientFact | None, now: datetime) -> str:
    """Return what is wrong, for the log alone; empty when nothing is."""
    if not matches(digest(secret), pushed.digest):
        return UNKNOWN
    if client is None or client.id != pushed.application_id:
        return "it was pushed by another application"
    if pushed.used_at is not None:
        return "it was used before"
    return "it has expired" if pushed.expires_at <= now else ""


def check_form(params: Parameters) -> None:
    """Judge what is pushed as a form, before a request object in it is opened; raises `invalid_request`.

    PAR-4: it names its client, which a request object does by itself (RFC 9126 §3), and is no reference.
    """
    if params.get("request_uri") is not None:
        raise OAuthError(ErrorCode.INVALID_REQUEST, "request_uri cannot be pushed; send the parameters themselves")
    if params.get("request") is None and params.get("client_id") is None:
        raise OAuthError(ErrorCode.INVALID_REQUEST, "client_id is missing; a pushed request always has it")


def check_request(params: Parameters, client: ClientFact, policy: EffectivePolicy) -> None:
    """Judge what the request says, wherever it said it; raises `invalid_request`.

    PAR-6: it is of the client that pushes it. F-20: one that is held to FAPI always says where the answer goes.
    """
    if params.get("client_id") != client.client_id:
        raise OAuthError(ErrorCode.INVALID_REQUEST, "client_id is not the application that pushes the request")
    if policy.fapi and params.get("redirect_uri") is None:
        raise OAuthError(ErrorCode.INVALID_REQUEST, "redirect_uri is missing; the profile fapi2 requires it")


def bound(params: Parameters, sender: Sender) -> Parameters:
    """PAR-15, RFC 9449 §10.1: return the parameters with the key that the code will be bound to, whether it was named
    (`dpop_jkt`) or proved (`DPoP`); raises `invalid_request` for two keys."""
    if sender.jkt is None:
        return params
    if params.get("dpop_jkt") not in (None, sender.jkt):
        raise OAuthError(ErrorCode.INVALID_REQUEST, "dpop_jkt is not the key of the DPoP proof; send one of both")
    return params.replaced("dpop_jkt", sender.jkt)
