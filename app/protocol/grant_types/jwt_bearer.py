"""The JWT bearer grant: what a trusted issuer says of one of our users buys a token (RFC 7523 §2.1, RFC 7521 §4.1)."""

from pydantic import BaseModel, ConfigDict, Field

from app.protocol import actors, resources, sender, trusted_issuers
from app.protocol import scopes as scope_rules
from app.protocol.context import TokenContext
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact, Origin
from app.protocol.features import Feature
from app.protocol.needs import AssertionNeed
from app.protocol.outcomes import DelegatedIssuance
from app.protocol.resources import Resource
from app.protocol.trusted_issuers import AssertionFact, Distrusted, TrustedIssuer

NAME = "urn:ietf:params:oauth:grant-type:jwt-bearer"
FEATURE = Feature.JWT_BEARER


class Params(BaseModel):
    """The parameters of this grant (JB-1)."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    assertion: str = Field(repr=False)
    scope: str | None = None
    resource: tuple[str, ...] = ()


def needs(params: Params) -> AssertionNeed:
    """The assertion, its issuer, and whom it means."""
    return AssertionNeed(params.assertion)


def decide(context: TokenContext, params: Params, fact: AssertionFact) -> DelegatedIssuance:
    """Order an access token for the person whom the assertion means, or refuse.

    The operator's trust pays for it, and nobody is asked: so there is no record (AR-16), no refresh token, since an
    assertion can be had again (JB-5), and nothing beyond what the issuer, the application and the resources allow.
    """
    if _is_for_others(fact.issuer, context.client):
        raise OAuthError(
            ErrorCode.UNAUTHORIZED_CLIENT,
            "assertions count only from applications that prove who they are; this one is public",
        )
    try:
        signed = trusted_issuers.judge(fact, context.client, context.policy.issuer, context.now)
        person = trusted_issuers.person_of(signed)
        bound = trusted_issuers.binding_of(signed)
        actor = actors.read(signed.jwt.claims.get("act"), signed.issuer.issuer)
        carried = trusted_issuers.carried(signed)
    except Distrusted as refused:
        raise _refused(str(refused), detail=refused.detail) from None
    except ValueError as refused:
        raise _refused(str(refused)) from None
    if not sender.is_bound_key(bound, context.sender):
        raise _refused("the assertion is bound to a key; prove that key")
    chosen = _targets(context, params, signed.issuer)
    shape = resources.shape(chosen, context.policy)
    lifetime = shape.lifetime if signed.issuer.access_token is None else min(shape.lifetime, signed.issuer.access_token)
    return DelegatedIssuance(
        origin=Origin(
            application_id=context.client.id,
            user_id=person.id,
            record_id=None,
            record_version=0,
            user_epoch=person.epoch,
            application_epoch=context.client.epoch,
            scopes=_scopes(context, params, carried, chosen),
            resources=tuple(resource.identifier for resource in chosen),
        ),
        access_expires_at=context.now + lifetime,
        client_id=context.client.client_id,
        subject=person.subject,
        actor=actor,
        use=trusted_issuers.use_of(signed.jwt, signed.issuer, context.now),
        audience=shape.audience,
        binding=sender.carried_on(bound, sender.bind(context.sender, context.policy)),
        told={"grant": "jwt_bearer", "issuer": signed.issuer.issuer},
    )


def _is_for_others(issuer: TrustedIssuer | None, client: ClientFact) -> bool:
    """Tell whether an issuer's JWTs count for an application, and it is too public; the others learn nothing (JB-6)."""
    named = issuer is not None and client.client_id in issuer.clients and issuer.authenticated
    return named and not client.confidential


def _targets(context: TokenContext, params: Params, issuer: TrustedIssuer) -> tuple[Resource, ...]:
    """JB-6: a token without a resource is for every API, so an issuer for some of them has to be asked for one."""
    chosen = resources.chosen(params.resource, context.resources)
    if issuer.resources is None:
        return chosen
    if not chosen or any(resource.identifier not in issuer.resources for resource in chosen):
        raise OAuthError(
            ErrorCode.INVALID_TARGET,
            "assertions of this issuer are for certain resources; name one of them with resource",
        )
    return chosen


def _scopes(
    context: TokenContext, params: Params, carried: tuple[str, ...] | None, chosen: tuple[Resource, ...]
) -> tuple[str, ...]:
    """What is asked, all of it or nothing: nothing asked is nothing granted."""
    asked = scope_rules.parse(params.scope or "")
    scope_rules.require_known(asked, context.scopes)
    scope_rules.require_allowed(asked, context.client.scopes)
    if carried is not None and (beyond := [scope for scope in asked if scope not in carried]):
        raise OAuthError(
            ErrorCode.INVALID_SCOPE, f"this assertion does not give {scope_rules.render(beyond[:5])}; leave it out"
        )
    resources.pairs(asked, chosen)
    return asked


def _refused(why: str, *, detail: str = "") -> OAuthError:
    """JB-4: one code for whatever is wrong with the assertion."""
    return OAuthError(ErrorCode.INVALID_GRANT, f"the assertion is refused: {why}", detail=detail)
