"""What a request demands besides permissions: claims one by one, who has to be signed in, and how (OC-11 to OC-13)."""

from dataclasses import dataclass

from app.protocol import claims_request
from app.protocol.acr import NOTHING, Required
from app.protocol.authorize import request as request_rules
from app.protocol.authorize.asked_scopes import AskedScopes
from app.protocol.claims import ClaimsRegistry
from app.protocol.claims_parameter import ClaimsParameter
from app.protocol.claims_request import NO_CLAIMS, ClaimsRequest
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.id_token_hint import Hinted

Hint = Hinted | OAuthError | None
"""Whom the `id_token_hint` of a request names, or why it names nobody; None when the request has none."""


@dataclass(frozen=True, slots=True)
class Demands:
    """What an answer has to satisfy.

    `claims` are those that were asked for one by one, and `pairs` what the record calls those of them that no asked
    scope delivers. `subjects` are what the application calls those of whom one has to be signed in, empty where nobody
    is named, and `required` is what his sign-in has to be worth. With `proven` an ID token names the person, and not
    the word of the application alone.
    """

    claims: ClaimsRequest = NO_CLAIMS
    pairs: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    required: Required = NOTHING
    proven: bool = False


def subjects_of(hint: Hint, demanded: tuple[str, ...], client_id: str) -> tuple[str, ...]:
    """Return whom hint and `claims` name together (OC-12, OC-13); raises `invalid_request` where that is nobody."""
    if isinstance(hint, OAuthError):
        raise hint
    if hint is None:
        return demanded
    if hint.client_id != client_id:
        raise _refused("id_token_hint was issued to another application, which may know people by other names")
    if demanded and hint.subject not in demanded:
        raise _refused("id_token_hint names one person and the sub in claims another")
    return (hint.subject,)


def of(
    asked: AskedScopes,
    parameter: ClaimsParameter,
    registry: ClaimsRegistry,
    hint: Hint,
    client_id: str,
    *,
    locales: str | None = None,
    required: Required = NOTHING,
) -> Demands:
    """Return what the request demands; raises as the rule above. `locales` are its `claims_locales`."""
    spoken = request_rules.read_locales(locales) if asked.openid else ()
    names = dict.fromkeys((*parameter.id_token, *parameter.userinfo))
    alone = (name for name in names if not registry.is_delivered(name, asked.scopes))
    return Demands(
        claims=ClaimsRequest(parameter.id_token, parameter.userinfo, spoken),
        pairs=tuple(dict.fromkeys(claims_request.pair(name) for name in alone)),
        subjects=subjects_of(hint, parameter.subjects, client_id),
        required=required,
        proven=isinstance(hint, Hinted),
    )


def _refused(description: str) -> OAuthError:
    return OAuthError(ErrorCode.INVALID_REQUEST, description)
