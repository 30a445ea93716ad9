"""`assent organization`: organizations in the hands of the operator."""

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.acting import acting_of, refusals, require_organization
from app.cli.options import Config
from app.cli.refusals import Refused

if TYPE_CHECKING:
    from app.cli.connection import Session
    from app.protocol.facts import OrganizationFact
    from app.store.members import Member

organization = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Found organizations, list them and add members.",
)

Slug = Annotated[str, typer.Argument(help="The organization’s name in addresses.")]


@organization.command()
def create(
    slug: Slug,
    owner: Annotated[str, typer.Option(help="Username of its first member, who gets the highest role.")],
    name: Annotated[str, typer.Option(help="What people call it; the slug without.")] = "",
    config: Config = None,
) -> None:
    """Found an organization."""
    from app.cli.connection import run

    made = run("organization create", config, lambda session: _found(session, slug, name or slug, owner))
    typer.echo(f"Founded {made.name}, {made.slug}.")


@organization.command("list")
def list_(config: Config = None) -> None:
    """List all organizations by slug."""
    from app.cli.connection import run
    from app.store import organizations

    for one in run("organization list", config, lambda session: organizations.list_all(session.database)):
        typer.echo(f"{one.slug}\t{one.name}\t{one.created_at:%Y-%m-%d}")


@organization.command()
def add_member(
    slug: Slug,
    username: Annotated[str, typer.Argument(help="The name that the person signs in with.")],
    role: Annotated[str, typer.Option(help="One of the roles in the settings.")] = "member",
    config: Config = None,
) -> None:
    """Make a person a member without asking."""
    from app.cli.connection import run

    made = run("organization add-member", config, lambda session: _add(session, slug, username, role))
    typer.echo(f"{made.username} belongs to {slug} as {made.role}.")


async def _found(session: "Session", slug: str, name: str, owner: str) -> "OrganizationFact":
    from app.services import accounts, organizations
    from app.services.organizations import SlugTaken

    problem = organizations.problem_with_slug(slug) or organizations.problem_with_name(name)
    if problem:
        raise Refused(f"{problem}.")
    person = await accounts.find(session.database, owner)
    try:
        return await organizations.found(session.database, acting_of(session), person.id, slug=slug, name=name)
    except SlugTaken:
        raise Refused(f"an organization is called {slug}, or was; choose another slug.") from None


async def _add(session: "Session", slug: str, username: str, role: str) -> "Member":
    from app.services import members
    from app.services.members import AlreadyMember, NobodyThere, UnknownRole

    found = await require_organization(session, slug)
    acting = acting_of(session)
    try:
        with refusals():
            return await members.add(session.database, acting, found.id, username, role)
    except UnknownRole:
        raise Refused(f"there is no role {role}; there are: {', '.join(acting.roles.names)}.") from None
    except NobodyThere:
        raise Refused(f"nobody who can sign in is called {username}.") from None
    except AlreadyMember:
        raise Refused(f"{username} belongs to {slug} already.") from None
