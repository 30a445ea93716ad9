"""`assent doctor`: is this configuration safe, and does the server answer as it says?"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import Config

if TYPE_CHECKING:
    from datetime import datetime

    from app.cli.connection import Addresses
    from app.services.doctor import FileCondition, Finding
    from app.settings import Settings
    from app.store.database import Database

_MARKS = {"ok": "ok  ", "warn": "WARN", "fail": "FAIL"}


@dataclass(frozen=True, slots=True)
class _Published:
    """What the metadata of the running server say, why they could not be read, and the server's clock."""

    issuer: str | None = None
    problem: str = ""
    registers: bool = False
    clock: "datetime | None" = None


def doctor(
    ca_file: Annotated[Path | None, typer.Option(help="Further certificate authority (PEM) to trust.")] = None,
    config: Config = None,
) -> None:
    """Check settings, secrets, files, database and the running server; exit with 1 when something fails."""
    import asyncio

    from app.cli.connection import addresses, told
    from app.services.doctor import Level
    from app.settings import load

    findings: list[Finding] = []
    with told():
        settings = load(config)
        with addresses(settings) as ways:
            findings = asyncio.run(_examine(settings, ways, str(ca_file) if ca_file else None))
    for finding in findings:
        typer.echo(f"{_MARKS[finding.level]}  {finding.subject:<13} {finding.seen}")
        if finding.remedy:
            typer.echo(f"{'':<20}{finding.remedy}")
    failed = sum(finding.level is Level.FAIL for finding in findings)
    warned = sum(finding.level is Level.WARN for finding in findings)
    typer.echo(f"{len(findings)} checks, {failed} failed, {warned} to look at.")
    raise typer.Exit(1 if failed else 0)


async def _examine(settings: "Settings", ways: "Addresses", ca_file: str | None) -> "list[Finding]":
    from datetime import UTC, datetime, timedelta

    from app.cli.running import running_issuer
    from app.protocol import ciba_calls, client_documents, grant_management, logout_delivery, mtls, registration
    from app.protocol.resources import introspecting
    from app.protocol.response_types import ID_TOKEN
    from app.services import doctor as checks
    from app.services.doctor_ciba import check_calls
    from app.services.doctor_fapi import check_fapi
    from app.services.doctor_grants import check_grants
    from app.services.doctor_openid import check_openid
    from app.services.doctor_registration import check_documents, check_registration, check_running_registration
    from app.store import condition, legacy_credentials, partitions, schema
    from app.store.database import Database

    issuer, configured = running_issuer(settings), settings.configuration()
    features, policy = configured.features, configured.policy
    found = [*checks.check_issuer(issuer), *checks.check_files(_files(settings))]
    database = await condition.examine(ways.runtime)
    found += checks.check_database(database, embedded=settings.database_url is None)
    state = await condition.schema_state(ways.runtime)
    serves = state.oldest_code <= schema.CODE_SCHEMA
    found += checks.check_schema(pending=max(0, schema.CODE_SCHEMA - state.revision), serves=serves)
    if serves and state.revision >= schema.CODE_SCHEMA:
        pool = await Database.open(ways.runtime, hot_connections=1, connections=1)
        try:
            found += checks.check_partitions(await partitions.left(pool, datetime.now(UTC)))
            found += checks.check_imported(await legacy_credentials.count_credentials(pool))
            found += await _signing_keys(settings, pool)
        finally:
            await pool.close()
        applications = await condition.registered_applications(ways.runtime)
        found += checks.check_applications(applications)
        found += checks.check_methods(applications, features)
        found += check_openid(applications, configured.signing.algorithms, features)
        found += check_fapi(applications, policy, features, configured.dpop)
        managed = grant_management.is_offered(features)
        found += check_grants(applications, on=managed, required=policy.require_grant_action)
        now = datetime.now(UTC)
        rules, day = configured.registration, timedelta(days=1)
        apis = introspecting(configured.resources)
        introduced = await condition.introduced_applications(ways.runtime, now - rules.unused_after - day, now, apis)
        found += check_registration(rules, introduced, on=registration.is_offered(features))
        found += checks.check_keys(await condition.website_keys(ways.runtime))
        week_ago = datetime.now(UTC) - timedelta(days=7)
        found += checks.check_logout_notices(
            await condition.untold_applications(ways.runtime, week_ago),
            on=logout_delivery.is_offered(features),
        )
        found += checks.check_implicit(applications, on=policy.implicit)
        found += checks.check_front_channel(applications, on=ID_TOKEN in policy.response_types)
    found += checks.check_system_key(on=settings.system_key is not None, networks=settings.system_key_networks)
    found += checks.check_outbound(settings.outbound.allow)
    found += checks.check_certificates(
        settings.mtls.rules(issuer),
        on=mtls.is_offered(features),
        asked_for=settings.mtls.port is not None,
        proxies=settings.trusted_proxies,
    )
    found += checks.check_delegation(configured.trusted_issuers, configured.exchange_rules)
    found += check_documents(configured.documents, on=client_documents.are_offered(features))
    found += check_calls(configured.calls, on=ciba_calls.are_offered(features))
    found += checks.check_scopes(configured.scopes)
    here = datetime.now(UTC)
    published = await _published(issuer, ca_file)
    found += checks.check_metadata(issuer, published.issuer, published.problem)
    found += check_running_registration(on=registration.is_offered(features), published=published.registers)
    clocks = [("the database", database.now), *([("the server", published.clock)] if published.clock else [])]
    return [*found, *checks.check_clock(here, clocks)]


