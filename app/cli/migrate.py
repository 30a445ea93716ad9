"""`assent migrate`: bring the database's schema up to date."""

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import Config

if TYPE_CHECKING:
    from app.migrations import Revision


def migrate(
    plan: Annotated[bool, typer.Option("--plan", help="Only print the pending migrations and their SQL.")] = False,
    config: Config = None,
) -> None:
    """Apply pending migrations. Servers of the version before keep working meanwhile."""
    import asyncio

    from app import migrations
    from app.cli.connection import addresses, told
    from app.settings import load

    revisions: list[Revision] = []
    with told(), addresses(load(config)) as ways:
        revisions = asyncio.run((migrations.pending if plan else migrations.upgrade)(ways.owner))
    if not revisions:
        typer.echo("The schema is up to date.")
    for revision in revisions:
        typer.echo(f"{'pending' if plan else 'applied'}: {revision.id} {revision.title}")
        if plan:
            typer.echo(revision.sql)
