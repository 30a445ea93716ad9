"""`assent import`: what another system left behind."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import Config

if TYPE_CHECKING:
    from app.services.legacy_import import Report

import_ = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Take over what another system left behind.",
)

_SHOWN = 20
"""Refusals and changes of one import that the terminal shows; the file of `--report` has all of them."""


@import_.callback()
def everything() -> None:
    """Keep `legacy` a command of its own, although there is no other yet."""


@import_.command("legacy")
def legacy(
    source: Annotated[
        str,
        typer.Argument(metavar="FILE|URL", help="JSON file, or postgresql:// URL of the old database (read only)."),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would happen.")] = False,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write every refusal and change to this file, as JSON lines.")
    ] = None,
    config: Config = None,
) -> None:
    """Import users, applications, consents, tokens and keys of a system whose scopes were bits.

    Working tokens and keys go on working. Broke off? Start it again: what is here already is passed over.
    """
    from app.cli.connection import Session, run
    from app.services.bootstrap import REFRESH_KEY_VERSION
    from app.services.legacy_import import Importer, Source, read_file
    from app.services.legacy_import.source import BATCH
    from app.store.legacy_source import open_source

    async def work(session: Session) -> "Report":
        async def from_rows(rows: Source) -> "Report":
            importer = Importer(
                session.database,
                rows,
                session.settings.scope_registry(),
                session.settings.role_set(),
                session.settings.policy().lifetimes,
                key_version=REFRESH_KEY_VERSION,
                operator=session.operator,
                progress=_tell_progress,
            )
            return await importer.run(dry_run=dry_run)

        if source.startswith(("postgresql://", "postgres://")):
            async with open_source(source, BATCH) as database:
                return await from_rows(database)
        return await from_rows(read_file(Path(source)))

    outcome = run("import", config, work)
    if report is not None:
        _write(report, outcome)
    for line in lines(outcome, dry_run=dry_run):
        typer.echo(line)


def lines(report: "Report", *, dry_run: bool) -> list[str]:
    """Return the report for a terminal."""
    from app.services.legacy_import.rows import KINDS

    printed = [
        f"{kind}: {report.imported[kind]} imported, {report.present[kind]} already here, {report.refused(kind)} refused"
        for kind in KINDS
    ]
    entries = list(report.entries())
    printed += [f"  {word} {entry.kind} {entry.name}: {entry.why}." for word, entry in entries[:_SHOWN]]
    if len(entries) > _SHOWN:
        printed.append(f"  … and {len(entries) - _SHOWN} more: --report FILE has them all.")
    if dry_run:
        printed.append("Nothing was written.")
    return printed


def _write(file: Path, report: "Report") -> None:
    import orjson

    from app.cli.connection import fail

    rows = [
        orjson.dumps({"outcome": word, "kind": entry.kind, "name": entry.name, "why": entry.why})
        for word, entry in report.entries()
    ]
    try:
        file.write_bytes(b"".join(row + b"\n" for row in rows))
    except OSError as refused:
        fail(f"{file} cannot be written: {refused.strerror}.")


def _tell_progress(kind: str, rows: int) -> None:
    typer.echo(f"{kind}: {rows} rows", err=True)
