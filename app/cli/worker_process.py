"""The parent's hold on one worker: start the process early, give it its order, end it.

It imports next to nothing, because the first worker is started before the parent imports the rest.
"""

import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field

from app.cli.order import Listeners, Order, send_order


@dataclass(slots=True)
class Worker:
    """A place for one process, and the process that fills it now.

    `essential` workers end the server when they cannot even start; others are given up after a few attempts. One that
    has its order and was not started waits for somebody who needs it: the first connection starts it.
    """

    name: str
    preload: str
    essential: bool = True
    order: Order | None = field(default=None, repr=False)
    listeners: Listeners | None = None
    process: subprocess.Popen[bytes] | None = None
    channel: socket.socket | None = None
    pending: bytes = b""
    started: float = 0.0
    ever_ready: bool = False
    falls: int = 0
    restart_at: float | None = None

    def start(self) -> None:
        """Start the process; it imports and waits for its order, or gets it at once when there is one."""
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-P", "-m", "app.cli.worker", str(theirs.fileno()), self.preload]
            # Its own group: Ctrl-C reaches the parent alone, who stops the workers in order.
            self.process = subprocess.Popen(
                command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, process_group=0
            )
        self.channel = ours
        self.started, self.pending, self.restart_at = time.monotonic(), b"", None
        if self.order is not None and self.listeners is not None:
            self.instruct(self.order, self.listeners)

    def instruct(self, order: Order, listeners: Listeners) -> None:
        """Give the order; it is kept for the successors of this process."""
        self.order, self.listeners = order, listeners
        if self.channel is not None:
            with suppress(OSError):
                send_order(self.channel, order, listeners)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if there is one."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self) -> None:
        """End the process at once and forget it."""
        if self.process is not None:
            self.signal(signal.SIGKILL)
            self.process.wait()
        self.forget()

    def forget(self) -> None:
        """Drop what belonged to the ended process."""
        if self.channel is not None:
            self.channel.close()
        self.process = self.channel = None
