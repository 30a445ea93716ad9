"""What a job may use."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.crypto.envelope import Vault
from app.protocol.configuration import RegistrationRules
from app.protocol.policy import Lifetimes
from app.protocol.tokens.keyring import SigningPlan
from app.store.database import Database


@dataclass(frozen=True, slots=True)
class Work:
    """The database, the lifetimes that decide what is old, the clock (aware UTC), the seal and plan of the keys,
    after which time an application that registered itself and never got a token is removed, and the client_ids of those
    that the settings let ask about tokens."""

    database: Database
    lifetimes: Lifetimes
    clock: Callable[[], datetime]
    vault: Vault
    signing: SigningPlan = field(default_factory=SigningPlan)
    unused_after: timedelta = RegistrationRules().unused_after
    apis: tuple[str, ...] = ()
