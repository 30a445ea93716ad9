"""The refresh token grant: rotation in a family (MC-7), reuse detection, and a grace for lost responses.

RFC 6749 §6, RFC 9700 §4.14, OAuth 2.1 §4.3; the table of decisions is storage.md §5.
"""

from datetime import datetime
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from app.protocol import details, liveness, openid_tokens, resources, sender, step_up
from app.protocol import scopes as scope_rules
from app.protocol.context import TokenContext
from app.protocol.errors import Aftermath, ErrorCode, OAuthError, RevokeFamily
from app.protocol.facts import FamilyFact, Origin, Standing
from app.protocol.features import Feature
from app.protocol.needs import FamilyNeed
from app.protocol.outcomes import IdTokenOrder, Issuance, Refresh, RefreshMode
from app.protocol.policy import EffectivePolicy
from app.protocol.token_format import Credential, Prefix, parse_credential
from app.protocol.tokens.refresh_chain import genuine

NAME = "refresh_token"
FEATURE = Feature.REFRESH_TOKEN
TOUCH_EVERY_SECONDS = 3600
"""An application that does not rotate moves the idle time at most this often."""


class Params(BaseModel):
    """The parameters of this grant."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    refresh_token: str = Field(repr=False)
    scope: str | None = None
    resource: tuple[str, ...] = ()
    authorization_details: str | None = None

    @cached_property
    def credential(self) -> Credential | None:
        """The token taken apart; None for a string that no server of ours made."""
        return parse_credential(Prefix.REFRESH_TOKEN, self.refresh_token)


def needs(params: Params) -> FamilyNeed:
    """The family's row."""
    return FamilyNeed(params.credential.id if params.credential else None)


def decide(context: TokenContext, params: Params, fact: FamilyFact | None) -> Issuance:
    """Order the next access token of a family, with the successor of its refresh token, or refuse.

    The key of a public client is part of its refresh token (RF-10, RF-11, DP-9), from the first one on that it proves:
    also where the family began without. A confidential one has none there.
    """
    family, presented = _genuine(context, params, fact)
    if not sender.is_bound_key(family.binding, context.sender):
        raise _refused("the refresh token is bound to another key; prove the one that it was issued to")
    mode = choose(family, presented.generation, context.policy, now=context.now)
    in_force = liveness.living_scopes(family.origin, family.standing)
    if family.standing is not None and not liveness.may_refresh(family.origin, family.standing):
        raise _refused("the grant was merged or replaced since; use the refresh token that came of that")
    if in_force is None or family.standing is None:
        raise _refused("the authorization behind this refresh token was withdrawn")
    held = resources.granted(family.origin.resources, context.resources)
    chosen = resources.narrowed(params.resource, held, context.resources)
    there = liveness.at(family.origin, family.standing, tuple(resource.identifier for resource in chosen))
    scopes = _narrow(params.scope, family.origin.scopes, there)
    policy = context.policy
    shape = resources.shape(chosen, policy)
    binding = sender.bind(context.sender, policy)
    chosen_details = details.narrowed(params.authorization_details, there.details, context.detail_types)
    origin = liveness.narrowed(there, scopes, details=chosen_details)
    return Issuance(
        payment=Refresh(
            family=family,
            presented_generation=presented.generation,
            presented_secret=presented.secret,
            mode=mode,
            idle_expires_at=min(context.now + policy.refresh_token_idle, family.expires_at),
            touch=mode != "keep" or (context.now - family.rotated_at).total_seconds() >= TOUCH_EVERY_SECONDS,
        ),
        origin=origin,
        family_scopes=family.origin.scopes,
        family_resources=family.origin.resources,
        family_details=family.origin.details,
        access_expires_at=min(context.now + shape.lifetime, family.expires_at),
        with_refresh_token=mode != "keep",
        client_id=context.client.client_id,
        subject=family.standing.subject,
        authentication=family.authentication,
        audience=shape.audience,
        binding=binding,
        family_binding=family.binding if family.binding or context.client.confidential else binding,
        id_token=_id_token(context, family, origin, family.standing),
    )


def _id_token(context: TokenContext, family: FamilyFact, origin: Origin, standing: Standing) -> IdTokenOrder | None:
    """RF-12: the person and the moment of the sign-in are those of the family, and its nonce has had its day. What that
    sign-in is too old for is told no more."""
    rules, how, asked = context.id_tokens, family.authentication, family.claims
    if rules is not None and asked.id_token:
        levels = (context.scopes, context.policy.assurance)
        asked = step_up.still_told(asked, origin.scopes, how, rules.claims, *levels, context.now)
    return openid_tokens.order(
        *(rules, context.client, context.now, origin, standing, how),
        asked=asked,
        person=family.person,
    )


def choose(family: FamilyFact, generation: int, policy: EffectivePolicy, *, now: datetime) -> RefreshMode:
    """RF-4, RF-5, RF-7, AR-10: what a genuine token of this generation may do now (storage.md §5); raises for the rest.

    Reuse is every genuine older generation outside the grace, and two steps back also inside it: otherwise a thief
    could rotate twice at once and the owner's request would be turned away without an alarm.
    """
    if family.revoked_at is not None:
        raise _refused("the refresh token was revoked; send the person through authorization again")
    if family.expires_at <= now:
        raise _refused(
            "the refresh token has reached its absolute lifetime; send the person through authorization again"
        )
    if generation == family.generation:
        if family.idle_expires_at <= now:
            raise _refused("the refresh token was not used for too long; send the person through authorization again")
        # RF-6: what a thief cannot use, for want of the key, needs no rotation, whose lost answers cost logins.
        return "rotate" if policy.rotate_refresh_tokens and not family.binding else "keep"
    within_grace = policy.refresh_grace and now - family.rotated_at <= policy.refresh_grace
    if generation == family.generation - 1 and within_grace and family.idle_expires_at > now:
        return "repeat"
    raise _refused(
        "the refresh token was used before; its whole family is revoked now, because somebody else may hold it",
        aftermath=RevokeFamily(family.id, "refresh_token_reused"),
    )


def _genuine(context: TokenContext, params: Params, fact: FamilyFact | None) -> tuple[FamilyFact, Credential]:
    """TR-4, RF-3: a refresh token is for the application that got it."""
    credential = params.credential
    if (
        fact is None
        or credential is None
        or fact.origin.application_id != context.client.id
        or not genuine(context.keys, credential, fact)
    ):
        raise _refused("the refresh token is unknown, or was issued to another application")
    return fact, credential


def _narrow(asked: str | None, own: tuple[str, ...], there: Origin) -> tuple[str, ...]:
    """RF-1, RF-2, AR-5, AR-6: at most the family's own list, and of that what the record still grants. What has details
    left goes on without scopes, unless it asks for some."""
    wanted = own if asked is None else scope_rules.parse(asked)
    if beyond := [scope for scope in wanted if scope not in own]:
        raise OAuthError(
            ErrorCode.INVALID_SCOPE,
            f"a refresh can only narrow; not in this refresh token: {scope_rules.render(beyond[:5])}",
        )
    scopes = tuple(scope for scope in wanted if scope in there.scopes)
    if wanted and not scopes and (asked is not None or not there.details):
        raise _refused("every permission that this refresh asks for was withdrawn")
    return scopes


def _refused(description: str, *, aftermath: Aftermath | None = None) -> OAuthError:
    """TE-4, TE-5: clients take this code for the end of their access and begin anew."""
    return OAuthError(ErrorCode.INVALID_GRANT, description, aftermath=aftermath)
