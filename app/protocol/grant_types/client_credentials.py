"""The client credentials grant: an application gets a token for itself, and nobody is asked (RFC 6749 §4.4)."""

from pydantic import BaseModel, ConfigDict

from app.protocol import resources, sender
from app.protocol import scopes as scope_rules
from app.protocol.context import TokenContext
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import MachineOrigin
from app.protocol.features import Feature
from app.protocol.needs import ClientNeed
from app.protocol.outcomes import MachineIssuance

NAME = "client_credentials"
FEATURE = Feature.CLIENT_CREDENTIALS


class Params(BaseModel):
    """The parameters of this grant."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    scope: str | None = None
    resource: tuple[str, ...] = ()


def needs(params: Params) -> ClientNeed:
    """The application alone."""
    return ClientNeed()


def decide(context: TokenContext, params: Params, fact: None) -> MachineIssuance:
    """Order an access token that speaks for the application and for no person, or refuse.

    What the credentials prove is all that pays for it (CC-1); so there is nothing to consume, no record of a person
    (AR-16), and no refresh token (CC-2):
    the application comes back with the same credentials.
    """
    client = context.client
    if not client.confidential:
        raise OAuthError(
            ErrorCode.UNAUTHORIZED_CLIENT,
            "a public application proves nothing about itself, so it gets no token of its own",
        )
    if not client.vouched_for:
        # Whoever may register applications could otherwise give himself any scope without anybody being asked.
        raise OAuthError(
            ErrorCode.UNAUTHORIZED_CLIENT,
            "an operator has to mark this application as checked before it gets tokens of its own",
        )
    chosen = resources.chosen(params.resource, context.resources)
    scopes = _granted(context, scope_rules.parse(params.scope or ""))
    resources.pairs(scopes, chosen)
    shape = resources.shape(chosen, context.policy)
    return MachineIssuance(
        origin=MachineOrigin(
            application_id=client.id,
            application_epoch=client.epoch,
            scopes=scopes,
            resources=tuple(resource.identifier for resource in chosen),
        ),
        access_expires_at=context.now + shape.lifetime,
        client_id=client.client_id,
        audience=shape.audience,
        binding=sender.bind(context.sender, context.policy),
    )


def _granted(context: TokenContext, asked: tuple[str, ...]) -> tuple[str, ...]:
    """CC-3, CC-4: what is asked, all of it or nothing; nothing asked is nothing granted.

    A scope that is for applications alone has to be named for this one: those that may ask for everything may not
    ask for it (GT-2), unless it opens nothing but what is their own (GA-1).
    """
    registry, named = context.scopes, context.client.scopes
    own = registry.own_affairs if named is None else registry.for_applications & named
    scope_rules.require_known(tuple(scope for scope in asked if scope not in own), registry)
    if about_people := [scope for scope in asked if scope in scope_rules.ABOUT_PEOPLE]:
        raise OAuthError(
            ErrorCode.INVALID_SCOPE,
            f"a token without a person cannot carry {scope_rules.render(about_people)}; leave it out",
        )
    scope_rules.require_allowed(asked, context.client.scopes)
    return asked
