"""The CIBA grant at the token endpoint: a client asks until the person elsewhere has decided (CIBA §10.1)."""

from datetime import timedelta
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from app.crypto.hashing import digest, matches
from app.protocol import redemption, sender
from app.protocol.ciba import check_mode
from app.protocol.ciba_facts import BackchannelFact
from app.protocol.context import TokenContext
from app.protocol.device import SLOWER_BY, Pace, pace
from app.protocol.errors import ErrorCode, NoteBackchannelPoll, OAuthError, SlowDownBackchannel
from app.protocol.facts import ClientFact
from app.protocol.features import Feature
from app.protocol.needs import BackchannelNeed
from app.protocol.outcomes import Issuance, RedeemBackchannel
from app.protocol.token_format import Credential, Prefix, parse_credential

NAME = "urn:openid:params:grant-type:ciba"
FEATURE = Feature.BACKCHANNEL_AUTHENTICATION


class Params(BaseModel):
    """The parameters of this grant (CB-7)."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    auth_req_id: str = Field(repr=False)
    resource: tuple[str, ...] = ()
    authorization_details: str | None = None

    @cached_property
    def credential(self) -> Credential | None:
        """The id taken apart; None for a string that no server of ours made."""
        return parse_credential(Prefix.BACKCHANNEL_REQUEST, self.auth_req_id)


def needs(params: Params) -> BackchannelNeed:
    """The request's row."""
    return BackchannelNeed(params.credential.id if params.credential else None)


def decide(context: TokenContext, params: Params, fact: BackchannelFact | None) -> Issuance:
    """Order the first tokens of a family, or say why not yet, or never (CB-7, CIBA §11).

    A client that is pinged may ask before, as one that polls does. Whoever has been allowed gets his tokens however
    fast he asks. The sign-in is the one of the person who approved: its moment, class and methods are those of the ID
    token.
    """
    check_mode(context.client)
    asked = _genuine(params, fact, context.client)
    if not sender.is_bound_key(asked.binding, context.sender):
        raise _refused("the authentication request proved a DPoP key; send a proof that is signed with it")
    if asked.status == "used":
        raise _refused("the auth_req_id was used before; make a new authentication request")
    if asked.expires_at <= context.now:
        raise OAuthError(ErrorCode.EXPIRED_TOKEN, "the auth_req_id has expired; make a new authentication request")
    if asked.application_epoch != context.client.epoch:
        raise _refused("the application was turned off since this request was made; make a new one")
    if asked.status == "denied":
        raise OAuthError(ErrorCode.ACCESS_DENIED, "the person did not allow it")
    if asked.origin is None or asked.authentication is None:
        raise _not_yet(context, asked)
    return redemption.begin(
        context,
        RedeemBackchannel,
        asked.id,
        asked.origin,
        asked.authentication,
        asked.standing,
        asked=params.resource,
        details=params.authorization_details,
        tells_grant=asked.grant_action is not None,
        withdrawn="the authorization behind this auth_req_id was withdrawn",
    )


def _genuine(params: Params, fact: BackchannelFact | None, client: ClientFact) -> BackchannelFact:
    """CB-7: an id is for the client that asked (CIBA §10.1); unknown and foreign ones are answered alike."""
    credential = params.credential
    if (
        fact is None
        or credential is None
        or not matches(digest(credential.secret), fact.digest)
        or fact.application_id != client.id
    ):
        raise _refused("the auth_req_id is unknown, or was issued to another application")
    return fact


def _not_yet(context: TokenContext, asked: BackchannelFact) -> OAuthError:
    """CB-7: nobody has decided; whoever asks too soon has to wait longer from now on."""
    interval = timedelta(seconds=asked.poll_seconds)
    if pace(asked.polled_at, interval, now=context.now) is Pace.TOO_FAST:
        seconds = int((interval + SLOWER_BY).total_seconds())
        return OAuthError(
            ErrorCode.SLOW_DOWN,
            f"wait {seconds} seconds between two requests from now on",
            aftermath=SlowDownBackchannel(asked.id),
        )
    return OAuthError(
        ErrorCode.AUTHORIZATION_PENDING,
        f"the person has not decided yet; ask again in {asked.poll_seconds} seconds",
        aftermath=NoteBackchannelPoll(asked.id, asked.polled_at),
    )


def _refused(description: str) -> OAuthError:
    """TE-4: one code for every reason."""
    return OAuthError(ErrorCode.INVALID_GRANT, description)
