"""How an application asks and is answered, between the form of its page and the members of PAR, JAR, JARM and RAR."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.pipeline.server import Server
from app.protocol import profiles, response_types
from app.protocol.authorize import pushed, request_object
from app.protocol.openid_settings import DEFAULT_ALG
from app.routers.pages.forms import Form
from app.services.own_applications import OwnApplication
from app.views.pages.portal_requests import Requests

MEMBERS = {
    "require_pushed_authorization_requests": "push",
    "require_signed_request_object": "sign",
    "request_object_signing_alg": "object_alg",
    "response_modes": "sealed",
    "authorization_signed_response_alg": "answer_alg",
    "authorization_details_types": "details",
}
"""Which field of the form a member is."""


@dataclass(frozen=True, slots=True)
class Read:
    """A form that came in: the members to change, and what was typed."""

    document: Mapping[str, Any]
    typed: Requests


def shown(server: Server, application: OwnApplication) -> Requests | None:
    """Return the form as it stands; None for what sends nobody here. What the server does not have has no field."""
    described = application.stored.description
    if described.kind == "machine":
        return None
    registered, offered = described.registration, server.keyring.plan.algorithms
    answer_alg = str(registered.get("authorization_signed_response_alg") or DEFAULT_ALG)
    modes = registered.get("response_modes") or ()
    profile = str(registered.get("profile", profiles.DEFAULT))
    return Requests(
        push=bool(registered.get("require_pushed_authorization_requests"))
        if pushed.is_offered(server.features)
        else None,
        sign=bool(registered.get("require_signed_request_object"))
        if request_object.is_offered(server.features)
        else None,
        object_alg=str(registered.get("request_object_signing_alg") or ""),
        object_algs=request_object.ALGORITHMS,
        sealed=_are_signed(modes) if _signed(server.policy.response_modes) else None,
        answer_alg=answer_alg,
        answer_algs=offered if answer_alg in offered else (answer_alg, *offered),
        details=" ".join(registered.get("authorization_details_types") or ())
        if any(server.details) and server.details.offered
        else None,
        demanded=profiles.is_fapi(profile),
        signed=profile == profiles.FAPI_SIGNED,
    )


def read(server: Server, now: Requests, form: Form) -> Read:
    """Return what a form says; members for which it has no field stay as they are, and so do response modes that its
    field says of what they say already."""
    typed = replace(
        now,
        push=None if now.push is None else form.get("push") == "on",
        sign=None if now.sign is None else form.get("sign") == "on",
        object_alg=form.get("object_alg"),
        sealed=None if now.sealed is None else form.get("sealed") == "on",
        answer_alg=form.get("answer_alg"),
        details=None if now.details is None else form.get("details").strip(),
    )
    document: dict[str, Any] = {}
    if typed.push is not None:
        document["require_pushed_authorization_requests"] = typed.push
    if typed.sign is not None:
        document["require_signed_request_object"] = typed.sign
        document["request_object_signing_alg"] = typed.object_alg or None
    if typed.sealed is not None:
        document["authorization_signed_response_alg"] = typed.answer_alg or None
    if typed.sealed is not None and typed.sealed != now.sealed:
        document["response_modes"] = _signed(server.policy.response_modes) if typed.sealed else []
    if typed.details is not None:
        document["authorization_details_types"] = typed.details.split()
    return Read(document, typed)


def _signed(modes: Iterable[str]) -> list[str]:
    return [mode for mode in modes if response_types.is_signed(mode)]


def _are_signed(modes: Sequence[str]) -> bool:
    return bool(modes) and len(_signed(modes)) == len(modes)
