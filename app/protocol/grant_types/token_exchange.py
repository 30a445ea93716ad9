"""Token exchange: one token for another, for the same person, within what the operator allows (RFC 8693)."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from app.protocol import actors, exchange_policy, liveness, resources, sender
from app.protocol import scopes as scope_rules
from app.protocol.actors import Actor
from app.protocol.context import TokenContext
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.exchange_parties import ActingParty, ExchangeFact, Subject, actor_of, resting_pair, subject_of
from app.protocol.exchange_policy import ExchangeRule, Source
from app.protocol.facts import Basis, MachineOrigin, MachineTokenFact, Origin
from app.protocol.features import Feature
from app.protocol.needs import ExchangeNeed, ShownToken
from app.protocol.outcomes import DelegatedIssuance, MachineIssuance
from app.protocol.resources import Resource, Shape
from app.protocol.sender import Binding

NAME = "urn:ietf:params:oauth:grant-type:token-exchange"
FEATURE = Feature.TOKEN_EXCHANGE

_PREFIX = "urn:ietf:params:oauth:token-type:"
ACCESS_TOKEN, JWT = f"{_PREFIX}access_token", f"{_PREFIX}jwt"
OTHERS = tuple(f"{_PREFIX}{kind}" for kind in ("refresh_token", "id_token", "saml1", "saml2"))
"""Types that RFC 8693 §3 names and that are not exchanged here (TX-2)."""


class Params(BaseModel):
    """The parameters of this grant (TX-1)."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    subject_token: str = Field(repr=False)
    subject_token_type: str
    actor_token: str | None = Field(default=None, repr=False)
    actor_token_type: str | None = None
    requested_token_type: str = ACCESS_TOKEN
    scope: str | None = None
    resource: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()


def needs(params: Params) -> ExchangeNeed:
    """Both tokens."""
    actor = None if params.actor_token is None else ShownToken(params.actor_token, params.actor_token_type == JWT)
    return ExchangeNeed(ShownToken(params.subject_token, params.subject_token_type == JWT), actor)


def decide(context: TokenContext, params: Params, fact: ExchangeFact) -> DelegatedIssuance | MachineIssuance:
    """Order a token that an application gets for another one, or refuse.

    Nobody is asked, and no record is touched (AR-16). What stands behind the subject token stands behind the new one,
    and the new one never does more, lives longer, or is easier to use than an operator has allowed (TX-6, TX-7). A
    public application is as good as nobody (TX-8).
    """
    if not context.client.confidential:
        raise OAuthError(
            ErrorCode.UNAUTHORIZED_CLIENT,
            "tokens are exchanged for applications that prove who they are; this one is public",
        )
    _check_types(params)
    subject = subject_of(context, fact.subject)
    targets = exchange_policy.targets(params.resource, params.audience, context.resources)
    if isinstance(subject, MachineTokenFact):
        return _own(context, params, subject, targets)
    acting = None if params.actor_token is None else actor_of(context, fact.actor)
    rule = exchange_policy.choose(
        context.exchange_rules, context.client.client_id, subject.source, targets, context.resources
    )
    chosen = _targets(context, subject, rule, targets)
    origin = _origin(context, params, subject, rule, chosen)
    shape = _shape(context, params, chosen)
    ends = (subject.expires_at, *(() if acting is None else (acting.expires_at,)))
    actor = _actor(context, subject, acting, rule)
    return DelegatedIssuance(
        origin=origin,
        access_expires_at=_end(context.now, shape, *ends),
        client_id=context.client.client_id,
        subject=subject.subject,
        authentication=subject.authentication,
        family_id=subject.family_id,
        actor=actor,
        use=subject.use,
        audience=shape.audience,
        binding=_binding(context, subject.binding, rebind=rule is not None and rule.rebind),
        issued_token_type=params.requested_token_type,
        told=_told(subject, rule, actor),
    )


