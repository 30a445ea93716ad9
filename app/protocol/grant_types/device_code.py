"""The device authorization grant at the token endpoint: a device asks until its person has decided (RFC 8628 §3.4)."""

from datetime import timedelta
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from app.crypto.hashing import digest, matches
from app.protocol import redemption, sender
from app.protocol.context import TokenContext
from app.protocol.device import SLOWER_BY, Pace, pace
from app.protocol.device_facts import DeviceFact
from app.protocol.errors import ErrorCode, NotePoll, OAuthError, SlowDown
from app.protocol.facts import ClientFact
from app.protocol.features import Feature
from app.protocol.needs import DeviceNeed
from app.protocol.outcomes import Issuance, RedeemDevice
from app.protocol.token_format import Credential, Prefix, parse_credential

NAME = "urn:ietf:params:oauth:grant-type:device_code"
FEATURE = Feature.DEVICE_AUTHORIZATION


class Params(BaseModel):
    """The parameters of this grant (DC-1)."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    device_code: str = Field(repr=False)
    resource: tuple[str, ...] = ()
    authorization_details: str | None = None

    @cached_property
    def credential(self) -> Credential | None:
        """The code taken apart; None for a string that no server of ours made."""
        return parse_credential(Prefix.DEVICE_CODE, self.device_code)


def needs(params: Params) -> DeviceNeed:
    """The device code's row."""
    return DeviceNeed(params.credential.id if params.credential else None)


def decide(context: TokenContext, params: Params, fact: DeviceFact | None) -> Issuance:
    """Order the first tokens of a family, or say why not yet, or never (DC-2).

    `slow_down` is a kind of `authorization_pending`: whoever has been allowed gets his tokens however fast he asks.
    """
    device = _genuine(params, fact, context.client)
    if not sender.is_bound_key(device.binding, context.sender):
        raise _refused("the device authorization request proved a DPoP key; send a proof that is signed with it")
    if device.status == "used":
        raise _refused("the device code was used before; begin a new device authorization")
    if device.expires_at <= context.now:
        raise OAuthError(ErrorCode.EXPIRED_TOKEN, "the device code has expired; begin a new device authorization")
    if device.application_epoch != context.client.epoch:
        raise _refused("the application was turned off since this device code was issued; begin again")
    if device.status == "denied":
        raise OAuthError(ErrorCode.ACCESS_DENIED, "the person did not allow it")
    if device.origin is None or device.authentication is None:
        raise _not_yet(context, device)
    return redemption.begin(
        context,
        RedeemDevice,
        device.id,
        device.origin,
        device.authentication,
        device.standing,
        asked=params.resource,
        details=params.authorization_details,
        withdrawn="the authorization behind this device code was withdrawn",
        tells_grant=device.grant_action is not None,
    )


def _genuine(params: Params, fact: DeviceFact | None, client: ClientFact) -> DeviceFact:
    """DV-6, DV-10: a device code is for the application that asked; unknown and foreign ones are answered alike."""
    credential = params.credential
    if (
        fact is None
        or credential is None
        or not matches(digest(credential.secret), fact.digest)
        or fact.application_id != client.id
    ):
        raise _refused("the device code is unknown, or was issued to another application")
    return fact


def _not_yet(context: TokenContext, device: DeviceFact) -> OAuthError:
    """DC-2, DC-3: nobody has decided; whoever asks too soon has to wait longer from now on."""
    interval = timedelta(seconds=device.poll_seconds)
    if pace(device.polled_at, interval, now=context.now) is Pace.TOO_FAST:
        seconds = int((interval + SLOWER_BY).total_seconds())
        return OAuthError(
            ErrorCode.SLOW_DOWN,
            f"wait {seconds} seconds between two requests from now on",
            aftermath=SlowDown(device.id),
        )
    return OAuthError(
        ErrorCode.AUTHORIZATION_PENDING,
        f"nobody has decided yet; ask again in {device.poll_seconds} seconds",
        aftermath=NotePoll(device.id, device.polled_at),
    )


def _refused(description: str) -> OAuthError:
    """TE-4: one code for every reason."""
    return OAuthError(ErrorCode.INVALID_GRANT, description)
