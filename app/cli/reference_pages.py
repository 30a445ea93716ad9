"""The generated pages of docs/reference: settings, scopes, command line, data file."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pydantic.fields import FieldInfo
from typer.main import get_command

from app.cli import commands
from app.protocol.client_metadata import IN_EFFECT, ClientMetadata
from app.protocol.features import Feature
from app.protocol.scopes import BUILTIN, DEFAULT, ScopeDefinition
from app.services.data_file.application_entry import ApplicationEntry, ApplicationLifetimes
from app.services.data_file.document import (
    ApiKeyEntry,
    MemberEntry,
    OrganizationEntry,
    ResourceEntry,
    UserEntry,
)
from app.settings.model import Settings, is_mapping, section_of
from app.settings.problems import bounds
from app.settings.sources import variable_of

_GENERATED = "<!-- Made by `python -m app.cli reference` from the code: change it there. -->"
_HELP_WIDTH = 100

_SETTINGS = """\
# Settings

Settings are read from `assent.toml` (or the file that `--config` or `ASSENT_CONFIG` names) and from environment
variables. Command line options win over variables, variables over the file, the file over defaults. Empty variables
count as absent; unknown keys and variables are errors.

A secret can stand in a file of its own, named by the variable with `_FILE` at its end: `ASSENT_SECRET_KEY_FILE`.
In variables, lists are written as JSON or with commas between their words, and tables as JSON or with one variable
for each key.
"""

_FEATURES = """\
What is switched off is not served, not offered to clients and not published.
"""

_SCOPES = """\
# Scopes

A server without `[scopes]` has these. Within a set the first scope swallows the later ones on the consent page; it
never adds them to a token.

{default}

A registry of your own replaces them:

```toml
[scopes."invoice:write"]
description = "Create and edit invoices"
detail = "It can’t delete them."
kind = "change"
set = "invoice"

[scopes."invoice:read"]
description = "See invoices"
set = "invoice"
optional = true
```

Installed packages may add scopes through the entry-point group `assent.scopes`. Each entry point is an iterable of
`app.protocol.scopes.ScopeDefinition`, or a callable that returns one.

These names belong to OpenID Connect. They are there besides, unless `features.openid` is off, and cannot be redefined.

{builtin}
"""

_CLI = """\
# Command line

Commands that need the database use `ASSENT_DATABASE_URL`, join a running server, or start the embedded database for
as long as they take. What cannot be done is told in a sentence on standard error; exit status 2 means that something
in the input, the settings or the database must be changed first.
"""

_DATA_FILE = """\
# Data file

`assent apply FILE` and `assent serve --apply FILE` read users, organizations, applications, resources and API keys
from a TOML or JSON file. The whole file is checked before anything is written, in one transaction. Applying it again
changes nothing. Nulls and empty lists count as absent; unknown members are errors.

Of a user, members that are left out stay as they are. An application is described whole: members that are left out
have their defaults, except for a generated name and secret. No file removes, disables or enables anything.

```toml
[[users]]
username = "alice"
email = "alice@example.org"
claims = {{ given_name = "Alice" }}

[[applications]]
client_id = "shop"
client_name = "Shop"
redirect_uris = ["https://shop.example.org/callback"]
grant_types = ["authorization_code", "refresh_token"]
owner = "alice"
```

## users

{users}

## organizations

{organizations}

Other members are reported, without effect in this version.

### members

{members}

## applications

{applications}

### lifetimes

{lifetimes}

### Registered metadata

The members of RFC 7591, of OpenID Connect Registration and of later specifications.

In effect: {in_effect}.

Stored and reported, without effect in this version: {stored}.

An application with a `token_endpoint_auth_method` or `profile` that this version does not have is stored, and refused
at the endpoints instead of being served without it.

`client_name`, `client_uri`, `logo_uri`, `policy_uri` and `tos_uri` may carry a language tag: `client_name#de`.

## resources

An entry describes its resource whole. Where the settings declare the same one, they win.

{resources}

## api_keys

{api_keys}

