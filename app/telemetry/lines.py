"""The request log's way out: lines are gathered for a moment and written at once, because a write costs as much as
answering. A process that is killed loses at most the lines of its last twentieth of a second."""

import asyncio
from typing import TextIO

_GATHER_SECONDS = 0.05
_GATHER_LINES = 500


class Lines:
    """Whole lines on their way to a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._gathered: list[bytes] = []

    def add(self, line: bytes) -> None:
        """Take a line without its line feed. Needs a running event loop."""
        gathered = self._gathered
        gathered.append(line)
        if len(gathered) == 1:
            asyncio.get_running_loop().call_later(_GATHER_SECONDS, self.flush)
        elif len(gathered) >= _GATHER_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what is gathered."""
        if self._gathered:
            text = b"\n".join(self._gathered).decode("utf-8") + "\n"
            self._gathered.clear()
            self._stream.write(text)
            self._stream.flush()
