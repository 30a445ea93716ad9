"""The command line. Workers live here too and need none of it, so the commands are imported when one is called."""


def main() -> None:
    """Run the command that the process was started with."""
    from app.cli import lean_start  # noqa: F401 - before whatever takes long to import
    from app.cli.commands import main as run

    run(prog_name="assent")
