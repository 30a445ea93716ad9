"""An application that signs its requests, and what the pure rules say of its request objects."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.protocol.authorize import request_object
from app.protocol.authorize.request_object import Opened, Place
from app.protocol.client_keys import KeyMaterial
from app.protocol.errors import OAuthError
from app.protocol.facts import ClientFact
from app.protocol.params import Parameters
from app.protocol.policy import ApplicationPolicy, ServerPolicy
from app.protocol.request_settings import RequestSettings
from tests.support.assertions import key_of, key_set, signed
from tests.support.facts import CHALLENGE, ISSUER, NOW, REDIRECT_URI, client

SERVER = ServerPolicy(issuer=ISSUER)
TYP = "oauth-authz-req+jwt"
ASKED = {
    "response_type": "code",
    "client_id": "client",
    "redirect_uri": REDIRECT_URI,
    "scope": "a",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
KEYS = {"ES256": key_of("client"), "EdDSA": key_of("client", "EdDSA")}
SIGNING = client(key_material=KeyMaterial(jwks=tuple(key_set(*KEYS.values())["keys"])))
FAPI = replace(SIGNING, policy=ApplicationPolicy(fapi=True))
DEMANDING = replace(SIGNING, requests=RequestSettings(object_required=True))


def at(**later: float) -> int:
    """Return a moment as a JWT has it."""
    return int((NOW + timedelta(**later)).timestamp())


LASTING = {"iss": "client", "aud": ISSUER, "iat": at(), "nbf": at(), "exp": at(minutes=5), "jti": "one"}


def written(key: dict[str, Any] | None = None, header: dict[str, Any] | None = None, /, **claims: Any) -> str:
    """Return the object of a whole request, changed by keyword; None leaves a claim out."""
    said = {name: value for name, value in {**ASKED, **LASTING, **claims}.items() if value is not None}
    return signed(said, key or key_of("client"), **{"typ": TYP, **(header or {})})


def opened(
    text: str,
    beside: dict[str, str] | None = None,
    who: ClientFact = SIGNING,
    place: Place = "authorize",
    now: datetime = NOW,
    server: ServerPolicy = SERVER,
) -> Opened:
    """Take an object through all that is judged about it."""
    demanded = request_object.demands(who, server, place)
    jwt = request_object.read(text)
    request_object.judge(jwt, who, ISSUER, demanded, now)
    request_object.verify(jwt, who.key_material.jwks, demanded)
    params = Parameters.of({"client_id": "client", "request": text, **(beside or {})}.items())
    return request_object.effective_params(jwt, params, who, demanded, place)


def refusal(*asked: Any, code: str = "invalid_request_object", **changes: Any) -> str:
    with pytest.raises(OAuthError) as refused:
        opened(*asked, **changes)
    assert refused.value.code.wire == code
    return refused.value.description
