"""What every grant that a person has approved buys: a family with its first tokens (RFC 6749 §5.1)."""

from datetime import datetime
from uuid import UUID

from app.protocol import liveness, resources, sender
from app.protocol.context import TokenContext
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import Authentication, Origin, Standing
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
    nonce: str | None = None,
) -> Issuance:
    """Order the first tokens of a family, paid with a grant that is sound and unused.

    `asked` are the resources that the request chooses, `withdrawn` the refusal when nobody stands behind the grant any
    more (`invalid_grant`). Whether a token refreshes is the application's choice (TR-5).
    """
    in_force = liveness.living_scopes(origin, standing)
    if in_force is None or standing is None:
        raise OAuthError(ErrorCode.INVALID_GRANT, withdrawn)
    held = resources.granted(origin.resources, context.resources)
    chosen = resources.narrowed(asked, held, context.resources)
    policy = context.policy
    shape = resources.shape(chosen, policy)
    binding = sender.bind(context.sender, policy)
    with_refresh_token = "refresh_token" in context.client.grant_types
    family_expires_at, idle_expires_at = _ends(context.now, policy, refreshes=with_refresh_token)
    return Issuance(
        payment=payment(
            grant_id=grant_id,
            authentication=authentication,
            nonce=nonce,
            idle_expires_at=idle_expires_at,
            family_expires_at=family_expires_at,
        ),
        origin=liveness.at(origin, standing, tuple(resource.identifier for resource in chosen)),
        family_scopes=in_force,
        family_resources=origin.resources,
        access_expires_at=context.now + shape.lifetime,
        with_refresh_token=with_refresh_token,
        client_id=context.client.client_id,
        subject=standing.subject,
        authentication=authentication,
        audience=shape.audience,
        binding=binding,
        family_binding=sender.UNBOUND if context.client.confidential else binding,
    )


def _ends(now: datetime, policy: EffectivePolicy, *, refreshes: bool) -> tuple[datetime, datetime | None]:
    """Return when a family ends, and when it would without use."""
    if not refreshes:
        return now + policy.access_token, None
    end = now + policy.refresh_token_absolute
    return end, min(now + policy.refresh_token_idle, end)
