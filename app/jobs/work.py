"""What a job may use."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from app.crypto.envelope import Vault
from app.protocol.policy import Lifetimes
from app.protocol.tokens.keyring import SigningPlan
from app.store.database import Database


@dataclass(frozen=True, slots=True)
class Work:
    """The database, the lifetimes that decide what is old, the clock (aware UTC), and the seal and plan of the keys."""

    database: Database
    lifetimes: Lifetimes
    clock: Callable[[], datetime]
    vault: Vault
    signing: SigningPlan = field(default_factory=SigningPlan)
