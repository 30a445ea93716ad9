"""What every grant that a person has approved buys: a family with its first tokens (RFC 6749 §5.1)."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from app.protocol import details as detail_rules
from app.protocol import liveness, openid_tokens, resources, sender
from app.protocol.claims_request import NO_CLAIMS, ClaimsRequest
from app.protocol.context import TokenContext
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import Authentication, Origin, PersonFact, Standing
from app.protocol.outcomes import Issuance, RedeemCode
from app.protocol.policy import EffectivePolicy


def begin(
    context: TokenContext,
    payment: type[RedeemCode],
    grant_id: UUID,
    origin: Origin,
    authentication: Authentication,
    standing: Standing | None,
    *,
    asked: tuple[str, ...],
    withdrawn: str,
    details: str | None = None,
    nonce: str | None = None,
    claims: ClaimsRequest = NO_CLAIMS,
    person: PersonFact | None = None,
    tells_grant: bool = False,
) -> Issuance:
    """Order the first tokens of a family, paid with a grant that is sound and unused.

    `asked` are the resources that the request chooses, `details` its `authorization_details`, which narrow the token
    (RA-3), `withdrawn` the refusal when nobody stands behind the grant any more (`invalid_grant`). Whether a token
    refreshes is the application's choice (TR-5). `nonce`, `claims` and `person` are for the ID token that comes along
    where somebody signs in (AC-10, TR-3). `tells_grant`: the request asked for the id of its grant. A grant from before
    its record was merged or replaced buys no refresh token (GM-4, GM-5).
    """
    in_force = liveness.living_scopes(origin, standing)
    if in_force is None or standing is None:
        raise OAuthError(ErrorCode.INVALID_GRANT, withdrawn)
    held = resources.granted(origin.resources, context.resources)
    chosen = resources.narrowed(asked, held, context.resources)
    policy = context.policy
    shape = resources.shape(chosen, policy)
    binding = sender.bind(context.sender, policy)
    with_refresh_token = "refresh_token" in context.client.grant_types and liveness.may_refresh(origin, standing)
    family_expires_at, idle_expires_at = _ends(context.now, policy, refreshes=with_refresh_token)
    there = liveness.at(origin, standing, tuple(resource.identifier for resource in chosen))
    there = replace(there, details=detail_rules.narrowed(details, there.details, context.detail_types))
    return Issuance(
        payment=payment(
            grant_id=grant_id,
            authentication=authentication,
            nonce=nonce,
            idle_expires_at=idle_expires_at,
            family_expires_at=family_expires_at,
            tells_grant=tells_grant,
        ),
        origin=there,
        family_scopes=in_force,
        family_resources=origin.resources,
        family_details=liveness.details_in_force(origin, standing),
        access_expires_at=context.now + shape.lifetime,
        with_refresh_token=with_refresh_token,
        client_id=context.client.client_id,
        subject=standing.subject,
        authentication=authentication,
        audience=shape.audience,
        binding=binding,
        family_binding=sender.UNBOUND if context.client.confidential else binding,
        id_token=openid_tokens.order(
            *(context.id_tokens, context.client, context.now, there, standing, authentication),
            nonce=nonce,
            asked=claims,
            person=person,
        ),
    )


def _ends(now: datetime, policy: EffectivePolicy, *, refreshes: bool) -> tuple[datetime, datetime | None]:
    """Return when a family ends, and when it would without use."""
    if not refreshes:
        return now + policy.access_token, None
    end = now + policy.refresh_token_absolute
    return end, min(now + policy.refresh_token_idle, end)