def _check_types(params: Params) -> None:
    """TX-1, TX-2: which types there are; an actor's comes with its token, and not alone."""
    if (params.actor_token is None) != (params.actor_token_type is None):
        raise _invalid("actor_token and actor_token_type go together; one is missing")
    for name in ("subject_token_type", "actor_token_type", "requested_token_type"):
        kind = getattr(params, name)
        if kind in OTHERS:
            raise _invalid(f"{name}: this server does not exchange tokens of this type; use {ACCESS_TOKEN} or {JWT}")
        if kind not in (ACCESS_TOKEN, JWT, None):
            raise _invalid(f"{name} is unknown; use {ACCESS_TOKEN} or {JWT}")


def _own(
    context: TokenContext, params: Params, token: MachineTokenFact, targets: tuple[Resource, ...]
) -> MachineIssuance:
    """An application's own token, for which nobody else needs to speak: it can be made narrower."""
    if token.client_id != context.client.client_id:
        raise _invalid("subject_token speaks for another application and for no person; use tokens of your own")
    if params.actor_token is not None:
        raise _invalid("subject_token speaks for an application; nobody can act for it")
    held = resources.granted(token.origin.resources, context.resources)
    chosen = resources.narrowed(_identifiers(targets), held, context.resources)
    scopes = _asked(context, params, _understood(token.origin.scopes, chosen))
    shape = _shape(context, params, chosen)
    return MachineIssuance(
        origin=MachineOrigin(
            application_id=token.origin.application_id,
            application_epoch=token.origin.application_epoch,
            scopes=scopes,
            resources=_identifiers(chosen),
        ),
        access_expires_at=_end(context.now, shape, token.expires_at),
        client_id=token.client_id,
        audience=shape.audience,
        binding=_binding(context, token.binding, rebind=False),
        issued_token_type=params.requested_token_type,
    )


def _targets(
    context: TokenContext, subject: Subject, rule: ExchangeRule | None, targets: tuple[Resource, ...]
) -> tuple[Resource, ...]:
    """TX-6: those of an entry that names resources, else a choice among the subject token's own."""
    if rule is not None and rule.resources:
        chosen = targets
    else:
        held = resources.granted(subject.origin.resources, context.resources)
        chosen = resources.narrowed(_identifiers(targets), held, context.resources)
    if subject.reaches is not None and not (chosen and subject.reaches.issuperset(_identifiers(chosen))):
        raise OAuthError(ErrorCode.INVALID_TARGET, "JWTs of this issuer are for other targets")
    return chosen


def _origin(
    context: TokenContext,
    params: Params,
    subject: Subject,
    rule: ExchangeRule | None,
    chosen: tuple[Resource, ...],
) -> Origin:
    """Return what the new token copies: person, record and family of the subject token, and its own application.

    Each of its pairs remembers the pair of the record that it rests on, and the token the applications behind it.
    """
    client, before = context.client, subject.origin
    carried = _carried(subject, rule, chosen)
    turned = {scope: scope for scope in carried} if rule is None else rule.turned(carried)
    scopes = _asked(context, params, _understood(tuple(turned), chosen))
    basis = before.basis
    if subject.source.client_id and (rule is not None or basis is not None):
        behind = {} if basis is None else dict(basis.applications)
        behind |= {before.application_id: before.application_epoch}
        behind.pop(client.id, None)
        pairs = {
            liveness.pair(scope, resource): resting_pair(subject, turned[scope], resource)
            for scope in scopes
            for resource in liveness.places(scope, _identifiers(chosen))
        }
        basis = Basis(pairs, behind)
    return Origin(
        application_id=client.id,
        user_id=before.user_id,
        record_id=before.record_id,
        record_version=before.record_version,
        user_epoch=before.user_epoch,
        application_epoch=client.epoch,
        scopes=scopes,
        resources=_identifiers(chosen),
        basis=basis,
    )


def _carried(subject: Subject, rule: ExchangeRule | None, chosen: tuple[Resource, ...]) -> tuple[str, ...]:
    """RI-2: at the subject token's own resources, the scopes that it carries there; an entry that names resources
    carries over to them whatever it carries anywhere. A JWT that names none carries those of its entry."""
    if subject.standing is not None and (rule is None or not rule.resources):
        return liveness.at(subject.origin, subject.standing, _identifiers(chosen)).scopes
    if subject.scopes is not None:
        return subject.scopes
    return () if rule is None or rule.scopes is None else tuple(sorted(rule.scopes))


