"""Backchannel authentication (OpenID Connect CIBA Core 1.0): how clients without a browser get tokens of people whom
they ask elsewhere.

How it gets its tokens a client has registered: it polls, or is pinged and then asks (CIBA §5). Pushing tokens to it is
not built (CB-9).
"""

from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact

PATH = "/oauth/bc-authorize"
"""Below the issuer: where clients ask."""

MODES = ("poll", "ping")
"""How clients may have their answer: `backchannel_token_delivery_modes_supported` (CB-10). FAPI-CIBA §5.2.2 forbids the
third one, push: tokens would go to a client that has not proved who it is."""


def check_mode(client: ClientFact) -> None:
    """CB-7, CB-9: raise `unauthorized_client` for a client whose tokens would have to be pushed, or that has registered
    no way to get them."""
    mode = client.requests.ciba_mode
    if mode not in MODES:
        told = f"is {mode}, which this server does not do" if mode else "is not registered"
        raise OAuthError(
            ErrorCode.UNAUTHORIZED_CLIENT,
            f"backchannel_token_delivery_mode {told}; register one of {', '.join(MODES)}",
        )