async def _signing_keys(settings: "Settings", pool: "Database") -> "list[Finding]":
    """Whether the root secret of this configuration opens the signing keys; nothing to say before the first start."""
    from datetime import UTC, datetime

    from app.cli.connection import secret_of
    from app.services import bootstrap
    from app.services.doctor import check_signing_keys
    from app.services.signing_keys import KeyKeeper

    secret = secret_of(settings)
    if secret is None:
        return []
    keeper = KeyKeeper(pool, bootstrap.vault(secret.encode("utf-8")), settings.signing.plan())
    return [*check_signing_keys(await keeper.ring(), await keeper.unreadable(), datetime.now(UTC))]


async def _published(issuer: str, ca_file: str | None) -> _Published:
    """Read the metadata where everybody finds them."""
    from email.utils import parsedate_to_datetime

    from app.outbound.visitor import Unreachable, Visitor
    from app.services.round_trip import metadata_url

    try:
        async with Visitor(ca_file=ca_file) as visitor:
            answer = await visitor.get(metadata_url(issuer))
    except Unreachable as unreachable:
        return _Published(problem=str(unreachable))
    if answer.status != 200:
        return _Published(problem=f"{issuer} answers its metadata with status {answer.status}")
    metadata = answer.json()
    return _Published(
        issuer=str(metadata.get("issuer")),
        registers="registration_endpoint" in metadata,
        clock=parsedate_to_datetime(answer.date) if answer.date else None,
    )


def _files(settings: "Settings") -> "Iterator[FileCondition]":
    """The files of the data directory; with an external database there is none of ours."""
    import os

    from app.cli.connection import data_dir_of
    from app.services.bootstrap import SECRET_FILE
    from app.services.doctor import FileCondition

    data_dir = data_dir_of(settings)
    if data_dir is None:
        return
    widest = {"": 0o711, "pg": 0o700, "postgres.password": 0o600}
    if settings.secret_key is None:
        widest[SECRET_FILE] = 0o600
    for name, mode in widest.items():
        path = (data_dir / name).resolve()
        status = path.stat() if path.exists() else None
        yield FileCondition(
            path=str(path),
            mode=None if status is None else status.st_mode & 0o777,
            widest=mode,
            ours=status is None or name == "pg" or status.st_uid == os.geteuid(),
        )
