"""Applications: confidential, with the secret they have, without PKCE until their makers add it."""

from collections.abc import Iterable
from typing import Any

from app.protocol import origins, redirect_uri
from app.protocol.client_metadata import ClientMetadata
from app.protocol.client_metadata import read as read_metadata
from app.protocol.errors import OAuthError
from app.protocol.events import Event
from app.protocol.names import MAX_NAME_LENGTH
from app.protocol.policy import ApplicationPolicy
from app.services import application_history as history
from app.services import applications as rules
from app.services import client_secrets
from app.services.applications import Owner
from app.services.legacy_import.rows import ApplicationRow
from app.services.legacy_import.task import Task
from app.store import application_states, applications, audit, legacy
from app.store.legacy import Client

_POLICY = ApplicationPolicy(require_pkce=False)
"""Its code knows no PKCE; a challenge that it sends is enforced all the same. `doctor` names the application."""

_ADDRESSES = {"client_uri": "homepage_url", "policy_uri": "privacy_url", "tos_uri": "terms_url"}


async def import_application(task: Task, row: ApplicationRow, name: str) -> None:
    """Register an application under its client_id, with its secret."""
    if task.was_imported(row.client_id):
        await _remember(task, row)
        return
    if (await legacy.clients_by_id(task.transaction, [row.client_id])).get(row.client_id) is not None:
        task.report.refuse("applications", name, "has the client_id of another application here")
        return
    if row.status not in (0, 1):
        task.report.refuse("applications", name, "was being deleted")
        return
    owner = await task.known.user(task.transaction, row.owner) if row.owner is not None else None
    if owner is None:
        task.report.note("applications", name, "has no owner here; it is the operator’s")
    metadata = _metadata(task, row, name)
    allowed = _kept(task, name, "allowed origin", row.allowed_origins, origins.problem_with)
    whose = Owner(owner.id, owner.username) if owner else Owner()
    description = rules.describe(metadata, _POLICY, owner=whose, allowed_origins=tuple(allowed))
    application_id = task.new_id()
    now = task.here.operator.now
    secret = row.client_secret.get_secret_value()
    await applications.insert_application(
        *(task.transaction, application_id, row.client_id, description, (client_secrets.secret_digest(secret),), now),
        last_four=secret[-4:],
    )
    if row.status == 1:
        await application_states.disable(task.transaction, row.client_id, now)
    entry = task.here.operator.entry(
        Event.APPLICATION_CREATED,
        subject_id=row.client_id,
        application_id=application_id,
        user_id=owner.id if owner else None,
        data={"after": history.members(description)},
    )
    await audit.record(task.transaction, entry)
    task.done(row.client_id, application_id)
    await _remember(task, row)


async def _remember(task: Task, row: ApplicationRow) -> None:
    client: Client | None = await task.known.application(task.transaction, row.client_id)
    if client is not None and row.id is not None:
        task.known.applications[row.id] = client


def _metadata(task: Task, row: ApplicationRow, name: str) -> ClientMetadata:
    """Return what may be said about it here, noting what may not."""
    uris = _kept(task, name, "redirect URI", row.redirect_uris, _redirect_problem)
    if not uris:
        task.report.note("applications", name, "can ask for nothing until it gets a redirect URI")
    document: dict[str, Any] = {
        "client_name": row.name[:MAX_NAME_LENGTH],
        "token_endpoint_auth_method": "client_secret_post",
        "redirect_uris": uris,
        "grant_types": ["authorization_code", "refresh_token"] if uris else [],
    }
    for member, old in _ADDRESSES.items():
        address = getattr(row, old)
        if address and _address_problem(task, address):
            task.report.note("applications", name, f"lost its {old}, which is no http or https URL")
        elif address:
            document[member] = address
    return read_metadata(document, task.here.registry)


def _kept(task: Task, name: str, noun: str, entries: Iterable[str], problem_with: Any) -> list[str]:
    kept: list[str] = []
    for entry in dict.fromkeys(entries):
        problem = problem_with(entry)
        if problem is None:
            kept.append(entry)
        else:
            task.report.note("applications", name, f"lost the {noun} {entry[:100]}: it {problem}")
    return kept


def _redirect_problem(uri: str) -> str | None:
    try:
        redirect_uri.check_registrable(uri)
    except OAuthError as refused:
        return refused.description.removeprefix("redirect_uri ")
    return None


def _address_problem(task: Task, address: str) -> bool:
    try:
        read_metadata({"client_uri": address, "grant_types": []}, task.here.registry)
    except OAuthError:
        return True
    return False
