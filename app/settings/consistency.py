"""Settings that are right one by one and wrong together."""

from collections.abc import Iterator

from app.protocol.scopes import BUILTIN, well_formed
from app.settings.model import Settings

Contradiction = tuple[tuple[str, ...], str]
"""The path of the key to change, and the second half of the sentence."""

_RESERVED = frozenset(scope.name for scope in BUILTIN)
_THIS_COMPUTER = {"localhost", "127.0.0.1", "::1", "0.0.0.0", "::"}  # noqa: S104 - where browsers here find the server


def contradictions(settings: Settings) -> Iterator[Contradiction]:
    """Return every contradiction, so that all can be repaired at once."""
    yield from _address(settings)
    yield from _secrets(settings)
    yield from _lifetimes(settings)
    yield from _limits(settings)
    yield from _features(settings)
    yield from _scopes(settings)
    yield from _decided(settings)


def _address(settings: Settings) -> Iterator[Contradiction]:
    if settings.issuer is None and settings.host not in _THIS_COMPUTER:
        yield (
            ("issuer",),
            f"is required by a server that listens on {settings.host}; set it to that server’s https address",
        )


def _secrets(settings: Settings) -> Iterator[Contradiction]:
    if settings.database_url is not None and settings.secret_key is None:
        yield (
            ("secret_key",),
            "is required with database_url; set ASSENT_SECRET_KEY_FILE to a file made with: openssl rand -base64 48",
        )
    if settings.database_owner_url is not None and settings.database_url is None:
        yield ("database_owner_url",), "makes no sense without database_url; add that or remove this"


def _lifetimes(settings: Settings) -> Iterator[Contradiction]:
    lifetimes = settings.lifetimes
    if lifetimes.refresh_token_idle > lifetimes.refresh_token_absolute:
        yield (
            ("lifetimes", "refresh_token_idle"),
            f"must not be longer than refresh_token_absolute; set it to {lifetimes.refresh_token_absolute} or less",
        )
    if lifetimes.access_token > lifetimes.refresh_token_idle:
        yield (
            ("lifetimes", "refresh_token_idle"),
            f"must outlive the access token; set it to {lifetimes.access_token} or more, or shorten access_token",
        )
    if lifetimes.session_idle > lifetimes.session_absolute:
        yield (
            ("lifetimes", "session_idle"),
            f"must not be longer than session_absolute; set it to {lifetimes.session_absolute} or less",
        )


def _limits(settings: Settings) -> Iterator[Contradiction]:
    if settings.limits.first_wait > settings.limits.longest_wait:
        yield (
            ("limits", "first_wait"),
            f"must not be longer than longest_wait; set it to {settings.limits.longest_wait} or less",
        )


def _features(settings: Settings) -> Iterator[Contradiction]:
    try:
        settings.feature_set()
    except ValueError as refused:
        yield ("features",), f"cannot be: {refused}"


def _scopes(settings: Settings) -> Iterator[Contradiction]:
    broken = False
    for name in settings.scopes or {}:
        if not well_formed(name):
            broken = True
            yield (
                ("scopes", name),
                "is no scope: use up to 200 printable ASCII characters without space, quote, backslash",
            )
        elif name in _RESERVED:
            broken = True
            yield ("scopes", name), "is reserved for OpenID Connect; choose another name"
    if broken:
        return
    try:
        registry = settings.scope_registry()
    except ValueError as refused:
        yield ("scopes",), f"cannot be: {refused}"
        return
    unknown_in_role = False
    for role, names in settings.roles.items():
        if unknown := registry.unknown(names):
            unknown_in_role = True
            yield (
                ("roles", role),
                f"has {unknown[0]!r}, which is not in the scope registry; add it there or remove it here",
            )
    if not unknown_in_role:
        try:
            settings.role_set()
        except ValueError as refused:
            yield ("roles",), f"cannot be: {refused}"


def _decided(settings: Settings) -> Iterator[Contradiction]:
    if both := set(settings.ciba.danger_auto_approve) & set(settings.ciba.danger_auto_deny):
        yield ("ciba", "danger_auto_deny"), f"also names {min(both)}, who is in danger_auto_approve; remove one of both"
