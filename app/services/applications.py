"""Applications in the hands of the operator: described by metadata and policy, registered, changed, listed.

What their owners do with them is in `own_applications`, with the same rules.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from app.crypto.envelope import Purpose, Vault
from app.crypto.secrets import new_id, random_bytes
from app.protocol import introductions, profiles
from app.protocol.client_auth import SECRET_METHODS, client_secret_jwt
from app.protocol.client_metadata import ClientMetadata
from app.protocol.events import Event
from app.protocol.policy import ApplicationPolicy
from app.protocol.stored_applications import kind_of, stored_keys, stored_policy
from app.services import application_history as history
from app.services import client_secrets
from app.services.operator import Operator
from app.services.pet_names import pet_name
from app.store import application_secrets, application_states, applications, audit
from app.store.applications import Description, StoredApplication
from app.store.database import Database
from app.store.transaction import Transaction

MOST_SECRETS = 2
"""Valid at a time: the old one stays until the new one is in use everywhere."""


class NoSuchApplication(Exception):
    """No application has this client_id."""

    def __init__(self, client_id: str) -> None:
        super().__init__(f"no application has the client_id {client_id}")


class NotPossible(Exception):
    """The application cannot be what is asked of it; `str()` says why, as the second half of a sentence."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose application it is, and what the consent page calls that. Neither of both: the operator's."""

    user_id: UUID | None = None
    name: str = ""
    organization_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """A new application; `client_secret` is None for a public one, and shown this once."""

    id: UUID
    client_id: str
    name: str
    client_secret: str | None = field(repr=False)


def describe(
    metadata: ClientMetadata,
    policy: ApplicationPolicy,
    *,
    owner: Owner = Owner(),
    optional_scopes: tuple[str, ...] = (),
    allowed_origins: tuple[str, ...] = (),
    name: str = "",
    further: Mapping[str, Any] | None = None,
    unmet: tuple[str, ...] = (),
    sector: str = "",
) -> Description:
    """Return what the store keeps of an application.

    `name` is used when the metadata has none; `further` are members of ours to keep beside the registered ones, and
    `unmet` those among them that tighten through missing features. `sector` is the one that it has had so far. Raises
    `NotPossible`.
    """
    bound = profiles.bindings((further or {}).get("profile", profiles.DEFAULT), metadata)
    policy = replace(policy, dpop_bound=bound["dpop_bound"], tls_bound=bound["tls_bound"])
    _check_policy(metadata, policy)
    outside = [scope for scope in optional_scopes if metadata.scope is not None and scope not in metadata.scope]
    if outside:
        raise NotPossible(f"optional_scopes has {outside[0]}, which is not in scope; add it there")
    return Description(
        name=metadata.client_name or name or pet_name(),
        kind=kind_of(metadata),
        owner_user_id=owner.user_id,
        owner_name=owner.name,
        client_uri=metadata.client_uri or "",
        auth_method=metadata.token_endpoint_auth_method,
        redirect_uris=metadata.redirect_uris,
        grant_types=metadata.grant_types,
        response_types=metadata.response_types,
        scopes=metadata.scope,
        optional_scopes=optional_scopes,
        policy=stored_policy(policy),
        registration={**metadata.document(), **(further or {})},
        unmet=unmet,
        owner_organization_id=owner.organization_id,
        allowed_origins=allowed_origins,
        key_material=stored_keys(metadata.key_material()),
        openid=metadata.openid(sector=sector).stored,
        requests=metadata.requests().stored,
        introduction=introductions.of(metadata.document()).stored,
    )


def problem_with_subjects(before: Description, after: Description) -> str | None:
    """Return why an application cannot become what it would be: everybody would be somebody else to it (ID-7)."""
    was, will_be = (one.registration.get("subject_type") == "pairwise" for one in (before, after))
    if was == will_be or lacks_its_sector(before):
        return None
    return "cannot change: each person would become another one for this application; register another application"


def lacks_its_sector(before: Description) -> bool:
    """Tell whether it is to have pairwise subjects and has no sector: a version that knew none has registered it, and
    nobody has looked at its `sector_identifier_uri`."""
    return before.registration.get("subject_type") == "pairwise" and not before.openid.get("sector")


def new_client_id() -> str:
    """Return a random client_id: 128 bits in hexadecimal, so it never looks like a URL (DR-14)."""
    return random_bytes(16).hex()


def sealed_secret(
    vault: Vault | None, application_id: UUID, description: Description, client_secret: str
) -> bytes | None:
    """Return a new secret as it is kept where it serves as a MAC key (CA-3), None where its digest is enough.

    Raises `NotPossible` for a secret that is too weak, and when the caller has no vault to seal it with.
    """
    if description.auth_method != client_secret_jwt.NAME:
        return None
    problem = client_secrets.problem_with_mac_key(client_secret, description.key_material.get("signing_alg", ""))
    if problem is not None:
        raise NotPossible(f"has a client_secret that {problem}")
    if vault is None:
        raise NotPossible("uses client_secret_jwt, for which the server's root secret has to be at hand")
    return vault.seal(Purpose.CLIENT_SECRET, client_secret.encode("utf-8"), application_id.bytes)


