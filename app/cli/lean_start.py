"""What a worker imports before anything else, so that it is ready soon and stays small.

structlog would import rich for tracebacks that this product never prints: 4 MiB and a twentieth of a second. Imports
make objects that stay, and looking for garbage among them is a seventh of their time: `collect_again` ends the pause.
"""

import gc
import sys

sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
gc.disable()


def collect_again() -> None:
    """Let the collector work from now on; call it when everything is imported."""
    gc.enable()
