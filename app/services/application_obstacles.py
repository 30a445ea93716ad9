"""Why an owner's deed on his application does not come about; nothing was changed then."""

from enum import Enum

MOST_APPLICATIONS = 200
"""Applications of one owner that have not been deleted for good."""


class Obstacle(Enum):
    """Why a deed does not fit what is there; the value says it, and what to do."""

    LEAVING = "it is being deleted; restore it first"
    NOT_LEAVING = "it is not being deleted"
    TOO_LATE = "the time in which it could be restored is over"
    OFF_BY_OPERATOR = "the operator of this server switched it off, and alone can switch it on"
    NO_SECRETS = "it is public and has no secrets"
    TWO_SECRETS = "it has two valid secrets; retire one of them first"
    LAST_SECRET = "it is the only valid secret; add another one first"
    NO_ROOM = f"an owner has at most {MOST_APPLICATIONS} applications; delete one first, or choose another owner"


class Conflicting(Exception):
    """The deed does not fit the application as it is now; nothing was changed."""

    def __init__(self, obstacle: Obstacle) -> None:
        self.obstacle = obstacle
        super().__init__(obstacle.value)


class NoSuchSecret(Exception):
    """The application has no such secret, or has it no longer."""


class NoSuchPlace(Exception):
    """The list has no such place any more: the application there is gone, or somebody else's by now."""
