"""Applications that register themselves: what they may ask to be, and what becomes of it (RFC 7591, RFC 7592, OpenID
Connect Dynamic Client Registration).

What a registration has to be in itself is judged by `client_metadata`, as for every other application. What is judged
here is what strangers may be: nobody answers for them (DR-13).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.crypto import strict_json
from app.crypto.hashing import digest, matches
from app.protocol import client_auth, client_metadata, grant_types, response_types
from app.protocol.client_auth import client_secret_basic
from app.protocol.client_metadata import REDIRECTING, ClientMetadata
from app.protocol.configuration import RegistrationRules
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.features import Feature, FeatureSet
from app.protocol.grant_types import authorization_code, device_code, refresh_token
from app.protocol.openid_settings import DEFAULT_ALG, DEFAULT_ENC
from app.protocol.scopes import ScopeRegistry, render

PATH = "/oauth/register"
MEDIA_TYPE = "application/json"

OPEN_GRANT_TYPES = (authorization_code.NAME, refresh_token.NAME, device_code.NAME)
"""What everybody may register for: a person is asked each time, on a page of ours. The others need an initial access
token, for they act without a person or reach him elsewhere."""

STATEMENT = "software_statement"
"""The member that a software statement comes in, and is told back in (RFC 7591 §3.2.1)."""

PERMITTED_BY = "initial_access_token"
"""Under this name it is kept by which initial access token an application was let in."""

ISSUED = ("client_id_issued_at", "client_secret_expires_at", "registration_access_token", "registration_client_uri")
"""What the server says in its answer and nobody else (DM-4)."""

MAX_BYTES = 131_072
"""Beside a key set of the largest size and a software statement there is room for the rest. All of it is kept, and
repeated in the trail."""

_LEVELS = 16
"""How deep a registration may be nested; keys are the deepest that there is in one."""

_ENCRYPTED = ("id_token", "userinfo", "authorization", "introspection")


class WrongMediaType(OAuthError):
    """A registration that is not sent as JSON: 415 (DR-1, RFC 9110 §15.5.16)."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.INVALID_CLIENT_METADATA, f"send the client metadata as {MEDIA_TYPE}")


def is_offered(features: FeatureSet) -> bool:
    """Tell whether anybody may register at all: the feature is on, and registration is not closed."""
    return Feature.DYNAMIC_REGISTRATION in features


@dataclass(frozen=True, slots=True)
class Terms:
    """What a registration is judged by. `signing` are the algorithms that the server signs with.

    `trusted`: whoever asks has shown an initial access token.
    """

    rules: RegistrationRules
    scopes: ScopeRegistry
    features: FeatureSet
    signing: Sequence[str] = ()
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class Issued:
    """What the server has given to an application beside what it asked for; secrets are in this answer alone."""

    client_id: str
    at: int
    uri: str
    token: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)


