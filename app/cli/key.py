"""`assent key`: API keys of organizations in the hands of the operator."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID

import typer

from app.cli.acting import acting_of, refusals, require_organization
from app.cli.options import Config
from app.cli.refusals import Refused

if TYPE_CHECKING:
    from app.cli.connection import Session
    from app.services.acting import Acting
    from app.services.api_keys import ShownKey
    from app.store.api_keys import KeyStatus

key = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Make, list and change API keys of organizations. The keys that the server signs with: `assent keys`.",
)

_T = TypeVar("_T")

Slug = Annotated[str, typer.Argument(help="The organization’s name in addresses.")]
KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key’s id, as `assent key list` prints it.")]


def _many(help_text: str) -> Any:
    return typer.Option(help=help_text, show_default=False)


@key.command("list")
def list_(slug: Slug, config: Config = None) -> None:
    """List an organization's keys by label; never a secret."""
    from app.cli.connection import run
    from app.services import api_keys

    async def work(session: "Session") -> "list[Any]":
        found = await require_organization(session, slug)
        return await api_keys.list_page(session.database, found.id)

    for one in run("key list", config, work):
        said = one.description
        state = "active" if said.status == "active" else "disabled"
        secrets = f"…{one.last_four}" + (f" …{one.retiring_last_four}" if one.retiring_last_four else "")
        typer.echo(f"{one.id}\t{said.label}\t{state}\t{secrets}\t{' '.join(said.scopes) or '-'}")


@key.command()
def create(
    slug: Slug,
    label: Annotated[str, typer.Option(help="Which machine will use it.")] = "",
    scope: Annotated[list[str] | None, _many("What it may do; repeatable; five usual scopes without.")] = None,
    origin: Annotated[list[str] | None, _many("A website that may use it; repeatable; none without.")] = None,
    config: Config = None,
) -> None:
    """Make a key. It is printed once."""
    from app.services import api_keys
    from app.services.api_keys import Wanted

    wanted = Wanted(label, None if scope is None else tuple(scope), tuple(origin or ()))
    made = _do(
        "key create",
        slug,
        config,
        lambda session, acting, organization_id: api_keys.create(session.database, acting, organization_id, wanted),
    )
    _show(made)


@key.command(no_args_is_help=True)
def rotate(slug: Slug, key_id: KeyId, config: Config = None) -> None:
    """Give an API key another secret, printed once. The one before stays good until `assent key retire`.

    The keys that the server signs with: `assent keys rotate`.
    """
    from app.services import api_keys

    made = _do(
        "key rotate",
        slug,
        config,
        lambda session, acting, organization_id: api_keys.rotate(
            session.database, acting, organization_id, _read(key_id)
        ),
    )
    _show(made)


@key.command(no_args_is_help=True)
def retire(slug: Slug, key_id: KeyId, config: Config = None) -> None:
    """End the secret before: the last step of a rotation.

    A key that the server signs with: `assent keys retire`.
    """
    from app.services import api_keys

    after = _do(
        "key retire",
        slug,
        config,
        lambda session, acting, organization_id: api_keys.retire(
            session.database, acting, organization_id, _read(key_id)
        ),
    )
    typer.echo(f"Only …{after.last_four} is good now.")


@key.command()
def disable(slug: Slug, key_id: KeyId, config: Config = None) -> None:
    """Switch a key off; it is refused from the next request on."""
    _switch("key disable", slug, key_id, config, "inactive", "disabled")


@key.command()
def enable(slug: Slug, key_id: KeyId, config: Config = None) -> None:
    """Switch a key on again."""
    _switch("key enable", slug, key_id, config, "active", "active")


@key.command()
def remove(slug: Slug, key_id: KeyId, config: Config = None) -> None:
    """Remove a key for good. Its history stays."""
    from app.services import api_keys

    removed = _do(
        "key remove",
        slug,
        config,
        lambda session, acting, organization_id: api_keys.remove(
            session.database, acting, organization_id, _read(key_id)
        ),
    )
    typer.echo(f"Removed {removed.description.label}.")


def _switch(command: str, slug: str, key_id: str, config: Path | None, status: "KeyStatus", word: str) -> None:
    from app.services import api_keys
    from app.services.api_keys import Wanted

    after = _do(
        command,
        slug,
        config,
        lambda session, acting, organization_id: api_keys.change(
            session.database, acting, organization_id, _read(key_id), Wanted(status=status)
        ),
    )
    typer.echo(f"{after.description.label} is {word}.")


def _do(
    command: str,
    slug: str,
    config: Path | None,
    deed: Callable[["Session", "Acting", UUID], Awaitable[_T]],
) -> _T:
    """Do something in an organization; ends the command when that cannot be."""
    from app.cli.connection import run

    async def work(session: "Session") -> _T:
        found = await require_organization(session, slug)
        with refusals(), _refusals():
            return await deed(session, acting_of(session), found.id)
        raise AssertionError("a refusal is never swallowed")

    return run(command, config, work)


def _read(key_id: str) -> UUID:
    from app.services.api_keys import NoSuchKey

    try:
        return UUID(key_id)
    except ValueError:
        raise NoSuchKey from None


def _show(made: "ShownKey") -> None:
    typer.echo(f"id: {made.key.id}")
    typer.echo(f"{made.key.description.label}, shown only now: {made.secret}")


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what the service refuses into sentences for the operator."""
    from app.services.api_keys import MAX_KEYS, NoSuchKey, NotAccepted, NothingRetires, StillRetiring, TooManyKeys

    try:
        yield
    except NotAccepted as refused:
        told = (f"{problem.field}: {problem.entry} {problem.message}" for problem in refused.problems)
        raise Refused("; ".join(" ".join(one.split()) for one in told) + ".") from None
    except NoSuchKey:
        raise Refused("the organization has no such key; `assent key list` prints their ids.") from None
    except TooManyKeys:
        raise Refused(f"the organization has {MAX_KEYS} keys, as many as it may have; remove one first.") from None
    except StillRetiring:
        raise Refused("the secret before is still good; end it with `assent key retire` first.") from None
    except NothingRetires:
        raise Refused("the key has one secret, and no other to end.") from None
