"""What an application may register for its request objects and for signed answers to it, and what must fit together
(RFC 9101 §10.5, OpenID Connect Registration §2, JARM §3)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.crypto import jose
from app.crypto.jose_keys import ALGORITHMS
from app.protocol import client_openid, response_types
from app.protocol.authorize.request_reference import MAX_LENGTH
from app.protocol.features import Feature, FeatureSet

MODES = response_types.modes(FeatureSet(Feature))
"""Every response mode that a server can have (RT-6, RT-7)."""

Members = Mapping[str, Any]


def problem_with(members: Members, signing: Sequence[str]) -> str:
    """Return the first thing that is wrong: a sentence that begins with the member; empty when nothing is.

    `members` and `signing` are those of `client_openid.problem_with`.
    """
    return next(_problems(members, signing), "")


def _problems(members: Members, signing: Sequence[str]) -> Iterator[str]:
    yield from _request_objects(members)
    alg = members["authorization_signed_response_alg"]
    yield from client_openid.signature_problems("authorization_signed_response_alg", "answers", alg, signing)
    yield from client_openid.encryption_problems(members, "authorization")
    if unknown := next((mode for mode in members["response_modes"] if mode not in MODES), None):
        yield f"response_modes has {unknown}, which is no mode of this server; there are: {', '.join(MODES)}"


def _request_objects(members: Members) -> Iterator[str]:
    """RO-4: signed with a key of the application's own, by which everybody can tell that it was the one who asked.

    RO-9: where it stands elsewhere, at an address that a request can name.
    """
    alg = members["request_object_signing_alg"]
    listed = ", ".join(jose.SIGNATURES)
    if alg == "none":
        yield f"request_object_signing_alg is none, and request objects count only when signed; use one of {listed}"
    elif alg is not None and alg not in jose.SIGNATURES:
        yield f"request_object_signing_alg is {alg}, and request objects are signed with keys; use one of {listed}"
    for member in ("request_object_encryption_alg", "request_object_encryption_enc"):
        if members[member] is not None:
            yield f"{member} is for servers with keys to encrypt for, and this one has none; leave it out"
    for place, uri in enumerate(members["request_uris"]):
        if len(uri) > MAX_LENGTH:
            yield f"request_uris.{place} is longer than {MAX_LENGTH} characters, which no request_uri may be"
    if alg is not None or members["require_signed_request_object"]:
        member = "require_signed_request_object" if alg is None else "request_object_signing_alg"
        yield from key_problems(members, member, alg)


def key_problems(members: Members, member: str, alg: str | None) -> Iterator[str]:
    """JV-1, JV-6: what is signed as a member says needs keys to check it with; they are keys, and one is for the
    algorithm."""
    if members["jwks"] is None:
        if members["jwks_uri"] is None:
            yield f"{member} needs jwks or jwks_uri with the keys that request objects are signed with"
        return
    keys = members["jwks"]["keys"]
    for place, key in enumerate(keys):
        if problem := jose.problem_with_public_key(key):
            yield f"jwks.keys.{place} {problem}"
    if alg is None:
        return
    wanted = ALGORITHMS[alg]
    if not any(key["kty"] == wanted.kty and wanted.curve in ("", key.get("crv", "")) for key in keys):
        yield f"{member} is {alg}, and no key in jwks is for that"
