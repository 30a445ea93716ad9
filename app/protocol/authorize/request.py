"""The parameters of an authorization request, named (standards A1.3)."""

import re
from dataclasses import dataclass

from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.metadata import PROMPTS
from app.protocol.params import Parameters

MAX_STATE = 4096
_SECONDS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """One authorization request as its parameters say; `prompts` and `max_age` are already read."""

    response_type: str | None
    redirect_uri: str | None
    scope: str | None
    state: str | None
    code_challenge: str | None
    code_challenge_method: str | None
    nonce: str | None
    login_hint: str | None
    prompts: frozenset[str]
    max_age: int | None
    resources: tuple[str, ...]


def read(params: Parameters) -> AuthorizationRequest:
    """Read the parameters; raises `invalid_request` for values that mean nothing.

    `force_prompt` is the original system's way to ask for the consent page: any text in it counts (acceptance A10).
    """
    prompts = read_prompt(params.get("prompt"))
    if params.get("force_prompt") is not None and "none" not in prompts:
        prompts |= {"consent"}
    return AuthorizationRequest(
        response_type=params.get("response_type"),
        redirect_uri=params.get("redirect_uri"),
        scope=params.get("scope"),
        state=params.get("state"),
        code_challenge=params.get("code_challenge"),
        code_challenge_method=params.get("code_challenge_method"),
        nonce=params.get("nonce"),
        login_hint=params.get("login_hint"),
        prompts=prompts,
        max_age=read_max_age(params.get("max_age")),
        resources=params.all("resource"),
    )


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
