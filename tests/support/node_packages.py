"""Packages from npm for tests, at the versions of their lock file."""

import fcntl
import shutil
import subprocess
from pathlib import Path

HOME = Path(__file__).parent / "node"


def installed(name: str) -> Path:
    """Return the directory of a package; everything in the lock file is installed when it is not there yet."""
    package = HOME / "node_modules" / name
    with (HOME / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes that run side by side install once
        if not package.is_dir():
            npm = shutil.which("npm") or "npm"
            subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=HOME, check=True)
    return package
