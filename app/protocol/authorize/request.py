"""The parameters of an authorization request, named (standards A1.3)."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from app.crypto import jose
from app.protocol import claims, claims_parameter, details, grant_management, response_types, scopes
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.features import Feature, FeatureSet
from app.protocol.openid_settings import OpenIdSettings
from app.protocol.params import Parameters

PROMPTS = ("none", "login", "consent", "select_account")
"""The values of `prompt` that every server knows (OC-2)."""

CREATE = "create"
"""Another one, where people may sign up (Initiating User Registration 1.0)."""

PARAMETERS = (
    "acr_values",
    details.PARAMETER,
    "claims",
    "claims_locales",
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "display",
    "dpop_jkt",
    "force_prompt",
    *grant_management.PARAMETERS,
    "id_token_hint",
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
    "ui_locales",
)
"""Everything that an authorization request can say here. Other parameters are ignored, and never kept.

Nothing follows from `display` and `ui_locales` yet, and no value of theirs is an error (OC-15, OC-16): there is one set
of pages, which fit every screen and are in one language.
"""

_OF_OPENID = ("claims", "claims_locales", "id_token_hint", "registration")
"""Those that mean nothing on a server without OpenID Connect (G4)."""

MAX_LENGTH = 4096
"""Characters of one parameter, also of a long `state` (F-23): we keep requests of people whom nobody has to know."""

LONGER: Mapping[str, int] = {
    details.PARAMETER: details.MAX_LENGTH,
    "claims": claims_parameter.MAX_LENGTH,
    "id_token_hint": jose.LONGEST,
}
"""Parameters that are JSON or a JWT may have more."""

MOST_TOGETHER = 32_768
"""Characters of all parameters together: a request that waits for a person is kept whole, whoever sent it."""

_MOST_LOCALES = 10

_SECONDS = re.compile(r"[0-9]{1,9}")
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What outlives the checks of an authorization request: what it asks for, how to ask the person, and what the code
    remembers.

    `nonce` comes back in the ID token as it was sent (A1.3 nonce). `max_age` is in seconds. `acr_values` are the
    classes of sign-in that are preferred, the first most of all.
    """

    response_type: str
    prompts: frozenset[str]
    max_age: int | None
    code_challenge: str | None
    nonce: str | None
    dpop_jkt: str | None = None
    acr_values: tuple[str, ...] = ()


def understood(params: Parameters, features: FeatureSet) -> Parameters:
    """Return the parameters without those that a server with these features does not know."""
    unknown = () if Feature.OPENID in features else _OF_OPENID
    if Feature.CLAIMS_PARAMETER not in features:
        unknown = (*unknown, "claims")
    for name in unknown:
        params = params.without(name)
    return grant_management.understood(params, features)


def prompts_of(features: FeatureSet) -> tuple[str, ...]:
    """Return the values of `prompt` that a server with these features knows, and publishes."""
    return (*PROMPTS, CREATE) if Feature.SIGN_UP in features else PROMPTS


def read(
    params: Parameters, settings: OpenIdSettings, *, prompts_known: Collection[str] = PROMPTS
) -> AuthorizationRequest:
    """Read the parameters; raises `invalid_request` for values that mean nothing.

    What the application has registered counts where the request says nothing (OC-8, OC-10). `force_prompt` is the
    original system's way to ask for the consent page: any text in it counts (acceptance A10).
    """
    prompts = read_prompt(params.get("prompt"), prompts_known)
    max_age = read_max_age(params.get("max_age"))
    if params.get("force_prompt") is not None and "none" not in prompts:
        prompts |= {"consent"}
    return AuthorizationRequest(
        response_type=read_response_type(params),
        prompts=prompts,
        max_age=settings.default_max_age if max_age is None else max_age,
        code_challenge=params.get("code_challenge"),
        nonce=params.get("nonce"),
        dpop_jkt=read_dpop_jkt(params.get("dpop_jkt")),
        acr_values=tuple((params.get("acr_values") or "").split()) or settings.default_acr_values,
    )


def is_openid(params: Parameters) -> bool:
    """OC-1: whether the request asks to sign a person in."""
    return scopes.OPENID in (params.get("scope") or "").split(" ")


def is_silent(params: Parameters) -> bool:
    """OC-4: whether no page may be shown, however the one word that says so is spaced."""
    return _words(params.get("prompt") or "") == {"none"}


def read_response_type(params: Parameters) -> str:
    """Return the response type in its one spelling; empty when there is none."""
    return response_types.canonical(params.get("response_type") or "")


def read_prompt(text: str | None, known: Collection[str] = PROMPTS) -> frozenset[str]:
    """OC-2, OC-3: a set of known words, for those that are known are published; `none` stands alone."""
    if text is None:
        return frozenset()
    words = _words(text)
    if unknown := words.difference(known):
        raise OAuthError(
            ErrorCode.INVALID_REQUEST, f"prompt does not know {min(unknown)[:40]}; it knows {', '.join(known)}"
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
    """DP-13, F-12, RFC 9449 §10: the SHA-256 thumbprint of a key, 43 characters of base64url."""
    if text is not None and not _THUMBPRINT.fullmatch(text):
        raise OAuthError(ErrorCode.INVALID_REQUEST, "dpop_jkt must be a SHA-256 thumbprint, 43 characters of base64url")
    return text


def read_locales(text: str | None) -> tuple[str, ...]:
    """OC-15: the languages that claims are wanted in, the dearest first; what is no language tag is passed over."""
    tags = (tag for tag in (text or "").split(" ") if claims.is_tag(tag))
    return tuple(dict.fromkeys(tags))[:_MOST_LOCALES]


def _words(text: str) -> frozenset[str]:
    return frozenset(word for word in text.split(" ") if word)
