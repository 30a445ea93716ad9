"""The parameters of an authorization request, named (standards A1.3)."""

import re
from dataclasses import dataclass

from app.protocol import response_types
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.params import Parameters

PROMPTS = ("none", "login", "consent")
"""The values of `prompt` that this server knows."""

PARAMETERS = (
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "dpop_jkt",
    "force_prompt",
    "login_hint",
    "max_age",
    "nonce",
    "prompt",
    "redirect_uri",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "state",
)
"""Everything that an authorization request can say here. Other parameters are ignored, and never kept."""

MAX_LENGTH = 4096
"""Characters of one parameter: nobody has to be known for what we keep of his request."""

_SECONDS = re.compile(r"[0-9]{1,9}")
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What outlives the checks of an authorization request: what it asks for, how to ask the person, and what the code
    remembers.

    `max_age` is in seconds.
    """

    response_type: str
    prompts: frozenset[str]
    max_age: int | None
    code_challenge: str | None
    nonce: str | None
    dpop_jkt: str | None = None


def read(params: Parameters) -> AuthorizationRequest:
    """Read the parameters; raises `invalid_request` for values that mean nothing.

    `force_prompt` is the original system's way to ask for the consent page: any text in it counts (acceptance A10).
    """
    prompts = read_prompt(params.get("prompt"))
    if params.get("force_prompt") is not None and "none" not in prompts:
        prompts |= {"consent"}
    return AuthorizationRequest(
        response_type=read_response_type(params),
        prompts=prompts,
        max_age=read_max_age(params.get("max_age")),
        code_challenge=params.get("code_challenge"),
        nonce=params.get("nonce"),
        dpop_jkt=read_dpop_jkt(params.get("dpop_jkt")),
    )


def read_response_type(params: Parameters) -> str:
    """Return the response type in its one spelling; empty when there is none."""
    return response_types.canonical(params.get("response_type") or "")


def read_prompt(text: str | None) -> frozenset[str]:
    """OC-2, OC-3: a set of known words; `none` stands alone."""
    if text is None:
        return frozenset()
    words = frozenset(word for word in text.split(" ") if word)
    if unknown := words.difference(PROMPTS):
        raise OAuthError(
            ErrorCode.INVALID_REQUEST, f"prompt does not know {min(unknown)[:40]}; it knows {', '.join(PROMPTS)}"
        )
    if "none" in words and len(words) > 1:
        raise OAuthError(ErrorCode.INVALID_REQUEST, "prompt=none cannot be combined with another prompt")
    return words


def read_max_age(text: str | None) -> int | None:
    """OC-8: whole seconds, not negative."""
    if text is None:
        return None
    if not _SECONDS.fullmatch(text):
        raise OAuthError(ErrorCode.INVALID_REQUEST, "max_age must be a whole number of seconds")
    return int(text)


def read_dpop_jkt(text: str | None) -> str | None:
    """DP-13, RFC 9449 §10: the SHA-256 thumbprint of a key, 43 characters of base64url."""
    if text is not None and not _THUMBPRINT.fullmatch(text):
        raise OAuthError(ErrorCode.INVALID_REQUEST, "dpop_jkt must be a SHA-256 thumbprint, 43 characters of base64url")
    return text
