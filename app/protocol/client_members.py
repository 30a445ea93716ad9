"""The types of single members of client metadata: each refuses what it cannot mean, in half a sentence."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from app.crypto.jose import PRIVATE_MEMBERS
from app.crypto.jose_text import is_storable
from app.crypto.strict_json import has_plain_numbers
from app.protocol import origins, redirect_uri, response_types
from app.protocol.client_auth import METHODS
from app.protocol.errors import OAuthError
from app.protocol.grant_types import GRANT_TYPES
from app.protocol.key_sets import MAX_BYTES, MAX_KEYS

FRONT_CHANNEL = (response_types.IMPLICIT,)
"""What response types with `id_token` or `token` are registered with (DR-6); the token endpoint has no such grant."""

LATER_GRANT_TYPES = ("password", "urn:ietf:params:oauth:grant-type:saml2-bearer")
"""Grant types that can be registered and are not built yet."""

_MAX_LIST = 100
_MAX_TEXT = 2000
_WEB = re.compile(r"https?://[^\s/?#@\\]+([/?#][^\s\\]*)?")


def _refused(rule: str) -> PydanticCustomError:
    # The rule is no template: braces in it stay as they are.
    return PydanticCustomError("refused", "{rule}", {"rule": rule})


def _printable(value: str) -> str:
    if not value.isprintable():
        raise _refused("must not have line breaks or other control characters")
    return value


def _web_address(value: str) -> str:
    if not value.isascii() or not _WEB.fullmatch(value) or not _has_host(value):
        raise _refused("must be an absolute http or https URL in ASCII, without a user name")
    return value


def _has_host(value: str) -> bool:
    """Tell whether every reader finds host and port: brackets are for an IPv6 address, and ports are numbers."""
    try:
        parts = urlsplit(value)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _https_address(value: str) -> str:
    if not value.startswith("https://"):
        raise _refused("must be an https URL")
    return _web_address(value)


def _registrable(value: str) -> str:
    """RFC 7591 §2 and standards B6: the rules of redirect URIs, which post-logout ones share."""
    try:
        redirect_uri.check_registrable(value)
    except OAuthError as refused:
        raise _refused(refused.description.removeprefix("redirect_uri ")) from refused
    return value


def _allowed_origin(value: str) -> str:
    if (problem := origins.problem_with(value)) is not None:
        raise _refused(problem)
    return value


def _one_of(*groups: Iterable[str]) -> Callable[[str], str]:
    names = tuple(name for group in groups for name in group)

    def check(value: str) -> str:
        if value not in names:
            raise _refused(f"must be one of: {', '.join(names)}")
        return value

    return check


def _sorted_words(value: str) -> str:
    return " ".join(sorted(value.split()))


def _signing_algorithm(value: str) -> str:
    if value == "none":
        raise _refused("must not be none")
    return value


def _public_keys(value: dict[str, Any]) -> dict[str, Any]:
    """RFC 7591 §2: a set of public keys; whoever sends a private one has lost it."""
    keys = value.get("keys")
    if not isinstance(keys, list) or not all(isinstance(key, dict) and isinstance(key.get("kty"), str) for key in keys):
        raise _refused("must be a JWK set: an object whose member keys is a list of JWKs")
    if any(key["kty"] == "oct" or not PRIVATE_MEMBERS.isdisjoint(key) for key in keys):
        raise _refused("must have public keys only; make new keys and register their public halves")
    if not is_storable(value):
        raise _refused("must not have control characters")
    if not has_plain_numbers(value):
        raise _refused("must not have numbers that not every reader of JSON could read")
    if len(keys) > MAX_KEYS or len(json.dumps(value)) > MAX_BYTES:
        raise _refused(f"must have at most {MAX_KEYS} keys in {MAX_BYTES} bytes")
    return value


def _without_repeats(value: object) -> object:
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return tuple(dict.fromkeys(value))
    return value


_Item = TypeVar("_Item")

ListOf = Annotated[tuple[_Item, ...], BeforeValidator(_without_repeats), Field(max_length=_MAX_LIST)]
Text = Annotated[str, Field(max_length=_MAX_TEXT), AfterValidator(_printable)]
Name = Annotated[str, Field(max_length=100), AfterValidator(_printable)]
WebAddress = Annotated[Text, AfterValidator(_web_address)]
HttpsAddress = Annotated[Text, AfterValidator(_https_address)]
RedirectUri = Annotated[str, AfterValidator(_registrable)]
AllowedOrigin = Annotated[str, Field(max_length=origins.MAX_LENGTH), AfterValidator(_allowed_origin)]
AllowedOrigins = Annotated[ListOf[AllowedOrigin], Field(max_length=origins.MAX_ENTRIES)]
Algorithm = Name
SigningAlgorithm = Annotated[Name, AfterValidator(_signing_algorithm)]
PublicKeys = Annotated[dict[str, Any], AfterValidator(_public_keys)]
AuthMethod = Annotated[str, AfterValidator(_one_of(METHODS))]
GrantType = Annotated[str, AfterValidator(_one_of(GRANT_TYPES, FRONT_CHANNEL, LATER_GRANT_TYPES))]
ResponseType = Annotated[
    str,
    AfterValidator(_sorted_words),
    AfterValidator(_one_of(response_types.EVERY)),
]
