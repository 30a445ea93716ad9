"""The second belt of the log: what looks like a credential is cut out, should it ever reach a log line (NS-5).

The first belt is that nobody hands secrets to the log. This one knows names that only secrets have and the shapes of
the credentials that this server makes or reads.
"""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

REDACTED = "[redacted]"

_SECRET_NAMES = frozenset(
    {
        "access_token",
        "actor_token",
        "assertion",
        "auth_req_id",
        "authorization",
        "client_assertion",
        "client_notification_token",
        "client_secret",
        "code",
        "code_verifier",
        "cookie",
        "csrf_token",
        "device_code",
        "id_token",
        "id_token_hint",
        "login_hint_token",
        "password",
        "refresh_token",
        "secret",
        "secret_key",
        "set-cookie",
        "subject_token",
        "token",
        "user_code",
    }
)
_SHAPES = re.compile(
    r"""
      \bas[a-z]{2}_[A-Za-z0-9_-]{16,}                        # our own credentials (app.protocol.token_format)
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)*   # JSON Web Tokens
    | (?<=\b[Bb]earer\ )[A-Za-z0-9._~+/=-]+                  # RFC 6750 section 2.1
    | (?<=\b[Bb]asic\ )[A-Za-z0-9+/=]+                       # RFC 7617 section 2
    | (?<=://)[^/@\s:]*:[^/@\s]+(?=@)                        # user and password in a URL
    | (?:(?<=[?&\s]code=)|(?<=[?&\s]token=)|(?<=[?&\s]user_code=))[^&\s"']+  # query strings in others' messages
    | \$argon2id?\$[^\s'")]+                                 # hashes of passwords
    | (?<=\bDETAIL:\ )\ *(?:Failing\ row\ contains|Key)\ \((?s:.*?)\)[^\n)]*(?=\n|\Z)  # rows in PostgreSQL's errors
    """,
    re.VERBOSE,
)
_OURS = frozenset({"level", "method", "request_id", "timestamp"})
"""Fields that only the log itself fills, on every line."""
_SHORTEST = 16
"""Text below this length holds none of the shapes worth hiding, and most values of a log line are that short."""
_MAX_DEPTH = 6


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: replace the values of secret names and every credential inside other values."""
    for name, value in event.items():
        if name not in _OURS:
            event[name] = _clean(name, value, 0)
    return event


def redact_text(text: str) -> str:
    """Return the text without anything that has the shape of a credential."""
    return text if len(text) < _SHORTEST else _SHAPES.sub(REDACTED, text)


def _clean(name: object, value: Any, depth: int) -> Any:
    kind = type(value)
    if kind is int or kind is float or kind is bool or value is None:
        return value
    if isinstance(name, str) and name.lower() in _SECRET_NAMES:
        return REDACTED
    if isinstance(value, str):
        return redact_text(value)
    if depth >= _MAX_DEPTH:
        return REDACTED
    if isinstance(value, Mapping):
        return {key: _clean(key, inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(None, inner, depth + 1) for inner in value]
    return value
