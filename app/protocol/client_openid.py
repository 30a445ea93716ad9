"""What an application may register for signing people in, and what must fit together (OpenID Connect Registration §2,
and the three logouts)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.crypto import jose
from app.protocol import frontchannel, pairwise
from app.protocol.openid_settings import DEFAULT_ENC

PREFERRED_ALG = "ES256"
"""What our own tools register for new applications: signatures a quarter as long as those of RS256, which is what an
application gets that registers nothing."""

MEMBERS = (
    *("subject_type", "sector_identifier_uri"),
    *("id_token_signed_response_alg", "id_token_encrypted_response_alg", "id_token_encrypted_response_enc"),
    *("userinfo_signed_response_alg", "userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc"),
    *("default_max_age", "require_auth_time", "default_acr_values", "initiate_login_uri"),
    *("post_logout_redirect_uris", "frontchannel_logout_uri", "frontchannel_logout_session_required"),
    *("backchannel_logout_uri", "backchannel_logout_session_required"),
)
"""The members of registration that are about signing people in. `initiate_login_uri` only informs (OC-18), and
`require_auth_time` asks for what is always there."""

Members = Mapping[str, Any]

_SIGNED = {"id_token_signed_response_alg": "ID tokens", "userinfo_signed_response_alg": "userinfo answers"}
_ENCRYPTED = ("id_token", "userinfo")
_KEY_TYPES = {"RSA": ("RSA",), "ECDH": ("EC", "OKP")}


def problem_with(members: Members, signing: Sequence[str], *, confidential: bool) -> str:
    """Return the first thing that is wrong: a sentence that begins with the member; empty when nothing is.

    `members` is the metadata by name, with everything that was not given at its default. `signing` are the algorithms
    that the server has keys for; empty: whoever asks does not know.
    """
    return next(_problems(members, signing, confidential), "")


def preferred_alg(signing: Sequence[str]) -> str:
    """Return what a new application of ours registers at a server with these algorithms."""
    return PREFERRED_ALG if not signing or PREFERRED_ALG in signing else signing[0]


def _problems(members: Members, signing: Sequence[str], confidential: bool) -> Iterator[str]:
    for member, what in _SIGNED.items():
        yield from signature_problems(member, what, members[member], signing)
    for kind in _ENCRYPTED:
        yield from encryption_problems(members, kind)
    yield from _logouts(members, confidential)
    if members["subject_type"] == "pairwise":
        yield from pairwise.problems(members["sector_identifier_uri"], members["redirect_uris"], members["grant_types"])


def signature_problems(member: str, what: str, alg: str | None, signing: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with the algorithm that the server shall sign something with (ID-2): never `none`, and no
    MAC, which whoever can check one can make."""
    offered = signing or jose.SIGNATURES
    if alg is None or alg in offered:
        return
    listed = ", ".join(offered)
    if alg == "none":
        yield f"{member} is none, and {what} are always signed; use one of {listed}"
    elif alg in jose.MACS:
        yield (
            f"{member} is {alg}, with which every holder of the client secret could make {what} himself; "
            f"use one of {listed}"
        )
    else:
        yield f"{member} is {alg}, with which this server does not sign; use one of {listed}"


def encryption_problems(members: Members, kind: str) -> Iterator[str]:
    """Yield what is wrong with how the server shall encrypt something (ID-6, DR-5): there is an algorithm that is known
    here, and a key that it is for."""
    alg_member, enc_member = f"{kind}_encrypted_response_alg", f"{kind}_encrypted_response_enc"
    alg, enc, keys = members[alg_member], members[enc_member], members["jwks"]
    if alg is None:
        if enc is not None:
            yield f"{enc_member} needs {alg_member}, which says how the key for it is encrypted"
        return
    if alg not in jose.KEY_MANAGEMENT_ALGORITHMS:
        yield f"{alg_member} must be one of {', '.join(jose.KEY_MANAGEMENT_ALGORITHMS)}"
    elif (enc or DEFAULT_ENC) not in jose.CONTENT_ENCRYPTION_ALGORITHMS:
        yield f"{enc_member} must be one of {', '.join(jose.CONTENT_ENCRYPTION_ALGORITHMS)}"
    elif keys is not None and not any(_is_for(key, alg) for key in keys["keys"]):
        yield f"{alg_member} is {alg}, and no key in jwks is for that"
    elif keys is None and members["jwks_uri"] is None:
        yield f"{alg_member} needs jwks or jwks_uri with the key to encrypt for"


def _is_for(key: dict[str, Any], alg: str) -> bool:
    fitting = key["kty"] in _KEY_TYPES[alg.partition("-")[0]]
    return fitting and key.get("use") in (None, "enc") and key.get("alg") in (None, alg)


def _logouts(members: Members, confidential: bool) -> Iterator[str]:
    """LB-1 and LF-1. Of post-logout addresses the rules are those of redirect URIs (LO-7)."""
    back, front = members["backchannel_logout_uri"], members["frontchannel_logout_uri"]
    if back is not None and "#" in back:
        yield "backchannel_logout_uri must not have a fragment"
    if back is not None and not back.startswith("https://") and not confidential:
        yield "backchannel_logout_uri must use https; plain http is for applications with a secret, where it is allowed"
    if front is not None and (problem := frontchannel.problem_with(front, members["redirect_uris"])):
        yield f"frontchannel_logout_uri {problem}"
    for member, uri in (("backchannel", back), ("frontchannel", front)):
        if uri is None and members[f"{member}_logout_session_required"]:
            yield f"{member}_logout_session_required needs {member}_logout_uri"
