"""Commands without a configured database: they start the embedded one, or join the one that runs."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.store import embedded

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory that the user who runs PostgreSQL can reach, unlike those of pytest when it runs as root."""
    with tempfile.TemporaryDirectory(prefix="assent-test-") as name:
        path = Path(name)
        path.chmod(0o711)
        yield path


def assent(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command as an operator would, with a data directory of its own and no other settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ASSENT_")}
    environment |= {"ASSENT_DATA_DIR": str(home / "data"), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *words], cwd=home, env=environment, capture_output=True, text=True, timeout=60
    )


@pytest.mark.slow
def test_a_command_starts_the_embedded_database_for_itself_and_joins_a_running_one(home: Path) -> None:
    before = assent(home, "user", "list")
    assert before.returncode == 2
    assert "run `assent migrate`" in before.stderr
    planned = assent(home, "migrate", "--plan")
    assert "pending: 0001" in planned.stdout
    assert "CREATE TABLE" in planned.stdout
    assert "applied: 0001" in assent(home, "migrate").stdout
    assert "Created user ada." in assent(home, "user", "create", "ada").stdout
    running = embedded.start(home / "data", owner_label="a test", durable=False)
    try:
        joined = assent(home, "user", "list")
        assert joined.stdout.startswith("ada\t-\tactive\t"), joined.stderr
        assert running.poll() is None
    finally:
        running.stop()
    assert assent(home, "user", "disable", "ada").stdout == "ada is disabled.\n"
