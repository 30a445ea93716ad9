"""What an application demands and a server does not have: such an application is refused instead of being served
without it."""

from collections.abc import Iterable, Mapping
from typing import Any

DEFAULT = "oauth2.1"
FAPI = "fapi2"
FAPI_SIGNED = "fapi2-message-signing"

_FORMERLY_UNMET = frozenset({"require_pushed_authorization_requests", "require_signed_request_object"})
_FORMERLY_UNMET_PROFILES = {profile: f"profile {profile}" for profile in (FAPI, FAPI_SIGNED)}


def beyond_earlier(registration: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what an application demands and servers of the schema before this one do not have: they refuse it as long
    as it is written down, instead of serving it without."""
    demanded = tuple(sorted(name for name in _FORMERLY_UNMET if registration.get(name)))
    profile = _FORMERLY_UNMET_PROFILES.get(registration.get("profile", DEFAULT))
    return demanded if profile is None else (*demanded, profile)


def unmet_here(noted: Iterable[str]) -> tuple[str, ...]:
    """Return what of that is out of the reach of this version as well."""
    met = _FORMERLY_UNMET.union(_FORMERLY_UNMET_PROFILES.values())
    return tuple(name for name in noted if name not in met)
