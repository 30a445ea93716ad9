"""`assent registration`: who may register applications over the protocol (RFC 7591)."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from app.cli.acting import acting_of
from app.cli.options import Config
from app.cli.refusals import Refused

if TYPE_CHECKING:
    from app.cli.connection import Session
    from app.services.initial_tokens import Made
    from app.store.initial_tokens import InitialToken

registration = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Let programs register applications: tokens with which they may.",
)
token = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Make, list and revoke initial access tokens.",
)
registration.add_typer(token, name="token")

_PAGE = 200

Uses = Annotated[
    int | None, typer.Option(min=1, max=100_000, help="How many may register with it; without: any number.")
]
Days = Annotated[int, typer.Option(min=1, max=3650, help="After how many days it ends.")]
Never = Annotated[bool, typer.Option("--never-expires", help="It counts until it is revoked or used up.")]


@token.command()
def create(
    label: Annotated[str, typer.Option(help="Who gets it.")],
    uses: Uses = None,
    days: Days = 7,
    never: Never = False,
    config: Config = None,
) -> None:
    """Make a token. It is printed once."""
    from app.cli.connection import run
    from app.protocol import registration as rules
    from app.services import initial_tokens, names
    from app.services.initial_tokens import Wanted

    tidy = names.tidy(label)

    async def work(session: "Session") -> "tuple[Made, bool]":
        if problem := initial_tokens.problem_with_label(tidy):
            raise Refused(f"--label: {problem}.")
        end = None if never else session.operator.now + timedelta(days=days)
        made = await initial_tokens.make(session.database, Wanted(tidy, uses, end), acting_of(session).occasion)
        return made, rules.is_offered(session.settings.feature_set())

    made, counts = run("registration token create", config, work)
    typer.echo(f"id: {made.token.id}")
    typer.echo(f"{made.token.label}, shown only now: {made.text}")
    if not counts:
        typer.echo('These settings let nobody register: it counts once registration.mode is "token".', err=True)


@token.command("list")
def list_(config: Config = None) -> None:
    """List the tokens, newest first; never a secret."""
    from app.cli.connection import run

    for one in run("registration token list", config, _tokens):
        left = "any number of uses" if one.uses_left is None else f"{one.uses_left} uses left"
        ends = f"{one.expires_at:%Y-%m-%d}" if one.expires_at else "never"
        used = f"{one.last_used_at:%Y-%m-%d}" if one.last_used_at else "-"
        typer.echo(f"{one.id}\t{one.label}\t{left}\tends {ends}\tused {used}")


@token.command(no_args_is_help=True)
def revoke(
    token_id: Annotated[
        str, typer.Argument(metavar="ID", help="The token’s id, as `assent registration token list` prints it.")
    ],
    config: Config = None,
) -> None:
    """End a token at once. What was registered with it stays."""
    from app.cli.connection import run

    ended = run("registration token revoke", config, lambda session: _revoke(session, token_id))
    typer.echo(f"Revoked {ended.label}.")


async def _tokens(session: "Session") -> "list[InitialToken]":
    from app.services import initial_tokens

    found: list[InitialToken] = []
    while page := await initial_tokens.list_page(session.database, after=found[-1].id if found else None, limit=_PAGE):
        found += page
    return found


async def _revoke(session: "Session", token_id: str) -> "InitialToken":
    from app.services import initial_tokens

    known = _read(token_id)
    ended = (
        await initial_tokens.revoke(session.database, known, acting_of(session).occasion) if known is not None else None
    )
    if ended is None:
        raise Refused("there is no such token; `assent registration token list` prints their ids.")
    return ended


def _read(token_id: str) -> UUID | None:
    try:
        return UUID(token_id)
    except ValueError:
        return None
