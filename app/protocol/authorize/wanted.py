"""What a request for authorization asks for, once it has passed every check."""

from dataclasses import dataclass, field, replace
from typing import Self

from app.protocol import details, resources
from app.protocol.authorize.demands import Demands
from app.protocol.authorize.request import AuthorizationRequest
from app.protocol.claims_request import ClaimsRequest
from app.protocol.details import DetailTypes
from app.protocol.facts import RecordFact
from app.protocol.grant_management import GrantTarget
from app.protocol.granted_details import GrantedDetail
from app.protocol.resources import Resource
from app.protocol.scopes import OPENID


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks: scopes, and at which resources. `target` is the record that it goes into, None: the implicit
    one. `details` are approved whole, whichever of the scopes are (RFC 9396)."""

    scopes: tuple[str, ...]
    resources: tuple[Resource, ...]
    target: GrantTarget | None = None
    details: tuple[GrantedDetail, ...] = ()

    @property
    def pairs(self) -> tuple[str, ...]:
        """What it asks, as pairs of the record."""
        return self.pairs_of(self.scopes)

    def pairs_of(self, scopes: tuple[str, ...]) -> tuple[str, ...]:
        """Return the pairs that approving some of its scopes makes, at its resources."""
        return (*resources.pairs(scopes, self.resources), *details.pairs(self.details))

    def resting(self, record: RecordFact | None, types: DetailTypes) -> Self:
        """Return the same request laid beside the record that it goes into: what is within the details there rests on
        them and need not be approved again. Whoever decides about a request lays it there first."""
        return replace(self, details=details.resting(self.details, record, types)) if self.details else self


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted(Wanted):
    """A request to the authorization endpoint, or one that was pushed to it, that passed every check.

    Its pairs are also those of the claims that it asks for one by one; they come with the approval of `openid`.
    """

    request: AuthorizationRequest
    demands: Demands = field(default_factory=Demands)

    @property
    def claims(self) -> ClaimsRequest:
        """The claims that were asked for one by one."""
        return self.demands.claims

    def pairs_of(self, scopes: tuple[str, ...]) -> tuple[str, ...]:
        claims = self.demands.pairs if OPENID in scopes else ()
        return (*resources.pairs(scopes, self.resources), *claims, *details.pairs(self.details))
