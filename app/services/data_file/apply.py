"""Applying a data file: everything is checked and compared first, then written in one transaction or not at all."""

from collections.abc import Iterator
from dataclasses import replace

from app.crypto.envelope import Vault
from app.services.data_file import api_keys as declared_api_keys
from app.services.data_file import applications as declared_applications
from app.services.data_file import organizations as declared_organizations
from app.services.data_file import resources as declared_resources
from app.services.data_file import users as declared_users
from app.services.data_file.api_keys import ApiKeyPlan
from app.services.data_file.applications import ApplicationPlan, Owners
from app.services.data_file.document import DataFile, DataFileError, Problem
from app.services.data_file.organizations import OrganizationPlan
from app.services.data_file.report import GeneratedSecret, Report
from app.services.data_file.users import UserPlan
from app.services.operator import Operator
from app.services.passwords import PasswordPlace, PasswordQueue
from app.store import applications
from app.store.database import Database
from app.store.organizations import SlugTaken
from app.store.transaction import Transaction
from app.store.users import NameTaken


async def apply(
    database: Database,
    passwords: PasswordQueue,
    data: DataFile,
    operator: Operator,
    *,
    dry_run: bool = False,
    vault: Vault | None = None,
) -> Report:
    """Make the database as the file says; applying the same file again changes nothing.

    `vault` seals the secrets that serve as MAC keys; a file whose `needs_vault` is true cannot do without it.
    With `dry_run` nothing is written and no secret is generated for good. Raises `DataFileError`, after which nothing
    was written either.
    """
    try:
        async with passwords.place() as place, database.transaction() as transaction:
            await applications.lock_declarations(transaction)
            people, groups, clients, keys = await _plan(transaction, place, data, operator)
            apis = await declared_resources.plan(transaction, data.resources)
            if not dry_run:
                for user in people:
                    await declared_users.write(transaction, user, place, operator)
                for group in groups:
                    await declared_organizations.write(transaction, group, operator)
                for client in clients:
                    await declared_applications.write(transaction, client, operator, vault)
                for api in apis:
                    await declared_resources.write(transaction, api, operator)
                for key in keys:
                    await declared_api_keys.write(transaction, key, operator)
    except NameTaken as taken:
        message = f"has a {taken.field} that somebody else took meanwhile; apply the file again"
        raise DataFileError([Problem("users", message)]) from None
    except SlugTaken:
        message = "has a slug that somebody else took meanwhile; apply the file again"
        raise DataFileError([Problem("organizations", message)]) from None
    return Report(
        changes=(
            *(user.change for user in people),
            *(group.change for group in groups),
            *(client.change for client in clients),
            *(api.change for api in apis),
            *(key.change for key in keys),
        ),
        not_in_effect=tuple(_not_in_effect(data)),
        weak=tuple(_weak(people, clients)),
        secrets=() if dry_run else tuple(_secrets(people, clients, keys)),
    )


async def _plan(
    transaction: Transaction, place: PasswordPlace, data: DataFile, operator: Operator
) -> tuple[list[UserPlan], list[OrganizationPlan], list[ApplicationPlan], list[ApiKeyPlan]]:
    owner_names = [entry.owner for entry in data.applications if entry.owner is not None]
    client_ids = [entry.client_id for entry in data.applications]
    member_names = [member.user for entry in data.organizations for member in entry.members]
    known = await declared_users.look_up(transaction, data.users, [*owner_names, *member_names], client_ids)
    found = list(declared_users.problems(data.users, known))
    people = [] if found else [await declared_users.plan(entry, known, place, operator) for entry in data.users]
    persons = Owners(tuple(people), known)
    group_names = [*owner_names, *(entry.organization for entry in data.api_keys)]
    registered_groups = await declared_organizations.look_up(transaction, data.organizations, group_names)
    if not found:
        found += declared_organizations.problems(data.organizations, registered_groups, persons.person)
    groups = (
        []
        if found
        else [
            await declared_organizations.plan(transaction, entry, registered_groups, persons.person, operator)
            for entry in data.organizations
        ]
    )
    owners = replace(persons, organizations=declared_organizations.owners(groups, registered_groups))
    slugs = declared_organizations.by_slug(groups, registered_groups)
    found += declared_applications.problems(data.applications, owners)
    found += declared_resources.problems(data.resources)
    found += declared_api_keys.problems(data.api_keys, {*slugs, *(entry.identifier for entry in data.organizations)})
    if found:
        raise DataFileError(found)
    registered = await applications.find_many(transaction, client_ids, lock=True)
    if gone := list(declared_applications.gone(registered.values())):
        raise DataFileError(gone)
    if others := list(declared_applications.others_to_them(data.applications, registered)):
        raise DataFileError(others)
    clients = [
        declared_applications.plan(entry, registered.get(entry.client_id), owners, operator)
        for entry in data.applications
    ]
    keys = await declared_api_keys.plan(transaction, data.api_keys, slugs, operator)
    return people, groups, clients, keys


def _not_in_effect(data: DataFile) -> Iterator[str]:
    for entry in data.applications:
        for member in entry.waiting():
            yield f"application {entry.client_id}: {member}"
    for group in data.organizations:
        for member in group.model_extra or ():
            yield f"organization {group.identifier}: {member}"


def _weak(people: list[UserPlan], clients: list[ApplicationPlan]) -> Iterator[str]:
    yield from (f"user {user.entry.username}: password" for user in people if user.weak)
    yield from (f"application {client.entry.client_id}: client_secret" for client in clients if client.weak)


def _secrets(
    people: list[UserPlan], clients: list[ApplicationPlan], keys: list[ApiKeyPlan]
) -> Iterator[GeneratedSecret]:
    for user in people:
        if user.generated and user.password is not None:
            yield GeneratedSecret("user", user.entry.username, "password", user.password)
    for client in clients:
        if client.generated is not None:
            yield GeneratedSecret("application", client.entry.client_id, "client_secret", client.generated)
    for key in keys:
        if key.generated is not None:
            yield GeneratedSecret("api_key", key.change.name, "key", key.generated)
