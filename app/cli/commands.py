"""The table of commands: `assent`, or `python -m app.cli`. Thin over the services.

Commands are imported when they are called, so that none waits for what another needs.
"""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

COMMANDS = {
    "serve": "app.cli.serve:serve",
    "apply": "app.cli.apply:apply",
    "migrate": "app.cli.migrate:migrate",
    "user": "app.cli.user:user",
    "application": "app.cli.application:application",
    "organization": "app.cli.organization:organization",
    "key": "app.cli.key:key",
    "keys": "app.cli.keys:keys",
    "token": "app.cli.token:token",
    "registration": "app.cli.registration:registration",
    "resource": "app.cli.resource:resource",
    "import": "app.cli.import_:import_",
    "login-test": "app.cli.login_test:login_test",
    "trace": "app.cli.trace:trace",
    "doctor": "app.cli.doctor:doctor",
    "version": "app.cli.version:version",
    "reference": "app.cli.reference:reference",
}
"""Each command and where it is: a function with options, or a group of commands."""

UNLISTED = frozenset({"reference"})
"""Commands for the people who build Assent."""


class Commands(TyperGroup):
    """The commands of the table, imported one by one."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of the table."""
        return [name for name in COMMANDS if name not in UNLISTED]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, None when there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        found = getattr(import_module(module), attribute)
        if not isinstance(found, typer.Typer):
            single = typer.Typer(add_completion=False, rich_markup_mode=None)
            single.command(cmd_name)(found)
            found = single
        command = get_command(found)
        command.name = cmd_name
        return command


main = typer.Typer(
    cls=Commands,
    name="assent",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@main.callback()
def assent() -> None:
    """An OAuth 2.1 authorization server. Start one with `assent serve --migrate`."""