async def create(
    database: Database,
    description: Description,
    operator: Operator,
    *,
    client_id: str = "",
    client_secret: str = "",
    vault: Vault | None = None,
) -> Registered:
    """Register an application; identifier and secret are generated unless given.

    `vault` seals the secret of one that makes MACs with it. Raises `ClientIdTaken` and `NotPossible`.
    """
    client_id = client_id or new_client_id()
    has_secret = description.auth_method in SECRET_METHODS
    shown = (client_secret or client_secrets.new_client_secret(operator.now)) if has_secret else None
    application_id = new_id(operator.now)
    digests = (client_secrets.secret_digest(shown),) if shown is not None else ()
    sealed = sealed_secret(vault, application_id, description, shown) if shown is not None else None
    async with database.transaction() as transaction:
        await applications.insert_application(
            *(transaction, application_id, client_id, description, digests, operator.now),
            last_four=client_secrets.last_four(shown) if shown is not None else "",
            sealed=sealed,
            verified=True,
        )
        await audit.record(
            transaction,
            operator.entry(
                Event.APPLICATION_CREATED,
                subject_id=client_id,
                application_id=application_id,
                user_id=description.owner_user_id,
                data={"after": history.members(description)},
            ),
        )
    return Registered(application_id, client_id, description.name, shown)


async def find(database: Database, client_id: str) -> StoredApplication:
    """Return one application, whatever its state; raises `NoSuchApplication`."""
    async with database.transaction() as transaction:
        found = await applications.find(transaction, client_id)
    if found is None:
        raise NoSuchApplication(client_id)
    return found


async def list_all(database: Database) -> list[StoredApplication]:
    """Return every application, oldest first."""
    async with database.transaction() as transaction:
        return await applications.list_all(transaction)


async def rotate_secret(
    database: Database, client_id: str, operator: Operator, *, keep_old: bool = False, vault: Vault | None = None
) -> str:
    """Replace the secret and return the new one; the old one is worth nothing from now on.

    `vault` seals the secret of one that makes MACs with it. With `keep_old` both are valid, until the next rotation or
    until one is retired. Raises `NoSuchApplication`, and `NotPossible` for an application without secrets, one that is
    being deleted, or one that has two secrets to keep.
    """
    client_secret = client_secrets.new_client_secret(operator.now)
    async with database.transaction() as transaction:
        found = await applications.find(transaction, client_id, lock=True)
        if found is None:
            raise NoSuchApplication(client_id)
        if found.description.auth_method not in SECRET_METHODS:
            raise NotPossible(f"has no secret: its token_endpoint_auth_method is {found.description.auth_method}")
        if found.status == "deletion_in_progress":
            raise NotPossible("is deleted")
        kept = found.secret_digests if keep_old else ()
        if len(kept) >= MOST_SECRETS:
            raise NotPossible(
                f"has {len(kept)} valid secrets; retire the older one first, or rotate without keeping them"
            )
        digests = (*kept, client_secrets.secret_digest(client_secret))
        await applications.change(
            *(transaction, found.id, operator.now),
            secret_digests=digests,
            last_four=client_secrets.last_four(client_secret),
            sealed=sealed_secret(vault, found.id, found.description, client_secret),
        )
        entry = operator.entry(
            Event.APPLICATION_SECRET_ROTATED,
            subject_id=client_id,
            application_id=found.id,
            data={"before": {"secrets": len(found.secret_digests)}, "after": {"secrets": len(digests)}},
        )
        await audit.record(transaction, entry)
    return client_secret


async def retire_secret(database: Database, client_id: str, operator: Operator) -> str:
    """End the older of two secrets, at once, and return its last four characters; the last step of a rotation.

    Raises `NoSuchApplication`, and `NotPossible` when it has no two.
    """
    async with database.transaction() as transaction:
        found = await applications.find(transaction, client_id, lock=True)
        if found is None:
            raise NoSuchApplication(client_id)
        older, *newer = (await application_secrets.of(transaction, [found.id])).get(found.id, ()) or (None,)
        if older is None or not newer:
            raise NotPossible("has no second secret")
        await application_secrets.retire(transaction, found.id, older.id, operator.now)
        entry = operator.entry(
            Event.APPLICATION_SECRET_REMOVED,
            subject_id=client_id,
            application_id=found.id,
            data={"before": history.secret_kept(older.id, older.last_four)},
        )
        await audit.record(transaction, entry)
    return older.last_four


async def disable(database: Database, client_id: str, operator: Operator) -> bool:
    """Switch an application off; all its tokens are dead at once and for ever. False: it was off already.

    Its owner cannot switch it on again.
    """
    return await _switch(database, client_id, operator, application_states.disable, Event.APPLICATION_DISABLED)


async def enable(database: Database, client_id: str, operator: Operator) -> bool:
    """Switch an application on again; its old tokens stay dead. False: it was not off."""
    return await _switch(database, client_id, operator, application_states.enable, Event.APPLICATION_ENABLED)


async def _switch(
    database: Database,
    client_id: str,
    operator: Operator,
    turn: Callable[[Transaction, str, datetime], Awaitable[UUID | None]],
    event: Event,
) -> bool:
    async with database.transaction() as transaction:
        before = await applications.find(transaction, client_id, lock=True)
        if before is None:
            raise NoSuchApplication(client_id)
        turned = await turn(transaction, client_id, operator.now)
        if turned is not None:
            data = history.moved(before, await applications.find(transaction, client_id))
            entry = operator.entry(event, subject_id=client_id, application_id=turned, data=data)
            await audit.record(transaction, entry)
    return turned is not None


def _check_policy(metadata: ClientMetadata, policy: ApplicationPolicy) -> None:
    """The two switches that loosen need a client that can prove who it is (OAuth 2.1 §7.5.1, RFC 9700 §2.2.2)."""
    if not metadata.confidential and not policy.require_pkce:
        raise NotPossible("is public, so require_pkce must not be false")
    if not metadata.confidential and not policy.rotate_refresh_tokens:
        raise NotPossible("is public, so rotate_refresh_tokens must not be false")
