"""`assent token`: people's own tokens in the hands of the operator, who sees and ends them, and makes none."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from app.cli.acting import acting_of
from app.cli.options import Config
from app.cli.refusals import Refused

if TYPE_CHECKING:
    from app.cli.connection import Session
    from app.store.personal_tokens import OwnToken

token = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, help="List and revoke personal tokens."
)

_MOST = 1000
"""Tokens of one person that are listed; nobody can have so many."""

Username = Annotated[str, typer.Argument(help="The name that the person signs in with.")]


@token.command("list")
def list_(username: Username, config: Config = None) -> None:
    """List a person's tokens, newest first; never a secret."""
    from app.cli.connection import run

    for one in run("token list", config, lambda session: _tokens(session, username)):
        ends = f"{one.expires_at:%Y-%m-%d}" if one.expires_at else "never"
        used = f"{one.last_used_at:%Y-%m-%d}" if one.last_used_at else "-"
        typer.echo(f"{one.id}\t{one.name}\t…{one.last_four}\tends {ends}\tused {used}\t{' '.join(one.scopes)}")


@token.command()
def revoke(
    username: Username,
    token_id: Annotated[str, typer.Argument(metavar="ID", help="The token’s id, as `assent token list` prints it.")],
    config: Config = None,
) -> None:
    """End one token of a person, at once."""
    from app.cli.connection import run

    ended = run("token revoke", config, lambda session: _revoke(session, username, token_id))
    typer.echo(f"Revoked {ended.name}.")


async def _tokens(session: "Session", username: str) -> "list[OwnToken]":
    from app.services import accounts, personal_tokens

    person = await accounts.find(session.database, username)
    return await personal_tokens.list_page(session.database, person.id, after=None, limit=_MOST)


async def _revoke(session: "Session", username: str, token_id: str) -> "OwnToken":
    from app.services import accounts, personal_tokens

    person = await accounts.find(session.database, username)
    known = _read(token_id)
    ended = (
        await personal_tokens.revoke(session.database, person.id, known, acting_of(session).occasion)
        if known is not None
        else None
    )
    if ended is None:
        raise Refused(f"{username} has no such token; `assent token list {username}` prints their ids.")
    return ended


def _read(token_id: str) -> UUID | None:
    try:
        return UUID(token_id)
    except ValueError:
        return None
