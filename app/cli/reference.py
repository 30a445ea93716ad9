"""`assent reference`: the pages of docs/reference that are made from the code, and the check that they are fresh."""

from pathlib import Path
from typing import Annotated

import typer

import app


def reference(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail when a page is stale.")] = False,
) -> None:
    """Write the generated pages of docs/reference."""
    from app.cli.connection import fail
    from app.cli.reference_pages import rendered

    folder = Path(app.__file__).resolve().parent.parent / "docs" / "reference"
    pages = rendered()
    stale = [name for name, text in pages.items() if _read(folder / name) != text]
    if check and stale:
        fail(f"docs/reference is stale ({', '.join(stale)}): run `make docs`.")
    folder.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (folder / name).write_text(pages[name], encoding="utf-8")
    typer.echo(f"{len(pages)} pages are fresh, {len(stale)} written.")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
