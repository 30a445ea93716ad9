"""`assent migrate`: bring the database's schema up to date."""

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import Config

if TYPE_CHECKING:
    from app.cli.connection import Addresses
    from app.migrations import Revision


def migrate(
    plan: Annotated[bool, typer.Option("--plan", help="Only print the pending migrations and their SQL.")] = False,
    config: Config = None,
) -> None:
    """Apply pending migrations. Servers of the version before keep working meanwhile."""
    import asyncio

    from app.cli.connection import addresses, told
    from app.settings import load

    revisions: list[Revision] = []
    with told(), addresses(load(config)) as ways:
        revisions = asyncio.run(_migrate(ways, plan=plan))
    if not revisions:
        typer.echo("The schema is up to date.")
    for revision in revisions:
        typer.echo(f"{'pending' if plan else 'applied'}: {revision.id} {revision.title}")
        if plan:
            typer.echo(revision.sql)


async def _migrate(ways: "Addresses", *, plan: bool) -> "list[Revision]":
    """Return what is pending, or was. The first look is for a database that is away: it says so in a sentence."""
    from app import migrations
    from app.store import condition

    await condition.schema_state(ways.owner)
    if plan:
        return await migrations.pending(ways.owner)
    return await migrations.upgrade(ways.owner, ways.runtime_role)
