"""`assent version`."""

import typer

from app import __version__


def version() -> None:
    """Print the version."""
    typer.echo(f"assent {__version__}")
