"""Programs on Node.js that a test talks with in lines of JSON, while its own servers go on answering them."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import node_packages

PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Program:
    """A running program."""

    process: asyncio.subprocess.Process

    async def tell(self, value: Any) -> None:
        """Say something to it."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(value).encode() + b"\n")
        await self.process.stdin.drain()

    async def hear(self) -> Any:
        """Return what it says next; raises AssertionError with its own words when it has failed."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            line = await self.process.stdout.readline()
            if not line:
                raise AssertionError((await self.process.stderr.read()).decode())
        return json.loads(line)


@contextlib.asynccontextmanager
async def program(script: str, environment: Mapping[str, str], ca_file: Path | None) -> AsyncIterator[Program]:
    """Run a script below `tests/support/node`; it ends when the test has heard enough, whatever happens.

    It trusts servers of `ca_file`. Its packages are installed when they are not there yet.
    """
    node_packages.installed("openid-client")
    trust = {} if ca_file is None else {"NODE_EXTRA_CA_CERTS": str(ca_file)}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *("node", str(node_packages.HOME / script)), stdin=pipe, stdout=pipe, stderr=pipe, env={**environment, **trust}
    )
    try:
        yield Program(process)
        assert process.stdin is not None
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
