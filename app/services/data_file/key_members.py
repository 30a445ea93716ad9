"""The types of single members of a declared API key: each refuses what it cannot mean, in half a sentence."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo
from pydantic_core import PydanticCustomError

from app.protocol.names import MAX_NAME_LENGTH
from app.protocol.scopes import ScopeNames, ScopeRegistry
from app.protocol.token_format import Prefix, parse_credential
from app.services.api_keys import DEFAULT_SCOPES


def _refused(rule: str) -> PydanticCustomError:
    return PydanticCustomError("refused", "{rule}", {"rule": rule})


def _label(value: str) -> str:
    if not value.isprintable() or value != value.strip():
        raise _refused("must have no spaces around it, and no line breaks or other control characters")
    return value


def _usual_scopes(value: object, info: ValidationInfo) -> object:
    if value is not None:
        return value
    registry: ScopeRegistry = (info.context or {})["scopes"]
    return [scope for scope in DEFAULT_SCOPES if scope in registry]


def _key(value: SecretStr) -> SecretStr:
    if parse_credential(Prefix.API_KEY, value.get_secret_value()) is None:
        raise _refused("must be an API key as it was shown when it was made; leave it out to have one made")
    return value


Label = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH), AfterValidator(_label)]
KeyScopes = Annotated[ScopeNames, BeforeValidator(_usual_scopes)]
"""None stands for the usual scopes, as far as the registry has them."""

GivenKey = Annotated[SecretStr, AfterValidator(_key)]