def read(body: bytes, content_type: str | None) -> dict[str, Any]:
    """Return the members that were sent (DR-1); raises `WrongMediaType` and `invalid_client_metadata`."""
    if (content_type or "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise WrongMediaType
    if len(body) > MAX_BYTES:
        raise _refused(f"the body is larger than {MAX_BYTES} bytes")
    try:
        members = strict_json.read(body.decode("utf-8"), _LEVELS)
    except UnicodeDecodeError:
        raise _refused("the body is not JSON in UTF-8") from None
    except strict_json.Unreadable as problem:
        raise _refused(f"the body {problem}") from None
    if not isinstance(members, dict):
        raise _refused("the body must be a JSON object with the client metadata")
    return members


def judge(members: Mapping[str, Any], terms: Terms) -> ClientMetadata:
    """Return what becomes of a registration: what was asked for, with our defaults and substitutions (DR-4).

    Members that nobody here knows are passed over, and so are those that only the server gives: nobody chooses his own
    client_id (DR-14). An empty text is a member that was left out, as programs write it (G4). Raises
    `invalid_redirect_uri` and `invalid_client_metadata` (DR-12).
    """
    given = {name: value for name, value in members.items() if value not in (None, "") or name == "scope"}
    if not terms.trusted and given.get("grant_types") == []:
        del given["grant_types"]  # an application that only introspects is for somebody whom the operator knows
    _leave_grant_types_out(given, terms)
    _leave_response_types_out(given, terms)
    _limit_scopes(given, terms)
    if "id_token_signed_response_alg" not in given and terms.signing and DEFAULT_ALG not in terms.signing:
        given["id_token_signed_response_alg"] = terms.signing[0]
    metadata = client_metadata.read(given, terms.scopes, signing=terms.signing)
    if not terms.trusted and metadata.subject_type == "pairwise" and device_code.NAME in metadata.grant_types:
        # Whose sector it is shows in where the answers go (ID-7), and those to a device go to whoever asked.
        raise _refused(
            f"subject_type is pairwise, which does not go with grant_types {device_code.NAME}; remove one of both"
        )
    method, methods = metadata.token_endpoint_auth_method, client_auth.offered(terms.features)
    if method not in methods:  # MB-6: a client could not use one that was put in its place
        raise _refused(
            f"token_endpoint_auth_method is {method}, which this server does not offer; use one of: "
            f"{', '.join(methods)}"
        )
    return metadata


def is_own(member: str) -> bool:
    """Tell whether a member of a stored registration is for its application to say; the others are for us."""
    return member in ClientMetadata.model_fields or "#" in member


def check_replacement(members: Mapping[str, Any], client_id: str, secret_digests: Sequence[bytes]) -> None:
    """DM-4: a replacement names its application, and nothing that the server alone says; a secret that comes along is
    one that the application has. Raises `invalid_client_metadata`."""
    if members.get("client_id") != client_id:
        raise _refused("client_id must be there, and be the one of this application")
    if sent := next((name for name in ISSUED if name in members), None):
        raise _refused(f"{sent} is for the server to say; leave it out")
    secret = members.get("client_secret")
    if secret is None:
        return
    shown = digest(secret.encode("utf-8", "surrogatepass")) if isinstance(secret, str) else b""
    if not any(matches(shown, one) for one in secret_digests):
        raise _refused("client_secret is not the one of this application; no application chooses its own")


def answer(registration: Mapping[str, Any], issued: Issued, *, name: str, native: bool, openid: bool) -> dict[str, Any]:
    """Return what an application is told of its registration: all of it, with what it left to the server (DR-3, DR-5).

    `registration` is what is stored, `name` what people read; `openid` tells whether people sign in here. Where there
    is a secret, it never expires (0); it is in the answer to the request alone that made it. DM-1: address and token of
    the registration come together.
    """
    method = registration.get("token_endpoint_auth_method", client_secret_basic.NAME)
    encryption = {
        f"{kind}_encrypted_response_enc": DEFAULT_ENC
        for kind in _ENCRYPTED
        if f"{kind}_encrypted_response_alg" in registration
    }
    secret = {} if issued.secret is None else {"client_secret": issued.secret}
    expiry = {"client_secret_expires_at": 0} if method in client_auth.SECRET_METHODS else {}
    return {
        "client_id": issued.client_id,
        "client_id_issued_at": issued.at,
        **secret,
        **expiry,
        "registration_client_uri": issued.uri,
        "registration_access_token": issued.token,
        "application_type": "native" if native else "web",
        **({"id_token_signed_response_alg": DEFAULT_ALG} if openid else {}),
        **encryption,
        **{name: value for name, value in registration.items() if name == STATEMENT or is_own(name)},
        "token_endpoint_auth_method": method,
        "client_name": name,
    }


def _leave_grant_types_out(given: dict[str, Any], terms: Terms) -> None:
    """DR-4: what is not for such an application is left out, as long as something is left."""
    asked = given.get("grant_types")
    if not asked or not isinstance(asked, list):
        return
    permitted = _permitted_grants(terms)
    kept = [name for name in asked if name in permitted]
    if not kept:
        hint = "" if terms.trusted else "; others need an initial access token of this server's operator"
        raise _refused(f"grant_types must have one of: {', '.join(permitted)}{hint}")
    given["grant_types"] = kept


def _permitted_grants(terms: Terms) -> tuple[str, ...]:
    offered = grant_types.offered(terms.features)
    if not terms.trusted:
        return tuple(name for name in OPEN_GRANT_TYPES if name in offered)
    answers = response_types.offered(terms.features)
    implicit = any(response_types.IMPLICIT in response_types.grants_of(name) for name in answers)
    return (*offered, *((response_types.IMPLICIT,) if implicit else ()))


def _leave_response_types_out(given: dict[str, Any], terms: Terms) -> None:
    """DR-6: those that lack their grant types, or that the server does not have, lead nowhere."""
    asked = given.get("response_types")
    if not asked or not isinstance(asked, list):
        return
    grants = given.get("grant_types") or [authorization_code.NAME]
    offered = response_types.offered(terms.features)
    kept = [name for name in asked if _is_possible(name, grants, offered)]
    if not kept and not REDIRECTING.isdisjoint(grants):
        possible = [name for name in offered if _is_possible(name, grants, offered)]
        raise _refused(f"response_types must have one of: {', '.join(possible)}, for these grant_types")
    given["response_types"] = kept


def _is_possible(name: object, grants: Sequence[str], offered: Sequence[str]) -> bool:
    words = " ".join(sorted(name.split())) if isinstance(name, str) else ""
    return words in offered and set(response_types.grants_of(words)) <= set(grants)


def _limit_scopes(given: dict[str, Any], terms: Terms) -> None:
    """DR-13: all that such applications may ask for is what the operator says.

    Whoever showed nothing gets the whole of it, whatever he names: he could register again with another list, and an
    MCP client names what its first request needs, and asks for more later with the same client_id (MB-6, MB-8). Who was
    let in by a token keeps to what he names, less what is not known here.
    """
    limit = terms.rules.scopes
    asked = given.pop("scope", None)
    if asked is not None and not isinstance(asked, str):
        raise _refused("scope must be one string with spaces between the names")
    if terms.trusted and asked is not None:
        possible = [name for name in asked.split() if name in terms.scopes]
        limit = tuple(dict.fromkeys(name for name in possible if limit is None or name in limit))
        if asked.split() and not limit:
            raise _refused("scope has nothing in it that such an application may ask for here")
    if limit is not None:
        given["scope"] = render(limit)


def _refused(description: str) -> OAuthError:
    return OAuthError(ErrorCode.INVALID_CLIENT_METADATA, description)
