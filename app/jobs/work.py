"""What a job may use."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from app.protocol.policy import Lifetimes
from app.store.database import Database


@dataclass(frozen=True, slots=True)
class Work:
    """The database, the lifetimes that decide what is old, and the clock (aware UTC)."""

    database: Database
    lifetimes: Lifetimes
    clock: Callable[[], datetime]
