"""How an application proves who it is, between the form of its page and the members of RFC 7591."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.crypto.strict_json import members_once
from app.pipeline.server import Server
from app.protocol import client_auth
from app.protocol.client_auth import client_secret_jwt, none, tls_client_auth
from app.routers.pages.forms import Form
from app.services.own_applications import OwnApplication
from app.views.pages.forms import Trouble
from app.views.pages.portal_authentication import Authentication

MEMBERS = {
    "token_endpoint_auth_method": "method",
    "token_endpoint_auth_signing_alg": "algorithm",
    "jwks": "keys",
    "jwks_uri": "keys_url",
    **dict.fromkeys(tls_client_auth.SUBJECTS, "subject"),
}
"""Which field of the form a member is."""


@dataclass(frozen=True, slots=True)
class Read:
    """A form that came in: the members to change, or what is wrong; and what was typed."""

    document: Mapping[str, Any]
    typed: Authentication
    problems: tuple[Trouble, ...] = ()


def shown(server: Server, application: OwnApplication) -> Authentication:
    """Return the form as it stands."""
    described, registered = application.stored.description, application.stored.description.registration
    subjects = [(name, str(registered[name])) for name in tls_client_auth.SUBJECTS if registered.get(name)]
    kind, subject = subjects[0] if subjects else ("", "")
    keys = registered.get("jwks")
    method = described.auth_method
    return Authentication(
        method=method,
        keys="" if keys is None else json.dumps(keys, indent=1),
        keys_url=str(registered.get("jwks_uri") or ""),
        algorithm=str(registered.get("token_endpoint_auth_signing_alg") or ""),
        subject_kind=kind,
        subject=subject,
        dpop=bool(registered.get("dpop_bound_access_tokens")),
        methods=_methods(server, application),
        algorithms=client_auth.ASSERTION_ALGORITHMS,
        certificates=not client_auth.CERTIFICATE_METHODS.isdisjoint(client_auth.offered(server.features)),
        unusable_secrets=method == client_secret_jwt.NAME and not application.stored.sealed_secrets,
    )


def read(server: Server, application: OwnApplication, form: Form) -> Read:
    """Return what a form says; members for which it has no field stay as they are."""
    now = shown(server, application)
    dpop = {"dpop_bound_access_tokens": form.get("dpop") == "on"}
    if not now.methods:
        return Read(dpop, Authentication(now.method, dpop=dpop["dpop_bound_access_tokens"]))
    typed = Authentication(
        method=form.get("method"),
        keys=form.get("keys").strip(),
        keys_url=form.get("keys_url").strip(),
        algorithm=form.get("algorithm"),
        subject_kind=form.get("subject_kind"),
        subject=form.get("subject").strip(),
        dpop=dpop["dpop_bound_access_tokens"],
        methods=now.methods,
        algorithms=now.algorithms,
        certificates=now.certificates,
    )
    document: dict[str, Any] = {
        "token_endpoint_auth_method": typed.method,
        "token_endpoint_auth_signing_alg": typed.algorithm or None,
        "jwks": None,
        "jwks_uri": typed.keys_url or None,
        **dpop,
    }
    if now.certificates:
        document |= dict.fromkeys(tls_client_auth.SUBJECTS)
        if typed.subject_kind in tls_client_auth.SUBJECTS and typed.subject:
            document[typed.subject_kind] = typed.subject
    problems: list[Trouble] = []
    if typed.method not in now.methods:
        problems.append(Trouble("method", "Choose how it proves who it is"))
    if typed.keys:
        try:
            document["jwks"] = _keys(typed.keys)
        except ValueError:
            problems.append(Trouble("keys", "It is not JSON with every member once"))
    return Read(document, typed, tuple(problems))


def _methods(server: Server, application: OwnApplication) -> tuple[str, ...]:
    """Return what the owner can choose: what is there, and what he chose when it was. Public ones stay public."""
    current = application.stored.description.auth_method
    if current == none.NAME:
        return ()
    usable = client_auth.offered(server.features)
    return tuple(name for name in client_auth.METHODS if name != none.NAME and (name in usable or name == current))


def _keys(text: str) -> Any:
    """Return a JWK set; of a single key, the set that it makes. Raises ValueError."""
    try:
        found = json.loads(text, object_pairs_hook=members_once)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return {"keys": [found]} if isinstance(found, dict) and "kty" in found else found
