"""How an application signs people in and out, between the form of its page and the members of OpenID Connect."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.crypto import jose
from app.pipeline.server import Server
from app.protocol import frontchannel, logout, logout_delivery
from app.protocol.openid_settings import DEFAULT_ALG
from app.routers.pages.forms import Form
from app.services.own_applications import OwnApplication
from app.views.pages.portal_signing_in import SigningIn

MEMBERS = {
    "id_token_signed_response_alg": "id_token_algorithm",
    "id_token_encrypted_response_alg": "id_token_encryption",
    "userinfo_signed_response_alg": "userinfo_algorithm",
    "userinfo_encrypted_response_alg": "userinfo_encryption",
    "default_max_age": "max_age",
    "post_logout_redirect_uris": "signed_out",
    "backchannel_logout_uri": "back_channel",
    "frontchannel_logout_uri": "front_channel",
    "sector_identifier_uri": "sector_url",
    "subject_type": "pairwise",
}
"""Which field of the forms a member is."""


@dataclass(frozen=True, slots=True)
class Read:
    """A form that came in: the members to change, and what was typed."""

    document: Mapping[str, Any]
    typed: SigningIn


def shown(server: Server, application: OwnApplication) -> SigningIn | None:
    """Return the form as it stands; None where nobody signs in. What the server does not do has no field."""
    described = application.stored.description
    if server.id_tokens is None or described.kind == "machine":
        return None
    registered = described.registration
    algorithm = str(registered.get("id_token_signed_response_alg") or DEFAULT_ALG)
    offered, features = server.keyring.plan.algorithms, server.features
    addresses = "\n".join(registered.get("post_logout_redirect_uris") or ())
    return SigningIn(
        algorithm=algorithm,
        algorithms=offered if algorithm in offered else (algorithm, *offered),
        signed_out=addresses if logout.is_offered(features) else None,
        back_channel=_text(registered, "backchannel_logout_uri") if logout_delivery.is_offered(features) else None,
        front_channel=_text(registered, "frontchannel_logout_uri") if frontchannel.is_offered(features) else None,
        pairwise=registered.get("subject_type") == "pairwise",
        sector_url=_text(registered, "sector_identifier_uri"),
        userinfo_algorithm=_text(registered, "userinfo_signed_response_alg"),
        id_token_encryption=_text(registered, "id_token_encrypted_response_alg"),
        userinfo_encryption=_text(registered, "userinfo_encrypted_response_alg"),
        encryptions=jose.KEY_MANAGEMENT_ALGORITHMS,
        max_age="" if registered.get("default_max_age") is None else str(registered["default_max_age"]),
    )


def read(now: SigningIn, form: Form) -> Read:
    """Return what a form says; members for which it has no field stay as they are."""
    typed = SigningIn(
        algorithm=form.get("id_token_algorithm"),
        algorithms=now.algorithms,
        signed_out=None if now.signed_out is None else form.get("signed_out"),
        back_channel=None if now.back_channel is None else form.get("back_channel").strip(),
        front_channel=None if now.front_channel is None else form.get("front_channel").strip(),
        pairwise=now.pairwise,
        sector_url=form.get("sector_url").strip(),
        userinfo_algorithm=form.get("userinfo_algorithm"),
        id_token_encryption=form.get("id_token_encryption"),
        userinfo_encryption=form.get("userinfo_encryption"),
        encryptions=now.encryptions,
        max_age=form.get("max_age").strip(),
    )
    document: dict[str, Any] = {
        "id_token_signed_response_alg": typed.algorithm or None,
        "userinfo_signed_response_alg": typed.userinfo_algorithm or None,
        "default_max_age": typed.max_age or None,
    }
    for kind, alg in (("id_token", typed.id_token_encryption), ("userinfo", typed.userinfo_encryption)):
        document[f"{kind}_encrypted_response_alg"] = alg or None
        if not alg:  # how the content is encrypted stays as it is, as long as it is
            document[f"{kind}_encrypted_response_enc"] = None
    if typed.signed_out is not None:
        lines = (line.strip() for line in typed.signed_out.splitlines())
        document["post_logout_redirect_uris"] = [line for line in lines if line]
    if typed.back_channel is not None:
        document["backchannel_logout_uri"] = typed.back_channel or None
    if typed.front_channel is not None:
        document["frontchannel_logout_uri"] = typed.front_channel or None
    if now.pairwise and typed.sector_url != now.sector_url:
        document["sector_identifier_uri"] = typed.sector_url or None
    return Read(document, typed)


def _text(registered: Mapping[str, Any], member: str) -> str:
    return str(registered.get(member) or "")
