"""`assent trace`: why was this request refused, why was the person asked?"""

from typing import Annotated

import typer

from app.cli.options import Config


def trace(
    request_id: Annotated[str, typer.Argument(help="The reference of an error page, or an X-Request-Id.")],
    config: Config = None,
) -> None:
    """Show the checks of an authorization request in the order in which they ran."""
    from app.cli.connection import fail, run
    from app.store import traces
    from app.telemetry.printable import printable

    found = run("trace", config, lambda session: traces.find(session.database, request_id))
    if not found:
        fail(f"Nothing is recorded under {request_id[:80]}; a trace can be read one second after the request.")
    for entry in found:
        client = printable(entry.client_id) or "no client"
        typer.echo(f"{entry.at:%Y-%m-%d %H:%M:%S} UTC  {client}  {entry.outcome}")
        for step in entry.steps:
            section = f"  ({step.section})" if step.section else ""
            typer.echo(f"  {step.outcome:<11} {step.check}{f': {step.detail}' if step.detail else ''}{section}")
