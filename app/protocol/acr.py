"""Authentication context classes (OpenID Connect Core §2): what a sign-in was worth, in one word for applications."""

from collections.abc import Collection

PASSWORD = "urn:assent:acr:password"
"""A password, and nothing else."""

_CLASSES = ((PASSWORD, frozenset({"pwd"})),)
"""The classes with the methods (RFC 8176) that each needs, the strongest first."""

SUPPORTED = tuple(name for name, _ in _CLASSES)
"""Every class that a sign-in here can reach: `acr_values_supported`."""


def acr_of(amr: Collection[str]) -> str:
    """Return the strongest class that the methods of a sign-in reach, empty for methods that reach none (OC-10)."""
    return next((name for name, needed in _CLASSES if needed.issubset(amr)), "")
