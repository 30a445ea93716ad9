"""The CIBA grant at the token endpoint: a client asks until the person elsewhere has decided (CIBA §10.1)."""

from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from app.protocol import polling
from app.protocol.ciba import check_mode
from app.protocol.context import TokenContext
from app.protocol.features import Feature
from app.protocol.needs import BackchannelNeed
from app.protocol.outcomes import Issuance, RedeemBackchannel
from app.protocol.polling import Kind, PolledFact
from app.protocol.token_format import Credential, Prefix, parse_credential

NAME = "urn:openid:params:grant-type:ciba"
FEATURE = Feature.BACKCHANNEL_AUTHENTICATION

_KIND = Kind(
    flow="ciba",
    payment=RedeemBackchannel,
    name="auth_req_id",
    request="authentication request",
    again="make a new authentication request",
)


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


def decide(context: TokenContext, params: Params, fact: PolledFact | None) -> Issuance:
    """Order the first tokens of a family, or say why not yet, or never (CB-7, CIBA §11).

    A client that is pinged may ask before, as one that polls does.
    """
    check_mode(context.client)
    return polling.redeem(
        *(_KIND, context, params.credential, fact), asked=params.resource, details=params.authorization_details
    )
