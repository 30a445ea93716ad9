"""`assent user`: accounts in the hands of the operator."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import Config

user = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, help="Create, list and change user accounts."
)

Username = Annotated[str, typer.Argument(help="The name that the person signs in with.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        help="File with the password, - for standard input. Without it one is generated and printed once.",
        show_default=False,
    ),
]


@user.command()
def create(
    username: Username,
    email: Annotated[
        str | None, typer.Option(help="Email address, with which the person can sign in too.", show_default=False)
    ] = None,
    operator: Annotated[bool, typer.Option("--operator", help="The person may operate the server.")] = False,
    password_file: PasswordFile = None,
    config: Config = None,
) -> None:
    """Make an account."""
    from app.cli.connection import run
    from app.services import accounts

    password = _password(password_file)
    made = run(
        "user create",
        config,
        lambda session: accounts.create(
            session.database,
            session.passwords,
            session.operator,
            username=username,
            email=email,
            password=password,
            as_operator=operator,
        ),
    )
    typer.echo(f"Created user {made.username}.")
    if made.password is not None:
        typer.echo(f"Password, shown only now: {made.password}")


@user.command("list")
def list_(config: Config = None) -> None:
    """List all accounts, oldest first."""
    from app.cli.connection import run
    from app.services import accounts

    for person in run("user list", config, lambda session: accounts.list_all(session.database)):
        state = ("disabled" if person.disabled_at else "active") + (" operator" if person.operator else "")
        typer.echo(f"{person.username}\t{person.email or '-'}\t{state}\t{person.created_at:%Y-%m-%d}")


@user.command()
def set_password(
    username: Username,
    password_file: PasswordFile = None,
    end_sessions: Annotated[bool, typer.Option("--end-sessions", help="Sign the person out on every browser.")] = False,
    config: Config = None,
) -> None:
    """Replace a password. Tokens stay; to throw somebody out, disable the account."""
    from app.cli.connection import run
    from app.services import accounts

    password = _password(password_file)
    shown = run(
        "user set-password",
        config,
        lambda session: accounts.set_password(
            session.database, session.passwords, session.operator, username, password, end_sessions=end_sessions
        ),
    )
    signed_out = " Every browser is signed out." if end_sessions else ""
    typer.echo(f"The password of {username} is replaced.{signed_out}")
    if shown is not None:
        typer.echo(f"Password, shown only now: {shown}")


@user.command()
def disable(username: Username, config: Config = None) -> None:
    """Shut a person out. Sessions and tokens are dead at once and for ever."""
    from app.cli.connection import run
    from app.services import accounts

    changed = run(
        "user disable", config, lambda session: accounts.disable(session.database, session.operator, username)
    )
    typer.echo(f"{username} is disabled." if changed else f"{username} was disabled already.")


@user.command()
def enable(username: Username, config: Config = None) -> None:
    """Let a person sign in again. What was issued before stays dead."""
    from app.cli.connection import run
    from app.services import accounts

    changed = run("user enable", config, lambda session: accounts.enable(session.database, session.operator, username))
    typer.echo(f"{username} may sign in." if changed else f"{username} was active already.")


@user.command()
def revoke_tokens(username: Username, config: Config = None) -> None:
    """End every session and token of a person, who can sign in again at once.

    What he has allowed applications stays; they have to ask him anew.
    """
    from app.cli.connection import run
    from app.services import global_revocation

    run(
        "user revoke-tokens",
        config,
        lambda session: global_revocation.revoke_by_name(session.database, session.operator, username),
    )
    typer.echo(f"Every session and token of {username} is dead.")


def _password(file: Path | None) -> str | None:
    """Return the first line of the file. Passwords are no arguments: everybody on the machine can read those."""
    if file is None:
        return None
    if str(file) == "-":
        return sys.stdin.readline().rstrip("\r\n")
    try:
        return file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError):
        raise typer.BadParameter(f"{file} cannot be read as text", param_hint="--password-file") from None
