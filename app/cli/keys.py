"""`assent keys`: the signing keys of the server in the hands of the operator."""

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import Config
from app.cli.refusals import Refused

if TYPE_CHECKING:
    from datetime import datetime

    from app.cli.connection import Session
    from app.protocol.tokens.keyring import KeyRing, RingKey
    from app.services.signing_keys import KeyKeeper, Tell
    from app.store.signing_keys import Changes

keys = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="List, rotate and retire the keys that the server signs with. API keys: `assent key`.",
)

_Ahead = Annotated[bool, typer.Option("--now", help="Announce the next keys now, also where none is due for a while.")]
_Kid = Annotated[str, typer.Argument(metavar="KID", help="The key’s id, as `assent keys list` prints it.")]


@keys.command("list")
def list_(config: Config = None) -> None:
    """List the signing keys: id, algorithm, what each does now, and until when; never a private half."""
    from app.cli.connection import run

    async def work(session: "Session") -> "KeyRing":
        return await (await _keeper(session)).ring()

    ring, now = run("keys list", config, work), _now()
    for key in sorted(ring.keys, key=lambda one: (one.alg, one.order)):
        typer.echo(f"{key.kid}\t{key.alg}\t{_state(ring, key, now)}")


@keys.command()
def rotate(now: _Ahead = False, config: Config = None) -> None:
    """Do what is due: announce next keys, remove those that are over. A running server does this by itself."""
    from app.cli.connection import run

    async def work(session: "Session") -> "Changes":
        return await (await _keeper(session)).keep(session.operator.now, _tell(session), ahead=now)

    done = run("keys rotate", config, work)
    for made in done.make:
        typer.echo(f"Made {made.kid} ({made.alg}), which signs from {_moment(made.active_from)} on.")
    for kid in done.remove:
        typer.echo(f"Removed {kid}.")
    if not (done.make or done.remove or done.activate):
        typer.echo("Nothing is due.")


@keys.command("revoke", hidden=True, context_settings={"ignore_unknown_options": True})  # as others call it
@keys.command(context_settings={"ignore_unknown_options": True})  # an id may begin with a dash
def retire(kid: _Kid, config: Config = None) -> None:
    """Revoke a key in an emergency: it signs and is published no more, and what it signed is invalid from now on."""
    from app.cli.connection import run
    from app.services.signing_keys import AlreadyRetired, NoSuchKey

    async def work(session: "Session") -> "Changes":
        try:
            return await (await _keeper(session)).retire(kid, session.operator.now, _tell(session))
        except NoSuchKey:
            raise Refused("there is no such signing key; `assent keys list` prints their ids.") from None
        except AlreadyRetired:
            raise Refused("the key was retired before.") from None

    done = run("keys retire", config, work)
    typer.echo(f"Retired {kid}. Running servers follow within 10 seconds.")
    for successor in (*(made.kid for made in done.make), *done.activate):
        typer.echo(f"{successor} signs from now on.")


async def _keeper(session: "Session") -> "KeyKeeper":
    """Return who looks after the ring, with the root secret that the server has."""
    from app.cli.connection import vault_of
    from app.services.signing_keys import KeyKeeper

    return KeyKeeper(session.database, await vault_of(session), session.settings.signing.plan())


def _tell(session: "Session") -> "Tell":
    from functools import partial

    from app.services.signing_keys import audit_of_key
    from app.store.orders import Actor

    return partial(audit_of_key, session.operator.now, Actor("operator", session.operator.id))


def _state(ring: "KeyRing", key: "RingKey", now: "datetime") -> str:
    if key.retired_at is not None:
        return f"retired {_moment(key.retired_at)}"
    if key.active_from > now:
        return f"signs from {_moment(key.active_from)}"
    if key == ring.signer(key.alg, now) and key.alg in ring.plan.algorithms:
        return f"signs since {_moment(key.active_from)}"
    end = ring.end_of(key)
    return f"published until {_moment(end)}" if end is not None else "published"


def _moment(moment: "datetime") -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def _now() -> "datetime":
    from datetime import UTC, datetime

    return datetime.now(UTC)
