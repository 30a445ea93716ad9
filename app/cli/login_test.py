"""`assent login-test`: the whole code flow against a running server, step by step."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import Config

if TYPE_CHECKING:
    from app.services.round_trip import Cast


def login_test(
    url: Annotated[
        str | None, typer.Option(help="The server's issuer.", show_default="that of the running server")
    ] = None,
    scope: Annotated[list[str] | None, typer.Option(help="Scope to ask for; repeatable.")] = None,
    username: Annotated[str | None, typer.Option(help="User to sign in as, instead of a stand-in.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="File with that user's password.")] = None,
    client_id: Annotated[str | None, typer.Option(help="Application, instead of a stand-in.")] = None,
    client_secret_file: Annotated[Path | None, typer.Option(help="File with that application's secret.")] = None,
    redirect_uri: Annotated[str | None, typer.Option(help="One of that application's redirect URIs.")] = None,
    ca_file: Annotated[Path | None, typer.Option(help="Further certificate authority (PEM) to trust.")] = None,
    config: Config = None,
) -> None:
    """Sign in, consent, exchange, introspect, call the API, refresh and revoke.

    Without further options a user and an application are made for it and switched off afterwards. Against a server
    whose database this command cannot reach, name a user and an application that exist there.
    """
    import asyncio

    from app.cli.connection import Session, run, told
    from app.cli.running import running_issuer
    from app.services import stand_ins
    from app.services.round_trip import walk

    scopes = tuple(scope or ())
    trusted = str(ca_file) if ca_file else None
    given = (username, password_file, client_id, redirect_uri)
    if any(given):
        if url is None or not all(given):
            raise typer.BadParameter(
                "--url, --username, --password-file, --client-id and --redirect-uri belong together"
            )
        cast = _named_cast(username, password_file, client_id, client_secret_file, redirect_uri, scopes)
        passed = asyncio.run(walk(url, cast, _teller(), ca_file=trusted))
    else:

        async def work(session: Session) -> bool:
            issuer = url or running_issuer(session.settings)
            registry = session.settings.scope_registry()
            asked = scopes or tuple(definition.name for definition in registry)[-1:]
            cast = await stand_ins.engage(session.database, session.passwords, session.operator, registry, asked)
            try:
                return await walk(issuer, cast, _teller(), ca_file=trusted)
            finally:
                await stand_ins.dismiss(session.database, session.operator)

        with told():
            passed = run("login-test", config, work)
    typer.echo("The server passed." if passed else "The server failed; the log has more under the request's id.")
    raise typer.Exit(0 if passed else 1)


def _named_cast(
    username: str | None,
    password_file: Path | None,
    client_id: str | None,
    client_secret_file: Path | None,
    redirect_uri: str | None,
    scopes: tuple[str, ...],
) -> "Cast":
    from app.services.round_trip import Cast

    return Cast(
        username=username or "",
        password=_first_line(password_file) or "",
        client_id=client_id or "",
        client_secret=_first_line(client_secret_file),
        redirect_uri=redirect_uri or "",
        scopes=scopes,
    )


def _first_line(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text("utf-8").split("\n", 1)[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{file} cannot be read") from error


def _teller() -> Callable[[str, float, str, bool], None]:
    def tell(title: str, seconds: float, seen: str, passed: bool) -> None:
        typer.echo(f"{'✓' if passed else '✗'} {title:<24}{seconds * 1000:6.0f} ms   {seen}")

    return tell
