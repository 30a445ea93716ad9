"""The `claims` parameter (OpenID Connect Core §5.5): claims asked for one by one, for the ID token and for userinfo.

The JSON is read strictly, for no two parsers shall read one request differently; what it asks is read kindly: claims
and members that nobody here knows are ignored, and a claim that is not there is never an error (OC-13). Two claims are
demands: `sub`, who has to be signed in, and an essential `acr`, how he has to have signed in (OC-11).
"""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.crypto import strict_json
from app.protocol.errors import ErrorCode, OAuthError

MAX_LENGTH = 8192
"""Characters of the parameter."""

MAX_CLAIMS = 100
"""Claims that each of its members may name."""

_DEEPEST = 8
_ABOUT_A_CLAIM = "null or an object with essential, value or values"

Asked = Mapping[str, Mapping[str, Any]]
"""What is asked of each claim."""


@dataclass(frozen=True, slots=True)
class ClaimsParameter:
    """What the parameter asks. `id_token` and `userinfo` are names of claims as they were written, in their order.

    `subjects` are those of whom one has to be signed in, `acr` the classes of which the sign-in has to have one; both
    are empty where nothing is demanded.
    """

    id_token: tuple[str, ...] = ()
    userinfo: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    acr: tuple[str, ...] = ()

    def known(self, names: Container[str]) -> "ClaimsParameter":
        """Return the same without claims that there are not: those that only the protocol makes are none of them."""
        return self.only(names.__contains__)

    def only(self, may_be_asked: Callable[[str], bool]) -> "ClaimsParameter":
        """Return the same without claims that nobody, or not this application, can ask for."""
        return replace(
            self,
            id_token=tuple(filter(may_be_asked, self.id_token)),
            userinfo=tuple(filter(may_be_asked, self.userinfo)),
        )


NOTHING = ClaimsParameter()


def read(text: str | None) -> ClaimsParameter:
    """Return what the parameter asks; raises `invalid_request` for what is no JSON object of the specified form."""
    if text is None:
        return NOTHING
    whole = _parsed(text)
    id_token, userinfo = _member(whole, "id_token"), _member(whole, "userinfo")
    return ClaimsParameter(
        id_token=tuple(id_token),
        userinfo=tuple(userinfo),
        subjects=_subjects(id_token, userinfo),
        acr=_strings("acr", id_token) if id_token.get("acr", {}).get("essential") is True else (),
    )


def _subjects(id_token: Asked, userinfo: Asked) -> tuple[str, ...]:
    """OC-13: whom `sub` names, essential or not. Both answers speak of one person, so that both demands hold."""
    demands = [named for asked in (id_token, userinfo) if (named := _strings("sub", asked))]
    if not demands:
        return ()
    first, *rest = demands
    both = tuple(name for name in first if all(name in others for others in rest))
    if not both:
        raise _refused("claims asks for one person in the ID token and for another in userinfo")
    return both


def _member(whole: Mapping[str, Any], name: str) -> Asked:
    member = whole.get(name)
    if member is None:
        return {}
    if not isinstance(member, dict):
        raise _refused(f"{name} in claims must be an object whose members are claims")
    if len(member) > MAX_CLAIMS:
        raise _refused(f"{name} in claims names more than {MAX_CLAIMS} claims")
    return {claim: _request(claim, asked) for claim, asked in member.items()}


def _request(claim: str, asked: object) -> Mapping[str, Any]:
    """Return what is asked of one claim; None stands for nothing in particular."""
    if asked is None:
        return {}
    if not isinstance(asked, dict):
        raise _refused(f"claims must ask for {claim[:40]} with {_ABOUT_A_CLAIM}")
    if not isinstance(asked.get("essential", False), bool):
        raise _refused(f"essential of {claim[:40]} in claims must be true or false")
    if not isinstance(asked.get("values", []), list):
        raise _refused(f"values of {claim[:40]} in claims must be a list")
    return asked


def _strings(claim: str, asked: Asked) -> tuple[str, ...]:
    """Return the values that are asked of a claim, each of which is a string."""
    request = asked.get(claim, {})
    values: Iterable[object] = (*((request["value"],) if "value" in request else ()), *request.get("values", ()))
    found = tuple(value for value in values if isinstance(value, str))
    if len(found) != len(tuple(values)):
        raise _refused(f"each value of {claim} in claims must be a string")
    return found


def _parsed(text: str) -> Mapping[str, Any]:
    if len(text) > MAX_LENGTH:
        raise _refused(f"claims is longer than {MAX_LENGTH} characters")
    try:
        found = strict_json.read(text, _DEEPEST)
    except strict_json.Unreadable as unreadable:
        raise _refused(f"claims {unreadable}") from None
    if not isinstance(found, dict):
        raise _refused("claims must be a JSON object with id_token, userinfo or both")
    return found


def _refused(description: str) -> OAuthError:
    return OAuthError(ErrorCode.INVALID_REQUEST, description)
