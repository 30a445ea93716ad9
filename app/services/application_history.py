"""What the audit trail remembers of an application before and after a deed; never a secret."""

from collections.abc import Mapping
from typing import Any

from app.protocol.registration import STATEMENT
from app.store.applications import Description, StoredApplication


def members(description: Description) -> dict[str, Any]:
    """Return what an application says about itself, in the words of its settings, and what it is held to.

    A software statement is left out: what it says stands in the other members, and whoever reads this could show it.
    """
    return {
        **{name: value for name, value in description.registration.items() if name != STATEMENT},
        **description.policy,
        "client_name": description.name,
        "optional_scopes": [*description.optional_scopes],
        "allowed_origins": [*description.allowed_origins],
        "owner": description.owner_name,
    }


def difference(before: Description, after: Description) -> dict[str, dict[str, Any]]:
    """Return what changed about an application: `before` and `after`, of the changed members alone."""
    return _changed(members(before), members(after))


def moved(before: StoredApplication, after: StoredApplication | None) -> dict[str, dict[str, Any]]:
    """Return how an application was let in, and how it is now: `before` and `after`, of what changed alone."""
    return _changed(_state(before), _state(after) if after is not None else {})


def secret_kept(id: object, last_four: str) -> dict[str, str]:
    """Return what is remembered of a secret: enough to know it again."""
    return {"id": str(id), "last_four": last_four}


def _state(stored: StoredApplication) -> dict[str, Any]:
    return {
        "status": stored.status,
        "switched_off_by": stored.off_by or None,
        "deletes_at": stored.delete_after.isoformat() if stored.delete_after is not None else None,
        "checked": stored.verified,
    }


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {
        "before": {name: before[name] for name in names if name in before},
        "after": {name: after[name] for name in names if name in after},
    }
