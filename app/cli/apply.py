"""`assent apply`: users and applications as a file declares them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import Config

if TYPE_CHECKING:
    from app.services.data_file import Report


def apply(
    file: Annotated[Path, typer.Argument(help="Data file: JSON when its name ends in .json, else TOML.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would change.")] = False,
    config: Config = None,
) -> None:
    """Make users, organizations, applications and API keys as FILE says. Applying it again changes nothing."""
    from app.cli.connection import Session, run, vault_of
    from app.services import data_file

    async def work(session: Session) -> "Report":
        settings = session.settings
        data = data_file.read(file, settings.scope_registry(), settings.role_set(), settings.signing.algorithms)
        vault = await vault_of(session) if data.needs_vault and not dry_run else None
        return await data_file.apply(
            session.database, session.passwords, data, session.operator, dry_run=dry_run, vault=vault
        )

    for line in lines(run("apply", config, work), dry_run=dry_run):
        typer.echo(line)


def lines(report: "Report", *, dry_run: bool) -> list[str]:
    """Return the report for a terminal. Generated secrets are printed here and nowhere else."""
    printed: list[str] = []
    for change in report.changes:
        printed.append(f"{change.sign} {change.noun} {change.name}")
        printed += [f"    {detail}" for detail in change.details]
    counts = {sign: sum(change.sign == sign for change in report.changes) for sign in "+~="}
    printed.append(f"{counts['+']} new, {counts['~']} changed, {counts['=']} unchanged{', nothing written' * dry_run}.")
    if report.not_in_effect:
        printed += ["Not in effect in this version:", *(f"    {entry}" for entry in report.not_in_effect)]
    if report.weak:
        printed += ["Weak, replace it:", *(f"    {entry}" for entry in report.weak)]
    if report.secrets:
        printed.append("Generated, shown only now:")
        printed += [f"    {entry.noun} {entry.name} {entry.kind} {entry.secret}" for entry in report.secrets]
    return printed