def _asked(context: TokenContext, params: Params, carried: tuple[str, ...]) -> tuple[str, ...]:
    """TX-6: what is asked of what there is, all of it or nothing; without a word, whatever the application may have."""
    allowed = context.client.scopes
    if params.scope is None:
        return tuple(scope for scope in carried if allowed is None or scope in allowed)
    asked = scope_rules.parse(params.scope)
    if beyond := [scope for scope in asked if scope not in carried]:
        raise OAuthError(
            ErrorCode.INVALID_SCOPE,
            f"an exchange does not add permissions; not there for this target: {scope_rules.render(beyond[:5])}",
        )
    scope_rules.require_allowed(asked, allowed)
    return asked


def _understood(scopes: tuple[str, ...], chosen: tuple[Resource, ...]) -> tuple[str, ...]:
    return tuple(scope for scope in scopes if not chosen or any(resource.understands(scope) for resource in chosen))


def _shape(context: TokenContext, params: Params, chosen: tuple[Resource, ...]) -> Shape:
    """TX-3: the target decides the format; who asks for a JWT gets one or nothing, and it is an access token still."""
    shape = resources.shape(chosen, context.policy)
    if params.requested_token_type == JWT and shape.audience is None:
        raise _invalid("requested_token_type asks for a JWT; name one resource whose tokens are JWTs")
    return shape


def _end(now: datetime, shape: Shape, *ends: datetime) -> datetime:
    """TX-6: never later than any of the tokens that it comes from."""
    end = min(now + shape.lifetime, *ends)
    if end <= now:
        raise _invalid("subject_token or actor_token has expired")
    return end


def _binding(context: TokenContext, bound: Binding, *, rebind: bool) -> Binding:
    """TX-7: who exchanges a bound token proves its key; where an entry lets him bind it anew, he does bind it."""
    binding = sender.bind(context.sender, context.policy)
    if sender.is_bound_key(bound, context.sender):
        return sender.carried_on(bound, binding)
    if not rebind:
        raise _invalid("subject_token is bound to a key; prove that key")
    if not binding:
        raise _invalid(
            "subject_token is bound to a key, and the new one must be bound as well; prove a key of your own"
        )
    return binding


def _actor(
    context: TokenContext, subject: Subject, acting: ActingParty | None, rule: ExchangeRule | None
) -> Actor | None:
    """TX-5: who acts now stands outermost. An application that exchanges its own token acts no more than before.

    Whoever acted before stays in the chain, whatever the entry says: an impersonation hides nobody else.
    """
    own = actors.application(context.client.client_id)
    actor = own if acting is None else acting.actor
    issuer = context.policy.issuer
    if not actors.may_act(subject.may_act, actor, ours=issuer, theirs=subject.source.issuer):
        raise _invalid("may_act of subject_token names somebody else")
    if acting is None and (rule is None or rule.mode == "impersonation" or _is_own(context, subject.source)):
        return subject.actor
    chain = actors.follow(actor, subject.actor)
    if chain is None:
        raise _invalid(f"subject_token has passed through {actors.MOST} hands, which is the most")
    return chain


def _is_own(context: TokenContext, source: Source) -> bool:
    return source.client_id == context.client.client_id


def _told(subject: Subject, rule: ExchangeRule | None, actor: Actor | None) -> dict[str, str]:
    """Return what the audit trail says: ids and names, and nothing of the tokens."""
    told = {
        "grant": "token_exchange",
        "exchanged": subject.id,
        "subject_client": subject.source.client_id,
        "issuer": subject.source.issuer,
        "rule": "" if rule is None else rule.name,
        "actor": "" if actor is None else str(actor.get("sub", "")),
    }
    return {name: value for name, value in told.items() if value}


def _identifiers(chosen: tuple[Resource, ...]) -> tuple[str, ...]:
    return tuple(resource.identifier for resource in chosen)


def _invalid(why: str) -> OAuthError:
    """TX-4: not `invalid_grant`, which there is none of."""
    return OAuthError(ErrorCode.INVALID_REQUEST, why)
