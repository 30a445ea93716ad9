"""The event loop of coroutine tests: the product's, which does not wait for ever when it is closed.

A connection that a test leaves open is a warning, and warnings are errors here: raised while uvloop closes what is
still open, it keeps that connection from being closed, and uvloop waits for it. The whole run would stand still, and
nobody would learn after which test.
"""

import sys
import threading

import uvloop

PATIENCE_SECONDS = 20.0


class PatientLoop(uvloop.Loop):
    """uvloop, closed in a thread that may be left behind."""

    def close(self) -> None:
        """Close the loop; give up on what it waits for after a while, and say so."""
        closing = threading.Thread(target=super().close, name="closes an event loop", daemon=True)
        closing.start()
        closing.join(PATIENCE_SECONDS)
        if closing.is_alive():
            sys.stderr.write("an event loop of tests could not be closed and was left behind\n")
