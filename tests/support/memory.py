"""Where temporary databases are best kept: in memory, since a file system makes, copies and removes them slowly."""

import os
import shutil
from pathlib import Path

_MEMORY = Path("/dev/shm")
_ENOUGH = 4 << 30


def room() -> Path | None:
    """Return a directory in memory for temporary ones, None where there is not plenty of room (then: the usual place).

    Nothing in it is to be executed: it may be mounted without the right to run programs.
    """
    usable = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK | os.X_OK)
    return _MEMORY if usable and shutil.disk_usage(_MEMORY).free > _ENOUGH else None