An entry describes its key whole, except for the secret and for whether it is switched off.
"""


def rendered() -> dict[str, str]:
    """Return every generated page by file name."""
    return {name: f"{_GENERATED}\n\n{page().strip()}\n" for name, page in PAGES.items()}


def settings_page() -> str:
    """Every settings key with its variable, default and meaning."""
    parts = [_SETTINGS, _settings_table(Settings.model_fields, "")]
    parts += [f"\n## [features]\n\n{_FEATURES}", _feature_table()]
    parts += _settings_sections(Settings.model_fields, "")
    return "\n".join(parts)


def scopes_page() -> str:
    """The default registry, and how to have another one."""
    return _SCOPES.format(default=_scope_table(DEFAULT), builtin=_scope_table(BUILTIN))


def cli_page() -> str:
    """The help of every command."""
    return "\n".join((_CLI, *_command_help(get_command(commands.main), "assent", None)))


def data_file_page() -> str:
    """The members of a data file."""
    registered = ClientMetadata.model_fields.keys()
    own = {name: field for name, field in ApplicationEntry.model_fields.items() if name not in registered}
    return _DATA_FILE.format(
        users=_member_table(UserEntry.model_fields),
        organizations=_member_table(OrganizationEntry.model_fields),
        members=_member_table(MemberEntry.model_fields),
        applications=_member_table(own),
        lifetimes=_member_table(ApplicationLifetimes.model_fields),
        resources=_member_table(ResourceEntry.model_fields),
        api_keys=_member_table(ApiKeyEntry.model_fields),
        in_effect=_names(sorted(IN_EFFECT)),
        stored=_names(sorted(registered - IN_EFFECT - {"localized"})),
    )


PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "scopes.md": scopes_page,
    "cli.md": cli_page,
    "data-file.md": data_file_page,
}


def _settings_sections(fields: Mapping[str, FieldInfo], prefix: str) -> Iterator[str]:
    """Yield the tables that a file can have below a prefix, and those within them."""
    for name, field in fields.items():
        if (section := section_of(field)) is not None:
            key = f"{prefix}{name}.<name>" if is_mapping(field) else f"{prefix}{name}"
            yield f"\n## [{key}]\n"
            yield f"{field.description}\n"
            yield _settings_table(section.model_fields, f"{key}.")
            yield from _settings_sections(section.model_fields, f"{key}.")


def _settings_table(fields: Mapping[str, FieldInfo], prefix: str) -> str:
    rows = []
    for name, field in fields.items():
        if section_of(field) is None:
            key = f"{prefix}{field.alias or name}"
            variable = "" if "<" in key else f"`{variable_of(key)}`"
            between = bounds(field)
            meaning = f"{field.description}{f' From {between}.' if between else ''}"
            rows.append((f"`{key}`", variable, _default(field), meaning))
    return _table(("key", "variable", "default", "meaning"), rows)


def _feature_table() -> str:
    rows = []
    for feature in Feature:
        spec = feature.value
        key = f"features.{spec.key}"
        needs = ", ".join(f"`{needed}`" for needed in spec.requires)
        default = "on" if spec.default else "off"
        rows.append((f"`{key}`", f"`{variable_of(key)}`", default, spec.spec, spec.maturity.value, needs))
    return _table(("key", "variable", "default", "specification", "maturity", "needs"), rows)


def _scope_table(scopes: Iterable[ScopeDefinition]) -> str:
    rows = [(f"`{scope.name}`", f"{scope.title}. {scope.detail}".strip(), scope.kind, scope.set) for scope in scopes]
    return _table(("scope", "on the consent page", "kind", "set"), rows)


def _member_table(fields: Mapping[str, FieldInfo]) -> str:
    rows = [
        (f"`{name}`", "required" if field.is_required() else _default(field), field.description or "")
        for name, field in fields.items()
    ]
    return _table(("member", "default", "meaning"), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _command_help(command: Any, path: str, parent: Any) -> Iterator[str]:
    context = command.context_class(
        command, info_name=path.split()[-1], parent=parent, terminal_width=_HELP_WIDTH, max_content_width=_HELP_WIDTH
    )
    yield f"\n## {path}\n\n```text\n{command.get_help(context).strip()}\n```"
    if hasattr(command, "list_commands"):
        for name in command.list_commands(context):
            yield from _command_help(command.get_command(context, name), f"{path} {name}", context)


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None or field.default in (None, (), "") or field.is_required():
        return ""
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
