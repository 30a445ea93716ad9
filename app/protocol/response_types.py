"""Response types and response modes (RFC 6749 §3.1.1, OAuth 2.0 Multiple Response Types): what an answer holds, and how
it travels. A response type is a set of words whose order does not matter.

Those with the word `token` are the implicit grant (RFC 6749 §4.2): legacy, off unless the operator switches it on for
the server and for the application (RT-4; original behaviour, BUG 21).
"""

from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.features import Feature, FeatureSet
from app.protocol.policy import EffectivePolicy, ServerPolicy

CODE = "code"
ID_TOKEN = "id_token"
TOKEN = "token"
NONE = "none"

QUERY = "query"
FRAGMENT = "fragment"
FORM_POST = "form_post"

JWT = "jwt"
"""The mode of an answer as one signed JWT, which travels as the response type does (JARM §2.3.4)."""

_SIGNED = ".jwt"
"""What the other modes of such answers end in: `query.jwt` and so on (RT-7)."""

_NEEDS: dict[str, tuple[Feature, ...]] = {
    CODE: (Feature.AUTHORIZATION_CODE,),
    "code id_token": (Feature.FRONT_CHANNEL_ID_TOKENS,),
    ID_TOKEN: (Feature.FRONT_CHANNEL_ID_TOKENS,),
    NONE: (Feature.FRONT_CHANNEL_ID_TOKENS,),
    TOKEN: (Feature.IMPLICIT,),
    "code token": (Feature.IMPLICIT,),
    "id_token token": (Feature.IMPLICIT, Feature.FRONT_CHANNEL_ID_TOKENS),
    "code id_token token": (Feature.IMPLICIT, Feature.FRONT_CHANNEL_ID_TOKENS),
}
"""Every response type in its one spelling, and the features that make it one of a server's."""

EVERY = tuple(_NEEDS)

IMPLICIT = "implicit"
"""The grant type that stands for what comes through the browser; the token endpoint has none of that name."""

_GRANTS = {CODE: "authorization_code", ID_TOKEN: IMPLICIT, TOKEN: IMPLICIT}
"""The grant type that each word needs to be registered with (DR-6)."""


def offered(features: FeatureSet) -> tuple[str, ...]:
    """Return the response types of a server with these features."""
    return tuple(name for name, needed in _NEEDS.items() if features.issuperset(needed))


def modes(features: FeatureSet) -> tuple[str, ...]:
    """Return its response modes. None sends messages between windows (RT-10)."""
    plain = (QUERY, FRAGMENT, FORM_POST) if Feature.FORM_POST in features else (QUERY, FRAGMENT)
    if Feature.SIGNED_ANSWERS not in features:
        return plain
    return (*plain, *(mode + _SIGNED for mode in plain), JWT)


def is_signed(mode: str) -> bool:
    """Tell whether an answer in this mode is one JWT (RT-7)."""
    return mode == JWT or mode.endswith(_SIGNED)


def carrier(mode: str) -> str:
    """Return how an answer in this mode travels, whatever it is made of."""
    return mode.removesuffix(_SIGNED)


def spelt_out(mode: str, response_type: str | None, policy: ServerPolicy) -> str:
    """Return the mode that is meant: `jwt` is short for one of the others (RT-7)."""
    return default_mode(response_type, policy) + _SIGNED if mode == JWT else mode


def canonical(response_type: str) -> str:
    """Return the one spelling of a set of words (A1.3 response_type)."""
    return " ".join(sorted(response_type.split(" ")))


def words(response_type: str) -> frozenset[str]:
    """Return what an answer of this type holds."""
    return frozenset(response_type.split(" "))


def grants_of(response_type: str) -> tuple[str, ...]:
    """Return the grant types that an application needs for it (DR-6); `none` needs none."""
    return tuple(sorted({_GRANTS[word] for word in words(response_type) if word in _GRANTS}))


def default_mode(response_type: str | None, policy: ServerPolicy) -> str:
    """Return the mode of an answer, an error too, to a request that names none (RT-1, RT-3).

    What the server does not have is unknown like any other word, and unknown words are answered in the query.
    """
    asked = canonical(response_type or "")
    return FRAGMENT if asked in policy.response_types and words(asked) & {TOKEN, ID_TOKEN} else QUERY


def possible_modes(response_type: str | None, policy: ServerPolicy, client: ClientFact) -> tuple[str, ...]:
    """Return the modes in which a request can be answered.

    A token never stands in a query (RT-1), unless nobody on the way can read it (RT-8). An application that has
    registered modes gets no other (RT-9), and one whose answers have to be signed gets none that is not (FM-2).
    """
    front = default_mode(response_type, policy) == FRAGMENT
    unfit = {QUERY} if front else set()
    if front and client.requests.answer_encryption is None:
        unfit.add(QUERY + _SIGNED)
    if client.policy.signs_messages:
        unfit.update(mode for mode in policy.response_modes if not is_signed(mode))
    registered = client.openid.response_modes or policy.response_modes
    return tuple(mode for mode in policy.response_modes if mode in registered and mode not in unfit)


def check(response_type: str | None, client: ClientFact, policy: EffectivePolicy) -> None:
    """A1.2 step 6: missing, unknown, and not allowed for this application are three different errors."""
    if response_type is None:
        raise OAuthError(ErrorCode.INVALID_REQUEST, "response_type is missing; send response_type=code")
    asked = canonical(response_type)
    if asked not in policy.response_types:
        known = ", ".join(policy.response_types)
        raise OAuthError(
            ErrorCode.UNSUPPORTED_RESPONSE_TYPE, f"response_type is not supported; this server has: {known}"
        )
    if policy.fapi and asked != CODE:
        raise OAuthError(
            ErrorCode.UNAUTHORIZED_CLIENT,
            f"this application may not use response_type={asked}; send response_type=code",
        )
    if TOKEN in words(asked):
        _require_legacy(asked, policy)
    if asked == TOKEN:
        return  # the operator's word is enough: old applications never registered what they ask for
    needed = grants_of(asked)
    if asked not in client.response_types or not client.grant_types.issuperset(needed):
        grants = f" and {', '.join(needed)} to grant_types" if needed else ""
        raise OAuthError(
            ErrorCode.UNAUTHORIZED_CLIENT,
            f"this application is not registered for response_type={asked}; "
            f"its owner can add it to response_types{grants}",
        )


def _require_legacy(asked: str, policy: EffectivePolicy) -> None:
    if not policy.allow_implicit:
        raise OAuthError(
            ErrorCode.UNAUTHORIZED_CLIENT,
            f"this application may not use response_type={asked}, which is for old ones that the operator has named; "
            "send response_type=code",
        )
