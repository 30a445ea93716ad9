"""What every process of ours imports before anything else, so that it is ready soon and stays small.

structlog would import rich for tracebacks that this product never prints: 4 MiB and a twentieth of a second. Imports
make objects that stay, and looking for garbage among them is a seventh of their time: `collect_again` ends the pause.
It also leaves what is there by then out of every later search: each would take a tenth of a second, the first two of
them before the first answer, and the others in the middle of requests. A command that is over soon leaves it off.
"""

import gc
import sys

sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
gc.disable()


def collect_again() -> None:
    """Let the collector work from now on, on what is made from now on; call it when everything is imported.

    Where it works already, as in a process that is more than this command, nothing changes.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
