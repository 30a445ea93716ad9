"""What a decision orders: who gets which tokens, and which single-use thing pays for them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from app.protocol.facts import Authentication, FamilyFact, MachineOrigin, Origin

RefreshMode = Literal["rotate", "repeat", "keep"]


@dataclass(frozen=True, slots=True)
class RedeemCode:
    """Consume this code and begin a family."""

    grant_id: UUID
    authentication: Authentication
    nonce: str | None
    idle_expires_at: datetime | None
    family_expires_at: datetime


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
class Issuance:
    """An order for tokens: the access token's content and what it is paid with.

    `origin` is what the access token copies: its scope list may be narrower than the family's.
    """

    payment: RedeemCode | Refresh
    origin: Origin
    family_scopes: tuple[str, ...]
    access_expires_at: datetime
    with_refresh_token: bool


@dataclass(frozen=True, slots=True)
class MachineIssuance:
    """An order for one access token that speaks for its application alone.

    Nothing is consumed, no family begins, and there is no refresh token to order (RFC 6749 §4.4.3).
    """

    origin: MachineOrigin
    access_expires_at: datetime
