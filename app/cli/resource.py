"""`assent resource`: the APIs that this server has tokens for. `assent apply` declares them."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.acting import acting_of
from app.cli.options import Config
from app.cli.refusals import Refused

if TYPE_CHECKING:
    from app.cli.connection import Session
    from app.protocol.resources import Resource
    from app.settings import Settings

resource = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="List and remove resources, and print the metadata that each is to publish.",
)

Identifier = Annotated[str, typer.Argument(metavar="IDENTIFIER", help="The resource’s URI.")]


@resource.command("list")
def list_(config: Config = None) -> None:
    """List the resources: where each is declared, which tokens it gets, which scopes it understands."""
    from app.cli.connection import run

    async def work(session: "Session") -> "list[tuple[Resource, str]]":
        settings = _as_running(session)
        found = await _known(session, settings)
        return [(one, _declared_in(settings, one)) for one in found.values()]

    for one, declared in run("resource list", config, work):
        scopes = "every scope" if one.scopes is None else " ".join(sorted(one.scopes)) or "no scope"
        typer.echo(f"{one.identifier}\t{declared}\t{one.token_format}\t{scopes}")


@resource.command(no_args_is_help=True)
def metadata(identifier: Identifier, config: Config = None) -> None:
    """Print what the API is to publish, as JSON, and where, on standard error (RFC 9728)."""
    from app.cli.connection import run
    from app.protocol import resource_metadata

    async def work(session: "Session") -> "tuple[str, str]":
        settings = _as_running(session)
        found = (await _known(session, settings)).get(identifier)
        if found is None:
            raise Refused(f"there is no resource {identifier[:200]}.")
        document = resource_metadata.document(
            found, settings.issuer_url, settings.feature_set(), settings.scope_registry()
        )
        return json.dumps(document, indent=2), resource_metadata.address_of(identifier)

    document, address = run("resource metadata", config, work)
    typer.echo(document)
    typer.echo(
        f"It stands at {address}" if address else "It is no place on the web: nothing can be published.", err=True
    )


@resource.command(no_args_is_help=True)
def remove(identifier: Identifier, config: Config = None) -> None:
    """Remove a declared resource: nobody gets tokens for it any more. One of the settings is removed there."""
    from app.cli.connection import run
    from app.services.resources import Declaring, NoSuchResource

    async def work(session: "Session") -> None:
        settings = _as_running(session)
        if any(one.identifier == identifier for one in settings.known_resources()):
            raise Refused("it is the server’s own or stands in its settings; remove it there.")
        declaring = Declaring(
            session.database,
            acting_of(session).occasion,
            settings.scope_registry(),
            settings.signing.algorithms,
            settings.feature_set(),
        )
        try:
            await declaring.remove(identifier, None)
        except NoSuchResource:
            raise Refused(f"there is no resource {identifier[:200]}.") from None

    run("resource remove", config, work)
    typer.echo(f"Removed {identifier}.")


def _as_running(session: "Session") -> "Settings":
    """Return the settings with the issuer of the server that runs, which may have been given another port."""
    from app.cli.running import running_issuer

    return session.settings.model_copy(update={"issuer": running_issuer(session.settings)})


async def _known(session: "Session", settings: "Settings") -> "dict[str, Resource]":
    """Return every resource by identifier; those of the settings win, as in a running server."""
    from app.store import resources

    known = {one.identifier: one for one in await resources.read_all(session.database)}
    known |= {one.identifier: one for one in settings.known_resources()}
    return dict(sorted(known.items()))


def _declared_in(settings: "Settings", one: "Resource") -> str:
    from app.protocol import resource_metadata

    if one.identifier in resource_metadata.own_identifiers(settings.issuer_url):
        return "this server"
    return "settings" if one.identifier in settings.resources else "data"
