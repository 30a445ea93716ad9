"""What a decision orders: who gets which tokens, and which single-use thing pays for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from app.protocol.facts import Authentication, FamilyFact, MachineOrigin, Origin
from app.protocol.granted_details import GrantedDetail
from app.protocol.resources import Resource
from app.protocol.sender import UNBOUND, Binding
from app.protocol.single_use import SingleUse

RefreshMode = Literal["rotate", "repeat", "keep"]


@dataclass(frozen=True, slots=True)
class RedeemCode:
    """Consume this code and begin a family. `tells_grant`: the client asked to be told the id of its grant (GM-8)."""

    grant_id: UUID
    authentication: Authentication
    nonce: str | None
    idle_expires_at: datetime | None
    family_expires_at: datetime
    tells_grant: bool = False


@dataclass(frozen=True, slots=True)
class RedeemDevice(RedeemCode):
    """Consume this device code and begin a family."""


@dataclass(frozen=True, slots=True)
class RedeemBackchannel(RedeemCode):
    """Consume this backchannel request and begin a family."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """Continue this family.

    `rotate`: move to the next generation. `repeat`: hand out the same successor again, move nothing. `keep`: the
    application does not rotate; `touch` says whether the idle time is worth a write.
    """

    family: FamilyFact
    presented_generation: int
    presented_secret: bytes = field(repr=False)
    mode: RefreshMode
    idle_expires_at: datetime
    touch: bool = True


@dataclass(frozen=True, slots=True)
class IdTokenContent:
    """Everything that an ID token says.

    `nonce` is that of the request, None when it sent none, and on refresh (RF-12). `sid` is the application's name for
    the session, empty where there is none. `claims` are those about the person that were asked for. The last three are
    the strings that go out with the ID token and that it vouches for, each None when it does not go out with it.
    """

    issuer: str
    client_id: str
    subject: str
    issued_at: datetime
    expires_at: datetime
    authentication: Authentication
    nonce: str | None = None
    sid: str = ""
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)
    access_token: str | None = field(default=None, repr=False)
    code: str | None = field(default=None, repr=False)
    state: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class IdTokenOrder:
    """An order for an ID token, and how it leaves: signed with `alg`, then encrypted with (alg, enc), None: not."""

    content: IdTokenContent
    alg: str
    encryption: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Issuance:
    """An order for tokens: the access token's content and what it is paid with.

    `origin` is what the access token copies: scopes, resources and details may be fewer than the family's. `audience`
    is the one resource whose format the token has, None for an opaque token. `binding` is that of the access token,
    `family_binding` that of the refresh token. `subject` and `client_id` are what a JWT says of both. `id_token` is
    there when this request signs somebody in (OC-1).
    """

    payment: RedeemCode | Refresh
    origin: Origin
    family_scopes: tuple[str, ...]
    family_resources: tuple[str, ...]
    access_expires_at: datetime
    with_refresh_token: bool
    client_id: str
    subject: str
    authentication: Authentication
    audience: Resource | None = None
    binding: Binding = UNBOUND
    family_binding: Binding = UNBOUND
    id_token: IdTokenOrder | None = None
    family_details: tuple[GrantedDetail, ...] = ()


@dataclass(frozen=True, slots=True)
class MachineIssuance:
    """An order for one access token that speaks for its application alone.

    Nothing is consumed, no family begins, and there is no refresh token to order (RFC 6749 §4.4.3). `audience` and
    `binding` as in `Issuance`.
    """

    origin: MachineOrigin
    access_expires_at: datetime
    client_id: str
    audience: Resource | None = None
    binding: Binding = UNBOUND
    issued_token_type: str = ""


@dataclass(frozen=True, slots=True)
class DelegatedIssuance:
    """An order for one access token that speaks for a person because of a JWT or another token, and not of his consent.

    No record is touched (AR-16), and there is no refresh token to order (JB-5). `family_id` is the family that it ends
    with, `actor` who acts for the person, `use` what marks the JWT as used, `told` what the audit trail says of it.
    `issued_token_type` is the answer's (TX-3), empty: it has none. `audience`, `binding` as in `Issuance`.
    """

    origin: Origin
    access_expires_at: datetime
    client_id: str
    subject: str
    authentication: Authentication | None = None
    family_id: UUID | None = None
    actor: Mapping[str, Any] | None = None
    use: SingleUse | None = None
    audience: Resource | None = None
    binding: Binding = UNBOUND
    issued_token_type: str = ""
    told: Mapping[str, str] = field(default_factory=dict)
