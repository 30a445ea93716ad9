"""The device authorization grant at the token endpoint: a device asks until its person has decided (RFC 8628 §3.4)."""

from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from app.protocol import polling
from app.protocol.context import TokenContext
from app.protocol.features import Feature
from app.protocol.needs import DeviceNeed
from app.protocol.outcomes import Issuance, RedeemDevice
from app.protocol.polling import Kind, PolledFact
from app.protocol.token_format import Credential, Prefix, parse_credential

NAME = "urn:ietf:params:oauth:grant-type:device_code"
FEATURE = Feature.DEVICE_AUTHORIZATION

_KIND = Kind(
    flow="device",
    payment=RedeemDevice,
    name="device code",
    request="device authorization request",
    again="begin a new device authorization",
)


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


def decide(context: TokenContext, params: Params, fact: PolledFact | None) -> Issuance:
    """Order the first tokens of a family, or say why not yet, or never (DC-2)."""
    return polling.redeem(
        *(_KIND, context, params.credential, fact), asked=params.resource, details=params.authorization_details
    )
