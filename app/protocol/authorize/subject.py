"""What the checks of a request for authorization look at."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Self

from app.protocol import claims_parameter, details, grant_management, resources, response_types, step_up
from app.protocol.acr import Required
from app.protocol.authorize import asked_scopes
from app.protocol.authorize import request as request_rules
from app.protocol.authorize.asked_scopes import AskedScopes
from app.protocol.authorize.demands import Hint
from app.protocol.authorize.request import PROMPTS
from app.protocol.claims import ClaimsRegistry
from app.protocol.claims_parameter import NOTHING, ClaimsParameter
from app.protocol.details import NO_DETAILS, DetailTypes
from app.protocol.facts import ClientFact
from app.protocol.grant_management import GrantTarget
from app.protocol.granted_details import GrantedDetail
from app.protocol.params import Parameters
from app.protocol.policy import EffectivePolicy
from app.protocol.resources import NO_RESOURCES, Resource, ResourceRegistry
from app.protocol.scopes import ScopeRegistry

Where = Literal["authorize", "par", "device", "ciba"]
"""An endpoint that takes requests for authorization."""

STANDARD_CLAIMS = ClaimsRegistry()
"""The claims of a server whose operator has defined none."""


@dataclass(frozen=True)
class Subject:
    """Everything a check may look at. `prompts` are the values of `prompt` that the server knows. `pushed` tells that
    the client has pushed the request (RFC 9126), `signed` that it came as a signed request object (RFC 9101).

    What several checks look at is read once, which is why this class has no slots.
    """

    client: ClientFact
    policy: EffectivePolicy
    registry: ScopeRegistry
    params: Parameters
    resources: ResourceRegistry = NO_RESOURCES
    claims: ClaimsRegistry = STANDARD_CLAIMS
    hint: Hint = None
    prompts: tuple[str, ...] = PROMPTS
    where: Where = "authorize"
    pushed: bool = False
    signed: bool = False
    detail_types: DetailTypes = NO_DETAILS

    def at(self, where: Where) -> Self:
        """Return it as a request to that endpoint."""
        return self if where == self.where else replace(self, where=where)

    @cached_property
    def words(self) -> frozenset[str]:
        """What an answer holds, by the response type."""
        return response_types.words(request_rules.read_response_type(self.params))

    @cached_property
    def asked(self) -> AskedScopes:
        """The scopes that the request asks for; raises `invalid_scope`, and as `chosen`."""
        renewable = self.where in ("device", "ciba") or response_types.CODE in self.words
        return asked_scopes.read(
            self.params.get("scope"), self.registry, self.client, renewable=renewable, resources=self.chosen
        )

    @cached_property
    def asked_claims(self) -> ClaimsParameter:
        """The claims that it asks for one by one, which means something in OpenID requests only (OC-13); raises as
        `asked`, and `invalid_request`."""
        text = self.params.get("claims")
        if text is None or not self.asked.openid:
            return NOTHING
        known = claims_parameter.read(text).known(self.claims)
        return known.only(lambda name: self.claims.may_be_asked(name, self.client.scopes))

    @cached_property
    def chosen(self) -> tuple[Resource, ...]:
        """The resources that it names; raises `invalid_target`."""
        return resources.chosen(self.params.all("resource"), self.resources)

    @cached_property
    def asked_details(self) -> tuple[GrantedDetail, ...]:
        """The objects of its `authorization_details`, with pairs of their own; raises the error of that name (RA-2)."""
        text = self.params.get(details.PARAMETER)
        if text is None or not self.detail_types.offered:
            return ()
        return details.read(text, self.detail_types, self.client.requests.details_types)

    @cached_property
    def required(self) -> Required:
        """What the sign-in has to be worth; raises as `asked_claims`.

        In an OpenID request `acr_values` are preferences (OC-10). In any other they are what an API has demanded of the
        client's next token, which hence has to have one of them (RFC 9470 §5, UA-2; OC-11).
        """
        one_of = self.asked_claims.acr
        if self.where in ("authorize", "par") and not self.asked.openid:
            one_of = tuple((self.params.get("acr_values") or "").split())
        named = (*self.asked_claims.id_token, *self.asked_claims.userinfo)
        guarding = step_up.guards(named, self.asked.scopes, self.claims, self.registry)
        return Required(one_of, self.registry.levels((*self.asked.scopes, *guarding)))

    @cached_property
    def target(self) -> GrantTarget | None:
        """The record that it goes into, None: the implicit one; raises as `grant_management.check`."""
        return grant_management.check(self.params, self.client, required=self.policy.require_grant_action)
